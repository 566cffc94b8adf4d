"""Sessions from before a store was restored or copied, and revocations there: revisions go on."""

import shutil

import pytest
from stores.test_clocks import code
from support.api import AwsApi, GrpcApi
from support.clocks import Clock
from support.documents import ALLOW_ALL
from support.server import Credentials, run
from support.waiting import until
from test_backup import back_up, restored_server


@pytest.fixture
def server(new_server, tmp_path):
    """A running server with an embedded store and a user. Its clock is ahead, so that no time proves anything."""
    clock = Clock(tmp_path / "clock")
    server = new_server()
    server.environment |= clock.environment
    clock.set(200)
    server.start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("PutUserPolicy", UserName="alice", PolicyName="all", PolicyDocument=ALLOW_ALL)
    server.alice = Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"])
    return server


def session(server, alice):
    return Credentials.of(AwsApi(server, alice).call("GetSessionToken")["Credentials"])


def revoke(server, **what):
    GrpcApi(server, server.root).call("RevokeSessions", **what)


def check(servers, alice, ended, kept):
    """What was revoked stays so, what was issued since is valid, and ends with a new revocation; then new ones are valid."""
    for server in servers:
        assert code(server, ended) == "ExpiredToken"
        for each in kept:
            assert code(server, each) is None
    revoke(servers[0], userName="alice")
    new = session(servers[-1], alice)
    for server in servers:
        for each in [ended, *kept]:
            until(lambda: code(server, each) == "ExpiredToken", "the session is revoked")
        until(lambda: code(server, new) is None, "the new session is accepted")


def before(server):
    """A session that is revoked, and one that was issued afterwards."""
    ended = session(server, server.alice)
    revoke(server, accessKeyId=ended.access_key_id)
    assert code(server, ended) == "ExpiredToken"
    return ended, session(server, server.alice)


def test_sessions_are_revoked_in_a_restored_store(server, new_server, tmp_path):
    ended, kept = before(server)
    assert back_up(server, tmp_path / "backup").returncode == 0
    for number in range(5):
        AwsApi(server, server.root).call("CreateUser", UserName=f"later-{number}")
    later = session(server, server.alice)
    server.stop()
    restored = restored_server(new_server, server, tmp_path / "backup").start()
    check([restored], server.alice, ended, [kept, later])


def test_sessions_are_revoked_in_a_copied_store(server, new_servers, store, tmp_path):
    ended, kept = before(server)
    server.stop()
    shutil.copy2(server.data.with_name(server.data.name + ".key"), tmp_path / "key")
    address = store.database()
    servers = new_servers(2, address=address)
    done = run("store", "copy", "--from", f"redb:{server.data}", "--to", address, "--data-dir", servers[0].data, "--master-key-file", tmp_path / "key")
    assert done.returncode == 0, done.stderr
    for each in servers:
        each.root, each.account = server.root, server.account
        each.start()
    check(servers, server.alice, ended, [kept])
