"""`bailiwick store copy`: a store moves between folders and databases."""

import json
import subprocess
import time

import pytest
from support.api import AwsApi
from support.audit import text
from support.server import BINARY, Credentials, clean_environment, run

STOP = """
    CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF EXISTS (SELECT 1 FROM bailiwick_log) THEN RAISE EXCEPTION 'no more'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER stop BEFORE INSERT ON bailiwick_log FOR EACH ROW EXECUTE FUNCTION stop()"""


def copy(source, target, *arguments):
    return run("store", "copy", "--from", source, "--to", target, *arguments)


@pytest.fixture
def embedded(new_server, tmp_path):
    """A stopped server with an embedded store, and a user."""
    server = new_server(arguments=["--master-key-file", str(tmp_path / "key")]).start()
    api = AwsApi(server, server.root)
    for number in range(20):
        api.call("CreateUser", UserName=f"user-{number}", Tags=[{"Key": "number", "Value": str(number)}])
    server.key = Credentials.of(api.call("CreateAccessKey", UserName="user-1")["AccessKey"])
    server.stop()
    return server


def report(*arguments, **more):
    return json.loads(run("doctor", "--json", *arguments, **more).stdout)


def test_a_store_moves_into_a_database_and_back(embedded, new_servers, new_server, store, tmp_path):
    given = ["--master-key-file", tmp_path / "key"]
    before = report("--data-dir", embedded.data, *given)
    address = store.database()
    first, second = new_servers(2, address=address)
    done = copy(f"redb:{embedded.data}", address, "--data-dir", first.data, *given)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert f"{before['rows']} rows" in done.stdout and "read again and compared" in done.stdout
    after = report("--store", address, "--data-dir", first.data, *given)
    assert after["sound"] and (after["storeId"], after["epoch"]) == (before["storeId"], before["epoch"] + 1)
    assert report("--data-dir", embedded.data, *given)["revision"] == before["revision"], "the old store is not changed"
    for server in (first, second):
        server.start()
        assert AwsApi(server, embedded.key).call("GetCallerIdentity")["Arn"].endswith("user/user-1")
    AwsApi(second, embedded.root).call("CreateUser", UserName="later")

    back = tmp_path / "back"
    done = copy(address, f"redb:{back}", *given)
    assert done.returncode == 1 and "servers use the" in done.stderr, done.stderr
    assert not back.exists()
    for server in (first, second):
        server.stop()
    done = copy(address, f"redb:{back}", *given)
    assert done.returncode == 0, done.stderr
    server = new_server("third", arguments=[str(each) for each in given])
    server.data = back
    server.start()
    names = {user["UserName"] for user in AwsApi(server, embedded.root).call("ListUsers")["Users"]}
    assert names == {"later", *(f"user-{number}" for number in range(20))}
    server.stop()
    records = b"".join(text(path) for path in sorted((back / "audit").glob("audit-*.jsonl*")))
    assert b"RestoreBackup" in records and b"store copy (uid" in records

    done = copy(f"redb:{back}", address, "--data-dir", tmp_path / "other", *given)
    assert done.returncode == 1 and "there is a store in" in done.stderr, "a database that is in use is not filled"
    done = copy(address, address, "--data-dir", tmp_path / "other2", *given)
    assert done.returncode == 1 and "there is a store in" in done.stderr
    done = copy(f"redb:{embedded.data}", f"redb:{back}", *given)
    assert done.returncode == 1 and "is not empty" in done.stderr


def test_a_running_server_is_not_copied(new_server, tmp_path):
    server = new_server().start()
    done = copy(f"redb:{server.data}", f"redb:{tmp_path / 'copy'}")
    assert done.returncode == 1 and "is in use: stop its server first" in done.stderr
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("source", "target", "arguments", "words"),
    [
        ("/var/lib/data", "postgres://a@b/c", ["--data-dir", "d"], "--from: expected redb:FOLDER"),
        ("redb:x", "postgres:hidden-word@b/c", ["--data-dir", "d"], "--to: expected redb:FOLDER"),
        ("redb:x", "postgres://a@b/c", [], "--data-dir is missing"),
        ("redb:x", "redb:y", ["--data-dir", "d"], "--data-dir is for a new database"),
    ],
)
def test_wrong_places(tmp_path, source, target, arguments, words):
    done = run("store", "copy", *arguments, cwd=tmp_path, environment={"BAILIWICK_COPY_FROM": source, "BAILIWICK_COPY_TO": target})
    assert done.returncode == 2 and words in done.stderr and "hidden-word" not in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_passwords_are_in_no_list_of_processes(embedded, tmp_path):
    address = "postgres://me:hidden-word@127.0.0.1:1/iam"
    done = copy(f"redb:{embedded.data}", address, "--data-dir", tmp_path / "d", "--master-key-file", tmp_path / "key")
    assert done.returncode == 2 and "the list of processes shows the password" in done.stderr and "hidden-word" not in done.stderr


def test_a_killed_copy_leaves_nothing_or_what_the_same_command_completes(embedded, store, tmp_path):
    given = ["--master-key-file", str(tmp_path / "key")]
    for delay in (0.05, 0.15, 0.25, 0.4, 0.6):
        address, folder = store.database(), tmp_path / f"data{delay}"
        line = [str(BINARY), "store", "copy", "--from", f"redb:{embedded.data}", "--to", address, "--data-dir", str(folder), *given]
        process = subprocess.Popen(line, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        process.kill()
        process.communicate()
        done = run(*line[1:])
        if done.returncode != 0:
            assert "there is a store in" in done.stderr, done.stderr
        assert report("--store", address, "--data-dir", folder, *given)["epoch"] == 2


def test_what_was_interrupted_is_repeated(embedded, new_servers, postgres, tmp_path):
    """The rows are there, and nothing more was done."""
    given = ["--master-key-file", str(tmp_path / "key")]
    address = postgres.database()
    [server] = new_servers(1, address=address)
    server.spawn()
    assert server.wait() == 1, "it makes the tables, and no store, since a key exists"
    name = address.rsplit("/", 1)[1]
    postgres.sql(STOP, name)
    folder = tmp_path / "resumed"
    done = copy(f"redb:{embedded.data}", address, "--data-dir", folder, *given)
    assert done.returncode == 1 and "cannot be changed" in done.stderr, done.stderr
    assert report("--store", address, "--data-dir", folder, *given)["epoch"] == 1
    postgres.sql("DROP TRIGGER stop ON bailiwick_log", name)
    postgres.sql("UPDATE bailiwick_rows SET stored = stored || '\\x00'::bytea WHERE key = (SELECT key FROM bailiwick_rows ORDER BY key DESC LIMIT 1)", name)
    done = copy(f"redb:{embedded.data}", address, "--data-dir", folder, *given)
    assert done.returncode == 1 and report("--store", address, "--data-dir", folder, *given)["epoch"] == 1, "a changed copy is not completed"
    postgres.sql(
        "UPDATE bailiwick_rows SET stored = substring(stored FROM 1 FOR length(stored) - 1) WHERE key = (SELECT key FROM bailiwick_rows ORDER BY key DESC LIMIT 1)",
        name,
    )
    done = copy(f"redb:{embedded.data}", address, "--data-dir", folder, *given)
    assert done.returncode == 0, done.stderr
    found = report("--store", address, "--data-dir", folder, *given)
    assert found["sound"] and found["epoch"] == 2


def test_what_an_interrupted_copy_left_in_a_folder_is_removed(embedded, tmp_path):
    given = ["--master-key-file", tmp_path / "key"]
    left = tmp_path / "new.restoring"
    left.mkdir(mode=0o700)
    (left / "bailiwick.new").write_bytes(b"unfinished")
    (left / "precious").write_text("of a user")
    done = copy(f"redb:{embedded.data}", f"redb:{tmp_path / 'new'}", *given)
    assert done.returncode == 1 and "is not empty" in done.stderr and (left / "precious").exists()
    (left / "precious").unlink()
    done = copy(f"redb:{embedded.data}", f"redb:{tmp_path / 'new'}", *given)
    assert done.returncode == 0 and not left.exists(), done.stderr
    assert report("--data-dir", tmp_path / "new", *given)["sound"]
