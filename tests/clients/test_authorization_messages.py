"""Encoded messages about denials: services get them with `Authorize`, and the principal's account decodes them."""

import json

import pytest
from support.documents import policy, trust
from support.expect import refused
from support.received import received
from support.server import ACCOUNT, Credentials

BUCKET = "arn:aws:s3:::reports"


@pytest.fixture
def service(rpc, new_user):
    """A service that may ask for decisions."""
    _, credentials = new_user(policy("bailiwick:Authorize", "bailiwick:AuthorizeAs"))
    return rpc.signed_by(credentials)


@pytest.fixture
def denied(service, new_user):
    """A user that a policy denies everything, and the encoded message that a service got about it."""
    user, credentials = new_user(policy({"Sid": "NoSecrets", "Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/*"}))
    question = {
        "caller": {"signedRequest": received(credentials)}, "action": "s3:GetObject", "resource": f"{BUCKET}/secret",
        "resourceAccount": ACCOUNT, "context": [{"key": "s3:prefix", "values": ["secret"]}],
    }  # fmt: skip
    answer = service.call("Authorize", **question, encodeDenial=True)
    assert answer["decision"] == "DECISION_EXPLICIT_DENY"
    assert "encodedMessage" not in service.call("Authorize", **question)
    return user, answer["encodedMessage"]


def test_an_administrator_decodes_a_message(api, denied):
    user, encoded = denied
    assert user["UserName"] not in encoded
    decoded = json.loads(api.call("DecodeAuthorizationMessage", EncodedMessage=encoded)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"], decoded["failures"]) == (False, True, {"items": []})
    [statement] = decoded["matchedStatements"]["items"]
    assert (statement["statementId"], statement["effect"]) == ("NoSecrets", "DENY")
    assert statement["resources"] == {"items": [{"value": f"{BUCKET}/*"}]}
    context = decoded["context"]
    assert context["principal"] == {"id": user["UserId"], "name": user["UserName"], "arn": user["Arn"]}
    assert (context["action"], context["resource"]) == ("s3:GetObject", f"{BUCKET}/secret")
    conditions = {item["key"]: [value["value"] for value in item["values"]["items"]] for item in context["conditions"]["items"]}
    assert conditions["s3:prefix"] == ["secret"]
    assert conditions["aws:PrincipalArn"] == [user["Arn"]]


def test_decoding_needs_the_permission(api, denied, new_user):
    _, encoded = denied
    _, without = new_user(policy("iam:*", "sts:AssumeRole"))
    refused(api.signed_by(without), "AccessDenied", "DecodeAuthorizationMessage", EncodedMessage=encoded)
    _, allowed = new_user(policy("sts:DecodeAuthorizationMessage"))
    assert api.signed_by(allowed).call("DecodeAuthorizationMessage", EncodedMessage=encoded)["DecodedMessage"]


def test_nothing_else_is_a_message(api, denied, rpc, name, new_user):
    _, encoded = denied
    _, credentials = new_user(policy("sts:AssumeRole"))
    role = api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ACCOUNT))
    session = api.signed_by(credentials).call("AssumeRole", RoleArn=role["Role"]["Arn"], RoleSessionName="session")["Credentials"]
    token = rpc.call("CreateToken")["token"]
    for what, text in {
        "a word": "Heron",
        "cut off": encoded[:-8],
        "altered": encoded[:-2] + ("AA" if encoded[-2:] != "AA" else "BB"),
        "with a line break": encoded + "\n",
        "padded": encoded + "=",
        "a session token": session["SessionToken"],
        "a bearer token": token,
        "the longest text": "A" * 10_240,
    }.items():
        error = refused(api, "InvalidAuthorizationMessageException", "DecodeAuthorizationMessage", EncodedMessage=text)
        assert "not valid" in error.message, what
    refused(api, "ValidationError", "DecodeAuthorizationMessage", EncodedMessage="A" * 10_241)


def test_only_the_principals_account_decodes_it(api, rpc, name, new_user, service):
    """Neither the management account, which sees everything else, nor the account of the service."""
    account = rpc.call("CreateAccount", accountName=name("account"), email=f"{name('a')}@example.com")
    _, key = new_user(policy("sts:AssumeRole"))
    session = api.signed_by(key).call("AssumeRole", RoleArn=account["roleArn"], RoleSessionName="session")
    member = api.signed_by(Credentials.of(session["Credentials"]))
    member.call("CreateUser", UserName="Bob")
    bob = Credentials.of(member.call("CreateAccessKey", UserName="Bob")["AccessKey"])
    question = {
        "caller": {"signedRequest": received(bob)}, "action": "s3:GetObject", "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT,
    }  # fmt: skip
    encoded = service.call("Authorize", **question, encodeDenial=True)["encodedMessage"]
    refused(api, "InvalidAuthorizationMessageException", "DecodeAuthorizationMessage", EncodedMessage=encoded)
    decoded = json.loads(member.call("DecodeAuthorizationMessage", EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["context"]["principal"]["name"] == "Bob"
