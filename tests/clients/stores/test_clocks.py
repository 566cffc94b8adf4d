"""Sessions on servers that share a store, one of which has a wrong clock."""

import time

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.clocks import Clock
from support.documents import policy, trust
from support.saml_idp import ENDPOINT, SamlIdp, encoded
from support.server import Credentials
from support.shared_store import started
from support.waiting import until

DAY = 86_400
IDP = SamlIdp()


def code(server, credentials):
    """The error code of a call; none if it succeeds."""
    try:
        AwsApi(server, credentials).call("GetCallerIdentity")
    except ApiError as error:
        return error.code
    return None


@pytest.fixture
def clock(tmp_path):
    """The clock of the first server."""
    return Clock(tmp_path / "clock")


@pytest.fixture
def three(new_servers, clock):
    """Three running servers, a user who may assume a role."""
    servers = new_servers(3)
    servers[0].environment |= clock.environment
    started(servers)
    root = AwsApi(servers[1], servers[1].root)
    root.call("CreateUser", UserName="alice")
    root.call("CreateRole", RoleName="reader", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{servers[1].account}:user/alice"))
    alice = Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"])
    for server in servers:
        server.alice = alice
        until(lambda: code(server, alice) is None, "the key is known")
    return servers


def session(server):
    """The credentials of a new session of the role."""
    role = f"arn:aws:iam::{server.account}:role/reader"
    answer = AwsApi(server, server.alice).call("AssumeRole", RoleArn=role, RoleSessionName="one", DurationSeconds=3600)
    return Credentials.of(answer["Credentials"])


def revoke(server, **what):
    GrpcApi(server, server.root).call("RevokeSessions", **what)


def session_token(server):
    """The credentials of a new session of the user."""
    return Credentials.of(AwsApi(server, server.alice).call("GetSessionToken", DurationSeconds=3600)["Credentials"])


def test_a_clock_that_was_days_ahead_ends_no_session(three, clock):
    first, second, third = three
    sessions = [session(server) for server in three]
    # It makes new keys for tokens, since the others are old for it.
    clock.set(3 * DAY)
    first.kill()
    first.start()
    assert code(first, first.alice) == "SignatureDoesNotMatch", "all signatures are old for it"
    for each in sessions:
        assert code(first, each) is not None
        for server in (second, third):
            assert code(server, each) is None
    clock.set(0)
    first.kill()
    first.start()
    sessions += [session(server) for server in three]
    for server in three:
        for each in sessions:
            until(lambda: code(server, each) is None, "the session is accepted")


def test_a_clock_that_is_ahead_ends_sessions_on_that_server_only(three, clock):
    first, second, _ = three
    credentials = session(second)
    clock.set(3600 - 300)
    assert code(first, credentials) is not None
    assert code(second, credentials) is None


# What is revoked, and the sessions that end with it.
REVOCATIONS = {
    "role": (lambda server, _: {"roleName": "reader"}, session),
    "user": (lambda server, _: {"userName": "alice"}, session_token),
    "long-term key": (lambda server, _: {"accessKeyId": server.alice.access_key_id}, session),
    "session": (lambda server, late: {"accessKeyId": late.access_key_id}, session_token),
    "account": (lambda server, _: {"allOfAccount": True}, session),
}


@pytest.mark.parametrize("kind", REVOCATIONS)
def test_sessions_of_a_server_whose_clock_is_ahead_end_with_the_revocation(three, clock, kind):
    first, second, third = three
    what, issued = REVOCATIONS[kind]
    clock.set(200)
    late = issued(first)
    began = time.monotonic()
    for server in three:
        assert code(server, late) is None
    revoke(second, **what(second, late))
    for server in three:
        until(lambda: code(server, late) is not None, "the session is revoked")
    assert time.monotonic() < began + 100, "the clocks still differ by more"


@pytest.mark.parametrize("kind", [kind for kind in REVOCATIONS if kind != "session"])
def test_sessions_that_are_issued_after_a_revocation_by_a_clock_that_is_ahead_are_valid(three, clock, kind):
    first, second, third = three
    what, issued = REVOCATIONS[kind]
    clock.set(200)
    early = issued(second)
    revoke(first, **what(first, early))
    later = [issued(server) for server in three]
    for server in three:
        until(lambda: code(server, early) is not None, "the session is revoked")
        for each in later:
            until(lambda: code(server, each) is None, "the session is accepted")


def test_a_provider_that_is_created_again_ends_sessions_of_a_clock_that_is_ahead(three, clock):
    first, second, third = three
    api = AwsApi(second, second.root)
    provider, role = (f"arn:aws:iam::{second.account}:{kind}/idp" for kind in ("saml-provider", "role"))
    metadata = {"Name": "idp", "SAMLMetadataDocument": IDP.metadata()}
    api.call("CreateSAMLProvider", **metadata)
    statement = {"Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithSAML", "Condition": {"StringEquals": {"saml:aud": ENDPOINT}}}
    api.call("CreateRole", RoleName="idp", AssumeRolePolicyDocument=policy(statement))

    def assumed(server):
        assertion = IDP.respond({"Role": [f"{role},{provider}"], "RoleSessionName": ["alice"]})
        answer = AwsApi(server, server.root).call("AssumeRoleWithSAML", RoleArn=role, PrincipalArn=provider, SAMLAssertion=encoded(assertion))
        return Credentials.of(answer["Credentials"])

    clock.set(200)
    # By a server whose clock is behind that of the first session, and by one whose clock is ahead of later ones.
    for again in (second, first):
        early = assumed(first)
        for server in three:
            until(lambda: code(server, early) is None, "the session is accepted")
        AwsApi(again, again.root).call("DeleteSAMLProvider", SAMLProviderArn=provider)
        AwsApi(again, again.root).call("CreateSAMLProvider", **metadata)
        later = [assumed(server) for server in three]
        for server in three:
            until(lambda: code(server, early) == "ExpiredToken", "the session of the earlier provider has ended")
            for each in later:
                until(lambda: code(server, each) is None, "the session is accepted")
