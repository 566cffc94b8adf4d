"""The server as an operator sees it: health, metrics, logs."""

import json
import re
import urllib.error
import urllib.request

import pytest
from support.expect import refused


def get(url):
    """Status and text of a plain GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def test_healthz(server):
    status, _, _ = get(f"{server.url}/healthz")
    assert status == 200


def metrics(server):
    """Samples by name with labels."""
    status, text, _ = get(f"{server.metrics_url}/metrics")
    assert status == 200
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            samples[name] = float(value)
    return samples


def test_metrics_count_calls_by_operation_and_outcome(server, aws, rpc, name):
    def count():
        return sum(
            value
            for sample, value in metrics(server).items()
            if re.search(r"(total|count)\b", sample) and "CreateUser" in sample and "bucket" not in sample
        )

    before = count()
    aws.call("CreateUser", UserName=name("user"))
    rpc.call("CreateUser", UserName=(who := name("user")))
    refused(aws, "EntityAlreadyExists", "CreateUser", UserName=who)
    assert count() >= before + 3
    text = get(f"{server.metrics_url}/metrics")[1]
    assert "# TYPE" in text and "# HELP" in text
    assert server.root.access_key_id not in text


def test_metrics_are_on_a_port_of_their_own(server):
    assert get(f"{server.url}/metrics")[0] != 200
    assert get(f"{server.metrics_url}/?Action=ListUsers")[0] == 404


def test_the_log_has_the_request_id_that_the_client_got(server, aws, rpc, name):
    aws.call("CreateUser", UserName=name("user"))
    by_aws = aws.last_headers["x-amzn-requestid"]
    rpc.call("CreateUser", UserName=name("user"))
    by_grpc = rpc.last_headers["x-bailiwick-request-id"]
    error = refused(aws, "NoSuchEntity", "GetUser", UserName=name("nobody"))
    server.wait_for(error.details["request_id"])
    for request_id in (by_aws, by_grpc):
        assert request_id in server.said


def test_request_ids_are_not_taken_from_the_client(server, aws):
    request = urllib.request.Request(f"{server.url}/", headers={"x-amzn-RequestId": "mine", "x-bailiwick-request-id": "mine"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.headers["x-amzn-requestid"] != "mine"
    caught.value.close()


def test_logs_are_structured_when_asked(new_server):
    server = new_server(environment={"BAILIWICK_LOG_FORMAT": "json"}).start()
    server.stop()
    lines = [line for line in server.said.splitlines() if line.startswith("{")]
    assert lines, server.said
    assert all(json.loads(line) for line in lines)
