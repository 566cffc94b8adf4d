"""The password policy of an account: defaults, ranges, deletion, and the grant to users."""

import pytest
from support.documents import policy
from support.expect import refused

DEFAULTS = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
    "ExpirePasswords": False,
}


@pytest.fixture(autouse=True)
def no_policy_afterwards(aws):
    yield
    try:
        aws.call("DeleteAccountPasswordPolicy")
    except Exception as error:
        assert "PasswordPolicy cannot be found" in str(error)


def test_what_is_left_out_returns_to_its_default(api):
    api.call("UpdateAccountPasswordPolicy")
    assert api.call("GetAccountPasswordPolicy")["PasswordPolicy"] == DEFAULTS
    everything = {
        "MinimumPasswordLength": 14, "RequireSymbols": True, "RequireNumbers": True, "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": True, "AllowUsersToChangePassword": True, "MaxPasswordAge": 90,
        "PasswordReusePrevention": 24, "HardExpiry": True,
    }  # fmt: skip
    api.call("UpdateAccountPasswordPolicy", **everything)
    assert api.call("GetAccountPasswordPolicy")["PasswordPolicy"] == everything | {"ExpirePasswords": True}
    api.call("UpdateAccountPasswordPolicy", MinimumPasswordLength=8)
    assert api.call("GetAccountPasswordPolicy")["PasswordPolicy"] == DEFAULTS | {"MinimumPasswordLength": 8}
    api.call("DeleteAccountPasswordPolicy")
    refused(api, "NoSuchEntity", "GetAccountPasswordPolicy")


def test_without_a_policy(api, server):
    missing = refused(api, "NoSuchEntity", "GetAccountPasswordPolicy")
    assert missing.message == f"The Password Policy with domain name {server.account} cannot be found."
    missing = refused(api, "NoSuchEntity", "DeleteAccountPasswordPolicy")
    assert missing.message == "The account policy with name PasswordPolicy cannot be found."


@pytest.mark.parametrize(
    ["member", "value", "message"],
    [
        ("MinimumPasswordLength", 5, "'minimumPasswordLength' failed to satisfy constraint: Member must have value greater than or equal to 6"),
        ("MinimumPasswordLength", 129, "'minimumPasswordLength' failed to satisfy constraint: Member must have value less than or equal to 128"),
        ("MaxPasswordAge", 0, "'maxPasswordAge' failed to satisfy constraint: Member must have value greater than or equal to 1"),
        ("MaxPasswordAge", 1096, "'maxPasswordAge' failed to satisfy constraint: Member must have value less than or equal to 1095"),
        ("PasswordReusePrevention", 25, "'passwordReusePrevention' failed to satisfy constraint: Member must have value less than or equal to 24"),
    ],
)  # fmt: skip
def test_ranges(api, member, value, message):
    error = refused(api, "ValidationError", "UpdateAccountPasswordPolicy", **{member: value})
    assert error.message == f"1 validation error detected: Value at {message}"


def test_users_may_read_it_if_they_may_change_their_passwords(api, new_user):
    plain = api.signed_by(new_user()[1])
    denied = api.signed_by(new_user(policy({"Effect": "Deny", "Action": "iam:Get*", "Resource": "*"}))[1])
    refused(plain, "AccessDenied", "GetAccountPasswordPolicy")
    api.call("UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True)
    assert plain.call("GetAccountPasswordPolicy")["PasswordPolicy"]["AllowUsersToChangePassword"] is True
    refused(denied, "AccessDenied", "GetAccountPasswordPolicy")
    refused(plain, "AccessDenied", "UpdateAccountPasswordPolicy")
    refused(plain, "AccessDenied", "DeleteAccountPasswordPolicy")
    api.call("UpdateAccountPasswordPolicy")
    refused(plain, "AccessDenied", "GetAccountPasswordPolicy")
