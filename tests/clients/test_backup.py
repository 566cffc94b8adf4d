"""`bailiwick backup` of a running and of a stopped server, and `bailiwick restore`."""

import hashlib
import json
import shutil
import threading

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.audit import records
from support.documents import ALLOW_ALL
from support.proto import descriptors
from support.server import run


def back_up(server, to):
    return run("backup", "--data-dir", server.data, "--to", to)


def restore(server, backup, to, *arguments):
    key = server.data.with_name(server.data.name + ".key")
    return run("restore", "--from", backup, "--data-dir", to, "--master-key-file", key, *arguments)


def restored_server(new_server, server, backup, name="restored"):
    """A server over a restored backup, not yet started."""
    other = new_server(name, root=server.root)
    done = restore(server, backup, other.data)
    assert done.returncode == 0, done.stderr
    key = server.data.with_name(server.data.name + ".key")
    shutil.copy2(key, other.data.with_name(other.data.name + ".key"))
    return other


def sound(server):
    done = run("doctor", "--json", "--data-dir", server.data)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def user_names(server):
    return {user["UserName"] for user in AwsApi(server, server.root).items("ListUsers", "Users")}


@pytest.fixture
def server(new_server):
    """A running server with a user who has a policy and an access key."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("PutUserPolicy", UserName="alice", PolicyName="all", PolicyDocument=ALLOW_ALL)
    return server


def test_a_running_server_is_backed_up_and_restored_elsewhere(server, new_server, tmp_path):
    backup = tmp_path / "backup"
    done = back_up(server, backup)
    assert done.returncode == 0, done.stderr
    assert str(backup) in done.stdout and backup.stat().st_mode & 0o777 == 0o600
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="later")
    secret = root.call("CreateAccessKey", UserName="alice")["AccessKey"]["SecretAccessKey"]
    assert secret.encode() not in backup.read_bytes() and server.root.secret_access_key.encode() not in backup.read_bytes()
    again = back_up(server, backup)
    assert again.returncode == 1 and "not overwritten" in again.stderr
    other = restored_server(new_server, server, backup)
    found = sound(other)
    assert found["epoch"] == 2
    other.start()
    assert user_names(other) == {"alice"} and user_names(server) == {"alice", "later"}
    restored = AwsApi(other, other.root)
    restored.call("CreateUser", UserName="after")
    # Revisions are of another epoch, so that those of the first server are refused.
    epochs = [int(api.last_headers["x-bailiwick-revision"].split(".")[-2], 16) for api in (root, restored)]
    assert epochs == [1, 2]
    # So are those of another store that was restored from the same backup, whose number of restores is the same.
    twin = restored_server(new_server, server, backup, "twin").start()
    least = [("x-bailiwick-min-revision", restored.last_headers["x-bailiwick-revision"])]
    method = descriptors().method("ListUsers")
    assert GrpcApi(other, other.root).exchange(method, method.input(), least)["Users"]
    with pytest.raises(ApiError) as refused:
        GrpcApi(twin, twin.root).exchange(method, method.input(), least)
    assert refused.value.status == "INVALID_ARGUMENT" and "is of another store" in refused.value.message
    for each in (server, other, twin):
        each.stop()
    assert [r["eventName"] for r in records(server)].count("CreateBackup") == 1
    sound(other)
    # The trail goes on after the lines that are with the first server.
    lines = [json.loads(line) for path in sorted((other.data / "audit").glob("audit-*.jsonl")) for line in path.read_text().splitlines()]
    names = [line["eventName"] for line in lines]
    assert "RestoreBackup" in names and "CreateUser" in names, names


def test_a_backup_under_concurrent_changes_is_consistent(server, new_server, tmp_path):
    done, backups = threading.Event(), []

    def write(number):
        root = AwsApi(server, server.root)
        for count in range(400):
            if done.is_set():
                return
            name = f"user-{number}-{count}"
            root.call("CreateUser", UserName=name)
            root.call("PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=ALLOW_ALL)
            if count % 3 == 0:
                root.call("DeleteUserPolicy", UserName=name, PolicyName="all")
                root.call("DeleteUser", UserName=name)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for number in range(4):
            backups.append(tmp_path / f"backup-{number}")
            assert back_up(server, backups[-1]).returncode == 0
    finally:
        done.set()
        for writer in writers:
            writer.join()
    rows = []
    for number, backup in enumerate(backups):
        other = restored_server(new_server, server, backup, f"restored-{number}")
        rows.append(sound(other)["rows"])
    assert rows[-1] > rows[0]


def test_a_stopped_server_is_backed_up(server, new_server, tmp_path):
    server.stop()
    done = back_up(server, tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    other = restored_server(new_server, server, tmp_path / "backup").start()
    assert user_names(other) == {"alice"}


@pytest.mark.parametrize("change", ["byte", "end", "middle", "empty", "other"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(server, tmp_path, change):
    backup = tmp_path / "backup"
    assert back_up(server, backup).returncode == 0
    content = bytearray(backup.read_bytes())
    if change == "byte":
        content[len(content) // 2] ^= 1
    elif change == "end":
        content = content[:-1]
    elif change == "middle":
        del content[1000:1010]
    elif change == "empty":
        content = b""
    else:
        content = b"something else" * 1000
    backup.write_bytes(content)
    done = restore(server, backup, tmp_path / "restored")
    assert done.returncode == 1 and str(backup) in done.stderr, done.stderr
    assert not (tmp_path / "restored").exists() and not (tmp_path / "restored.restoring").exists()


def test_rows_that_were_changed_without_the_key_are_refused(server, tmp_path):
    backup = tmp_path / "backup"
    assert back_up(server, backup).returncode == 0
    content = backup.read_bytes()[:-32]
    assert b"alice" in content
    forged = content.replace(b"alice", b"mallo")
    backup.write_bytes(forged + hashlib.sha256(forged).digest())
    done = restore(server, backup, tmp_path / "restored")
    assert done.returncode == 1 and "is not what was written" in done.stderr, done.stderr
    assert not (tmp_path / "restored").exists()


def test_restore_refuses_what_would_be_lost(server, tmp_path):
    backup = tmp_path / "backup"
    assert back_up(server, backup).returncode == 0
    used = restore(server, backup, server.data)
    assert used.returncode == 1 and "is not empty" in used.stderr
    other = tmp_path / "other.key"
    other.write_text("7" * 64)
    other.chmod(0o400)
    wrong = run("restore", "--from", backup, "--data-dir", tmp_path / "restored", "--master-key-file", other)
    assert wrong.returncode == 1 and "the store needs the key" in wrong.stderr
    assert not (tmp_path / "restored").exists()
