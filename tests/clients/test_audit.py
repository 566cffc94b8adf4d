"""The audit trail: a record of every operation, as its proto option requires, at bounded cost."""

import itertools

import grpc
import pytest
from google.protobuf import message_factory
from support import audit
from support.api import ApiError, AwsApi, GrpcApi, grpc_error
from support.documents import ALLOW_ALL
from support.expect import refused
from support.proto import descriptors
from support.raw import FORM, IAM, request, send
from support.server import Credentials

HUSH = "hush-4711"
CALLERS = 40


class Filler:
    """Requests with every member set, secret members to values that the test can search for."""

    def __init__(self, pool):
        self.pool = pool
        options = {kind: pool.FindMessageTypeByName(f"google.protobuf.{kind}Options") for kind in ("Field", "Method")}
        self.classes = {kind: message_factory.GetMessageClass(described) for kind, described in options.items()}

    def option(self, described, kind, name):
        """A Bailiwick option of a field or a method."""
        options = self.classes[kind].FromString(described.GetOptions().SerializeToString())
        return options.Extensions[self.pool.FindExtensionByName(f"bailiwick.options.v1.{name}")]

    def is_secret(self, field):
        return self.option(field, "Field", "secret")

    def fill(self, message, depth=0):
        """Sets every member, without recursion."""
        seen = set()
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof and len(field.containing_oneof.fields) > 1:
                if field.containing_oneof.name in seen:
                    continue
                seen.add(field.containing_oneof.name)
            if field.message_type and field.message_type.GetOptions().map_entry:
                value = field.message_type.fields_by_name["value"]
                if value.message_type:
                    self.fill(getattr(message, field.name)["key"], depth + 1)
                else:
                    getattr(message, field.name)["key"] = self.value(value, field)
            elif field.message_type:
                if depth < 3 and field.message_type.full_name != "google.protobuf.Timestamp":
                    inner = getattr(message, field.name)
                    self.fill(inner.add() if field.is_repeated else inner, depth + 1)
            elif field.is_repeated:
                getattr(message, field.name).append(self.value(field, field))
            else:
                setattr(message, field.name, self.value(field, field))
        return message

    def value(self, field, described):
        rules = self.option(described, "Field", "rules")
        if field.type == field.TYPE_STRING:
            allowed = list(rules.allowed_values)
            return HUSH if self.is_secret(described) else allowed[0] if allowed else "x" * max(1, rules.min_length)
        if field.type == field.TYPE_BYTES:
            return (HUSH if self.is_secret(described) else "open").encode()
        if field.type == field.TYPE_BOOL:
            return True
        return 1 if field.type == field.TYPE_ENUM else max(1, rules.min_value)


@pytest.fixture
def callers(new_server):
    """A server with several callers, since the failure records of each are limited."""
    server = new_server().start()
    root, made = AwsApi(server, server.root), []
    for number in range(CALLERS):
        root.call("CreateUser", UserName=f"caller-{number}")
        root.call("PutUserPolicy", UserName=f"caller-{number}", PolicyName="p", PolicyDocument=ALLOW_ALL)
        made.append(Credentials.of(root.call("CreateAccessKey", UserName=f"caller-{number}")["AccessKey"]))
    return server, itertools.cycle(made)


def trail_name(field):
    """The name of a member in the audit records."""
    return field.json_name[0].lower() + field.json_name[1:]


def check_parameters(filler, message, shown, where):
    """Asserts that every sent member is recorded, and of secrets only their presence."""
    for field, value in message.ListFields():
        name = trail_name(field)
        assert name in shown, f"{where}: {name} is missing"
        if filler.is_secret(field):
            assert "[redacted]" in str(shown[name]), f"{where}: {name}"
        elif field.message_type and not field.message_type.GetOptions().map_entry and not field.is_repeated:
            check_parameters(filler, value, shown[name], f"{where}.{name}")


def test_each_operation_is_recorded_as_the_proto_says(callers):
    server, credentials = callers
    filler = Filler(descriptors().pool)
    expected = {}
    for method in descriptors().methods.values():
        request = filler.fill(method.input())
        described = descriptors().pool.FindServiceByName(method.service).methods_by_name[method.name]
        rules = filler.option(described, "Method", "operation")
        audited = rules.DESCRIPTOR.fields_by_name["audit"].enum_type.values_by_number[rules.audit].name
        client = GrpcApi(server, next(credentials))
        try:
            client.exchange(method, request)
            outcome, request_id = None, client.last_headers["x-bailiwick-request-id"]
        except ApiError as error:
            outcome, request_id = error.code, error.details["request_id"]
        assert outcome not in ("ServiceFailure", "InternalFailure"), f"{method.name}: {outcome}"
        if audited != "AUDIT_DECISION":
            authentication = rules.DESCRIPTOR.fields_by_name["authentication"].enum_type.values_by_number[rules.authentication].name
            expected[request_id] = (method, request, outcome, authentication == "AUTHENTICATION_CALLER")
    server.stop()
    found = {record["requestID"]: record for record in audit.records(server)}
    for request_id, (method, request, outcome, signed) in expected.items():
        record = found.get(request_id)
        assert record, f"{method.name} ({outcome}) has no record"
        # The actions of IAM Toolbox are IAM's.
        service = method.path.split(".")[1].replace("iamtoolbox", "iam")
        source = f"{service}.amazonaws.com" if service in ("cloudtrail", "iam", "sts") else "bailiwick"
        assert (record["eventName"], record["eventSource"]) == (method.name, source)
        assert record["readOnly"] is method.reads, method.name
        assert (record["eventCategory"], record["managementEvent"]) == ("Management", True)
        assert record.get("errorCode") == outcome, method.name
        assert record["userIdentity"]["type"] == ("IAMUser" if signed else "AWSAccount"), method.name
        if request.ListFields():
            check_parameters(filler, request, record["requestParameters"], method.name)
    for path in (server.data / "audit").iterdir():
        assert HUSH.encode() not in path.read_bytes()
    assert HUSH not in server.output


def test_both_front_ends_leave_the_same_record(new_server):
    server = new_server().start()
    for front in (AwsApi, GrpcApi):
        api = front(server, server.root)
        api.call("CreateUser", UserName="bob", Path="/team/", Tags=[{"Key": "a", "Value": "b"}])
        refused(api, "EntityAlreadyExists", "CreateUser", UserName="bob")
        api.call("GetUser", UserName="bob")
        api.call("DeleteUser", UserName="bob")
    server.stop()
    seen = audit.records(server)
    compared = ("eventName", "eventSource", "errorCode", "readOnly", "requestParameters", "resources", "eventCategory", "recipientAccountId")

    def of(kind):
        mine = [record for record in seen if ("grpc" in record.get("userAgent", "")) == (kind == "grpc")]
        return sorted(([record.get(name) for name in compared] for record in mine), key=str)

    assert len(of("aws")) == 4 and of("aws") == of("grpc")
    created = next(record for record in seen if record["eventName"] == "CreateUser" and "errorCode" not in record)
    assert created["requestParameters"] == {"path": "/team/", "userName": "bob", "tags": [{"key": "a", "value": "b"}]}
    assert created["responseElements"]["user"]["arn"] == f"arn:aws:iam::{server.account}:user/team/bob"
    assert created["resources"] == [{"ARN": f"arn:aws:iam::{server.account}:user/team/bob"}]


def test_changes_of_services_and_resources_are_recorded_with_their_content(new_server):
    """Regression: changes over `authz.v1` had no parameters in their records, and reads had no records."""
    server = new_server().start()
    root = GrpcApi(server, server.root)
    definition = '{"catalogue": 1, "services": {"photos": {"actions": {"GetAlbum": {"access": "Read"}}}}}'
    statement = '{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "photos:GetAlbum", "Resource": "*"}'
    policy = '{"Version": "2012-10-17", "Statement": ' + statement + "}"
    for operation, members in {
        "PutService": {"servicePrefix": "photos", "definition": definition},
        "ListServices": {},
        "PutResourcePolicy": {"resourceArn": "arn:aws:photos:::album/a", "policy": policy},
        "GetResourcePolicy": {"resourceArn": "arn:aws:photos:::album/a"},
        "TagResource": {"resourceArn": "arn:aws:photos:::album/a", "tags": [{"key": "a", "value": "b"}]},
    }.items():
        root.call(operation, **members)
    server.stop()
    seen = {record["eventName"]: record for record in audit.records(server)}
    assert seen["PutService"]["requestParameters"]["definition"] == definition
    assert seen["PutResourcePolicy"]["requestParameters"] == {"resourceArn": "arn:aws:photos:::album/a", "policy": policy}
    assert seen["TagResource"]["requestParameters"]["tags"] == [{"key": "a", "value": "b"}]
    assert seen["ListServices"]["readOnly"] and seen["GetResourcePolicy"]["readOnly"]


def test_calls_that_need_no_permission_do_not_fill_the_disk(new_server):
    """GetCallerIdentity needs no permission; frequent calls are counted, and do not displace records of refusals."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="mallory")
    mallory = GrpcApi(server, Credentials.of(root.call("CreateAccessKey", UserName="mallory")["AccessKey"]))
    for _ in range(300):
        mallory.call("GetCallerIdentity")
    refused(mallory, "AccessDenied", "ListUsers")
    for _ in range(300):
        root.call("ListUsers")
    server.stop()
    seen = audit.records(server)
    hers = [record for record in seen if record["userIdentity"].get("userName") == "mallory"]
    counted = sum(record.get("additionalEventData", {}).get("suppressed", 0) for record in hers)
    asked = [record for record in hers if record["eventName"] == "GetCallerIdentity"]
    assert len(asked) + counted == 300 and len(asked) <= 100
    assert [record["errorCode"] for record in hers if "errorCode" in record] == ["AccessDenied"]
    assert len([record for record in seen if record["eventName"] == "ListUsers"]) == 301, "what takes a permission is not counted"


UNROUTABLE = [
    ("unknown action", {"body": f"Action=NoSuchThing&Version={IAM}"}, "InvalidAction", "POST /"),
    ("no action", {"body": f"Version={IAM}"}, "MissingAction", "POST /"),
    ("unknown version", {"body": "Action=GetUser&Version=2001-01-01"}, "NoSuchVersion", "POST /"),
    ("said twice", {"body": "Action=GetUser&Action=GetUser"}, "InvalidQueryParameter", "POST /"),
    ("bad form", {"body": "Action=GetUser&UserName=%zz"}, "MalformedQueryString", "POST /"),
    ("wrong method", {"body": "Action=GetUser", "method": "PUT"}, "MethodNotAllowed", "PUT /"),
    ("wrong path", {"body": "Action=GetUser", "target": "/elsewhere"}, "InvalidAction", "POST /elsewhere"),
    ("wrong type", {"body": "{}", "headers": [("Content-Type", "application/json")]}, "MalformedInput", "POST /"),
    ("large body", {"body": "x" * 1_100_000}, "RequestEntityTooLarge", "POST /"),
]  # fmt: skip


def test_requests_that_are_refused_before_they_name_an_operation_are_recorded(new_server):
    server = new_server().start()
    expected = {}
    for what, sent, code, route in UNROUTABLE:
        body = sent["body"].encode()
        headers = sent.get("headers", [("Content-Type", FORM)])
        if not any(name == "Content-Type" for name, _ in headers):
            headers = [("Content-Type", FORM), *headers]
        answer = send(server, request(server, body, sent.get("method", "POST"), sent.get("target", "/"), headers))
        assert answer.code == code, (what, answer.body)
        expected[answer.headers["x-amzn-requestid"]] = (what, code, route)
    method = descriptors().method("GetUser")
    many = [(f"x-{number}", "x") for number in range(130)]
    for what, path, message, metadata, code in [
        ("unknown method", "/bailiwick.iam.v1.UserService/Nothing", b"", [], "InvalidAction"),
        ("large message", method.path, b"x" * 1_100_000, [], "RequestEntityTooLarge"),
        ("many headers", method.path, b"", many, "MalformedInput"),
    ]:
        with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(path)(message, timeout=30, metadata=metadata)
        error = grpc_error("GetUser", caught.value)
        assert error.code == code, what
        expected[error.details["request_id"]] = (what, code, f"POST {path}")
    server.stop()
    found = {record["requestID"]: record for record in audit.records(server)}
    for request_id, (what, code, route) in expected.items():
        record = found[request_id]
        assert (record["eventName"], record["errorCode"]) == ("UnroutableRequest", code), what
        assert record["additionalEventData"]["request"] == route, what
        assert record["userIdentity"] == {"type": "Unknown"} and record["sourceIPAddress"] == "127.0.0.1"


def test_no_record_of_a_change_is_lost_or_repeated_when_the_server_is_killed(new_server):
    server = new_server()
    made = []
    for round in range(5):
        server.start()
        root = GrpcApi(server, server.root)
        for number in range(20):
            root.call("CreateUser", UserName=f"user-{round}-{number}")
            made.append(f"user-{round}-{number}")
        server.kill()
    server.start()
    server.stop()
    recorded = [record["requestParameters"]["userName"] for record in audit.records(server) if record["eventName"] == "CreateUser"]
    assert sorted(recorded) == sorted(made)
