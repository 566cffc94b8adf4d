"""`bailiwick doctor` on stores of the real server."""

import gzip
import json
import re
import shutil

import pytest
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, trust
from support.server import ROOT, run

FIXTURES = ROOT / "crates/storage-redb/tests/fixtures"


def doctor(server, *arguments):
    return run("doctor", "--data-dir", server.data, *arguments)


def report(done):
    assert done.stderr == ""
    return json.loads(done.stdout)


def content(server):
    return {path.name: path.read_bytes() for path in server.data.iterdir() if path.is_file()}


@pytest.fixture
def populated(new_server):
    """A running server with objects of many kinds."""
    server = new_server().start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    managed = root.call("CreatePolicy", PolicyName="All", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    root.call("CreatePolicyVersion", PolicyArn=managed, PolicyDocument=ALLOW_ALL, SetAsDefault=True)
    for user_name in ("alice", "Bob"):
        root.call("CreateUser", UserName=user_name, PermissionsBoundary=managed)
        root.call("PutUserPolicy", UserName=user_name, PolicyName="own", PolicyDocument=ALLOW_ALL)
        root.call("AttachUserPolicy", UserName=user_name, PolicyArn=managed)
        root.call("CreateAccessKey", UserName=user_name)
    root.call("CreateLoginProfile", UserName="alice", Password="Correct-horse-1")
    root.call("CreateVirtualMFADevice", VirtualMFADeviceName="phone")
    root.call("CreateGroup", GroupName="staff")
    root.call("AddUserToGroup", GroupName="staff", UserName="alice")
    root.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": "*"}))
    root.call("CreateInstanceProfile", InstanceProfileName="web")
    root.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="deploy")
    root.call("CreateAccountAlias", AccountAlias="pond")
    rpc.call("CreateAccount", accountName="Member", email="member@example.com")
    root.call("UpdateUser", UserName="Bob", NewUserName="robert")
    root.call("RemoveUserFromGroup", GroupName="staff", UserName="alice")
    root.call("DeleteGroup", GroupName="staff")
    return server


def test_a_store_is_sound_after_a_stop_and_after_a_kill(populated):
    populated.stop()
    done = doctor(populated)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("sound: ")
    populated.start()
    AwsApi(populated, populated.root).call("CreateUser", UserName="late")
    populated.kill()
    before = content(populated)
    found = report(doctor(populated, "--json"))
    assert found["sound"] and found["faults"] == [] and found["layout"] == 3 and found["rows"] > 100, found
    assert content(populated) == before


def over(server, layout):
    """The server over a copy of the store of a layout, not started."""
    server.data.mkdir(mode=0o700)
    store = server.data / "bailiwick.redb"
    store.write_bytes(gzip.decompress((FIXTURES / layout / "bailiwick.redb.gz").read_bytes()))
    store.chmod(0o600)
    key = server.data.with_name(server.data.name + ".key")
    shutil.copy(FIXTURES / layout / "master.key", key)
    key.chmod(0o400)
    return server


@pytest.mark.parametrize("layout", [1, 2])
def test_a_store_of_an_older_layout_is_checked_and_not_changed(new_server, layout):
    server = over(new_server(), f"layout-{layout}")
    before = content(server)
    found = report(doctor(server, "--json"))
    assert (found["sound"], found["layout"], found["faults"]) == (True, layout, [])
    assert content(server) == before


def test_a_missing_row_of_an_older_layout_is_a_fault(new_server):
    """The row that the user `app` has an MFA device is moved to another user."""
    server = over(new_server(), "layout-2")
    store = server.data / "bailiwick.redb"
    stored = store.read_bytes()
    owner = re.compile(rb"\x67\x15(AIDA[A-Z2-7]{17})")
    moved = owner.sub(lambda found: found[0][:-1] + (b"A" if found[0][-1:] != b"A" else b"B"), stored)
    assert moved != stored
    store.write_bytes(moved)
    done = doctor(server)
    assert done.returncode == 1 and "some are missing, out of date, or were not written by Bailiwick" in done.stdout, done


def test_rows_that_another_program_changed_are_named(populated):
    populated.stop()
    file = populated.data / "bailiwick.redb"
    stored = file.read_bytes()
    assert b"pond" in stored
    file.write_bytes(stored.replace(b"Member", b"Nember"))
    done = doctor(populated)
    assert done.returncode == 1
    assert "damaged: Account " in done.stdout and "restore a backup" in done.stdout, done.stdout
    found = report(doctor(populated, "--json"))
    assert not found["sound"] and found["faultCount"] == len(found["faults"])
    assert {fault["fault"] for fault in found["faults"]} == {"damaged"}


def test_another_file_in_place_of_the_store_is_a_fault(populated):
    populated.stop()
    (populated.data / "bailiwick.redb").write_bytes(b"x" * 100_000)
    done = doctor(populated)
    assert done.returncode == 1 and "unreadable-store: " in done.stdout, (done.stdout, done.stderr)


def test_what_cannot_be_checked_has_an_exit_code_of_its_own(populated, tmp_path):
    running = doctor(populated)
    assert running.returncode == 2 and "stop the server" in running.stderr
    populated.stop()
    key = populated.data.with_name(populated.data.name + ".key")
    other = tmp_path / "other.key"
    other.write_text("7" * 64)
    other.chmod(0o400)
    wrong = doctor(populated, "--master-key-file", other)
    assert wrong.returncode == 2 and str(other) in wrong.stderr and "does not open" in wrong.stderr
    key.rename(tmp_path / "moved.key")
    missing = doctor(populated)
    assert missing.returncode == 2 and "is missing" in missing.stderr
    nothing = run("doctor", "--data-dir", tmp_path / "nowhere")
    assert nothing.returncode == 2 and "no store in" in nothing.stderr
    assert not (tmp_path / "nowhere").exists()
