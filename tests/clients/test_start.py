"""Start and stop: the results of a first start, its errors, and that a stop loses nothing in flight."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import threading
import time

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy
from support.expect import fails, refused
from support.server import ACCOUNT, BINARY, READY, Credentials, clean_environment, free_port
from support.waiting import until


def credentials_in(text):
    """The credentials of the `export` lines."""
    exports = dict(re.findall(r"export (\w+)=(\S+)", text))
    return Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]), exports


def test_a_first_start_without_a_terminal_writes_the_key_into_a_file(new_server):
    server = new_server(root=())
    server.start()
    path = server.data.with_name(server.data.name + ".root-credentials")
    assert path.exists(), server.output
    assert str(path.name) in server.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    root, exports = credentials_in(path.read_text())
    assert exports["AWS_ENDPOINT_URL_IAM"] == exports["AWS_ENDPOINT_URL_STS"] == server.url
    assert "AWS_ENDPOINT_URL" not in exports, "other services are not served here"
    assert exports["AWS_REGION"] == exports["AWS_DEFAULT_REGION"] != ""
    assert "The file contains the key and its secret. Delete it" in server.output
    assert root.secret_access_key not in server.output
    identity = AwsApi(server, root).call("GetCallerIdentity")
    assert re.fullmatch(r"\d{12}", identity["Account"])
    assert identity["Arn"] == f"arn:aws:iam::{identity['Account']}:root"
    server.stop()
    path.unlink()
    server.start()
    assert not path.exists(), "the key is shown once"
    AwsApi(server, root).call("GetCallerIdentity")


def test_a_first_start_whose_standard_output_is_closed(tmp_path):
    """A supervisor has closed its end of the pipe: the server starts, and the key is in its file."""
    reading, writing = os.pipe()
    os.close(reading)
    data = tmp_path / "data"
    command = [str(BINARY), "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "none", "--data-dir", str(data)]
    process = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    said = []
    for line in process.stderr:
        said.append(line)
        if " listening " in line:
            break
    assert said and str(data) in said[-1], said
    assert "export AWS_ACCESS_KEY_ID=" in data.with_name("data.root-credentials").read_text()
    process.terminate()
    assert (process.wait(60), "panicked" in "".join(said)) == (0, False), said + process.stderr.readlines()
    process.stderr.close()


def test_a_first_start_in_a_terminal_shows_the_key_once(tmp_path):
    def first_words(port):
        main, terminal = pty.openpty()
        command = [str(BINARY), "serve", "--listen", f"127.0.0.1:{port}", "--metrics-listen", f"127.0.0.1:{free_port()}"]
        process = subprocess.Popen(
            [*command, "--data-dir", str(tmp_path / "data")], cwd=tmp_path, env=clean_environment(),
            stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
        )  # fmt: skip
        os.close(terminal)
        said = b""
        end = time.monotonic() + 60
        while READY.encode() not in said or b"export AWS_ENDPOINT_URL_STS" not in said:
            ready, _, _ = select.select([main], [], [], max(0, end - time.monotonic()))
            if not ready:
                break
            try:
                said += os.read(main, 65536)
            except OSError:
                break
            if READY.encode() in said and b"export" not in said:
                break
        process.send_signal(signal.SIGTERM)
        try:
            while chunk := os.read(main, 65536):
                said += chunk
        except OSError:
            pass  # the other side of the terminal is closed
        os.close(main)
        assert process.wait(timeout=60) == 0
        return said.decode(errors="replace")

    port = free_port()
    said = first_words(port)
    root, exports = credentials_in(said)
    assert len(root.secret_access_key) == 40
    assert exports["AWS_ENDPOINT_URL_IAM"] == exports["AWS_ENDPOINT_URL_STS"] == f"http://127.0.0.1:{port}"
    assert "aws " in said, "a first command to try"
    assert not list(tmp_path.glob("*.root-credentials"))
    again = first_words(free_port())
    assert root.secret_access_key not in again and "export AWS_SECRET" not in again


def test_given_root_credentials_are_used_and_not_shown(new_server):
    server = new_server().start()
    assert AwsApi(server, server.root).call("GetCallerIdentity")["Account"] == ACCOUNT
    assert server.root.secret_access_key not in server.output
    assert not list(server.folder.glob("*.root-credentials"))


def test_later_changes_of_the_given_credentials_do_nothing_and_are_warned_about(new_server):
    server = new_server().start()
    server.stop()
    first, server.root = server.root, Credentials("AKIA" + "Z" * 16, "y" * 40)
    before = len(server.output)
    server.start()
    AwsApi(server, first).call("GetCallerIdentity")
    refused(AwsApi(server, server.root), "InvalidClientTokenId", "GetCallerIdentity")
    server.stop()
    assert "BAILIWICK_ROOT" in server.output[before:], server.output[before:]
    assert "y" * 40 not in server.output


@pytest.mark.parametrize("part", ["BAILIWICK_ROOT_ACCESS_KEY_ID", "BAILIWICK_ROOT_SECRET_ACCESS_KEY"])
def test_half_of_the_root_credentials_is_not_enough(new_server, part):
    given = {"BAILIWICK_ROOT_ACCESS_KEY_ID": "AKIA" + "B" * 16, "BAILIWICK_ROOT_SECRET_ACCESS_KEY": "y" * 40}
    del given[part]
    fails(new_server(root=(), environment=given), part, code=2)


@pytest.mark.parametrize(
    ["key", "secret"],
    [("AKIA" + "B" * 16, "short"), ("short", "y" * 40), ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")],
)
def test_weak_or_well_known_root_credentials_are_refused(new_server, key, secret):
    line = fails(new_server(root=Credentials(key, secret)), "BAILIWICK_ROOT", code=2)
    assert secret not in line


def test_a_master_key_is_created_beside_the_data_and_kept(new_server):
    server = new_server().start()
    key = server.data.with_name(server.data.name + ".key")
    assert key.exists()
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    before = key.read_bytes()
    server.stop()
    server.start()
    assert key.read_bytes() == before


def test_a_missing_master_key_is_not_recreated(new_server):
    server = new_server().start()
    server.stop()
    key = server.data.with_name(server.data.name + ".key")
    kept = key.read_bytes()
    key.unlink()
    server.lines.clear()
    fails(server, "master key")
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o400)
    server.start()
    AwsApi(server, server.root).call("GetCallerIdentity")


def test_a_wrong_master_key(new_server):
    server = new_server().start()
    server.stop()
    other = new_server("other").start()
    other.stop()
    key = server.data.with_name(server.data.name + ".key")
    key.chmod(0o600)
    key.write_bytes(other.data.with_name(other.data.name + ".key").read_bytes())
    key.chmod(0o400)
    server.lines.clear()
    fails(server, "master key")


@pytest.mark.parametrize("content", [b"", b"short", b"\x00" * 1000])
def test_an_invalid_master_key_file(new_server, tmp_path, content):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o400)
    fails(new_server(arguments=["--master-key-file", str(path)]), "master key")


def test_a_master_key_that_others_may_read(new_server):
    server = new_server().start()
    server.stop()
    key = server.data.with_name(server.data.name + ".key")
    key.chmod(0o444)
    server.lines.clear()
    fails(server, str(key.name))


def test_a_data_folder_that_others_may_read(new_server):
    server = new_server().start()
    server.stop()
    server.data.chmod(0o755)
    server.lines.clear()
    fails(server, str(server.data))


def test_a_data_folder_that_cannot_be_created(new_server):
    server = new_server()
    server.data = server.folder / "file" / "data"
    (server.folder / "file").write_text("in the way")
    fails(server, str(server.data))


def test_a_store_that_is_in_use(new_server):
    server = new_server().start()
    second = new_server("second", root=server.root)
    second.data = server.data
    fails(second, str(server.data))
    AwsApi(server, server.root).call("GetCallerIdentity")


def test_an_invalid_store(new_server):
    server = new_server().start()
    server.stop()
    for path in server.data.rglob("*"):
        if path.is_file():
            path.write_bytes(b"this is not a store" * 1000)
    server.lines.clear()
    fails(server, "store")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_nothing_is_lost(new_server, number):
    server = new_server().start()
    root = AwsApi(server, server.root)
    answered, unclear = set(), []
    stop = threading.Event()

    def write(worker):
        mine = AwsApi(server, server.root)
        for count in range(10_000):
            if stop.is_set():
                return
            identity = f"user-{worker}-{count}"
            try:
                mine.call("CreateUser", UserName=identity)
            except ApiError as error:
                unclear.append(error)
                return
            except Exception:  # the connection was closed before the answer
                return
            answered.add(identity)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(answered) >= 50, lambda: f"50 users are created: {unclear}")
    server.signal(number)
    code = server.wait()
    stop.set()
    for thread in threads:
        thread.join()
    assert code == 0, server.output
    assert not unclear, unclear
    server.start()
    there = {user["UserName"] for user in root.__class__(server, server.root).items("ListUsers", "Users", MaxItems=1000)}
    assert answered <= there


def test_account_000000000000_is_valid(new_server):
    server = new_server(account="000000000000").start()
    aws, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    assert aws.call("GetCallerIdentity")["Arn"] == "arn:aws:iam::000000000000:root"
    assert aws.call("CreateUser", UserName="alice")["User"]["Arn"] == "arn:aws:iam::000000000000:user/alice"
    alice = Credentials.of(aws.call("CreateAccessKey", UserName="alice")["AccessKey"])
    own = aws.call("CreatePolicy", PolicyName="Own", PolicyDocument=policy("iam:*"))["Policy"]["Arn"]
    assert own == "arn:aws:iam::000000000000:policy/Own"
    provided = "arn:aws:iam::aws:policy/AdministratorAccess"
    for arn in (own, provided):
        aws.call("AttachUserPolicy", UserName="alice", PolicyArn=arn)
    assert {p["PolicyArn"] for p in aws.call("ListAttachedUserPolicies", UserName="alice")["AttachedPolicies"]} == {own, provided}
    assert [p["Arn"] for p in aws.items("ListPolicies", "Policies", Scope="Local")] == [own]
    assert own not in [p["Arn"] for p in aws.items("ListPolicies", "Policies", Scope="AWS")]
    assert aws.call("GetAccountSummary")["SummaryMap"]["Policies"] == 1
    made = rpc.call("CreateAccount", accountName="second", email="second@example.com")
    assert [a["accountId"] for a in rpc.call("ListAccounts")["accounts"]] == ["000000000000", made["account"]["accountId"]]
    session = AwsApi(server, alice).call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="session")["Credentials"]
    AwsApi(server, Credentials.of(session)).call("CreateUser", UserName="bob")
    # Policies of a session are found by account and id: those of this account are not the deployment's.
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}]}
    role = aws.call("CreateRole", RoleName="own", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    aws.call("AttachRolePolicy", RoleName="own", PolicyArn=provided)
    for arn in (own, provided):
        session = AwsApi(server, alice).call("AssumeRole", RoleArn=role, RoleSessionName="session", PolicyArns=[{"arn": arn}])["Credentials"]
        AwsApi(server, Credentials.of(session)).call("ListUsers")
    server.stop()
    server.start()
    assert [u["UserName"] for u in AwsApi(server, alice).items("ListUsers", "Users")] == ["alice"]
    refused(GrpcApi(server, server.root), "NoSuchEntity", "DescribeAccount", accountId="000000000001")
