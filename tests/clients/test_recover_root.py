"""`bailiwick recover-root`: new root credentials on a stopped server."""

import os
import pty
import re
import subprocess

import pytest
from support.api import AwsApi, GrpcApi
from support.expect import refused
from support.server import ACCOUNT, BINARY, Credentials, clean_environment, run


def recover(server, *arguments, environment=None):
    return run("recover-root", "--data-dir", server.data, *arguments, environment=environment)


def credentials_in(text):
    exports = dict(re.findall(r"export (\w+)=(\S+)", text))
    return Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])


def credentials_file(server):
    return server.data.with_name(server.data.name + ".root-credentials")


@pytest.fixture
def stopped(new_server):
    """A stopped server with a user without permissions."""
    server = new_server().start()
    AwsApi(server, server.root).call("CreateUser", UserName="bob")
    server.stop()
    return server


def test_root_is_recovered(stopped, new_server):
    done = recover(stopped)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    path = credentials_file(stopped)
    assert ACCOUNT in done.stdout and str(path) in done.stdout and "Delete it" in done.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    new = credentials_in(path.read_text())
    assert new.secret_access_key not in done.stdout
    stopped.start()
    refused(AwsApi(stopped, stopped.root), "InvalidClientTokenId", "GetCallerIdentity")
    for api in (AwsApi(stopped, new), GrpcApi(stopped, new)):
        assert api.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
        assert [user["UserName"] for user in api.call("ListUsers")["Users"]] == ["bob"]
    keys = AwsApi(stopped, new).call("ListAccessKeys")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [new.access_key_id]
    assert new.secret_access_key not in stopped.output


def test_a_terminal_shows_the_key_and_no_file_is_written(stopped):
    main, terminal = pty.openpty()
    done = subprocess.run(
        [str(BINARY), "recover-root", "--data-dir", str(stopped.data)], env=clean_environment(), stdin=subprocess.DEVNULL,
        stdout=terminal, stderr=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    os.close(terminal)
    said = os.read(main, 65536).decode()
    os.close(main)
    assert done.returncode == 0, done.stderr
    assert not credentials_file(stopped).exists()
    new = credentials_in(said.replace("\r", ""))
    stopped.start()
    AwsApi(stopped, new).call("GetCallerIdentity")


def test_a_running_server_is_refused(new_server):
    server = new_server().start()
    done = recover(server)
    assert done.returncode == 1
    assert "stop the server" in done.stderr and str(server.data) in done.stderr
    assert not credentials_file(server).exists()
    AwsApi(server, server.root).call("GetCallerIdentity")


def test_a_file_of_credentials_is_not_overwritten(stopped):
    path = credentials_file(stopped)
    path.write_text("precious")
    done = recover(stopped)
    assert done.returncode == 1 and "not overwritten" in done.stderr
    assert path.read_text() == "precious"
    other = stopped.folder / "other"
    done = recover(stopped, "--root-credentials-file", other)
    assert done.returncode == 0, done.stderr
    assert path.read_text() == "precious"
    stopped.start()
    AwsApi(stopped, credentials_in(other.read_text())).call("GetCallerIdentity")


def test_without_the_master_key_nothing_changes(stopped, tmp_path):
    key = stopped.data.with_name("data.key")
    text = key.read_text().strip()
    kept = key.rename(tmp_path / "kept.key")
    done = recover(stopped)
    assert done.returncode == 1 and "master key" in done.stderr
    done = recover(stopped, environment={"BAILIWICK_MASTER_KEY": "5a" * 32})
    assert done.returncode == 1 and "does not open this store" in done.stderr
    assert not credentials_file(stopped).exists() and not key.exists()
    done = recover(stopped, "--master-key-file", kept)
    assert done.returncode == 0, done.stderr
    credentials_file(stopped).unlink()
    done = recover(stopped, environment={"BAILIWICK_MASTER_KEY": text})
    assert done.returncode == 0, done.stderr
    kept.rename(key)
    stopped.start()
    AwsApi(stopped, credentials_in(credentials_file(stopped).read_text())).call("GetCallerIdentity")


def test_no_store_is_created(tmp_path):
    for data in (tmp_path / "nothing", tmp_path):
        done = run("recover-root", "--data-dir", data)
        assert done.returncode == 1 and "no store" in done.stderr and str(data) in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_member_account(new_server):
    server = new_server().start()
    member = GrpcApi(server, server.root).call("CreateAccount", accountName="member", email="member@example.com")["account"]
    server.stop()
    done = recover(server, "--account", member["accountId"])
    assert done.returncode == 0, done.stderr
    assert member["accountId"] in done.stdout and "There were no other keys" in done.stdout
    done = recover(server, "--account", "999999999999", "--root-credentials-file", server.folder / "other")
    assert done.returncode == 1 and "999999999999" in done.stderr and "nothing was changed" in done.stderr
    server.start()
    new = AwsApi(server, credentials_in(credentials_file(server).read_text()))
    assert new.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{member['accountId']}:root"
    assert AwsApi(server, server.root).call("GetCallerIdentity")["Account"] == ACCOUNT


def test_help():
    done = run("recover-root", "--help")
    assert done.returncode == 0 and "\n  bailiwick recover-root" in done.stdout
    assert run("recover-root", "--account", "12").returncode == 2
