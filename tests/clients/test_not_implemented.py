"""Operations without a handler answer `NotImplemented`, and only those for which an empty answer would be wrong."""

import re

from support.server import ROOT


def test_only_creating_enabling_and_issuing_is_not_implemented():
    """The README's last column has only operations for which an empty answer would be wrong."""
    table = re.search(r"<!-- coverage: .*?-->(.*?)<!-- coverage ends -->", (ROOT / "README.md").read_text(), re.S)[1]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines() if row.startswith("| `")]
    left = [operation for row in rows for operation in row[3].split(", ") if operation]
    creating = re.compile(r"^(Create|Upload|Enable|Generate|Put|Set|Acquire|AssumeRo|Decode|Get\w+Token|GetScopedCredentials)")
    assert [operation for operation in left if not creating.match(operation)] == []
