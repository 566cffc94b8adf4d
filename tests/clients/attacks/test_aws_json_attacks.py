"""Hostile requests in AWS JSON 1.1: each is refused in JSON, with a record, and the server goes on."""

import json
import random

import pytest
from attacks.watch import well
from support.raw import request, send, signed

TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
JSON = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", TARGET)]


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def post(server, body, headers=JSON, target="/", service="cloudtrail", method="POST"):
    """Sends a signed request; an error must be JSON with a type."""
    made = signed(server, server.root, body, service, method=method, target=target, headers=headers)
    answer = send(server, request(server, body, method=method, target=target, headers=made))
    answer.json = json.loads(answer.body)
    if answer.status >= 400:
        assert answer.json["__type"] == answer.headers["x-amzn-errortype"]
        assert answer.json["message"]
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-requestid"]
    return answer


BODIES = {
    "not JSON": b"Action=LookupEvents",
    "half": b'{"MaxResults"',
    "list": b"[]",
    "null": b"null",
    "twice": b'{"MaxResults": 1, "MaxResults": 50}',
    "twice, escaped": b'{"MaxResults": 1, "\\u004daxResults": 50}',
    "unknown": b'{"Filter": "x"}',
    "case": b'{"maxResults": 1}',
    "wrong type": b'{"MaxResults": "1"}',
    "fraction": b'{"MaxResults": 1.5}',
    "huge number": b'{"MaxResults": 1e400}',
    "many digits": b'{"MaxResults": ' + b"9" * 100_000 + b"}",
    "time as text": b'{"StartTime": "2026-01-01T00:00:00Z"}',
    "late time": b'{"StartTime": 1e18}',
    "NaN": b'{"StartTime": NaN}',
    "not UTF-8": b'{"NextToken": "\xff\xfe"}',
    "lone surrogate": b'{"NextToken": "\\ud800"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "null character": b"{\0}",
    "deep lists": b'{"LookupAttributes": ' + b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000,
    "trailing": b"{} {}",
    "comment": b"{/* */}",
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_malformed_body_is_a_serialization_error(server, kind):
    answer = post(server, BODIES[kind])
    assert (answer.status, answer.json["__type"]) == (400, "SerializationException"), answer.body
    assert len(answer.body) < 1_000


def test_only_members_that_are_there_count(server):
    for body in (b"", b"{}", b' {"MaxResults": null, "__type": "x"} ', b'{"StartTime": 1.5, "EndTime": 1767323045.123}'):
        assert post(server, body).status == 200, body


def test_an_unauthenticated_caller_learns_nothing_of_their_body(server):
    for body in (b"{", b'{"MaxResults": "1"}', b"{}"):
        answer = send(server, request(server, body, headers=JSON))
        assert (answer.status, json.loads(answer.body)["__type"]) == (400, "MissingAuthenticationTokenException")


def test_the_request_that_was_signed_is_the_one_that_counts(server):
    body = b'{"MaxResults": 1}'
    headers = signed(server, server.root, body, "cloudtrail", headers=JSON)
    for changed, other in [(b'{"MaxResults": 2}', headers), (body + b" ", headers)]:
        answer = send(server, request(server, changed, headers=other))
        assert json.loads(answer.body)["__type"] == "InvalidSignatureException"
    for service in ("iam", "sts", "bailiwick"):
        assert post(server, body, service=service).json["__type"] == "InvalidSignatureException"
    moved = [(name, value.replace("LookupEvents", "ListTrails")) for name, value in headers]
    signed_headers = dict(headers)["Authorization"]
    if "x-amz-target" in signed_headers:
        assert json.loads(send(server, request(server, body, headers=moved)).body)["__type"] == "InvalidSignatureException"
    twice = [*headers, ("X-Amz-Target", TARGET)]
    assert json.loads(send(server, request(server, body, headers=twice)).body)["__type"] == "SerializationException"


def test_a_signature_in_the_query_string_is_refused(server):
    answer = post(server, b"{}", target="/?X-Amz-Signature=00")
    assert answer.status == 400 and answer.json["__type"] in ("IncompleteSignatureException", "InvalidSignatureException"), answer.body


@pytest.mark.parametrize("kind", ["application/json", "application/x-amz-json-1.0", "application/cbor", "text/plain", ""])
def test_another_content_type_is_refused(server, kind):
    answer = post(server, b"{}", headers=[("Content-Type", kind), ("X-Amz-Target", TARGET)])
    assert (answer.status, answer.json["__type"]) == (400, "SerializationException")


def test_other_methods_paths_and_operations_are_unknown(server):
    for method, target in (("GET", "/"), ("PUT", "/"), ("POST", "/x"), ("DELETE", "/")):
        answer = post(server, b"", method=method, target=target)
        assert (answer.status, answer.json["__type"]) == (400, "UnknownOperationException"), answer.body
    prefix = TARGET.rpartition(".")[0]
    for name in ("", "lookupevents", "LookupEvents,", "GetUser", "x" * 5_000, "<b>"):
        answer = post(server, b"{}", headers=[JSON[0], ("X-Amz-Target", f"{prefix}.{name}")])
        assert (answer.status, answer.json["__type"]) == (400, "UnknownOperationException"), answer.body
        assert len(answer.body) < 1_000


def test_a_large_body_is_refused(server):
    answer = post(server, b'{"NextToken": "' + b"x" * 1_200_000 + b'"}')
    assert (answer.status, answer.json["__type"]) == (413, "RequestEntityTooLargeException")


def test_mutated_bodies_never_fail_the_server(server):
    dice = random.Random(7)
    good = b'{"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}], "StartTime": 1767323045, "MaxResults": 5}'
    seen = set()
    for _ in range(300):
        body = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(body))
            body[at : at + dice.randint(0, 3)] = dice.choice([b"", b"\0", b'"', b"{", b"}", b"[", b"]", b",", b"9" * 30, b"\xff", b"null", b"\\u", b"-"])
        answer = post(server, bytes(body))
        assert answer.status in (200, 400), (bytes(body), answer.body)
        seen.add(answer.json.get("__type"))
    assert {"SerializationException"} < seen, seen
