"""The master key: from a command, and its rotation on a running and on a stopped server."""

import json
import secrets
import stat
import subprocess
import threading

import pytest
from support.api import AwsApi
from support.audit import records
from support.server import BINARY, clean_environment, run


def key_file(path, key=None):
    path.write_text((key or secrets.token_hex(32)) + "\n")
    path.chmod(0o400)
    return path


def own_key(server):
    return server.data.with_name(server.data.name + ".key")


def opens(server, key):
    """Whether a key opens the store of a stopped server."""
    done = run("doctor", "--json", "--data-dir", server.data, "--master-key-file", key)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    if done.returncode == 2:
        assert "does not open this store" in done.stderr and "the store needs the key " in done.stderr
    return done.returncode == 0


def rotate(server, new, *arguments, **more):
    return run("rotate-master-key", "--data-dir", server.data, "--new-master-key-file", new, *arguments, **more)


def test_a_command_prints_the_key(new_server, tmp_path):
    key = secrets.token_hex(32)
    program = tmp_path / "kms client"
    program.write_text(f'#!/bin/sh\necho "asked for $1" >&2\n[ "$1" = "the key; exit 1" ] && echo {key}\n')
    program.chmod(0o700)
    command = f"'{program}' 'the key; exit 1'"
    server = new_server(arguments=["--master-key-command", command, "--init"]).start()
    AwsApi(server, server.root).call("CreateUser", UserName="alice")
    server.stop()
    assert "asked for the key; exit 1" in server.output, "standard error is passed on"
    assert key not in server.output and not own_key(server).exists()
    server.arguments = ["--master-key-command", command]
    server.start()
    AwsApi(server, server.root).call("GetUser", UserName="alice")
    server.stop()
    for name in ("doctor", "recover-root"):
        done = run(name, "--data-dir", server.data, environment={"BAILIWICK_MASTER_KEY_COMMAND": command})
        assert done.returncode == 0, done.stderr
        assert key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sh -c 'echo secret-output; exit 3'", "`sh` ended with exit status: 3"),
        ("echo secret-output", "did not print a master key"),
        ("head -c 5000 /dev/zero", "printed more than 1 KiB"),
        ("/no/such/program", "cannot run `/no/such/program`"),
        ("'open", "quotes that do not close"),
    ],
)
def test_a_command_that_fails_ends_the_start(new_server, command, words):
    server = new_server(arguments=["--init", "--master-key-command", command])
    server.spawn()
    assert server.wait() in (1, 2)
    assert words in server.output and "secret-output" not in server.output, server.output


def test_a_command_excludes_other_sources(tmp_path):
    for more, environment in ((["--master-key-file", "x"], {}), ([], {"BAILIWICK_MASTER_KEY": "7" * 64})):
        done = run("serve", "--data-dir", tmp_path / "d", "--master-key-command", "true", *more, environment=environment)
        assert done.returncode == 2 and "has one source" in done.stderr


def test_the_key_of_a_running_server_is_replaced(new_server, tmp_path):
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    mode = (server.data / "control").stat().st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o077
    new = key_file(tmp_path / "new.key")
    done = rotate(server, new)
    assert done.returncode == 0, done.stderr
    assert new.read_text().strip() not in done.stdout + server.output
    # The server goes on, and what it wraps from now on is under the new key.
    root.call("CreateAccessKey", UserName="alice")
    again = rotate(server, new)
    assert again.returncode == 1 and "the given current master key is" in again.stderr
    same = rotate(server, new, "--master-key-file", new)
    assert same.returncode == 1 and "already has the master key" in same.stderr
    server.stop()
    assert not (server.data / "control").exists()
    assert (opens(server, own_key(server)), opens(server, new)) == (False, True)
    server.spawn()
    assert server.wait() == 1
    assert "the store needs the key " in server.output
    new.rename(own_key(server))
    server.start()
    AwsApi(server, server.root).call("GetUser", UserName="alice")
    server.stop()
    found = [record for record in records(server) if record["eventName"] == "RotateMasterKey"]
    assert len(found) == 1 and found[0]["committed"] is True
    assert found[0]["responseElements"]["keyId"] in done.stdout
    assert found[0]["requestParameters"]["previousKeyId"] in done.stdout


def test_the_key_of_a_stopped_server_is_replaced(new_server, tmp_path):
    server = new_server().start()
    server.stop()
    new = key_file(tmp_path / "new.key")
    done = rotate(server, new)
    assert done.returncode == 0, done.stderr
    assert (opens(server, own_key(server)), opens(server, new)) == (False, True)
    new.rename(own_key(server))
    server.start()
    server.stop()
    assert [r["eventName"] for r in records(server)].count("RotateMasterKey") == 1


def test_a_key_that_is_not_the_current_one_replaces_nothing(new_server, tmp_path):
    server = new_server().start()
    wrong, new = key_file(tmp_path / "wrong.key"), key_file(tmp_path / "new.key")
    done = rotate(server, new, "--master-key-file", wrong)
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    server.stop()
    assert opens(server, own_key(server)) and not opens(server, new)


def test_a_kill_leaves_a_store_for_exactly_one_key(new_server, tmp_path):
    server = new_server().start()
    current = own_key(server)
    outcomes = set()
    for number in range(8):
        new = key_file(tmp_path / f"{number}.key")
        process = subprocess.Popen(
            [str(BINARY), "rotate-master-key", "--data-dir", str(server.data), "--master-key-file", str(current),
             "--new-master-key-file", str(new)],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if number % 2:
            # About when the request arrives; wherever it falls, one key opens the store.
            threading.Timer(0.002 * number, server.process.kill).start()
            _, said = process.communicate(timeout=60)
            server.wait()
        else:
            _, said = process.communicate(timeout=60)
            server.kill()
        before, after = opens(server, current), opens(server, new)
        assert before != after, said
        if process.returncode == 0:
            assert after, "an answered rotation took place"
        outcomes.add(after)
        current = new if after else current
        server.arguments = ["--master-key-file", str(current)]
        server.start()
    assert True in outcomes
    server.stop()
    assert json.loads(run("doctor", "--json", "--data-dir", server.data, "--master-key-file", current).stdout)["sound"]

