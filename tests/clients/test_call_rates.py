"""The rate limits of calls: Throttling, as IAM answers it, and decisions that are not limited."""

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy
from support.received import received
from support.server import Credentials

RATE = 2
BURST = 10 * RATE


def throttled(api, operation, times, **members):
    """The errors of this many calls."""
    errors = []
    for _ in range(times):
        try:
            api.call(operation, **members)
        except ApiError as error:
            assert (error.code, error.message) == ("Throttling", "Rate exceeded"), error
            assert error.status == (400 if api.front == "aws" else "RESOURCE_EXHAUSTED")
            errors.append(error)
    return errors


@pytest.mark.parametrize("front", [AwsApi, GrpcApi])
def test_a_principal_that_calls_too_often_is_throttled(new_server, front):
    server = new_server(arguments=["--calls-per-principal", str(RATE)]).start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="busy")
    root.call("PutUserPolicy", UserName="busy", PolicyName="inline", PolicyDocument=policy({"Action": ["iam:GetUser", "bailiwick:Authorize", "bailiwick:AuthorizeAs"]}))
    busy = front(server, Credentials.of(root.call("CreateAccessKey", UserName="busy")["AccessKey"]))
    refusals = throttled(busy, "GetUser", 4 * BURST)
    assert 2 * BURST < len(refusals) < 3 * BURST + 5, "after the burst, only as many as the rate allows"
    assert root.call("GetUser", UserName="busy"), "other principals go on"
    question = {"caller": {"signedRequest": received(server.root)}, "action": "s3:GetObject", "resource": "*", "resourceAccount": server.account}
    decisions = [GrpcApi(server, busy.credentials).call("Authorize", **question) for _ in range(2 * BURST)]
    assert {decision["decision"] for decision in decisions} == {"DECISION_ALLOW"}, "decisions are not limited"


def test_a_source_that_calls_too_often_is_throttled(new_server):
    server = new_server(arguments=["--calls-per-source", str(RATE)]).start()
    for front in (AwsApi, GrpcApi):
        assert len(throttled(front(server, server.root), "GetAccountSummary", 2 * BURST)) > BURST - 5
