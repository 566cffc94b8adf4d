"""Sinks of the audit trail: every record arrives, in order, whatever happens to the receiver and to the server."""

import json
import urllib.request

import pytest
from support import audit
from support.api import ApiError, AwsApi, GrpcApi
from support.certificates import make_certificate
from support.receiver import HttpReceiver, SyslogReceiver, is_signed, write_secret
from support.server import Credentials, run
from support.waiting import until


@pytest.fixture
def receiver():
    receiver = HttpReceiver()
    yield receiver
    receiver.stop()


def sinks(*texts):
    """The arguments of a server."""
    return [argument for text in texts for argument in ("--audit-sink", text)]


def webhook(receiver, folder, more=""):
    """A webhook from the first record on."""
    return f"webhook,name=siem,url={receiver.url},secret-file={write_secret(folder)},from=start{more}"


def metric(server, name, sink):
    """The value of a metric of a sink."""
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f'{name}{{sink="{sink}"}}'))


def sequences(records):
    """The numbers of records without repetitions, in the order of their first arrival."""
    return list(dict.fromkeys(record["sequence"] for record in records))


def change(server, count, prefix="user"):
    """Makes changes, each with a record."""
    root = AwsApi(server, server.root)
    for number in range(count):
        root.call("CreateUser", UserName=f"{prefix}-{number}")


def test_files_and_webhooks_get_the_records_as_they_are_stored(new_server, receiver, tmp_path):
    out = tmp_path / "out.jsonl"
    server = new_server(arguments=sinks(webhook(receiver, tmp_path), f"file,path={out},from=start", "stdout,name=out"))
    server.start()
    change(server, 20)
    until(lambda: len(receiver.records) >= 20, lambda: len(receiver.records))
    assert metric(server, "bailiwick_audit_sink_failures_total", "siem") == 0
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "siem") == 0, "lag")
    server.stop()
    stored = audit.records(server)
    assert receiver.records == stored, "in order, none twice"
    assert [json.loads(line) for line in out.read_text().splitlines()] == stored
    assert out.stat().st_mode & 0o777 == 0o600
    printed = [json.loads(line) for line in server.lines if line.startswith('{"eventVersion"')]
    assert printed and printed == stored[-len(printed) :]
    assert all(is_signed(request) for request in receiver.requests)
    assert {request.headers["content-type"] for request in receiver.requests} == {"application/json"}
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests)
    shown = run("audit", "sinks", "--data-dir", server.data, "--json")
    assert shown.returncode == 0, shown.stderr
    state = {line["sink"]: line for line in map(json.loads, shown.stdout.splitlines())}
    assert set(state) == {"siem", "file", "out"}
    assert all(of["delivered"] == len(stored) and of["waiting"] == 0 and of["failing"] is None for of in state.values())
    assert all(of["state"] == "idle" for of in state.values()), "no server runs"
    server.arguments = sinks("stdout,name=out")
    server.start()
    shown = run("audit", "sinks", "--data-dir", server.data, "--json")
    state = {line["sink"]: line["state"] for line in map(json.loads, shown.stdout.splitlines())}
    assert state == {"siem": "idle", "file": "idle", "out": "delivers"}
    server.stop()
    shown = run("audit", "sinks", "--data-dir", tmp_path / "nowhere")
    assert shown.returncode == 2 and "there is no audit trail" in shown.stderr, shown.stderr
    # Secrets are masked in records already.
    everything = out.read_text() + "".join(server.lines) + json.dumps(receiver.records)
    assert server.root.secret_access_key not in everything
    assert "dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM" not in everything


def test_a_receiver_that_fails_hangs_and_restarts_gets_every_record(new_server, receiver, tmp_path):
    receiver.plan = [500, "drop", 302, "accept and drop", 413]
    server = new_server(arguments=sinks(webhook(receiver, tmp_path, ",max-records=5")))
    server.start()
    change(server, 12, "a")
    until(lambda: sequences(receiver.records)[-1:] >= [12], lambda: sequences(receiver.records))
    repeated = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(repeated) - len(set(repeated)) == 1, "only the batch whose acknowledgement was lost"
    assert metric(server, "bailiwick_audit_sink_failures_total", "siem") == 5
    receiver.stop()
    change(server, 12, "b")
    until(lambda: metric(server, "bailiwick_audit_sink_failures_total", "siem") > 5, "a failure")
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "siem") >= 12, "a lag")
    assert metric(server, "bailiwick_audit_sink_lag_seconds", "siem") > 0
    with urllib.request.urlopen(f"{server.url}/readyz", timeout=10) as ready:
        assert ready.status == 200
    shown = run("audit", "sinks", "--data-dir", server.data)
    assert shown.returncode == 1 and "fails since" in shown.stdout, shown.stdout
    receiver.start()
    receiver.plan = ["hang"]
    until(lambda: not receiver.plan, "the request that hangs")
    # A sink that waits for an answer does not keep the server from ending, and the next start delivers.
    assert server.stop() == 0
    server.start()
    change(server, 3, "c")
    until(lambda: len(sequences(receiver.records)) >= 27, lambda: sequences(receiver.records))
    server.stop()
    stored = audit.records(server)
    until(lambda: len(sequences(receiver.records)) >= 27, "the rest")
    assert sequences(receiver.records) == [record["sequence"] for record in stored][: len(sequences(receiver.records))]
    first = list({record["eventID"]: record for record in receiver.records}.values())
    assert first == stored[: len(first)]


def test_after_a_kill_every_record_arrives(new_server, receiver, tmp_path):
    out = tmp_path / "out.jsonl"
    arguments = sinks(webhook(receiver, tmp_path, ",max-records=3"), f"file,path={out},from=start,max-records=3")
    server = new_server(arguments=arguments)
    for round in range(4):
        server.start()
        change(server, 9, f"round{round}")
        if round % 2:
            until(lambda: len(receiver.records) >= 9 * round, "some records")
        server.kill()
    server.start()
    count = json.loads(run("audit", "sinks", "--data-dir", server.data, "--json").stdout.splitlines()[0])
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "siem") == 0, f"everything: {count}")
    server.stop()
    stored = [record["sequence"] for record in audit.records(server)]
    assert len(stored) >= 36
    assert sequences(receiver.records) == stored
    assert sequences(map(json.loads, out.read_text().splitlines())) == stored


def test_certificates_are_verified(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path, authority=False)
    receiver = HttpReceiver(tls=(certificate, key))
    # The same port, with and without trust in the certificate.
    trusted = webhook(receiver, tmp_path, f",ca-file={certificate},body=lines")
    other = webhook(receiver, tmp_path).replace("name=siem", "name=other")
    server = new_server(arguments=sinks(trusted, other))
    server.start()
    change(server, 3)
    until(lambda: len(receiver.records) >= 3, "records over TLS")
    until(lambda: metric(server, "bailiwick_audit_sink_failures_total", "other") > 0, "a refused certificate")
    assert metric(server, "bailiwick_audit_sink_delivered_total", "other") == 0
    server.stop()
    assert receiver.records == audit.records(server)[: len(receiver.records)]
    assert all(is_signed(request) and "-siem-" in request.headers["webhook-id"] for request in receiver.requests)
    receiver.stop()


def test_alerts_and_ocsf(new_server, receiver, tmp_path):
    """Root is the caller of every call, so that each one is an alert; the alerts of users are those of the table."""
    others = HttpReceiver()
    secret = write_secret(tmp_path)
    of = f"url={receiver.url},secret-file={secret},from=start"
    server = new_server(
        arguments=sinks(
            f"webhook,name=pager,events=alerts,body=single,{of}",
            f"webhook,name=ocsf,format=ocsf,from=start,url={others.url},secret-file={secret}",
            f"file,name=both,path={tmp_path}/both.jsonl,events=alerts,format=ocsf,from=start",
        )
    )
    server.start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="ann")
    key = root.call("CreateAccessKey", UserName="ann")["AccessKey"]
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    root.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=document)
    ann = AwsApi(server, Credentials.of(key))
    ann.call("CreateGroup", GroupName="g")
    ann.call("PutGroupPolicy", GroupName="g", PolicyName="p", PolicyDocument=document)
    until(lambda: any(of["type"] == "bailiwick.alert.policy-changed" for of in receiver.records), "the alert of a user")
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "ocsf") == 0, "OCSF")
    server.stop()
    stored = {record["eventID"]: record for record in audit.records(server)}
    events = receiver.records
    assert {request.headers["content-type"] for request in receiver.requests} == {"application/cloudevents+json"}
    assert all(is_signed(request) for request in receiver.requests)
    for event in events:
        assert event["specversion"] == "1.0" and event["source"].startswith("urn:bailiwick:") and event["time"]
        assert event["data"] == stored[event["id"]]
    kinds = [(event["type"].removeprefix("bailiwick.alert."), event["data"]["eventName"]) for event in events]
    assert kinds[:3] == [("root-used", name) for name in ("CreateUser", "CreateAccessKey", "PutUserPolicy")]
    assert kinds[3:] == [("policy-changed", "PutGroupPolicy")], "CreateGroup is no alert"
    ocsf = others.records
    assert [event["metadata"]["uid"] for event in ocsf] == list(stored)[: len(ocsf)] and len(ocsf) >= 5
    for event in ocsf:
        record = stored[event["metadata"]["uid"]]
        required = ("activity_id", "category_uid", "severity_id", "status_id", "actor", "api", "src_endpoint", "cloud")
        assert all(event[name] is not None for name in required), event
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["api"]["operation"] == record["eventName"] and event["src_endpoint"]["ip"] == "127.0.0.1"
        assert event["metadata"]["version"] == "1.3.0" and event["metadata"]["sequence"] == record["sequence"]
    assert ocsf[0]["class_uid"] == 3001 and ocsf[0]["user"]["name"] == "ann"
    both = [json.loads(line) for line in (tmp_path / "both.jsonl").read_text().splitlines()]
    assert [event["data"]["metadata"]["uid"] for event in both] == [event["id"] for event in events]
    assert server.root.secret_access_key not in json.dumps([events, ocsf]) + server.output
    assert key["SecretAccessKey"] not in json.dumps([events, ocsf])
    others.stop()


def test_alerts_of_memberships_sign_ins_and_retention(new_server, receiver, tmp_path):
    """Many failed sign-ins are one alert for the user; other retention settings are one at the next start."""
    sink = f"webhook,name=pager,events=alerts,body=single,url={receiver.url},secret-file={write_secret(tmp_path)},from=start,failed-sign-ins=3"
    server = new_server(arguments=sinks(sink)).start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="ann")
    key = Credentials.of(root.call("CreateAccessKey", UserName="ann")["AccessKey"])
    root.call("CreateLoginProfile", UserName="ann", Password="Correct-horse-1")
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    root.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    ann = AwsApi(server, key)
    ann.call("CreateGroup", GroupName="staff")
    ann.call("AddUserToGroup", GroupName="staff", UserName="ann")
    ann.call("RemoveUserFromGroup", GroupName="staff", UserName="ann")
    nobody = GrpcApi(server, None)
    for _ in range(12):
        with pytest.raises(ApiError):
            nobody.call("SignIn", account=server.account, userName="ann", password="wrong")
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "pager") == 0, "the alerts")
    server.stop()
    server.arguments = [*server.arguments, "--audit-retention-days", "30"]
    server.start()

    def kinds():
        return [event["type"].removeprefix("bailiwick.alert.") for event in receiver.records]

    until(lambda: "retention-changed" in kinds(), kinds)
    found = [(kind, event) for kind, event in zip(kinds(), receiver.records) if kind != "root-used"]
    assert [kind for kind, _ in found] == ["membership-changed", "membership-changed", "failed-sign-ins", "retention-changed"]
    assert found[2][1]["failures"] >= 3 and found[2][1]["data"]["eventName"] == "SignIn"
    assert found[3][1]["data"]["requestParameters"]["days"] in (30, "30")
    assert all(is_signed(request) for request in receiver.requests)


def test_syslog(new_server, tmp_path):
    stream, datagrams = SyslogReceiver(), SyslogReceiver()
    stream.plan = ["reset", "reset"]
    server = new_server(
        arguments=sinks(
            f"syslog,name=stream,to=tcp://127.0.0.1:{stream.port},from=start,max-records=4",
            f"syslog,name=datagrams,to=udp://127.0.0.1:{datagrams.udp_port},from=start,facility=10,max-datagram=900",
        )
    )
    server.start()
    change(server, 10, "a")
    until(lambda: len(stream.records) >= 10, lambda: len(stream.records))
    stream.stop()
    change(server, 10, "b")
    until(lambda: metric(server, "bailiwick_audit_sink_failures_total", "stream") > 2, "a failure")
    stream.start()
    until(lambda: metric(server, "bailiwick_audit_sink_lag_records", "stream") == 0, "the rest")
    until(lambda: len(datagrams.records) >= 20, lambda: len(datagrams.records))
    server.stop()
    stored = audit.records(server)
    assert [record["sequence"] for record in stream.records] == [record["sequence"] for record in stored]
    assert stream.records == stored
    assert all(message["application"] == "bailiwick" for message in stream.messages)
    assert {message["priority"] for message in stream.messages} <= {13 * 8 + 6, 13 * 8 + 5}
    # Loopback loses no datagrams here; long ones have no parameters.
    assert [record["eventID"] for record in datagrams.records] == [record["eventID"] for record in stored]
    assert any(record.get("shortened") and "requestParameters" not in record for record in datagrams.records)
    assert {message["priority"] for message in datagrams.messages} <= {10 * 8 + 6, 10 * 8 + 5}
    stream.stop()


def test_otlp(new_server, receiver, tmp_path):
    """The body of a request is read by the messages of OpenTelemetry."""
    from google.protobuf import json_format
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer the-token-of-the-collector\n")
    headers.chmod(0o600)
    receiver.answer = b'{"partialSuccess":{}}'
    receiver.plan = [503]
    server = new_server(arguments=sinks(f"otlp,url={receiver.url},headers-file={headers},from=start"))
    server.start()
    change(server, 5)
    until(lambda: sum(r.body.count(b"timeUnixNano") for r in receiver.requests) >= 5, "log records")
    server.stop()
    stored, logs = audit.records(server), []
    for request in receiver.requests:
        assert request.headers["authorization"] == "Bearer the-token-of-the-collector"
        message = json_format.Parse(request.body, ExportLogsServiceRequest())
        (resource,) = message.resource_logs
        assert resource.resource.attributes[0].value.string_value == "bailiwick"
        logs.extend(resource.scope_logs[0].log_records)
    assert [json.loads(log.body.string_value) for log in logs] == stored
    assert {log.severity_number for log in logs} <= {9, 10}
    assert all(log.time_unix_nano > 0 and log.observed_time_unix_nano >= log.time_unix_nano for log in logs)
    assert "the-token-of-the-collector" not in server.output


def test_bad_configuration_ends_the_start(new_server, tmp_path):
    secret = write_secret(tmp_path)
    open_secret = tmp_path / "open"
    open_secret.write_bytes(secret.read_bytes())
    open_secret.chmod(0o644)
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2hunter2hunter2hunter2")
    wrong.chmod(0o600)
    hook = "webhook,url=https://siem.lan/in,secret-file="
    for texts, expected in [
        (["kafka"], "`kafka` is no kind of sink: expected one of file"),
        (["webhook,url=http://siem.lan/in,secret-file=x"], "would send records in clear text"),
        ([f"{hook}{tmp_path}/none"], "cannot read"),
        ([f"{hook}{open_secret}"], "open to others (mode 644): run chmod 600"),
        ([f"{hook}{wrong}"], "expected `whsec_`"),
        ([f"{hook}{secret},ca-file={secret}"], "it has no certificate in PEM form"),
        ([f"file,path={tmp_path}"], "cannot write"),
        ([f"file,path={tmp_path}/created", "stdout", "stdout"], "two sinks have the name `stdout`"),
    ]:
        server = new_server(arguments=sinks(*texts)).spawn()
        assert server.wait() != 0
        assert expected in server.output, server.output
        assert "hunter2" not in server.output
    assert not (tmp_path / "created").exists(), "names are compared before files are opened"
