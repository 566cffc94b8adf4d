"""The audit records of a server, read from its files."""

import gzip
import hashlib
import json


def text(path):
    """The text of a segment."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def records(server):
    """Every record of a stopped server, in order, after a check of their chain."""
    found, previous = [], "0" * 64
    for path in sorted((server.data / "audit").glob("audit-*.jsonl*")):
        assert path.stat().st_mode & 0o777 == 0o600, path
        content = text(path)
        assert content.endswith(b"\n"), f"{path} ends within a line"
        for line in content.splitlines():
            record = json.loads(line)
            assert record["sequence"] == len(found) + 1 and record["previousSha256"] == previous, line
            previous = hashlib.sha256(line).hexdigest()
            found.append(record)
    assert len({record["eventID"] for record in found}) == len(found), "no record is there twice"
    return found
