"""Unlimited denied and invalid calls, to fill the disk with audit records: the stored data is bounded."""

import itertools
import os
import time

import pytest
from attacks.flood import working
from attacks.watch import well
from support import audit
from support.api import AwsApi, GrpcApi
from support.expect import refused
from support.server import Credentials

TIMES = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
# The maximal audit records of refused calls of one caller per minute; further ones are counted.
RECORDS_PER_MINUTE = 20
TAGS = [{"Key": f"key-{number}", "Value": "x" * 250} for number in range(50)]
LARGE = {"UserName": "x" * 60, "Tags": TAGS}
INVALID = {"UserName": "x" * 20_000, "Tags": TAGS * 2}


@pytest.mark.parametrize("front", [GrpcApi, AwsApi])
def test_refused_calls_do_not_fill_the_disk(new_server, front):
    server = new_server().start()
    root = AwsApi(server, server.root)
    names = [f"mallory-{number}" for number in range(2)]
    for name in names:
        root.call("CreateUser", UserName=name)
    attackers = [front(server, Credentials.of(root.call("CreateAccessKey", UserName=name)["AccessKey"])) for name in names]
    calls, begin = 250 * TIMES, time.monotonic()
    with working(lambda: root.call("GetCallerIdentity")):
        for number, attacker in itertools.product(range(calls), attackers):
            code, members = ("ValidationError", INVALID) if number % 5 == 4 else ("AccessDenied", LARGE)
            refused(attacker, code, "CreateUser", **members)
    minutes = (time.monotonic() - begin) // 60 + 2
    well(server)
    server.stop()
    seen = [record for record in audit.records(server) if record["userIdentity"].get("userName") in names]
    denied = [record for record in seen if record.get("errorCode")]
    counted = sum(record.get("additionalEventData", {}).get("suppressed", 0) for record in seen)
    assert len(denied) + counted == calls * len(names), "every call is recorded or counted"
    assert len(denied) <= RECORDS_PER_MINUTE * minutes * len(names), (len(denied), minutes)
    assert all(len(str(record["requestParameters"])) < 6_000 for record in denied)
    assert denied[0]["additionalEventData"]["truncated"] and "[cut]" in str(denied[0]["requestParameters"])
    assert sum(len(str(record)) for record in seen) < 10_000 * RECORDS_PER_MINUTE * minutes * len(names)
    assert server.store_size() < 8_000_000
