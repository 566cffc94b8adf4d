"""Segments of the audit trail that cannot be read: look-ups go on without them and say so."""

import json
import urllib.request

import pytest
from support.api import AwsApi, GrpcApi
from support.server import client_environment, run
from support.waiting import until

SEGMENT = "audit-00000000000000000001.jsonl"


@pytest.fixture
def damaged(new_server):
    """A running server that has a folder in the place of its first segment."""
    server = new_server(arguments=["--audit-segment-bytes", "65536"]).start()
    api = AwsApi(server, server.root)
    trail = server.data / "audit"
    for number in range(60):
        api.call("CreateUser", UserName=f"early-{number}", Tags=[{"Key": f"k{at}", "Value": "v" * 200} for at in range(9)])

    def is_rotated():
        # A full segment ends with the next record.
        api.call("TagUser", UserName="early-0", Tags=[{"Key": "k0", "Value": "w"}])
        return len(list(trail.glob("audit-*.jsonl*"))) > 1

    until(is_rotated, "a second segment")
    api.call("CreateUser", UserName="middle")
    server.stop()
    for file in trail.glob(f"{SEGMENT}*"):
        file.unlink()
    (trail / SEGMENT).mkdir()
    server.start()
    AwsApi(server, server.root).call("CreateUser", UserName="late")
    return server


def search(server, *arguments):
    return run("audit", "search", *arguments, environment=client_environment(server, server.root))


def metric(server, name):
    with urllib.request.urlopen(f"{server.metrics_url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_look_ups_go_on_and_say_what_is_missing(damaged):
    asked = ("--event", "CreateUser", "--json", "--limit", "1000")
    until(lambda: '"userName":"late"' in search(damaged, *asked).stdout, "the record")
    done = search(damaged, *asked)
    assert done.returncode == 0, done.stderr
    found = {json.loads(line)["requestParameters"]["userName"] for line in done.stdout.splitlines()}
    assert {"middle", "late"} <= found and "early-0" not in found
    assert done.stderr.count("warning:") == 1 and SEGMENT in done.stderr
    rpc = GrpcApi(damaged, damaged.root)
    assert rpc.call("SearchEvents")["unreadableSegments"] == [SEGMENT]
    arn = f"arn:aws:iam::{damaged.account}:user/late"
    assert rpc.call("GeneratePolicy", principalArn=arn)["unreadableSegments"] == [SEGMENT]
    assert metric(damaged, "bailiwick_audit_unreadable_segments") == 1


def test_the_trail_itself_records_it(damaged):
    """What LookupEvents has no place for is an event."""
    api = AwsApi(damaged, damaged.root)

    def recorded():
        attributes = [{"AttributeKey": "EventName", "AttributeValue": "RecordsUnreadable"}]
        return api.call("LookupEvents", LookupAttributes=attributes)["Events"]

    until(recorded, "the record")
    record = json.loads(recorded()[0]["CloudTrailEvent"])
    assert record["errorCode"] == "ServiceFailure" and record["errorMessage"].startswith(f"{SEGMENT} cannot be read: ")
    assert len(recorded()) == 1
    created = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    assert len(api.call("LookupEvents", LookupAttributes=created)["Events"]) >= 2, "the rest is found"


def test_it_is_a_finding_of_doctor_and_of_verify(damaged):
    damaged.stop()
    done = run("doctor", "--json", "--data-dir", damaged.data)
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault["fault"] == "unreadable-segment" and SEGMENT in fault["problem"]
    done = run("audit", "verify", "--json", "--data-dir", damaged.data)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    faults = {(fault["file"], fault["found"]) for fault in report["faults"]}
    assert (SEGMENT, "this is not a regular file, and it was not read") in faults
    assert report["records"] > 1, "the other segments were read"
