"""A store of an older version opens with all its content, and continues as a store of this version."""

import gzip
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.api import ApiError, AwsApi, GrpcApi
from support.expect import refused
from support.passkey import PUBLIC_URL, Passkey, raw
from support.server import ROOT, Credentials
from support.totp import Authenticator

FIXTURES = ROOT / "crates/storage-redb/tests/fixtures"
EXPECTED = json.loads((FIXTURES / "layout-1/expected.json").read_text())
PEOPLE = json.loads((FIXTURES / "layout-2/expected.json").read_text())
ACCOUNT = "111122223333"
ALBUM = EXPECTED["album"]


def over(server, layout):
    """The server over a copy of the store of a layout, not yet started."""
    server.data.mkdir(mode=0o700)
    store = server.data / "bailiwick.redb"
    store.write_bytes(gzip.decompress((FIXTURES / layout / "bailiwick.redb.gz").read_bytes()))
    store.chmod(0o600)
    key = server.data.with_name(server.data.name + ".key")
    key.write_bytes((FIXTURES / layout / "master.key").read_bytes())
    key.chmod(0o400)
    return server


@pytest.fixture
def old_server(new_server):
    """A server over a store whose rows are not authenticated."""
    return over(new_server(root=()), "layout-1")


def credentials(user_name):
    return Credentials(*EXPECTED["keys"][user_name])


def plain(answer):
    """An answer as JSON holds it."""
    return json.loads(json.dumps(answer, default=str))


def without_uses(details):
    """The same without members that reads change."""
    for role in details.get("RoleDetailList", []):
        role.pop("RoleLastUsed", None)
    return details


def check_everything(server):
    """Every object of the old server exists, and decisions are correct."""
    root = Credentials(*EXPECTED["root"])
    aws, rpc = AwsApi(server, root), GrpcApi(server, root)
    expected = EXPECTED["management"]
    kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
    details = plain(aws.call("GetAccountAuthorizationDetails", Filter=kinds))
    assert without_uses(details) == without_uses(expected["GetAccountAuthorizationDetails"])
    for operation in ("ListAccountAliases", "GetAccountSummary"):
        assert plain(aws.call(operation)) == expected[operation]
    assert rpc.call("ListAccounts") == EXPECTED["accounts"]
    assert rpc.call("GetService", servicePrefix="photos") == EXPECTED["service"]
    assert rpc.call("GetResourcePolicy", resourceArn=ALBUM) == EXPECTED["policy"]
    assert rpc.call("ListTagsForResource", resourceArn=ALBUM) == EXPECTED["tags"]
    provided = {p["PolicyName"] for p in aws.items("ListPolicies", "Policies", Scope="AWS")}
    assert {"AdministratorAccess", "ReadOnlyAccess"} <= provided
    # Attachments of built-in policies are found from the policy and from the identity.
    everything = "arn:aws:iam::aws:policy/AdministratorAccess"
    holders = aws.call("ListEntitiesForPolicy", PolicyArn=everything)
    assert [user["UserName"] for user in holders["PolicyUsers"]] == ["Alice"]
    assert aws.call("GetPolicy", PolicyArn=everything)["Policy"]["AttachmentCount"] == 1
    assert [key["Status"] for key in aws.call("ListAccessKeys", UserName="bob")["AccessKeyMetadata"]].count("Inactive") == 1

    bob, carol = AwsApi(server, credentials("bob")), AwsApi(server, credentials("carol"))
    bob.call("ListUsers")
    bob.call("GetUser", UserName="Alice")
    refused(bob, "AccessDenied", "GetUser", UserName="carol")
    refused(carol, "AccessDenied", "ListUsers")
    refused(AwsApi(server, credentials("bob, inactive")), "InvalidClientTokenId", "ListUsers")
    alice = AwsApi(server, credentials("Alice"))
    session = Credentials.of(alice.call("AssumeRole", RoleArn=EXPECTED["role"], RoleSessionName="again")["Credentials"])
    AwsApi(server, session).call("ListRoles")
    question = {"action": "photos:GetAlbum", "resource": ALBUM}
    for user_name, decision in (("carol", "DECISION_ALLOW"), ("bob", "DECISION_IMPLICIT_DENY")):
        caller = {"principalArn": f"arn:aws:iam::{ACCOUNT}:user/{user_name}"}
        assert rpc.call("Authorize", caller=caller, **question)["decision"] == decision, user_name

    member = AwsApi(server, credentials("member's alice"))
    assert member.call("GetCallerIdentity")["Account"] == EXPECTED["member_account"]
    assert [user["UserName"] for user in member.items("ListUsers", "Users")] == ["alice"]
    refused(member, "AccessDenied", "CreateUser", UserName="x")


def test_an_old_store_is_opened_and_continues(old_server):
    server = old_server.start()
    check_everything(server)
    server.stop()
    server.start()
    check_everything(server)
    aws = AwsApi(server, Credentials(*EXPECTED["root"]))
    aws.call("CreateUser", UserName="dora")
    aws.call("AttachUserPolicy", UserName="dora", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    aws.call("PutUserPermissionsBoundary", UserName="dora", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    aws.call("DetachUserPolicy", UserName="Alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    aws.call("DeleteUserPolicy", UserName="bob", PolicyName="no-carol")
    with pytest.raises(ApiError):
        aws.call("CreateUser", UserName="ALICE")
    server.kill()
    server.start()
    holders = aws.__class__(server, aws.credentials).call("ListEntitiesForPolicy", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert [user["UserName"] for user in holders["PolicyUsers"]] == ["dora"]
    AwsApi(server, credentials("bob")).call("GetUser", UserName="carol")


def test_second_factors_of_a_store_of_layout_2_are_asked_for(new_server):
    server = over(new_server(root=(), arguments=PUBLIC_URL), "layout-2").start()
    assert "the store was upgraded: its rows were counted" in server.output
    for _ in range(2):
        door = GrpcApi(server, None)

        def sign_in(user, door=door, **members):
            return door.call("SignIn", account=ACCOUNT, userName=user, password=PEOPLE["password"], **members)

        answer = sign_in("app")
        assert answer["mfaRequired"] and answer["mfaSerialNumbers"] == [PEOPLE["app"]["serial"]]
        request = sign_in("key")["passkeyRequest"]
        assert [one["id"] for one in request["allowCredentials"]] == [PEOPLE["key"]["id"]]
        server.stop()
        server.start()
    assert "were counted" in server.output and server.output.count("were counted") == 1
    device = {"SerialNumber": PEOPLE["app"]["serial"], "Base32StringSeed": PEOPLE["app"]["seed"].encode()}
    app = Authenticator(device, ahead=-2)
    assert sign_in("app", GrpcApi(server, None), mfaCode=app.code())["session"]["mfaAuthenticated"]
    passkey = Passkey("EdDSA", counter=PEOPLE["key"]["counter"])
    passkey.id, passkey.handle = raw(PEOPLE["key"]["id"]), raw(PEOPLE["key"]["handle"])
    passkey.key = ed25519.Ed25519PrivateKey.from_private_bytes(raw(PEOPLE["key"]["private"]))
    door = GrpcApi(server, None)
    request = sign_in("key", door)["passkeyRequest"]
    assert sign_in("key", door, passkey=passkey.get(request))["session"]["mfaAuthenticated"]
