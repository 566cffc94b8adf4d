"""The server for an operator: health, logs, memory."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.api import AwsApi, GrpcApi
from support.expect import refused
from support.server import ACCOUNT, Credentials, run


def get(url):
    """Status and text of a plain GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def test_healthz(server):
    status, _, _ = get(f"{server.url}/healthz")
    assert status == 200


def test_the_log_has_the_request_id_that_the_client_got(server, aws, rpc, name):
    aws.call("CreateUser", UserName=name("user"))
    by_aws = aws.last_headers["x-amzn-requestid"]
    rpc.call("CreateUser", UserName=name("user"))
    by_grpc = rpc.last_headers["x-bailiwick-request-id"]
    error = refused(aws, "NoSuchEntity", "GetUser", UserName=name("nobody"))
    server.wait_for(error.details["request_id"])
    for request_id in (by_aws, by_grpc):
        assert request_id in server.output


def test_request_ids_are_not_taken_from_the_client(server, aws):
    request = urllib.request.Request(f"{server.url}/", headers={"x-amzn-RequestId": "mine", "x-bailiwick-request-id": "mine"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.headers["x-amzn-requestid"] != "mine"
    caught.value.close()


def test_logs_can_be_structured(new_server):
    server = new_server(environment={"BAILIWICK_LOG_FORMAT": "json"}).start()
    server.stop()
    lines = [line for line in server.output.splitlines() if line.startswith("{")]
    assert lines, server.output
    assert all(json.loads(line) for line in lines)


def test_a_log_line_has_caller_operation_and_resource(new_server, name):
    server = new_server(arguments=["--log-format", "json", "--log", "debug"]).start()
    root = AwsApi(server, server.root)
    user_name = name("user")
    arn = root.call("CreateUser", UserName=user_name)["User"]["Arn"]
    key = Credentials.of(root.call("CreateAccessKey", UserName=user_name)["AccessKey"])
    refused(AwsApi(server, key), "AccessDenied", "DeleteUser", UserName=user_name)
    refused(GrpcApi(server, key), "AccessDenied", "CreateUser", UserName="other")
    refused(AwsApi(server, Credentials("AKIA" + "Z" * 16, "y" * 40)), "InvalidClientTokenId", "ListUsers")
    root.call("GetUser", UserName=user_name)
    AwsApi(server, key).call("GetSessionToken")
    server.stop()
    lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    calls = [line for line in lines if "operation" in line]
    root_arn, account = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}"
    seen = [(c["level"], c["message"], c["operation"], c.get("resource"), c.get("caller"), c.get("code")) for c in calls]
    assert seen == [
        ("INFO", "done", "CreateUser", arn, root_arn, None),
        ("INFO", "done", "CreateAccessKey", arn, root_arn, None),
        ("INFO", "refused", "DeleteUser", arn, arn, "AccessDenied"),
        ("INFO", "refused", "CreateUser", f"{account}:user/other", arn, "AccessDenied"),
        ("INFO", "refused", "ListUsers", None, None, "InvalidClientTokenId"),
        ("DEBUG", "answered", "GetUser", arn, root_arn, None),
        ("DEBUG", "answered", "GetSessionToken", "*", arn, None),
    ]
    for call in calls:
        assert call["source_ip"] == "127.0.0.1"
        assert 0 < call["duration_ms"] < 60_000
        assert re.fullmatch(r"[0-9a-f-]{36}", call["request_id"])
    assert key.secret_access_key not in server.output


@pytest.mark.parametrize("log", ["verbose", "info,bailiwick_auth=debug", "", "debug,"])
def test_an_invalid_log_level(tmp_path, log):
    for done in (
        run("serve", "--data-dir", tmp_path / "data", "--log", log),
        run("serve", "--data-dir", tmp_path / "data", environment={"BAILIWICK_LOG": log or ","}),
    ):
        assert done.returncode == 2, done.stderr
        assert "expected one of" in done.stderr
        assert not (tmp_path / "data").exists()


def test_a_failed_start_is_reported_in_the_log_format(new_server):
    server = new_server(arguments=["--log-format", "json"])
    server.data = server.folder / "file" / "data"
    (server.folder / "file").write_text("in the way")
    server.spawn()
    assert server.wait() == 1
    lines = [json.loads(line) for line in server.output.splitlines()]
    assert str(server.data) in lines[-1]["error"]


def locked(server):
    """The memory that is locked, in kilobytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"^VmLck:\s+(\d+)", status, re.MULTILINE)[1])


def test_memory_is_locked_where_the_system_allows_it(new_server):
    server = new_server()
    server.environment = {"BAILIWICK_MEMORY_LOCK": "always"}
    server.start()
    assert ("memory is locked" in server.output) == (locked(server) > 0), server.output
    server.stop()
    server.lines.clear()
    server.environment = {"BAILIWICK_MEMORY_LOCK": "never"}
    server.start()
    assert locked(server) == 0 and "memory is" not in server.output


def test_memory_is_not_locked_where_there_is_no_swap(new_server):
    server = new_server().start()
    has_swap = not re.search(r"^SwapTotal:\s+0 kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    is_needless = "the system has no swap, or a control group forbids it" in server.output
    assert has_swap or is_needless, server.output
    assert not is_needless or locked(server) == 0


UNPRIVILEGED = ["prlimit", "--memlock=8388608:8388608", "setpriv", "--bounding-set=-ipc_lock"]


def can_drop_privileges():
    return shutil.which("setpriv") and subprocess.run([*UNPRIVILEGED, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_drop_privileges(), reason="setpriv is not there, or may not take capabilities away")
def test_a_limit_of_locked_memory_does_not_stop_the_server(new_server):
    server = new_server()
    server.environment = {"BAILIWICK_MEMORY_LOCK": "always"}
    fixed = server.command
    server.command = lambda: [*UNPRIVILEGED, *fixed()]
    server.start()
    assert "memory is not locked" in server.output and "8388608" in server.output
    assert locked(server) == 0
    AwsApi(server, server.root).call("GetCallerIdentity")
