"""Hostile requests in REST-JSON: each is refused in JSON, with AWS's code, and the server goes on."""

import json
import random

import pytest
from attacks.watch import well
from support.raw import request, send, signed

AT = "/authorization-details/" + "0" * 32


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def ask(server, target, body=b"", method="GET", service="iam", headers=(), credentials=None):
    """Sends a signed request; an error must be JSON with a type in a header."""
    made = signed(server, credentials or server.root, body, service, method=method, target=target, headers=headers)
    return answered(send(server, request(server, body, method=method, target=target, headers=made)))


def answered(answer):
    answer.type = answer.headers.get("x-amzn-errortype")
    assert answer.headers["content-type"] == "application/json", answer
    assert answer.headers["x-amzn-requestid"]
    assert answer.status >= 400 and set(json.loads(answer.body)) == {"message"} and len(answer.body) < 1_500
    return answer


def test_other_methods_and_paths_are_unknown(server):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = ask(server, AT, method=method)
        assert (answer.status, answer.type) == (404, "UnknownOperationException"), (method, answer)
    for target in ("/authorization-details", "/authorization-details/", f"{AT}/", f"{AT}/policy/", f"{AT}/x", f"{AT}//policy", "/authorization-details//policy"):
        answer = ask(server, target)
        assert (answer.status, answer.type) == (404, "UnknownOperationException"), (target, answer)


def test_what_is_not_a_member_is_refused(server):
    for query in ("x=1", "NextToken=x", "nextToken=a&nextToken=b", "authorizationId=0", "nextToken=%zz", "nextToken=%FF", "nextToken=%", "&".join(["x=1"] * 5_000)):
        answer = ask(server, f"{AT}?{query}")
        assert (answer.status, answer.type) == (400, "SerializationException"), (query[:50], answer)
    answer = ask(server, AT, body=b"{}", headers=[("Content-Type", "application/json")])
    assert (answer.status, answer.type) == (400, "SerializationException")
    answer = ask(server, AT, body=b"{" * 2_000_000)
    assert (answer.status, answer.type) == (413, "RequestEntityTooLargeException")


def test_invalid_values_have_awss_code(server):
    for target in ("/authorization-details/A", "/authorization-details/" + "0" * 257, "/authorization-details/%2e%2e", f"{AT}?nextToken=x", f"{AT}/policy", f"{AT}/policy?policyUri="):
        answer = ask(server, target)
        assert (answer.status, answer.type) == (400, "ValidationException"), (target, answer)
    for target in (AT, f"{AT}/policy?policyUri=x"):
        answer = ask(server, target)
        assert (answer.status, answer.type) == (404, "ResourceNotFoundException"), (target, answer)


def test_the_request_that_was_signed_is_the_one_that_counts(server):
    made = signed(server, server.root, b"", "iam", method="GET", target=AT)
    for target in (f"{AT[:-1]}1", f"{AT}?nextToken=x", f"{AT}/policy?policyUri=x"):
        answer = answered(send(server, request(server, method="GET", target=target, headers=made)))
        assert (answer.status, answer.type) == (403, "InvalidSignatureException"), answer
    for service in ("iam-toolbox", "sts", "cloudtrail", "bailiwick"):
        assert ask(server, AT, service=service).type == "InvalidSignatureException"
    answer = answered(send(server, request(server, method="GET", target=AT)))
    assert (answer.status, answer.type) == (403, "MissingAuthenticationTokenException")


def test_an_unauthenticated_caller_learns_nothing_of_their_request(server):
    for target in ("/authorization-details/A", AT, f"{AT}?x=1", f"{AT}/policy"):
        answer = answered(send(server, request(server, method="GET", target=target)))
        assert (answer.status, answer.type) == (403, "MissingAuthenticationTokenException"), (target, answer)


def test_mutated_targets_never_fail_the_server(server):
    dice = random.Random(11)
    pieces = ["", "/", "//", "%", "%2F", "%00", "..", "?", "&", "=", "#", "%25", "é".encode().hex(), "0" * 300, ";", "+", "policy", "policyUri=x"]
    seen = set()
    for _ in range(300):
        target = list(f"{AT}/policy?policyUri=arn%3Aaws%3Aiam%3A%3Ax")
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len("/authorization-details/"), len(target))
            target[at : at + dice.randint(0, 3)] = dice.choice(pieces)
        answer = ask(server, "".join(target).replace("#", "%23"))
        assert answer.status in (400, 403, 404), ("".join(target), answer)
        seen.add(answer.type)
    assert {"SerializationException", "ValidationException", "UnknownOperationException"} <= seen, seen
