"""People sign in with a password and a code; their sessions and keys act as them until something ends them."""

import json
import urllib.error
import urllib.parse
import urllib.request

import boto3
import grpc
import pytest
from support.api import REGION, ApiError, AwsApi, GrpcApi
from support.audit import records
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.report import rows
from support.server import Credentials
from support.totp import Authenticator
from support.waiting import until

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"


@pytest.fixture(scope="module")
def door(server):
    """A client without credentials."""
    return GrpcApi(server, None)


@pytest.fixture
def person(aws, name):
    """A user with all permissions and a password."""
    user = name("person")
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    return user


def signed_in(door, user, password=PASSWORD, **members):
    """The front end with the token of a new session, and the session."""
    session = door.call("SignIn", account=door.server.account, userName=user, password=password, **members)["session"]
    return door.signed_by(Credentials(bearer=session["token"])), session


def keys_of(session):
    """The temporary access keys of a session."""
    keys = session.call("GetSignInCredentials")
    return Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])


def again(server, credentials):
    """A client with a connection of its own, after a restart."""
    return GrpcApi(server, credentials, channel=grpc.insecure_channel(server.target))


def test_a_session_and_its_keys_act_as_the_user(server, door, aws, person):
    session, made = signed_in(door, person)
    arn = f"arn:aws:iam::{server.account}:user/{person}"
    assert made["arn"] == arn and made["mfaAuthenticated"] is False
    keys = keys_of(session)
    assert session.call("GetCallerIdentity")["Arn"] == arn
    for front in (AwsApi, GrpcApi):
        assert front(server, keys).call("GetCallerIdentity")["Arn"] == arn
        assert front(server, keys).call("GetUser")["User"]["UserName"] == person
    assert "PasswordLastUsed" in aws.call("GetUser", UserName=person)["User"]
    # botocore's own session finds the keys as any client does.
    client = boto3.client(
        "sts", endpoint_url=server.url, region_name=REGION, aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key, aws_session_token=keys.session_token,
    )  # fmt: skip
    assert client.get_caller_identity()["Arn"] == arn
    session.call("SignOut")
    for ended in (session, AwsApi(server, keys)):
        refused(ended, "ExpiredToken", "GetUser")


def test_a_code_is_asked_for_and_counts_in_policies(server, door, aws, person):
    deny = {"Effect": "Deny", "Action": "iam:ListUsers", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
    aws.call("PutUserPolicy", UserName=person, PolicyName="mfa", PolicyDocument=policy(deny))
    without, _ = signed_in(door, person)
    app = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=person)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=person, SerialNumber=app.serial, **app.pair())
    asked = door.call("SignIn", account=server.account, userName=person, password=PASSWORD)
    assert asked["mfaRequired"] and asked["mfaSerialNumbers"] == [app.serial] and not asked.get("session")
    code = app.code(1)
    session, made = signed_in(door, person, mfaCode=code)
    assert made["mfaAuthenticated"]
    for api, allowed in ((without, False), (AwsApi(server, keys_of(without)), False), (session, True), (AwsApi(server, keys_of(session)), True)):
        if allowed:
            api.call("ListUsers")
        else:
            refused(api, "AccessDenied", "ListUsers")
    refused(door, "InvalidAuthenticationCode", "SignIn", account=server.account, userName=person, password=PASSWORD, mfaCode=code)


def test_a_first_password_is_changed_at_sign_in(server, door, aws, person):
    aws.call("UpdateLoginProfile", UserName=person, PasswordResetRequired=True)
    who = {"account": server.account, "userName": person}
    asked = door.call("SignIn", **who, password=PASSWORD)
    assert asked["passwordChangeRequired"] and not asked.get("session")
    refused(door, "PasswordPolicyViolation", "ChangeExpiredPassword", **who, password=PASSWORD, newPassword="short")
    refused(door, "AccessDenied", "ChangeExpiredPassword", **who, password=NEXT, newPassword="third-In-9-reeds")
    made = door.call("ChangeExpiredPassword", **who, password=PASSWORD, newPassword=NEXT)["session"]
    door.signed_by(Credentials(bearer=made["token"])).call("GetUser")
    assert aws.call("GetLoginProfile", UserName=person)["LoginProfile"]["PasswordResetRequired"] is False
    signed_in(door, person, NEXT)


def test_sessions_are_listed_and_revoked(server, door, aws, rpc, person):
    first, one = signed_in(door, person)
    second, two = signed_in(door, person)
    listed = second.call("ListSignInSessions")["sessions"]
    assert [(each["sessionId"], each["current"]) for each in listed] == [(two["sessionId"], True), (one["sessionId"], False)]
    assert listed[0]["sourceIp"] == "127.0.0.1" and "grpc" in listed[0]["userAgent"]
    assert rpc.call("ListSignInSessions", userName=person)["sessions"][0]["current"] is False
    assert rpc.call("RevokeSignInSessions", userName=person, sessionIds=[one["sessionId"]])["sessionIds"] == [one["sessionId"]]
    refused(first, "ExpiredToken", "GetUser")
    second.call("GetUser")
    refused(rpc, "NoSuchEntity", "RevokeSignInSessions", userName=person, sessionIds=[one["sessionId"]])
    rpc.call("RevokeSignInSessions", userName=person)
    refused(second, "ExpiredToken", "GetUser")


@pytest.mark.parametrize("end", ["UpdateLoginProfile", "ChangePassword", "DeleteLoginProfile"])
def test_a_session_ends_with_its_password(server, door, aws, person, end):
    session, _ = signed_in(door, person)
    keys = AwsApi(server, keys_of(session))
    if end == "UpdateLoginProfile":
        aws.call(end, UserName=person, Password=NEXT)
    elif end == "ChangePassword":
        keys.call(end, OldPassword=PASSWORD, NewPassword=NEXT)
    else:
        aws.call(end, UserName=person)
    for ended in (session, keys):
        refused(ended, "ExpiredToken", "GetUser")


def test_root_signs_in_with_a_password_that_root_has_set(server, door, rpc):
    root = {"account": server.account, "root": True}
    refused(door, "AccessDenied", "SignIn", **root, password=PASSWORD)
    rpc.call("PutRootPassword", password=PASSWORD)
    session = door.call("SignIn", **root, password=PASSWORD)["session"]
    assert session["arn"] == f"arn:aws:iam::{server.account}:root"
    signed = door.signed_by(Credentials(bearer=session["token"]))
    signed.call("ListUsers")
    assert rpc.call("GetAccountSummary")["SummaryMap"]["AccountPasswordPresent"] == 1
    used = rpc.call("GetUser")["User"]["PasswordLastUsed"]
    rpc.call("GenerateCredentialReport")
    until(lambda: rpc.call("GenerateCredentialReport")["State"] == "COMPLETE", "the report is complete")
    row = rows(rpc.call("GetCredentialReport"))["<root_account>"]
    assert (row["password_enabled"], row["password_last_used"], row["password_next_rotation"]) == ("true", used, "not_supported")
    assert row["password_last_changed"] <= used
    # A new password is another one, but its user has signed in before.
    rpc.call("PutRootPassword", password=NEXT)
    assert rpc.call("GetUser")["User"]["PasswordLastUsed"] == used
    refused(signed, "ExpiredToken", "ListUsers")
    rpc.call("DeleteRootPassword")
    assert rpc.call("GetAccountSummary")["SummaryMap"]["AccountPasswordPresent"] == 0
    assert "PasswordLastUsed" not in rpc.call("GetUser")["User"]
    refused(door, "AccessDenied", "SignIn", **root, password=PASSWORD)


def test_lockout_and_sessions_survive_a_restart(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    for user in ("Heron", "Otter"):
        root.call("CreateUser", UserName=user)
        root.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
        root.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    door = GrpcApi(server, None)
    session, _ = signed_in(door, "Otter")
    key = root.call("CreateAccessKey", UserName="Heron")["AccessKey"]
    heron = AwsApi(server, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    # Attempts of a user to sign in and to change the password are one count.
    for _ in range(3):
        refused(heron, "AccessDenied", "ChangePassword", OldPassword=NEXT, NewPassword=NEXT)
    for user, count in (("Heron", 3), ("Nobody", 6)):
        for _ in range(count):
            refused(door, "AccessDenied", "SignIn", account=server.account, userName=user, password=NEXT)
    server.stop()
    server.start()
    door, session = again(server, None), again(server, session.credentials)
    for user in ("heron", " HERON", "nobody", "Nobody "):
        with pytest.raises(ApiError) as caught:
            door.call("SignIn", account=server.account, userName=user, password=PASSWORD)
        assert caught.value.code == "Throttling"
    heron = AwsApi(server, heron.credentials)
    refused(heron, "EntityTemporarilyUnmodifiable", "ChangePassword", OldPassword=PASSWORD, NewPassword=NEXT)
    session.call("GetUser")
    session.call("SignOut")
    server.stop()
    server.start()
    session = again(server, session.credentials)
    refused(session, "ExpiredToken", "GetUser")
    server.stop()
    attempts = [record for record in records(server) if record["eventName"] == "SignIn"]
    outcomes = {(record.get("errorCode"), record["userIdentity"].get("userName")) for record in attempts}
    assert outcomes == {(None, "Otter"), ("AccessDenied", "Heron"), ("AccessDenied", None), ("Throttling", None)}
    assert PASSWORD not in json.dumps(records(server)) and NEXT not in json.dumps(records(server))


def exchange(server, method="GET", **parameters):
    """The answer of AWS's federation endpoint: its status, type and text."""
    query = urllib.parse.urlencode(parameters)
    post = method == "POST"
    request = urllib.request.Request(f"{server.url}/federation" + ("" if post else f"?{query}"), query.encode() if post else None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


def test_awss_federation_endpoint_exchanges_credentials_of_roles(server, door, aws, person):
    signed, _ = signed_in(door, person)
    keys = keys_of(signed)
    role = aws.call("CreateRole", RoleName=person, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    lent = AwsApi(server, keys).call("AssumeRole", RoleArn=role, RoleSessionName="session")["Credentials"]
    session = {"sessionId": lent["AccessKeyId"], "sessionKey": lent["SecretAccessKey"], "sessionToken": lent["SessionToken"]}
    own = {"sessionId": keys.access_key_id, "sessionKey": keys.secret_access_key, "sessionToken": keys.session_token}
    for method in ("GET", "POST"):
        status, kind, text = exchange(server, method, Action="getSigninToken", SessionDuration=1800, Session=json.dumps(session))
        assert (status, kind) == (200, "application/json"), text
        assert list(json.loads(text)) == ["SigninToken"]
    twice = json.dumps(session)[:-1] + ', "sessionKey": "x"}'
    for code, parameters in {
        "InvalidClientTokenId": [{"Session": json.dumps(session | {"sessionKey": "x" * 40})}, {"Session": json.dumps(session | {"sessionToken": own["sessionToken"]})}],
        "AccessDenied": [{"Session": json.dumps(own)}],
        "ValidationError": [
            {}, {"Session": "{"}, {"Session": "[]"}, {"Session": json.dumps({"sessionId": "x"})}, {"Session": twice},
            {"Session": json.dumps(session), "SessionDuration": "899"}, {"Session": json.dumps(session), "SessionDuration": "long"},
        ],
        "InvalidAction": [{"Action": "logout"}],
    }.items():  # fmt: skip
        for given in parameters:
            status, kind, text = exchange(server, **{"Action": "getSigninToken"} | given)
            assert text.startswith(code) and status >= 400 and kind.startswith("text/plain"), (code, given, text)
            assert lent["SecretAccessKey"] not in text and lent["SessionToken"] not in text
