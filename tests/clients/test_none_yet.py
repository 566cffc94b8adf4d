"""Objects that cannot be created yet: lists of them are empty, and a single one is not found.

Clients that clean up list everything that a user or role might have; an empty list lets them continue.
"""

import re

import pytest
from support.expect import refused
from support.server import ROOT



IN_THE_ACCOUNT = {
    "ListServerCertificates": "ServerCertificateMetadataList",
}


@pytest.mark.parametrize("operation", IN_THE_ACCOUNT)
def test_the_account_has_none(api, operation, new_user):
    answer = api.call(operation)
    assert answer.get(IN_THE_ACCOUNT[operation], []) == []
    assert answer.get("IsTruncated", False) is False
    _, credentials = new_user()
    refused(api.signed_by(credentials), "AccessDenied", operation)



def test_markers_are_of_lists_that_had_a_page(api):
    assert refused(api, "ValidationError", "ListServerCertificates", Marker="x").message == "Invalid Marker."


def test_an_object_requested_by_name_is_missing(api):
    for operation, members, message in [
        ("GetServerCertificate", {"ServerCertificateName": "web"}, "The Server Certificate with name web cannot be found."),
    ]:  # fmt: skip
        error = refused(api, "NoSuchEntity", operation, **members)
        assert message is None or error.message == message, error


def test_only_creating_enabling_and_issuing_is_not_implemented(api):
    """The README's last column has only operations for which an empty answer would be wrong."""
    table = re.search(r"<!-- coverage: .*?-->(.*?)<!-- coverage ends -->", (ROOT / "README.md").read_text(), re.S)[1]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines() if row.startswith("| `")]
    left = [operation for row in rows for operation in row[4].split(", ") if operation]
    creating = re.compile(r"^(Create|Upload|Enable|Generate|Put|Set|Acquire|AssumeRo|Decode|Get\w+Token|GetScopedCredentials)")
    # The account of a key id.
    others = {"GetAccessKeyInfo"}
    assert [operation for operation in left if not creating.match(operation) and operation not in others] == []
    refused(api, "NotImplemented", "GetSessionToken")
