"""A missing store is not replaced without notice, and the next start completes an interrupted first start."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from support.api import AwsApi
from support.expect import fails
from support.server import READY, Credentials


def beside(server, ending):
    return server.data.with_name(server.data.name + ending)


def credentials_of(server):
    """Root's credentials from the file that a first start wrote."""
    exports = dict(re.findall(r"export (\w+)=(\S+)", beside(server, ".root-credentials").read_text()))
    return Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])


def files(server):
    """The files of the server's folder, with their content."""
    return {path.relative_to(server.folder): path.read_bytes() for path in server.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a folder with a lock"])
def test_lost_data_is_not_replaced_by_a_new_store(new_server, left):
    server = new_server(root=()).start()
    root = credentials_of(server)
    AwsApi(server, root).call("CreateUser", UserName="alice")
    server.stop()
    kept = server.folder / "kept"
    server.data.rename(kept)
    if left != "nothing":
        server.data.mkdir(mode=0o700)
    if left == "a folder with a lock":
        (server.data / "lock").touch(mode=0o600)
    before = files(server)
    server.lines.clear()
    fails(server, str(server.data), ".root-credentials", "--init")
    server.arguments = ["--init"]
    server.lines.clear()
    fails(server, str(server.data), ".root-credentials", "never overwritten")
    # The credentials file is moved away, as the message advises, and the key file is not.
    beside(server, ".root-credentials").rename(server.folder / "old-credentials")
    server.arguments = []
    server.lines.clear()
    fails(server, str(server.data), "data.key", "--init")
    assert {path.name: content for path, content in files(server).items() if path.name != "old-credentials"} == {
        path.name: content for path, content in before.items() if path.name != "data.root-credentials"
    }
    if server.data.exists():
        shutil.rmtree(server.data)
    kept.rename(server.data)
    server.start()
    assert AwsApi(server, root).call("GetUser", UserName="alice")


def test_audit_records_of_an_earlier_store_are_not_added_to(new_server):
    server = new_server().start()
    server.stop()
    (server.data / "bailiwick.redb").unlink()
    beside(server, ".key").unlink()
    for server.arguments in ([], ["--init"]):
        server.lines.clear()
        fails(server, str(server.data / "audit"), "--init")
    (server.data / "audit").rename(server.folder / "old-audit")
    server.start()


def test_init_keeps_the_key_and_both_stores_open_with_it(new_server):
    server = new_server(root=()).start()
    old_root = credentials_of(server)
    server.stop()
    key = beside(server, ".key").read_bytes()
    server.data.rename(server.folder / "old")
    beside(server, ".root-credentials").rename(server.folder / "old.root-credentials")
    server.arguments = ["--init"]
    server.start()
    assert beside(server, ".key").read_bytes() == key
    new_root = credentials_of(server)
    assert new_root != old_root
    AwsApi(server, new_root).call("GetCallerIdentity")
    # Left in the unit file by mistake, the option only warns.
    server.stop()
    server.lines.clear()
    server.start()
    assert "--init has no effect" in server.output
    AwsApi(server, new_root).call("GetCallerIdentity")
    server.stop()
    shutil.rmtree(server.data)
    (server.folder / "old").rename(server.data)
    server.arguments = []
    server.start()
    AwsApi(server, old_root).call("GetCallerIdentity")


@pytest.mark.parametrize("where", ["file", "variable"])
def test_a_master_key_generated_beforehand_needs_init(new_server, tmp_path, where):
    server = new_server()
    path = tmp_path / "master.key"
    path.write_text("5a" * 32)
    path.chmod(0o400)
    if where == "file":
        server.arguments = ["--master-key-file", str(path)]
    else:
        server.environment = {"BAILIWICK_MASTER_KEY": "5a" * 32}
    line = fails(server, "--init", str(path) if where == "file" else "BAILIWICK_MASTER_KEY")
    assert "5a5a" not in line
    assert not server.data.exists()
    server.environment["BAILIWICK_INIT"] = "yes"
    server.start()
    AwsApi(server, server.root).call("GetCallerIdentity")
    server.stop()
    del server.environment["BAILIWICK_INIT"]
    server.start()
    assert not beside(server, ".key").exists()
    server.stop()
    # The volume is not mounted.
    server.data.rename(server.folder / "unmounted")
    server.lines.clear()
    fails(server, str(server.data), "--init")


def test_the_place_of_the_root_credentials_is_a_setting(new_server, tmp_path):
    path = tmp_path / "elsewhere"
    server = new_server(root=(), environment={"BAILIWICK_ROOT_CREDENTIALS_FILE": str(path)}).start()
    assert "AWS_SECRET_ACCESS_KEY" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(path) in server.output and "Delete it" in server.output
    assert not beside(server, ".root-credentials").exists()


def killed_when(server, condition):
    """Starts the server and kills it as soon as the condition holds."""
    server.spawn()
    end = time.monotonic() + 60
    while not condition() and server.process.poll() is None:
        assert time.monotonic() < end, server.output
    server.kill()


STEPS = {
    "the folder is made": lambda s: s.data.exists(),
    "the folder is locked": lambda s: (s.data / "lock").exists(),
    "the store is being made": lambda s: any(s.data.glob("bailiwick.*")),
    "the store is made": lambda s: (s.data / "bailiwick.redb").exists(),
    "the key is being written": lambda s: any(s.folder.glob("data.key*")),
    "the key is written": lambda s: beside(s, ".key").exists(),
    "the credentials are being written": lambda s: any(s.folder.glob("data.root-credentials*")),
    "the credentials are written": lambda s: beside(s, ".root-credentials").exists(),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_first_start_that_was_killed_is_finished_by_the_next(new_server, step):
    server = new_server(root=())
    killed_when(server, lambda: STEPS[step](server))
    server.start()
    AwsApi(server, credentials_of(server)).call("CreateUser", UserName="alice")
    server.stop()
    left = sorted(path.name for path in server.folder.iterdir())
    assert left == ["data", "data.key", "data.root-credentials"]


# The system calls of a first start, with their minimal number: it is killed at each of them.
CALLS = {"mkdir": 1, "unlink": 1, "rename": 1, "renameat2": 2, "fsync": 5, "fdatasync": 6}


def traced(command, call, number):
    """The command, killed by the kernel when it makes this call for the n-th time."""
    return ["strace", "-f", "-o", "/dev/null", f"--trace={call}", f"--inject={call}:signal=KILL:when={number}", *command]


def can_trace():
    done = shutil.which("strace") and subprocess.run(traced(["true"], "mkdir", 1), capture_output=True)
    return done and done.returncode == 0


@pytest.mark.skipif(not can_trace(), reason="strace is not there, or may not trace")
@pytest.mark.parametrize("call", CALLS)
def test_a_first_start_may_be_killed_at_any_call(new_server, call):
    for number in itertools.count(1):
        server = new_server(f"server-{number}", root=())
        fixed = server.command
        server.command = lambda: traced(fixed(), call, number)
        server.spawn()
        try:
            server.wait_for(READY)
        except AssertionError:
            server.wait()
            server.command = fixed
            server.start()
            AwsApi(server, credentials_of(server)).call("GetCallerIdentity")
            server.stop()
        else:
            [traced_server] = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
            os.kill(int(traced_server), signal.SIGTERM)
            server.wait()
            break
    assert number > CALLS[call]


def test_a_store_that_is_older_than_its_audit_segments_is_reported(new_server):
    """Replacing the data file by an older copy makes revoked access keys valid again."""
    warning = "the audit segments contain changes that the store does not have"
    server = new_server().start()
    api = AwsApi(server, server.root)
    api.call("CreateUser", UserName="alice")
    key = api.call("CreateAccessKey", UserName="alice")["AccessKey"]["AccessKeyId"]
    server.stop()
    older = {path.name: path.read_bytes() for path in server.data.iterdir() if path.is_file()}
    server.start()
    AwsApi(server, server.root).call("DeleteAccessKey", UserName="alice", AccessKeyId=key)
    server.stop()
    server.start()
    assert warning not in server.output
    server.stop()
    for name, content in older.items():
        (server.data / name).write_bytes(content)
    server.start()
    assert warning in server.output
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as answer:
        assert "\nbailiwick_audit_store_behind 1\n" in answer.read().decode()
    assert [each["AccessKeyId"] for each in AwsApi(server, server.root).call("ListAccessKeys", UserName="alice")["AccessKeyMetadata"]] == [key]
