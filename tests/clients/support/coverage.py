"""The operations with a handler, from the README."""

import re

from .server import ROOT


def handled_operations():
    """The handled operations of the README's coverage table."""
    table = re.search(r"<!-- coverage: .*?-->(.*?)<!-- coverage ends -->", (ROOT / "README.md").read_text(), re.S)[1]
    handled = []
    for row in table.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) >= 3 and cells[0].startswith("`"):
            handled += [operation for operation in cells[2].split(", ") if operation]
    return handled
