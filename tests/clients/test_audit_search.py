"""Look-up in the audit trail: `audit.v1` over gRPC, and the commands `audit search` and `audit tail`."""

import json
import os
import subprocess
import threading
import time
import urllib.request

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy, trust
from support.expect import refused
from support.server import BINARY, Credentials, clean_environment, client_environment, run
from support.waiting import until


def events(rpc, limit=1000, start=None, **filters):
    """All events that a filter finds, over all pages."""
    found, marker = [], {}
    times = {"startTime": start} if start else {}
    while True:
        page = rpc.call("SearchEvents", filter=filters, maxItems=limit, **times, **marker)
        assert len(page.get("events", [])) <= limit
        found += page.get("events", [])
        if not page.get("isTruncated"):
            return found
        marker = {"marker": page["marker"]}


def soon(rpc, count=1, **filters):
    """The events, when there are so many of them."""
    last = []

    def enough():
        last[:] = events(rpc, **filters)
        return len(last) >= count

    until(enough, lambda: f"{filters}: {len(last)} events")
    return last


@pytest.fixture
def person(server, aws, name):
    """A user who did something: their name, ARN and access key."""
    user, role = name("person"), name("role")
    arn = aws.call("CreateUser", UserName=user, Path="/staff/")["User"]["Arn"]
    aws.call("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=policy("iam:GetUser", "iam:CreateGroup", "sts:*"))
    credentials = Credentials.of(aws.call("CreateAccessKey", UserName=user)["AccessKey"])
    own = AwsApi(server, credentials)
    until(lambda: works(own), "the key")
    own.call("GetUser", UserName=user)
    own.call("CreateGroup", GroupName=user)
    with pytest.raises(ApiError):
        own.call("ListRoles")
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    session = Credentials.of(own.call("AssumeRole", RoleArn=f"arn:aws:iam::{server.account}:role/{role}", RoleSessionName=user + "-s")["Credentials"])
    AwsApi(server, session).call("GetCallerIdentity")
    return {"name": user, "arn": arn, "key": credentials.access_key_id, "role": role, "session": session.access_key_id}


def works(api):
    try:
        return api.call("GetCallerIdentity")
    except ApiError:
        return False


def test_events_are_found_by_each_filter(server, rpc, person):
    name, arn = person["name"], person["arn"]
    made = soon(rpc, username=name, eventName="CreateGroup")
    assert len(made) == 1
    event = made[0]
    record = json.loads(event["record"])
    assert record["eventName"] == event["eventName"] == "CreateGroup" and record["userIdentity"]["arn"] == event["principalArn"] == arn
    assert (event["username"], event["accessKeyId"], event["sourceIpAddress"]) == (name, person["key"], "127.0.0.1")
    assert event["eventSource"] == "iam.amazonaws.com" and event["eventCategory"] == "Management" and not event["readOnly"]
    assert event["eventTime"].rstrip("Z")[:19] == record["eventTime"][:19]
    group = f"arn:aws:iam::{server.account}:group/{name}"
    assert event["resourceArns"] == [group]
    for one in (
        {"eventId": event["eventId"]}, {"eventId": event["eventId"].replace("-", "")}, {"resourceName": group}, {"resourceName": name, "resourceType": "AWS::IAM::Group"},
        {"accessKeyId": person["key"], "readOnly": False, "eventSource": "iam.amazonaws.com"}, {"principalArn": arn, "eventName": "CreateGroup"},
        {"username": name, "sourceIpAddress": "127.0.0.1", "eventCategory": "Management", "eventName": "CreateGroup"},
    ):  # fmt: skip
        assert [found["eventId"] for found in events(rpc, **one)] == [event["eventId"]], one
    denied = soon(rpc, username=name, errorCode="AccessDenied")
    assert [found["eventName"] for found in denied] == ["ListRoles"]
    assert soon(rpc, username=name, readOnly=True, eventName="GetUser")
    # The events of a session are found by its name, and by the role.
    session = soon(rpc, username=name + "-s")
    assert [found["eventName"] for found in session] == ["GetCallerIdentity"] and session[0]["accessKeyId"] == person["session"]
    role = f"arn:aws:iam::{server.account}:role/{person['role']}"
    assert soon(rpc, principalArn=role)[0]["eventId"] == session[0]["eventId"]
    for nothing in ({"username": name.upper()}, {"username": name, "errorCode": "NoSuchEntity"}, {"resourceName": name[:-1]}, {"eventSource": "iam"}):
        assert events(rpc, **nothing) == [], nothing


def test_pages_are_complete_and_newest_first_while_writing_goes_on(server, aws, rpc, name):
    prefix = name("busy")
    for number in range(30):
        aws.call("CreateGroup", GroupName=f"{prefix}-{number}")
    soon(rpc, resourceName=f"{prefix}-29", eventName="CreateGroup")
    stop = threading.Event()

    def write():
        own, number = AwsApi(server, server.root), 0
        while not stop.is_set():
            own.call("CreateGroup", GroupName=f"{prefix}-more-{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = events(rpc, limit=7, eventName="CreateGroup")
    finally:
        stop.set()
        writer.join()
    ids = [event["eventId"] for event in found]
    assert len(set(ids)) == len(ids)
    times = [json.loads(event["record"])["eventTime"] for event in found]
    assert times == sorted(times, reverse=True)
    names = {json.loads(event["record"])["requestParameters"]["groupName"] for event in found}
    assert {f"{prefix}-{number}" for number in range(30)} <= names


def test_times_are_a_range(rpc, aws, name):
    aws.call("CreateGroup", GroupName=name("timed"))
    event = soon(rpc, eventName="CreateGroup")[0]
    at = Timestamp()
    at.FromJsonString(event["eventTime"])
    before, after = Timestamp(seconds=at.seconds - 1).ToJsonString(), Timestamp(seconds=at.seconds + 1).ToJsonString()

    def between(start, end):
        page = rpc.call("SearchEvents", filter={"eventId": event["eventId"]}, startTime=start, endTime=end)
        return [found["eventId"] for found in page.get("events", [])]

    assert between(before, after) == between(event["eventTime"], event["eventTime"]) == [event["eventId"]]
    assert between(after, after) == between(before, before) == []
    refused(rpc, "InvalidInput", "SearchEvents", startTime=after, endTime=before)


@pytest.mark.parametrize("operation", ["SearchEvents", "GeneratePolicy", "Replay", "LookupEvents"])
@pytest.mark.parametrize(["seconds", "nanos"], [(-62_135_596_801, 0), (253_402_300_800, 0), (2**63 - 1, 0), (0, -1), (0, 1_000_000_000)])
def test_times_that_no_calendar_has_are_refused(rpc, operation, seconds, nanos):
    method = rpc.descriptors.method(operation)
    request = method.input()
    request.end_time.seconds, request.end_time.nanos = seconds, nanos
    with pytest.raises(ApiError) as caught:
        rpc.exchange(method, request)
    assert caught.value.code == "ValidationError"
    assert "Value at 'endTime' failed to satisfy constraint: Member must be a time of the years 1 to 9999" in str(caught.value)


def test_an_account_sees_its_own_events_only(new_server, name):
    server = new_server().start()
    root = GrpcApi(server, server.root)
    aws = AwsApi(server, server.root)
    aws.call("CreateUser", UserName="ours")
    aws.call("PutUserPolicy", UserName="ours", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    ours = AwsApi(server, Credentials.of(aws.call("CreateAccessKey", UserName="ours")["AccessKey"]))
    member = root.call("CreateAccount", accountName="Member", email="member@example.com")["account"]["accountId"]
    arn = f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole"
    inside = Credentials.of(ours.call("AssumeRole", RoleArn=arn, RoleSessionName="session")["Credentials"])
    theirs = GrpcApi(server, inside)
    AwsApi(server, inside).call("CreateUser", UserName="theirs")
    refused(AwsApi(server, Credentials("AKIA" + "A" * 16, "x" * 40)), "InvalidClientTokenId", "ListUsers")
    mine, other = soon(root, eventName="CreateUser"), soon(theirs, eventName="CreateUser")
    assert [event["resourceArns"] for event in mine] == [[f"arn:aws:iam::{server.account}:user/ours"]]
    assert [event["resourceArns"] for event in other] == [[f"arn:aws:iam::{member}:user/theirs"]]
    assert {json.loads(event["record"])["recipientAccountId"] for event in events(theirs)} == {member}
    # An id of another account, and a caller who is not known: the management account alone sees the latter.
    assert events(theirs, eventId=mine[0]["eventId"]) == []
    assert soon(root, errorCode="InvalidClientTokenId") and events(theirs, errorCode="InvalidClientTokenId") == []
    # Markers are of one account and one question.
    page = root.call("SearchEvents", maxItems=1)
    for api, members in ((theirs, {}), (root, {"filter": {"eventName": "CreateUser"}}), (root, {"endTime": "2026-01-01T00:00:00Z"})):
        refused(api, "ValidationError", "SearchEvents", marker=page["marker"], maxItems=1, **members)
    assert root.call("SearchEvents", marker=page["marker"], maxItems=2)["events"]
    refused(root, "ValidationError", "TailEvents", marker=page["marker"])


def test_look_up_needs_permission(new_user, server, rpc):
    _, credentials = new_user(policy("iam:*", "bailiwick:*"))
    own = GrpcApi(server, credentials)
    for operation in ("SearchEvents", "TailEvents"):
        error = refused(own, "AccessDenied", operation)
        assert "cloudtrail:LookupEvents" in error.message
    _, credentials = new_user(policy("cloudtrail:LookupEvents"))
    assert GrpcApi(server, credentials).call("SearchEvents")["events"]


@pytest.mark.parametrize("value", ["*", "' OR 1=1", '"}', "\\", "\n", "\u2028", "../../etc/passwd", "é" * 1000, "0" * 32, "%00", "{{}}"])
def test_hostile_values_find_nothing(rpc, value):
    for member in ("eventId", "eventName", "eventSource", "username", "accessKeyId", "resourceName", "resourceType", "errorCode", "principalArn", "sourceIpAddress"):
        # Calls without a resource have the resource `*`.
        if (member, value) != ("resourceName", "*"):
            assert events(rpc, **{member: value}) == [], member
    refused(rpc, "ValidationError", "SearchEvents", filter={"eventCategory": value})
    for operation in ("SearchEvents", "TailEvents"):
        refused(rpc, "ValidationError", operation, marker=value)


def test_the_tail_has_each_event_once_in_order(aws, rpc, name):
    prefix = name("tail")
    question = {"filter": {"eventName": "CreateGroup"}, "waitSeconds": 5, "maxItems": 3}
    answer = rpc.call("TailEvents", **question)
    assert answer.get("events", []) == []
    for number in range(10):
        aws.call("CreateGroup", GroupName=f"{prefix}-{number}")
    seen = []
    while len(seen) < 10:
        answer = rpc.call("TailEvents", marker=answer["marker"], **question)
        seen += [json.loads(event["record"]) for event in answer.get("events", [])]
    assert [record["requestParameters"]["groupName"] for record in seen] == [f"{prefix}-{number}" for number in range(10)]
    assert [record["sequence"] for record in seen] == sorted(record["sequence"] for record in seen)
    # Nothing more: the call waits, and its own event does not end the wait.
    short = question | {"waitSeconds": 1}
    answer = rpc.call("TailEvents", **short)
    assert rpc.call("TailEvents", marker=answer["marker"], **short).get("events", []) == []


def test_a_wait_does_not_delay_the_stop(new_server):
    server = new_server().start()
    rpc, outcome = GrpcApi(server, server.root), []
    question = {"filter": {"eventName": "CreateGroup"}, "waitSeconds": 20}
    question["marker"] = rpc.call("TailEvents", **question)["marker"]
    waiting = threading.Thread(target=lambda: outcome.append(rpc.call("TailEvents", **question)))
    waiting.start()
    metrics = lambda: urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10).read().decode()  # noqa: E731
    until(lambda: "bailiwick_calls_in_flight 1\n" in metrics(), "it waits")
    begun = time.monotonic()
    assert server.stop() == 0
    waiting.join()
    assert time.monotonic() - begun < 15 and not outcome[0]["events"]


def test_a_wait_ends_with_the_permission(server, aws, new_user):
    """The call is decided again after the wait."""
    user, credentials = new_user(policy("cloudtrail:LookupEvents"))
    own = GrpcApi(server, credentials)
    question = {"filter": {"eventName": "CreateGroup"}, "waitSeconds": 20}
    marker = own.call("TailEvents", **question)["marker"]
    outcome = []
    waiting = threading.Thread(target=lambda: outcome.append(refused(own, "AccessDenied", "TailEvents", marker=marker, **question)))
    waiting.start()
    for name in aws.call("ListUserPolicies", UserName=user["UserName"])["PolicyNames"]:
        aws.call("DeleteUserPolicy", UserName=user["UserName"], PolicyName=name)
    aws.call("CreateGroup", GroupName=user["UserName"] + "-group")
    waiting.join()
    assert outcome


def test_events_outlive_a_restart_and_a_crash(new_server):
    server = new_server().start()
    for number in range(3):
        AwsApi(server, server.root).call("CreateUser", UserName=f"user-{number}")
        soon(GrpcApi(server, server.root), number + 1, eventName="CreateUser")
        server.kill() if number == 1 else server.stop()
        server.start()
    found = events(GrpcApi(server, server.root), eventName="CreateUser")
    assert [json.loads(event["record"])["requestParameters"]["userName"] for event in found] == ["user-2", "user-1", "user-0"]


def command(server, *arguments, by=None):
    return run("audit", *arguments, environment=client_environment(server, by or server.root))


def test_the_command_finds_events(server, rpc, aws, person):
    name = person["name"]
    soon(rpc, username=name, errorCode="AccessDenied")
    done = command(server, "search", "--user", name, "--since", "1h")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].split() == ["TIME", "USER", "EVENT", "RESOURCE", "ERROR"]
    row = next(line.split() for line in lines if "CreateGroup" in line)
    assert row[1:] == [name, "CreateGroup", f"arn:aws:iam::{server.account}:group/{name}"]
    assert next(line.split() for line in lines if "ListRoles" in line)[-1] == "AccessDenied"
    done = command(server, "search", "--user", name, "--json", "--changes", "--event", "CreateGroup")
    assert [json.loads(line)["eventName"] for line in done.stdout.splitlines()] == ["CreateGroup"]
    done = command(server, "search", "--limit", 2, "--json")
    assert len(done.stdout.splitlines()) == 2
    assert len(command(server, "search", "--until", "2000-01-01").stdout.splitlines()) == 1
    for wrong in (["--since", "yesterday"], ["--limit", "0"], ["--reads", "--changes"], ["--category", "Other"]):
        done = command(server, "search", *wrong)
        assert done.returncode == 2 and done.stdout == "", wrong
    nobody = Credentials("AKIA" + "A" * 16, "x" * 40)
    assert command(server, "search", by=nobody).returncode == 1


def test_the_command_follows_the_trail(server, aws, name):
    group = name("followed")
    environment = clean_environment() | client_environment(server, server.root) | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    tail = [str(BINARY), "audit", "tail", "--event", "CreateGroup", "--json"]
    with subprocess.Popen(tail, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            seen = []

            def read():
                seen.extend(json.loads(line)["requestParameters"]["groupName"] for line in process.stdout)

            threading.Thread(target=read, daemon=True).start()
            # The first call takes the position of then.
            number = 0

            def is_seen():
                nonlocal number
                number += 1
                aws.call("CreateGroup", GroupName=f"{group}-{number}")
                return len(seen) >= 3

            until(is_seen, lambda: f"seen: {seen}")
        finally:
            process.terminate()
    assert seen == [f"{group}-{number}" for number in range(int(seen[0].rsplit("-", 1)[1]), int(seen[-1].rsplit("-", 1)[1]) + 1)]


def test_tail_ends_when_its_output_is_closed(server, rpc, name):
    """As in `bailiwick audit tail | head -1`."""
    environment = clean_environment() | client_environment(server, server.root)
    tail = subprocess.Popen([str(BINARY), "audit", "tail", "--json"], env=environment, stdout=subprocess.PIPE, text=True)

    def work():
        while tail.poll() is None:
            group = name("group")
            rpc.call("CreateGroup", GroupName=group)
            # An account has a limited number of groups, and a fast disk reaches it.
            rpc.call("DeleteGroup", GroupName=group)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        assert json.loads(tail.stdout.readline())["eventID"]
        tail.stdout.close()
        assert tail.wait(timeout=60) == 0
    finally:
        tail.kill()
        worker.join()
