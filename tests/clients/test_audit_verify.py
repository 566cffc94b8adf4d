"""`bailiwick audit verify`: what was altered, removed, moved or invented in the audit trail is found."""

import base64
import gzip
import hashlib
import itertools
import json
import subprocess

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
    return sorted((server.data / "audit").glob("audit-*.jsonl*"))


def digests_file(server):
    return server.data / "audit" / "digests.jsonl"


def create_users(server, prefix, count):
    api = AwsApi(server, server.root)
    for number in range(count):
        api.call("CreateUser", UserName=f"{prefix}-{number}")


def make_events(server, prefix, count=10):
    """Creates users, and waits until their records are in the segments."""
    create_users(server, prefix, count)
    name = f'"userName":"{prefix}-'.encode()
    until(lambda: sum(name in line for line in lines_of(server)) >= count, "the records are in the segments")


def lines_of(server):
    """The lines of all segments; a segment that is compressed meanwhile is left out."""
    for path in segments(server):
        try:
            yield from audit.text(path).splitlines()
        except FileNotFoundError:
            pass


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
    texts = {path.name.removesuffix(".gz"): audit.text(path) for path in folder.glob("audit-*.jsonl*")}
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
    assert done.stdout.startswith(f"intact: {len(records)} records in 1 segment, 1 to {len(records)}; "), done.stdout
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
    make_events(other, "user", 1)
    other.stop()
    key.write_text(run("audit", "public-key", "--data-dir", other.data).stdout)
    done = run("audit", "verify", "--folder", folder, "--public-key", key)
    assert done.returncode == 1 and "the digest is signed by the key" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda lines: lines[:4] + [lines[4].replace(b"first-", b"other-")] + lines[5:], ("sequence 6: previousSha256 is",)),
        (lambda lines: lines[:4] + lines[5:], ("record 5 is missing before record 6",)),
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
        (second, "line 1, digest 2: digest 1 is missing before it"),
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
        until(
            lambda: digests_file(server).exists() and len(digests_file(server).read_bytes().splitlines()) > number,  # noqa: B023
            "a digest covers what the kill left",
        )
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
    ]:
        done = run("audit", "verify", *arguments)
        assert (done.returncode, done.stdout) == (2, "") and expected in done.stderr, done
    [path] = segments(stopped)
    path.write_bytes(b"\x1b[31m\n" + b"x" * 100)
    done = verify(stopped)
    assert done.returncode == 1 and "\x1b" not in done.stdout, done.stdout


SMALL = ("--audit-segment-bytes", "65536")


def compressed(server):
    return [path for path in segments(server) if path.suffix == ".gz"]


def make_segments(server, prefix):
    """Events for more than a segment, and one in the next segment however many records are written at once."""
    make_events(server, prefix, 120)
    make_events(server, f"{prefix}-next", 1)


def test_complete_segments_are_compressed(new_server):
    server = new_server(arguments=SMALL).start()
    make_segments(server, "first")
    until(lambda: compressed(server), "a complete segment is compressed")
    make_events(server, "second", 60)
    server.kill()
    done = verify(server)
    assert done.returncode == 0, done.stdout
    server.start()
    make_segments(server, "third")
    make_segments(server, "fourth")
    until(lambda: len(compressed(server)) >= 3, "complete segments are compressed")
    server.stop()
    names = [record["requestParameters"]["userName"] for record in audit.records(server) if record["eventName"] == "CreateUser"]
    wanted = [("first", 120), ("second", 60), ("third", 120), ("fourth", 120)]
    wanted += [(f"{prefix}-next", 1) for prefix in ("first", "third", "fourth")]
    assert sorted(names) == sorted(f"{prefix}-{number}" for prefix, count in wanted for number in range(count))
    assert verify(server).returncode == 0
    pem = run("audit", "public-key", "--data-dir", server.data).stdout.encode()
    assert independent(server.data / "audit", pem) == len(audit.records(server))
    # Other programs read them.
    packed = compressed(server)[0]
    assert subprocess.run(["zcat", packed], capture_output=True, check=True).stdout == audit.text(packed)
    for edited, expected in [
        (packed.read_bytes()[:-10], "cannot be decompressed"),
        (gzip.compress(audit.text(packed).replace(b"first-1", b"first-2", 1)), "not the one that was signed"),
        (gzip.compress(audit.text(packed)), "a member of the compressed segment has no length"),
    ]:
        original = packed.read_bytes()
        packed.write_bytes(edited)
        done = verify(server)
        assert done.returncode == 1 and expected in done.stdout and packed.name in done.stdout, done.stdout
        packed.write_bytes(original)


def test_old_segments_are_removed_and_a_digest_says_so(new_server):
    server = new_server(arguments=(*SMALL, "--audit-max-bytes", "1")).start()
    create_users(server, "first", 120)
    more = itertools.count()

    def removed():
        # The segment is complete when the next one has records.
        create_users(server, f"more-{next(more)}", 1)
        lines = digests_file(server).read_text().splitlines() if digests_file(server).exists() else []
        return [segment["name"] for line in lines for segment in json.loads(line).get("removed", [])]

    until(removed, "a segment is removed")
    oldest = removed()[0]
    until(lambda: not (server.data / "audit" / f"{oldest}.gz").exists(), "its file is removed")
    server.stop()
    done = verify(server)
    assert done.returncode == 0 and "note:" not in done.stdout, done.stdout
    first = json.loads(verify(server, "--json").stdout)["firstSequence"]
    # The oldest one left may be complete, and compressed by now.
    assert first > 1 and segments(server)[0].name.removesuffix(".gz") == f"audit-{first:020}.jsonl"
    # Without that digest it is a fault.
    lines = digests_file(server).read_bytes().splitlines(keepends=True)
    digests_file(server).write_bytes(b"".join(line for line in lines if b'"reason":"removal"' not in line))
    done = verify(server)
    assert done.returncode == 1 and "records 1 to" in done.stdout and "are missing before this segment" in done.stdout, done.stdout


def test_nothing_is_removed_without_being_asked(new_server):
    server = new_server(arguments=SMALL).start()
    make_segments(server, "first")
    until(lambda: compressed(server), "a complete segment is compressed")
    server.stop()
    assert json.loads(verify(server, "--json").stdout)["firstSequence"] == 1
    for option, value in [("--audit-retention-days", "0"), ("--audit-max-bytes", "0"), ("--audit-segment-bytes", "1000")]:
        done = run("serve", option, value)
        assert done.returncode == 2 and f"for '{option}" in done.stderr, done.stderr
