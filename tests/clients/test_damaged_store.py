"""Changes of the data file by another program are detected, and have no effect on decisions.

An attacker who can write the file but does not have the master key can damage its content, and nothing more.
"""

import urllib.request

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy
from support.expect import refused
from support.passkey import PUBLIC_URL, Passkey, registered
from support.server import Credentials
from support.totp import Authenticator


@pytest.fixture
def world(new_server):
    """A stopped server with three users: two may read groups, one of these with a Deny, and one is unrelated."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    users = {}
    for user_name, documents in {
        "alice": {"marked": policy({"Sid": "MarkAlice", "Action": ["iam:GetGroupPolicy"]})},
        "bob": {"marked": policy({"Sid": "MarkBob", "Effect": "Deny", "Action": ["iam:GetUserPolicy"]}), "all": policy("iam:*")},
        "carol": {"marked": policy("iam:ListGroups")},
    }.items():
        root.call("CreateUser", UserName=user_name)
        for name, document in documents.items():
            root.call("PutUserPolicy", UserName=user_name, PolicyName=name, PolicyDocument=document)
        users[user_name] = Credentials.of(root.call("CreateAccessKey", UserName=user_name)["AccessKey"])
    # The last change of the log is another one.
    root.call("CreateGroup", GroupName="staff")
    server.stop()
    return server, users


def rewrite(server, old, new):
    """Replaces bytes by others of the same length everywhere in the data file."""
    assert len(old) == len(new)
    file = server.data / "bailiwick.redb"
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def damaged_rows(server):
    with urllib.request.urlopen(server.metrics_url + "/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("bailiwick_store_damaged_rows "))


def test_a_policy_that_was_rewritten_in_place_has_no_effect(world):
    server, users = world
    rewrite(server, b'"iam:GetGroupPolicy"', b'"iam:*"             ')
    server.start()
    alice, carol = AwsApi(server, users["alice"]), AwsApi(server, users["carol"])
    refused(alice, "AccessDenied", "ListUsers")
    # What it allowed before is not allowed any more either.
    error = refused(alice, "AccessDenied", "GetGroupPolicy", GroupName="staff", PolicyName="p")
    assert "explicit deny" in error.message
    carol.call("ListGroups")
    root = AwsApi(server, server.root)
    user_id = root.call("GetUser", UserName="alice")["User"]["UserId"]
    assert f"InlinePolicy {user_id} marked of account {server.account}" in server.output
    assert damaged_rows(server) == "1"
    refused(root, "ServiceFailure", "GetUserPolicy", UserName="alice", PolicyName="marked")
    # Written again, it is valid.
    root.call("PutUserPolicy", UserName="alice", PolicyName="other", PolicyDocument=policy("iam:ListUsers"))
    refused(alice, "AccessDenied", "ListUsers")


def test_a_deny_that_was_rewritten_denies_everything(world):
    server, users = world
    rewrite(server, b"MarkBob", b"MarkBoB")
    server.start()
    refused(AwsApi(server, users["bob"]), "AccessDenied", "ListUsers")
    AwsApi(server, users["carol"]).call("ListGroups")


def test_a_user_whose_record_is_damaged_cannot_act(world):
    server, users = world
    rewrite(server, b"\x1a\x05alice", b"\x1a\x05malis")
    server.start()
    refused(AwsApi(server, users["alice"]), "InvalidClientTokenId", "GetCallerIdentity")
    AwsApi(server, users["carol"]).call("ListGroups")
    assert "User AIDA" in server.output
    # A list that contains it fails instead of leaving it out.
    refused(GrpcApi(server, server.root), "ServiceFailure", "ListUsers")


def test_a_damaged_managed_policy_does_not_keep_the_server_from_starting(world):
    server, users = world
    rewrite(server, b"AWS_ConfigRole", b"AWS_ConfigRolE")
    server.start()
    AwsApi(server, users["carol"]).call("ListGroups")
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="dave")
    assert "Policy ANPA" in server.output and "managed policies of this version cannot be added" in server.output
    assert damaged_rows(server) != "0"


def test_a_file_with_pages_of_an_older_one_gives_no_rights_back(world):
    server, users = world
    file = server.data / "bailiwick.redb"
    older = file.read_bytes()
    server.start()
    root = AwsApi(server, server.root)
    root.call("UpdateAccessKey", UserName="alice", AccessKeyId=users["alice"].access_key_id, Status="Inactive")
    server.stop()
    # Not every byte of the file matters: these are old pages of policies among current pages.
    newer = file.read_bytes()
    pages = range(4096, min(len(older), len(newer)), 4096)
    changed = [at for at in pages if older[at : at + 4096] != newer[at : at + 4096]]
    assert changed
    for at in changed:
        mixed = newer[:at] + older[at : at + 4096] + newer[at + 4096 :]
        file.write_bytes(mixed)
        server.spawn()
        try:
            server.wait_for("bailiwick is listening")
        except AssertionError:
            assert "the store is damaged" in server.output or "cannot open the store" in server.output, server.output[-2000:]
            continue
        # Refused, even if only because the refusal cannot be recorded.
        with pytest.raises(ApiError) as caught:
            AwsApi(server, users["alice"]).call("GetCallerIdentity")
        assert caught.value.code in ("InvalidClientTokenId", "ServiceUnavailable")
        server.stop()


@pytest.mark.parametrize("kind", [0x67, 0xF0, 0x68, 0xC1], ids=["app", "passkey", "failed codes", "failed sign-ins"])
def test_a_factor_or_failure_that_is_missing_is_not_forgotten(new_server, kind):
    """Rows of a user are moved to a user that does not exist: by whom only the file can be written."""
    server = new_server(arguments=PUBLIC_URL).start()
    root, rpc, door = AwsApi(server, server.root), GrpcApi(server, server.root), GrpcApi(server, None)
    user_id = root.call("CreateUser", UserName="person")["User"]["UserId"]
    root.call("CreateLoginProfile", UserName="person", Password="heron-In-7-reeds")
    app = Authenticator(root.call("CreateVirtualMFADevice", VirtualMFADeviceName="app")["VirtualMFADevice"])
    root.call("EnableMFADevice", UserName="person", SerialNumber=app.serial, **app.pair())
    registered(rpc, Passkey(), "person")
    person = {"account": server.account, "userName": "person"}
    refused(door, "InvalidAuthenticationCode", "SignIn", **person, password="heron-In-7-reeds", mfaCode="000000")
    refused(door, "AccessDenied", "SignIn", **person, password="wrong")
    # The last change of the log is another one.
    root.call("CreateGroup", GroupName="staff")
    server.stop()
    before = bytes([kind, len(user_id)]) + user_id.encode()
    rewrite(server, before, before[:-1] + (b"A" if before[-1:] != b"A" else b"B"))
    server.spawn()
    with pytest.raises(AssertionError):
        server.wait_for("bailiwick is listening")
    assert "some are missing, out of date, or were not written by Bailiwick" in server.output
    assert "--accept-damaged-store" in server.output
