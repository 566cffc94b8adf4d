"""Login profiles: passwords set by administrators and changed by their users, and what the password policy says."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.api import ApiError
from support.documents import ALLOW_ALL, policy
from support.expect import refused
from test_administrator import Cli

FIRST, SECOND, THIRD = "correct-Horse-1", "battery-Staple-2", "Third ünd last 3"


@pytest.fixture(autouse=True)
def no_policy_afterwards(aws):
    yield
    try:
        aws.call("DeleteAccountPasswordPolicy")
    except ApiError as error:
        assert error.code == "NoSuchEntity"


@pytest.fixture
def user(api, name):
    """A user, by name."""
    return api.call("CreateUser", UserName=name("user"))["User"]["UserName"]


def test_a_password_is_given_shown_replaced_and_taken_away(api, user):
    made = api.call("CreateLoginProfile", UserName=user, Password=FIRST, PasswordResetRequired=True)["LoginProfile"]
    assert made["UserName"] == user and made["PasswordResetRequired"] is True
    assert set(made) == {"UserName", "CreateDate", "PasswordResetRequired"}
    assert api.call("GetLoginProfile", UserName=user)["LoginProfile"] == made
    error = refused(api, "EntityAlreadyExists", "CreateLoginProfile", UserName=user, Password=FIRST)
    assert error.message == f"Login Profile for user {user} already exists."
    assert not api.call("UpdateLoginProfile", UserName=user, Password=SECOND, PasswordResetRequired=False).keys() - {"ResponseMetadata"}
    after = api.call("GetLoginProfile", UserName=user)["LoginProfile"]
    assert after == made | {"PasswordResetRequired": False}
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=user)
    assert error.message == "Cannot delete entity, must delete login profile first."
    renamed = user + "-renamed"
    api.call("UpdateUser", UserName=user, NewUserName=renamed)
    assert api.call("GetLoginProfile", UserName=renamed)["LoginProfile"] == after | {"UserName": renamed}
    api.call("DeleteLoginProfile", UserName=renamed)
    for operation in ("GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"):
        error = refused(api, "NoSuchEntity", operation, UserName=renamed)
        assert error.message == f"Login Profile for User {renamed} cannot be found."
    api.call("DeleteUser", UserName=renamed)
    error = refused(api, "NoSuchEntity", "GetLoginProfile", UserName=renamed)
    assert error.message == f"The user with name {renamed} cannot be found."


def test_without_a_policy_the_default_of_aws_applies(api, user):
    for password, message in {
        "Aa1!": "Password should have a minimum length of 8",
        "onlylowercase": "Password should meet 2 more of the following requirements: Password should have at least one uppercase "
        "letter, Password should have at least one number, Password should have at least one symbol",
    }.items():
        error = refused(api, "PasswordPolicyViolation", "CreateLoginProfile", UserName=user, Password=password)
        assert error.message == message
    error = refused(api, "ValidationError", "CreateLoginProfile", UserName=user, Password="a" * 129)
    assert error.message.endswith("'password' failed to satisfy constraint: Member must have length less than or equal to 128")
    refused(api, "NoSuchEntity", "GetLoginProfile", UserName=user)


def test_a_user_changes_their_own_password(api, new_user):
    made, credentials = new_user()
    name = made["UserName"]
    mine = api.signed_by(credentials)
    change = {"OldPassword": FIRST, "NewPassword": SECOND}
    refused(mine, "AccessDenied", "ChangePassword", **change)
    api.call("UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True, PasswordReusePrevention=3)
    error = refused(mine, "NoSuchEntity", "ChangePassword", **change)
    assert error.message == f"Login Profile for User {name} cannot be found."
    api.call("CreateLoginProfile", UserName=name, Password=FIRST, PasswordResetRequired=True)
    error = refused(mine, "AccessDenied", "ChangePassword", OldPassword="wrong-Horse-1", NewPassword=SECOND)
    assert error.message == "The old password was incorrect."
    mine.call("ChangePassword", **change)
    assert api.call("GetLoginProfile", UserName=name)["LoginProfile"]["PasswordResetRequired"] is False
    mine.call("ChangePassword", OldPassword=SECOND, NewPassword=THIRD)
    # The last three passwords are refused, to users and to administrators.
    for former in (FIRST, SECOND, THIRD):
        error = refused(mine, "PasswordPolicyViolation", "ChangePassword", OldPassword=THIRD, NewPassword=former)
        assert error.message == "Password does not conform to the account password policy."
        refused(api, "PasswordPolicyViolation", "UpdateLoginProfile", UserName=name, Password=former)
    # The grant is for one's own password alone, and an explicit deny is stronger.
    refused(mine, "AccessDenied", "UpdateLoginProfile", UserName=name, Password=SECOND)
    refused(mine, "AccessDenied", "GetLoginProfile")
    deny = policy({"Effect": "Deny", "Action": "iam:ChangePassword", "Resource": "*"})
    api.call("PutUserPolicy", UserName=name, PolicyName="deny", PolicyDocument=deny)
    refused(mine, "AccessDenied", "ChangePassword", OldPassword=THIRD, NewPassword="fourth-Password-4")


def test_members_may_be_left_out(api, new_user, aws):
    made, credentials = new_user(policy("iam:*LoginProfile"))
    mine = api.signed_by(credentials)
    assert mine.call("CreateLoginProfile", Password=FIRST)["LoginProfile"]["UserName"] == made["UserName"]
    assert mine.call("GetLoginProfile")["LoginProfile"]["UserName"] == made["UserName"]
    mine.call("DeleteLoginProfile")
    refused(mine, "NoSuchEntity", "GetLoginProfile")
    missing = refused(mine, "ValidationError", "CreateLoginProfile")
    assert "'password' failed to satisfy constraint: Member must not be null" in missing.message
    # Root has no name to be found by.
    refused(api, "ValidationError", "CreateLoginProfile", Password=FIRST)
    error = refused(api, "InvalidUserType", "ChangePassword", OldPassword=FIRST, NewPassword=SECOND)
    assert error.message == "Only IAM Users can change their own password"


def test_guesses_of_the_old_password_are_limited(api, new_user):
    made, credentials = new_user(policy("iam:ChangePassword"))
    api.call("CreateLoginProfile", UserName=made["UserName"], Password=FIRST)
    mine = api.signed_by(credentials)
    for number in range(6):
        refused(mine, "AccessDenied", "ChangePassword", OldPassword=f"guess-Number-{number}", NewPassword=SECOND)
    refused(mine, "EntityTemporarilyUnmodifiable", "ChangePassword", OldPassword=FIRST, NewPassword=SECOND)
    # An administrator can still set another one.
    api.call("UpdateLoginProfile", UserName=made["UserName"], Password=SECOND)


def test_of_concurrent_changes_each_is_whole(api, new_user):
    """Computing a hash takes long; what was changed meanwhile is noticed."""
    made, credentials = new_user(policy("iam:ChangePassword"))
    api.call("CreateLoginProfile", UserName=made["UserName"], Password=FIRST)
    outcomes = []

    def change(password):
        try:
            api.signed_by(credentials).call("ChangePassword", OldPassword=FIRST, NewPassword=password)
            outcomes.append((password, "ok"))
        except ApiError as error:
            outcomes.append((password, error.code))

    threads = [threading.Thread(target=change, args=[f"new-Password-{number}"]) for number in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    (winner,) = [password for password, outcome in outcomes if outcome == "ok"]
    # The others were too late, either while they computed or when they began.
    assert {outcome for _, outcome in outcomes} <= {"ok", "EntityTemporarilyUnmodifiable", "AccessDenied"}
    api.signed_by(credentials).call("ChangePassword", OldPassword=winner, NewPassword=SECOND)


def test_the_aws_command_line(server, aws, name):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    user_name = name("user")
    aws.call("CreateUser", UserName=user_name)
    made = cli("iam", "create-login-profile", "--user-name", user_name, "--password", FIRST, "--password-reset-required")
    assert made["LoginProfile"]["PasswordResetRequired"] is True
    cli.run("iam", "update-login-profile", "--user-name", user_name, "--no-password-reset-required").check_returncode()
    assert cli("iam", "get-login-profile", "--user-name", user_name)["LoginProfile"]["PasswordResetRequired"] is False
    cli.run("iam", "delete-login-profile", "--user-name", user_name).check_returncode()


def test_a_boundary_holds_who_may_set_passwords(aws, new_user, server, name):
    """The password of another user gives their rights, so a boundary must hold the ways to set it."""
    victim = name("victim")
    aws.call("CreateUser", UserName=victim)
    aws.call("PutUserPolicy", UserName=victim, PolicyName="all", PolicyDocument=ALLOW_ALL)
    reading = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=policy("iam:Get*"))["Policy"]["Arn"]
    _, credentials = new_user(ALLOW_ALL, PermissionsBoundary=reading)
    held = aws.signed_by(credentials)
    refused(held, "AccessDenied", "CreateLoginProfile", UserName=victim, Password=FIRST)
    aws.call("CreateLoginProfile", UserName=victim, Password=FIRST)
    refused(held, "AccessDenied", "UpdateLoginProfile", UserName=victim, Password=SECOND)
    refused(held, "AccessDenied", "DeleteLoginProfile", UserName=victim)
    # The grant of the account does not reach beyond a boundary either.
    aws.call("UpdateAccountPasswordPolicy", AllowUsersToChangePassword=True)
    refused(held, "AccessDenied", "ChangePassword", OldPassword=FIRST, NewPassword=SECOND)


def test_a_call_that_changes_nothing_tries_no_password(api, name):
    """Computations of one caller are limited to 16 at a time: without any, none of many calls is throttled."""
    user = {"UserName": name("user")}
    api.call("CreateUser", **user)
    api.call("CreateLoginProfile", **user, Password="Hidden-Marsh-7")
    both = {"MaxSigninSessionDuration": 43200, "ResetMaxSigninSessionDuration": True}

    def attempt(number):
        return refused(api, "InvalidInput", "UpdateLoginProfile", **user, **both, Password=f"Hidden-Marsh-{number}")

    with ThreadPoolExecutor(32) as pool:
        assert len(list(pool.map(attempt, range(64)))) == 64
