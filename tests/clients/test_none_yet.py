"""Objects that cannot be created yet: lists of them are empty, and a single one is not found.

Clients that clean up list everything that a user or role might have; an empty list lets them continue.
"""

import re

import pytest
from support.documents import policy
from support.expect import refused
from support.server import ROOT



@pytest.fixture
def user(api, name):
    """A user, by name."""
    return api.call("CreateUser", UserName=name("user"))["User"]["UserName"]



OF_A_USER = {
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
}


@pytest.mark.parametrize("operation", OF_A_USER)
def test_a_user_has_none(api, user, operation):
    answer = api.call(operation, UserName=user)
    assert answer[OF_A_USER[operation]] == []
    # AWS has no `IsTruncated` here.
    assert answer.get("IsTruncated") is (None if operation == "ListServiceSpecificCredentials" else False)
    assert not answer.get("Marker")
    error = refused(api, "NoSuchEntity", operation, UserName="nobody-here")
    assert error.message == "The user with name nobody-here cannot be found."


@pytest.mark.parametrize("operation", OF_A_USER)
def test_the_caller_has_none(api, new_user, operation):
    user, credentials = new_user(policy(f"iam:{operation}"))
    mine = api.signed_by(credentials)
    assert mine.call(operation)[OF_A_USER[operation]] == []


IN_THE_ACCOUNT = {
    "ListServerCertificates": "ServerCertificateMetadataList",
    "ListSAMLProviders": "SAMLProviderList",
    "ListDelegationRequests": "DelegationRequests",
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


def test_an_object_requested_by_name_is_missing(api, user, server):
    account = server.account
    saml = f"arn:aws:iam::{account}:saml-provider/Okta"
    credential = {"UserName": user, "ServiceSpecificCredentialId": "ACCA" + "X" * 17}
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    for operation, members, message in [
        ("DeleteServiceSpecificCredential", credential, None),
        ("ResetServiceSpecificCredential", credential, None),
        ("GetServerCertificate", {"ServerCertificateName": "web"}, "The Server Certificate with name web cannot be found."),
        ("GetSAMLProvider", {"SAMLProviderArn": saml}, f"Manifest not found for arn {saml}"),
        ("DeleteSAMLProvider", {"SAMLProviderArn": saml}, f"Manifest not found for arn {saml}"),
    ]:  # fmt: skip
        error = refused(api, "NoSuchEntity", operation, **members)
        assert message is None or error.message == message, error


def test_missing_objects_are_not_revealed_to_others(api, new_user, user):
    _, credentials = new_user()
    powerless = api.signed_by(credentials)
    for operation, members in {
        "ListServiceSpecificCredentials": {"UserName": user},
    }.items():
        refused(powerless, "AccessDenied", operation, **members)


def test_permissions_are_asked_on_the_user(api, new_user, name):
    mine, other = name("mine"), name("other")
    for each in (mine, other):
        api.call("CreateUser", UserName=each)
    rules = policy({"Action": "iam:ListServiceSpecificCredentials", "Resource": f"arn:aws:iam::*:user/{mine}"})
    _, credentials = new_user(rules)
    user_api = api.signed_by(credentials)
    assert user_api.call("ListServiceSpecificCredentials", UserName=mine)["ServiceSpecificCredentials"] == []
    refused(user_api, "AccessDenied", "ListServiceSpecificCredentials", UserName=other)


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
