"""`bailiwick audit verify`: what was altered, removed, moved or invented in the audit trail is found."""

import base64
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from support import audit
from support.api import AwsApi
from support.server import run
from support.waiting import until


def verify(server, *arguments, environment=None):
    return run("audit", "verify", "--data-dir", server.data, *arguments, environment=environment)


def segments(server):
    return sorted((server.data / "audit").glob("audit-*.jsonl"))


def digests_file(server):
    return server.data / "audit" / "digests.jsonl"


def make_events(server, prefix, count=10):
    api = AwsApi(server, server.root)
    for number in range(count):
        api.call("CreateUser", UserName=f"{prefix}-{number}")


@pytest.fixture
def stopped(new_server):
    """A stopped server that ran twice."""
    server = new_server()
    for name in ("first", "second"):
        server.start()
        make_events(server, name)
        server.stop()
    return server


def independent(folder, pem):
    """Verifies the trail as docs/audit.md says, with nothing of Bailiwick's; returns the number of signed records."""
    key = load_pem_public_key(pem)
    texts = {path.name: path.read_bytes() for path in folder.glob("audit-*.jsonl")}
    previous, sequence = "0" * 64, 0
    for name in sorted(texts):
        for line in texts[name].splitlines():
            record, sequence = json.loads(line), sequence + 1
            assert (record["sequence"], record["previousSha256"]) == (sequence, previous), f"{name}, record {sequence}"
            previous = hashlib.sha256(line).hexdigest()
    previous, number, signed = "0" * 64, 0, 0
    for line in (folder / "digests.jsonl").read_bytes().splitlines():
        digest, number = json.loads(line), number + 1
        text, _, _ = line.rpartition(b',"signature":"')
        key.verify(base64.b64decode(digest["signature"]), text)
        assert (digest["number"], digest["previousSha256"]) == (number, previous), f"digest {number}"
        assert digest["firstSequence"] == signed + 1
        for segment in digest["segments"]:
            assert hashlib.sha256(texts[segment["name"]][: segment["bytes"]]).hexdigest() == segment["sha256"], segment["name"]
        previous, signed = hashlib.sha256(line).hexdigest(), digest["lastSequence"]
    return signed


def test_an_intact_trail(stopped):
    records = audit.records(stopped)
    done = verify(stopped)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"intact: {len(records)} records in 1 segments, 1 to {len(records)}; "), done.stdout
    assert "note:" not in done.stdout and "with the key of the store" in done.stdout
    report = json.loads(verify(stopped, "--json").stdout)
    assert (report["intact"], report["faults"], report["notes"]) == (True, [], [])
    assert report["signedSequence"] == len(records)
    assert digests_file(stopped).stat().st_mode & 0o777 == 0o600


def test_the_formats_are_those_of_the_documentation(stopped, tmp_path):
    done = run("audit", "public-key", "--data-dir", stopped.data)
    assert (done.returncode, done.stderr) == (0, "")
    assert independent(stopped.data / "audit", done.stdout.encode()) == len(audit.records(stopped))
    key_id = json.loads(digests_file(stopped).read_text().splitlines()[0])["keyId"]
    der = base64.b64decode("".join(done.stdout.splitlines()[1:-1]))
    assert hashlib.sha256(der).hexdigest() == key_id
    text = digests_file(stopped).read_bytes().replace(b'"reason":"stop"', b'"reason":"hour"', 1)
    digests_file(stopped).write_bytes(text)
    with pytest.raises(InvalidSignature):
        independent(stopped.data / "audit", done.stdout.encode())


def test_a_key_that_is_kept_elsewhere(stopped, new_server, tmp_path):
    key = tmp_path / "key.pem"
    key.write_text(run("audit", "public-key", "--data-dir", stopped.data).stdout)
    folder = stopped.data / "audit"
    done = run("audit", "verify", "--folder", folder, "--public-key", key)
    assert done.returncode == 0 and "with the key of --public-key" in done.stdout, done.stdout
    assert "without the store, it is not known whether records after" in done.stdout
    done = run("audit", "verify", "--folder", folder)
    assert done.returncode == 0 and "no trusted public key was given" in done.stdout, done.stdout
    other = new_server("other").start()
    other.stop()
    key.write_text(run("audit", "public-key", "--data-dir", other.data).stdout)
    done = run("audit", "verify", "--folder", folder, "--public-key", key)
    assert done.returncode == 1 and "the digest is signed by the key" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda lines: lines[:4] + [lines[4].replace(b"first-", b"other-")] + lines[5:], ("sequence 6: previousSha256 is",)),
        (lambda lines: lines[:4] + lines[5:], ("records 5 to 5 are missing before record 6",)),
        (lambda lines: lines[:4] + [lines[5], lines[4]] + lines[6:], ("record 5 is repeated, moved or invented",)),
        (lambda lines: lines[:6] + [lines[2]] + lines[6:], ("line 7, sequence 7: record 3 is repeated, moved or invented",)),
        (lambda lines: lines[:-1], ("the segment was truncated", "which the store says were written")),
        (lambda lines: [], ("the segment was truncated to 0 bytes", "the segments end with record 0")),
    ],
    ids=["altered", "removed", "reordered", "invented", "truncated", "emptied"],
)
def test_edits_of_records_are_found(stopped, edit, expected):
    [path] = segments(stopped)
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
    done = verify(stopped)
    assert done.returncode == 1
    for text in expected:
        assert text in done.stdout, done.stdout
    assert done.stdout.splitlines()[0].startswith(f"fault: {path.name}, "), done.stdout
    report = json.loads(verify(stopped, "--json").stdout)
    assert report["faultCount"] == len(report["faults"]) == done.stdout.count("fault: ")


def test_a_chain_that_was_computed_again_is_found(stopped):
    [path] = segments(stopped)
    previous, lines = "0" * 64, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.replace("second-3", "second-4") if '"sequence":' in line else line
        line = line[: line.rindex(',"sequence":')] + f',"sequence":{number},"previousSha256":"{previous}"}}'
        previous = hashlib.sha256(line.encode()).hexdigest()
        lines.append(line + "\n")
    path.write_text("".join(lines))
    done = verify(stopped)
    assert done.returncode == 1
    assert "digest 2: the text is not the one that was signed" in done.stdout, done.stdout


def test_edits_of_digests_are_found(stopped):
    path = digests_file(stopped)
    original = path.read_bytes()
    first, second = original.splitlines(keepends=True)
    for edited, expected in [
        (first + second.replace(b'"reason":"stop"', b'"reason":"hour"'), "line 2, digest 2: the digest was altered or invented"),
        (second, "line 1, digest 2: digests 1 to 1 are missing before it"),
        (first, "digest 2: the digest is missing"),
        (first + second + first, "line 3, digest 1: the digest is repeated or moved"),
        (b"", "digest 2: the digest is missing"),
    ]:
        path.write_bytes(edited)
        done = verify(stopped)
        assert done.returncode == 1 and expected in done.stdout, done.stdout
    path.unlink()
    done = verify(stopped)
    assert done.returncode == 1 and "digest 2: the digest is missing" in done.stdout, done.stdout
    path.write_bytes(original)
    assert verify(stopped).returncode == 0


def test_a_killed_server_leaves_an_intact_trail(new_server):
    server = new_server().start()
    for number in range(4):
        make_events(server, f"before-{number}", 5)
        server.kill()
        done = verify(server)
        assert done.returncode == 0 and "the server did not stop in order" in done.stdout, done.stdout
        server.start()
    # What the kills left is covered by the first digest after each.
    until(lambda: len(digests_file(server).read_bytes().splitlines()) >= 4, "digests cover what the kills left")
    server.stop()
    done = verify(server)
    assert done.returncode == 0 and "note:" not in done.stdout, done.stdout
    reasons = [json.loads(line)["reason"] for line in digests_file(server).read_text().splitlines()]
    assert set(reasons) <= {"start", "stop"} and reasons.count("start") == 4, reasons
    assert run("audit", "public-key", "--data-dir", server.data).stdout.count("BEGIN PUBLIC KEY") == 1


def test_the_folder_of_a_running_server(new_server):
    server = new_server().start()
    make_events(server, "user")
    server.stop()
    server.start()
    make_events(server, "more")
    done = verify(server)
    assert done.returncode == 0, done.stdout
    assert "the trail was not compared with the store: the store in" in done.stdout and "is in use" in done.stdout
    assert "are after the last digest" in done.stdout
    done = run("audit", "public-key", "--data-dir", server.data)
    assert done.returncode == 1 and "is in use" in done.stderr


def test_a_store_without_its_master_key(stopped):
    key = stopped.data.with_name(stopped.data.name + ".key")
    key.rename(key.with_suffix(".moved"))
    done = verify(stopped)
    assert done.returncode == 0 and "the trail was not compared with the store: the master key" in done.stdout, done.stdout


def test_what_cannot_be_verified(stopped, tmp_path):
    for arguments, expected in [
        (("--folder", tmp_path / "nowhere"), "cannot verify the audit trail in"),
        (("--folder", stopped.data / "audit", "--public-key", tmp_path / "none.pem"), "cannot read the public key"),
        (("--folder", stopped.data / "audit", "--public-key", stopped.data / "audit" / "digests.jsonl"), "no public key in PEM"),
        (("--folder", "x", "--data-dir", "y"), "cannot be used with"),
    ]:
        done = run("audit", "verify", *arguments)
        assert (done.returncode, done.stdout) == (2, "") and expected in done.stderr, done
    [path] = segments(stopped)
    path.write_bytes(b"\x1b[31m\n" + b"x" * 100)
    done = verify(stopped)
    assert done.returncode == 1 and "\x1b" not in done.stdout, done.stdout
