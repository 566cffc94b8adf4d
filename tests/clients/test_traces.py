"""Traces for OpenTelemetry: the spans of a request, sampling, and a collector that is slow or gone."""

import time
import urllib.error
import urllib.request

import grpc
import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.certificates import make_certificate
from support.collector import EXPORT, GrpcCollector
from support.expect import refused
from support.receiver import HttpReceiver
from support.server import Credentials, run
from support.waiting import until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def fields(data):
    """The fields of a message of Protocol Buffers, by number; nested messages as bytes."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        match key & 7:
            case 0:
                value = varint()
            case 1:
                value, at = int.from_bytes(data[at : at + 8], "little"), at + 8
            case 2:
                length = varint()
                value, at = data[at : at + length], at + length
            case kind:
                raise ValueError(kind)
        found.setdefault(key >> 3, []).append(value)
    return found


def spans_of(request):
    """The spans of an export request."""
    assert request.path == EXPORT or (request.headers["content-type"] == "application/x-protobuf" and request.path == "/in")
    [resource] = fields(request.body)[1]
    found = []
    for scope in fields(resource)[2]:
        for each in fields(scope)[2]:
            of = fields(each)
            attributes = {}
            for pair in of.get(9, []):
                pair = fields(pair)
                value = fields(pair[2][0])
                attributes[pair[1][0].decode()] = value[3][0] if 3 in value else value[1][0].decode()
            found.append(
                {
                    "trace": of[1][0].hex(), "id": of[2][0].hex(), "parent": of.get(4, [b""])[0].hex(), "name": of[5][0].decode(),
                    "kind": of[6][0], "begin": of[7][0], "end": of[8][0], "attributes": attributes,
                    "error": bool(of.get(15)),
                }
            )  # fmt: skip
    return found


def metric(server, name):
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as page:
        [line] = [line for line in page.read().decode().splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


@pytest.fixture
def collector():
    receiver = HttpReceiver()
    yield receiver
    receiver.stop()


def spans(collector):
    return [span for request in list(collector.requests) for span in spans_of(request)]


def of_trace(collector, trace):
    return [span for span in spans(collector) if span["trace"] == trace]


def test_the_spans_of_calls(new_server, collector):
    server = new_server(arguments=["--trace-url", collector.url])
    server.start()
    root, aws = GrpcApi(server, server.root), AwsApi(server, server.root)
    root.call("CreateUser", UserName="ann")
    aws.call("GetUser", UserName="ann")
    refused(aws, "NoSuchEntity", "GetUser", UserName="missing")

    def operations():
        return [span["attributes"]["rpc.method"] for span in spans(collector) if span["name"] == "operation"]

    until(lambda: len(operations()) >= 3, operations)
    assert operations() == ["iam.CreateUser", "iam.GetUser", "iam.GetUser"]
    found = spans(collector)
    assert len({span["id"] for span in found}) == len(found)
    traces = {}
    for span in found:
        traces.setdefault(span["trace"], []).append(span)
    shapes = []
    for of in traces.values():
        names = {span["id"]: span["name"] for span in of}
        for span in of:
            assert span["begin"] <= span["end"] and abs(span["begin"] / 1e9 - time.time()) < 120
            assert (span["kind"] == 2) == (span["parent"] == "")
        shapes.append([(span["name"], names.get(span["parent"])) for span in of])
    steps = [(step, "operation") for step in ("authenticate", "plan", "decide", "handle")]
    assert shapes == [
        [("gRPC request", None), ("operation", "gRPC request"), *steps, ("commit", "operation")],
        [("AWS Query request", None), ("operation", "AWS Query request"), *steps],
        [("AWS Query request", None), ("operation", "AWS Query request"), *steps],
    ]
    last = list(traces.values())[2]
    assert last[0]["attributes"] == {"http.request.method": "POST", "http.response.status_code": 404}
    assert last[1]["attributes"]["error.type"] == "NoSuchEntity" and not last[1]["error"]
    # Nothing of what requests say.
    assert b"missing" not in collector.requests[-1].body and server.root.secret_access_key.encode() not in collector.requests[-1].body
    # The server counts them once the collector has answered.
    until(lambda: metric(server, "bailiwick_traces_exported_total") == 3, lambda: metric(server, "bailiwick_traces_exported_total"))


def test_a_traceparent_decides_and_names_the_trace(new_server, collector):
    server = new_server(arguments=["--trace-url", collector.url, "--trace-ratio", "0"])
    server.start()
    api = GrpcApi(server, server.root)
    method = api.descriptors.method("ListUsers")
    for header, count in ((None, 0), (f"00-{TRACE}-{SPAN}-00", 0), ("00-not-a-parent", 0), (f"00-{TRACE}-{SPAN}-01", 1)):
        api.exchange(method, method.input(), [("traceparent", header)] if header else [])
        if count:
            until(lambda: of_trace(collector, TRACE), lambda: spans(collector))
    found = spans(collector)
    assert {span["trace"] for span in found} == {TRACE}, "only the trace that its client records"
    assert [span["parent"] for span in found if span["kind"] == 2] == [SPAN]


def test_strangers_do_not_choose_what_is_traced(new_server, collector):
    """Neither a wrong signature nor an operation without one makes a `traceparent` count."""
    def send(server, flags, method="POST"):
        headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}", "Content-Type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(server.url, data=b"Action=ListUsers&Version=2010-05-08", headers=headers, method=method)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=10)
        wrong = Credentials(server.root.access_key_id, "x" * 40)
        api = GrpcApi(server, wrong)
        method = api.descriptors.method("ListUsers")
        with pytest.raises(ApiError):
            api.exchange(method, method.input(), [("traceparent", f"00-{TRACE}-{SPAN}-{flags}")])

    server = new_server(arguments=["--trace-url", collector.url, "--trace-ratio", "0"]).start()
    send(server, "01")
    server.stop()
    assert not collector.requests, "what was traced is delivered before the end"
    server.arguments[-1] = "1"
    server.start()
    send(server, "01")
    send(server, "00", "GUESSED-SECRET")
    until(lambda: len([span for span in spans(collector) if span["kind"] == 2]) == 4, lambda: spans(collector))
    found = [span for span in spans(collector) if span["kind"] == 2]
    assert all(span["trace"] != TRACE and span["parent"] == "" for span in found)
    assert sorted({span["attributes"]["http.request.method"] for span in found}) == ["POST", "_OTHER"]
    assert all(b"GUESSED" not in request.body for request in collector.requests)


def test_a_collector_that_hangs_delays_no_call_and_drops_are_counted(new_server, collector):
    collector.plan = ["hang"] * 50
    server = new_server(arguments=["--trace-url", collector.url])
    server.start()
    api = GrpcApi(server, server.root)
    api.call("ListUsers")
    until(lambda: len(collector.plan) < 50, "a request that hangs")
    begun = time.monotonic()
    for _ in range(2_400):
        api.call("ListUsers")
    assert time.monotonic() - begun < 60
    until(lambda: metric(server, "bailiwick_traces_dropped_total") > 0, "drops")
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 10


def test_without_a_collector_traces_are_dropped_and_counted(new_server, collector):
    collector.stop()
    server = new_server(arguments=["--trace-url", collector.url])
    server.start()
    GrpcApi(server, server.root).call("ListUsers")
    until(lambda: metric(server, "bailiwick_traces_dropped_total") == 1, "a drop")


def test_a_collector_over_grpc(new_server):
    collector = GrpcCollector()
    collector.plan = [grpc.StatusCode.UNAVAILABLE]
    server = new_server(arguments=["--trace-url", collector.url, "--trace-protocol", "grpc"])
    server.start()
    api = GrpcApi(server, server.root)
    for number in range(3):
        api.call("CreateUser", UserName=f"user-{number}")
        until(lambda: len(collector.requests) == number + 1, lambda: collector.requests)
    names = [span["attributes"]["rpc.method"] for span in spans(collector) if span["name"] == "operation"]
    assert names == ["iam.CreateUser"] * 3
    assert {request.path for request in collector.requests} == {EXPORT}
    until(lambda: metric(server, "bailiwick_traces_exported_total") == 3, "all are exported")
    # A batch of more than one frame of HTTP/2.
    for _ in range(200):
        api.call("GetUser", UserName="user-0")
    until(lambda: metric(server, "bailiwick_traces_exported_total") == 203, lambda: len(collector.requests))
    assert len(spans(collector)) == 3 * 7 + 200 * 6
    # Three attempts are refused.
    collector.plan = [grpc.StatusCode.PERMISSION_DENIED] * 3
    api.call("ListUsers")
    until(lambda: metric(server, "bailiwick_traces_dropped_total") == 1, "a drop")
    assert "answered with the gRPC status 7: not now" in server.output
    # What is accepted in part is not repeated.
    collector.answer = b"\x0a\x08\x08\x05\x12\x04full"
    api.call("ListUsers")
    until(lambda: "a collector rejected spans" in server.output, lambda: server.output)
    collector.stop()


def test_a_collector_over_grpc_with_tls(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path, authority=False)
    collector = GrpcCollector((certificate, key))
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer of-the-collector\n")
    headers.chmod(0o600)
    arguments = ["--trace-url", collector.url, "--trace-protocol", "grpc", "--trace-headers-file", headers]
    server = new_server(arguments=[*arguments, "--trace-ca-file", certificate]).start()
    GrpcApi(server, server.root).call("ListUsers")
    until(lambda: collector.requests, lambda: server.output)
    [request] = collector.requests
    assert request.headers["authorization"] == "Bearer of-the-collector"
    assert request.headers["user-agent"].startswith("bailiwick/")
    server.stop()
    server.arguments = arguments
    server.start()
    GrpcApi(server, server.root).call("ListUsers")
    until(lambda: metric(server, "bailiwick_traces_dropped_total") == 1, lambda: server.output)
    assert len(collector.requests) == 1 and "of-the-collector" not in server.output
    collector.stop()


def test_a_server_without_http_2_cannot_take_traces_over_grpc(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path, authority=False)
    collector = HttpReceiver((certificate, key))
    arguments = ["--trace-url", f"https://127.0.0.1:{collector.port}", "--trace-protocol", "grpc"]
    server = new_server(arguments=[*arguments, "--trace-ca-file", certificate]).start()
    GrpcApi(server, server.root).call("ListUsers")
    until(lambda: metric(server, "bailiwick_traces_dropped_total") == 1, lambda: server.output)
    assert "does not offer HTTP/2" in server.output and not collector.requests
    collector.stop()


def test_wrong_settings(tmp_path):
    data = tmp_path / "data"
    for arguments, why in (
        (["--trace-url", "http://collector.example.com/v1/traces"], "clear text"),
        (["--trace-url", "https://user:pass@collector.example.com/"], "headers-file"),
        (["--trace-url", "ftp://x/"], "expected https://host/path"),
        (["--trace-url", "https://x/", "--trace-ratio", "2"], "expected a number from 0 to 1"),
        (["--trace-url", "https://x/v1/traces", "--trace-protocol", "grpc"], "has no path: expected https://host:4317"),
    ):
        done = run("serve", "--data-dir", data, *arguments)
        assert done.returncode == 2 and why in done.stderr and "pass" not in done.stderr.replace("password", ""), done
    assert not data.exists()
