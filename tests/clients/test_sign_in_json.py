"""Signing in over plain HTTP with JSON, as curl does."""

import json
import shutil
import subprocess

import pytest
from support.api import AwsApi
from support.documents import ALLOW_ALL
from support.json_http import SERVICE, post
from support.server import Credentials
from support.totp import Authenticator

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"


@pytest.fixture
def person(aws, name):
    """A user with all permissions and a password."""
    user = name("person")
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    return user


def claim(server, user, password=PASSWORD, **members):
    return {"account": server.account, "userName": user, "password": password} | members


def test_a_person_signs_in_gets_keys_and_signs_out(server, person):
    answer = post(server, "SignIn", claim(server, person))
    assert answer.code == "OK" and set(answer.json) == {"session", "mfaRequired", "mfaSerialNumbers", "passwordChangeRequired"}, answer.text
    session = answer.json["session"]
    arn = f"arn:aws:iam::{server.account}:user/{person}"
    assert session["arn"] == arn and session["mfaAuthenticated"] is False and session["expiration"].endswith("Z")
    token = session["token"]
    listed = post(server, "ListSignInSessions", {}, bearer=token).json["sessions"]
    assert [one["sessionId"] for one in listed] == [session["sessionId"]]
    keys = post(server, "GetSignInCredentials", {}, bearer=token).json
    user = AwsApi(server, Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"]))
    assert user.call("GetCallerIdentity")["Arn"] == arn
    assert post(server, "SignOut", {}, bearer=token).code == "OK"
    for method in ("SignOut", "GetSignInCredentials", "ListSignInSessions"):
        assert post(server, method, {}, bearer=token).code == "ExpiredToken"
        assert post(server, method, {}).code == "MissingAuthenticationToken"


def test_a_code_and_a_new_password_are_asked_for(server, aws, person):
    device = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=person)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=person, SerialNumber=device.serial, **device.pair(-1))
    aws.call("UpdateLoginProfile", UserName=person, PasswordResetRequired=True)
    asked = post(server, "SignIn", claim(server, person)).json
    assert asked == {"mfaRequired": True, "mfaSerialNumbers": [device.serial], "passwordChangeRequired": True}
    change = claim(server, person, newPassword=NEXT, mfaCode=device.code(0))
    session = post(server, "ChangeExpiredPassword", change).json["session"]
    assert session["mfaAuthenticated"] is True
    assert post(server, "SignIn", claim(server, person)).code == "AccessDenied"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_example_of_the_documentation(server, person):
    command = ["curl", "--silent", "--json", "@-", f"{server.url}{SERVICE}SignIn"]
    done = subprocess.run(command, input=json.dumps(claim(server, person)), capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["session"]["token"], done
    root = server.root
    command = [
        "curl", "--silent", "--json", json.dumps({"password": PASSWORD}), f"{server.url}{SERVICE}PutRootPassword",
        "--aws-sigv4", "aws:amz:us-east-1:bailiwick", "--user", f"{root.access_key_id}:{root.secret_access_key}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == {}, done
    rooted = post(server, "SignIn", {"account": server.account, "root": True, "password": PASSWORD})
    assert rooted.json["session"]["arn"] == f"arn:aws:iam::{server.account}:root"
    assert post(server, "DeleteRootPassword", {}, bearer=rooted.json["session"]["token"]).code == "OK"
