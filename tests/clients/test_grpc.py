"""The protocol of gRPC clients in every language, beside the messages themselves."""

import hashlib
import subprocess
import sys
import time

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from support.api import REGION, ApiError, GrpcApi, sign_metadata
from support.documents import policy
from support.expect import refused
from support.proto import PROTO, descriptors
from support.server import Credentials


def identity(server, metadata, channel=None):
    """GetCallerIdentity with exactly this metadata."""
    method = descriptors().method("GetCallerIdentity")
    api = GrpcApi(server, None, channel=channel)
    return api.exchange(method, method.input(), metadata)


@pytest.fixture(scope="module")
def path():
    """The path of the method that `identity` calls."""
    return descriptors().method("GetCallerIdentity").path


def test_signed_metadata_with_and_without_the_hash_of_the_message(server, path):
    empty = hashlib.sha256(b"").hexdigest()
    for payload in ("UNSIGNED-PAYLOAD", empty):
        assert identity(server, sign_metadata(server.root, server.target, path, payload))["Account"] == server.account
    with pytest.raises(ApiError) as caught:
        identity(server, sign_metadata(server.root, server.target, path, hashlib.sha256(b"x").hexdigest()))
    assert caught.value.status == "UNAUTHENTICATED"
    with pytest.raises(ApiError) as caught:
        identity(server, sign_metadata(server.root, server.target, path, "nothing like a hash"))
    assert caught.value.status == "UNAUTHENTICATED"


def test_every_message_may_be_hashed(server, name):
    api = GrpcApi(server, server.root, hash_body=True)
    assert api.call("CreateUser", UserName=name("user"), Tags=[{"Key": "a", "Value": "b"}])["User"]


def test_the_signature_is_for_one_method_one_host_one_service(server, path):
    for metadata in (
        sign_metadata(server.root, server.target, path + "x"),
        sign_metadata(server.root, "127.0.0.1:1", path),
        sign_metadata(server.root, server.target, path, service="sts"),
        sign_metadata(server.root, server.target, path, region="cn-north-1"),
    ):
        with pytest.raises(ApiError) as caught:
            identity(server, metadata)
        assert caught.value.status == "UNAUTHENTICATED", caught.value


def test_two_authorizations_are_refused(server, path):
    metadata = sign_metadata(server.root, server.target, path)
    again = [pair for pair in metadata if pair[0] == "authorization"]
    for extra in (again, [("authorization", "Bearer x")]):
        with pytest.raises(ApiError) as caught:
            identity(server, metadata + extra)
        assert caught.value.status == "UNAUTHENTICATED"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Bearer x", "bearer " + "x" * 500, "Basic eDp5", "AWS4-HMAC-SHA256 x"])
def test_malformed_authorization_headers(server, value):
    with pytest.raises(ApiError) as caught:
        identity(server, [("authorization", value)])
    assert caught.value.status == "UNAUTHENTICATED"
    assert caught.value.code


def test_a_bearer_token(server, rpc, new_user):
    user, credentials = new_user(policy("iam:GetUser", "bailiwick:CreateToken"))
    token = rpc.signed_by(credentials).call("CreateToken", durationSeconds=900)
    assert token["expiration"]
    bearer = rpc.signed_by(Credentials(bearer=token["token"]))
    assert bearer.call("GetUser")["User"]["Arn"] == user["Arn"]
    refused(bearer, "AccessDenied", "ListUsers")
    refused(bearer, "AccessDenied", "CreateToken")  # a token cannot create a token
    _, powerless = new_user(policy("iam:GetUser"))
    refused(rpc.signed_by(powerless), "AccessDenied", "CreateToken")
    middle = len(token["token"]) // 2
    flipped = "A" if token["token"][middle] != "A" else "B"
    forged = token["token"][:middle] + flipped + token["token"][middle + 1 :]
    with pytest.raises(ApiError) as caught:
        rpc.signed_by(Credentials(bearer=forged)).call("GetUser")
    assert caught.value.status == "UNAUTHENTICATED"
    refused(rpc, "ValidationError", "CreateToken", durationSeconds=899)


def test_a_bearer_token_ends_with_the_key_that_created_it(rpc, aws, new_user):
    user, credentials = new_user(policy("iam:GetUser", "bailiwick:CreateToken"))
    token = rpc.signed_by(credentials).call("CreateToken")["token"]
    bearer = rpc.signed_by(Credentials(bearer=token))
    bearer.call("GetUser")
    aws.call("DeleteAccessKey", UserName=user["UserName"], AccessKeyId=credentials.access_key_id)
    with pytest.raises(ApiError) as caught:
        bearer.call("GetUser")
    assert caught.value.status == "UNAUTHENTICATED"


def test_a_session_token_is_not_a_bearer_token(rpc, aws, new_user, name, server):
    _, credentials = new_user(policy("sts:*"))
    trusts = policy({"Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"})
    arn = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    session = aws.signed_by(credentials).call("AssumeRole", RoleArn=arn, RoleSessionName="session")["Credentials"]
    with pytest.raises(ApiError) as caught:
        rpc.signed_by(Credentials(bearer=session["SessionToken"])).call("GetCallerIdentity")
    assert caught.value.status == "UNAUTHENTICATED"


def test_every_answer_has_a_request_id_and_a_revision(rpc, name):
    rpc.call("ListUsers")
    assert rpc.last_headers["x-bailiwick-request-id"]
    before = rpc.last_headers["x-bailiwick-revision"]
    rpc.call("CreateUser", UserName=name("user"))
    after = rpc.last_headers["x-bailiwick-revision"]
    assert before and after and before != after
    method = descriptors().method("ListUsers")
    metadata = [("x-bailiwick-min-revision", after)]
    assert rpc.exchange(method, method.input(), metadata)["Users"]
    for nonsense in ("nonsense", "", "x" * 1000):
        with pytest.raises(ApiError) as caught:
            rpc.exchange(method, method.input(), [("x-bailiwick-min-revision", nonsense)])
        assert caught.value.status in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "UNAVAILABLE"), caught.value


def test_violations_name_their_fields(rpc):
    error = refused(rpc, "ValidationError", "CreateUser", UserName="a b", Path="x")
    assert sorted(error.details["violations"]) == ["path", "user_name"], error.details
    error = refused(rpc, "ValidationError", "TagUser", UserName="bob", Tags=[{"Key": "a", "Value": "b"}, {"Key": "", "Value": "b"}])
    assert set(error.details["violations"]) == {"tags[2].key"}, error.details
    error = refused(rpc, "MalformedPolicyDocument", "CreateRole", RoleName="r", AssumeRolePolicyDocument="{")
    assert set(error.details["violations"]) <= {"assume_role_policy_document"}, error.details


def test_reflection_shows_the_whole_api(server):
    database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(server.target))
    shown = set(database.get_services())
    ours = {method.service for method in descriptors().methods.values()}
    assert ours <= shown, ours - shown
    pool = DescriptorPool(database)
    for method in descriptors().methods.values():
        found = pool.FindServiceByName(method.service).methods_by_name[method.name]
        assert [field.json_name for field in found.input_type.fields] == [
            field.json_name for field in method.input.DESCRIPTOR.fields
        ]


def test_the_number_of_watches_of_health_is_limited(new_server):
    """Watches use memory for up to an hour without activity of their clients."""
    server = new_server().start()
    watches, answers = [], []
    for _ in range(8):
        channel = grpc.insecure_channel(server.target, options=[("grpc.use_local_subchannel_pool", 1)])
        # Connections with an authenticated request may hold more.
        GrpcApi(server, server.root, channel=channel).call("GetCallerIdentity")
        stub = health_pb2_grpc.HealthStub(channel)
        watches += [stub.Watch(health_pb2.HealthCheckRequest(), timeout=60) for _ in range(70)]
    for watch in watches:
        try:
            answers.append(next(watch).status)
        except grpc.RpcError as error:
            answers.append(error.code())
    serving = health_pb2.HealthCheckResponse.SERVING
    assert answers.count(serving) == 512 and answers.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 48, set(answers)
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(server.target))
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == serving
    [watch.cancel() for watch in watches]
    deadline = time.monotonic() + 30
    while True:  # the limit allows another once the server has received the cancellation
        try:
            assert next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=10)).status == serving
            break
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and time.monotonic() < deadline


def test_health(server):
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(server.target))
    serving = health_pb2.HealthCheckResponse.SERVING
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == serving
    service = descriptors().method("CreateUser").service
    assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == serving
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_unknown_method(server, rpc):
    call = rpc.channel.unary_unary("/bailiwick.iam.v1.UserService/NoSuchMethod", lambda _: b"", bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(None, timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    call = rpc.channel.unary_unary("/no.such.Service/Method", lambda _: b"", bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(None, timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05ab", b"\x12\x02\xff\xfe", b"\x00" * 100])
def test_invalid_messages(server, rpc, body):
    path = descriptors().method("CreateUser").path
    call = rpc.channel.unary_unary(path, lambda _: body, bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(None, metadata=sign_metadata(server.root, server.target, path), timeout=10)
    assert caught.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL), caught.value
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, "a bad message is the caller's fault"


def test_a_message_over_the_limit(server, rpc):
    path = descriptors().method("CreateUser").path
    call = rpc.channel.unary_unary(path, lambda _: b"\x12\x80\x80\x80\x02" + b"x" * 4194304, bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(None, metadata=sign_metadata(server.root, server.target, path), timeout=30)
    assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.INVALID_ARGUMENT)


def test_stubs_as_the_readme_makes_them(server, tmp_path):
    """grpcio-tools makes stubs of `proto/`, which can call the server."""
    files = [str(path) for path in sorted(PROTO.rglob("*.proto"))]
    made = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}"]
    subprocess.run([*made, *files], check=True)
    program = f"""
import grpc
from bailiwick.iam.v1 import user_pb2, user_pb2_grpc
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

path = "/bailiwick.iam.v1.UserService/ListUsers"
request = AWSRequest("POST", "http://{server.target}" + path, headers={{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}})
SigV4Auth(Credentials("{server.root.access_key_id}", "{server.root.secret_access_key}"), "bailiwick", "{REGION}").add_auth(request)
metadata = [(name.lower(), value) for name, value in request.headers.items()]
stub = user_pb2_grpc.UserServiceStub(grpc.insecure_channel("{server.target}"))
print(len(stub.ListUsers(user_pb2.ListUsersRequest(), metadata=metadata).users) >= 0)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_grpc_web(server):
    """The same port answers browsers, which use gRPC-Web over HTTP/1.1."""
    from support.raw import request, send

    path = descriptors().method("GetCallerIdentity").path
    headers = sign_metadata(server.root, server.target, path)
    headers.append(("content-type", "application/grpc-web+proto"))
    answer = send(server, request(server, b"\x00\x00\x00\x00\x00", target=path, headers=headers))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/grpc-web")
    assert server.account.encode() in answer.body
    assert b"grpc-status:0" in answer.body.replace(b" ", b"")


@pytest.mark.parametrize(
    "kind, body",
    [("grpc-web-text", b"!!!!"), ("grpc-web-text", b"AAAA"), ("grpc-web", b"\x80\0\0\0\0"), ("grpc-web", b"\7\0\0\0\0")],
)
def test_malformed_grpc_web_is_an_invalid_argument(server, kind, body):
    from support.raw import request, send

    path = descriptors().method("GetCallerIdentity").path
    headers = [*sign_metadata(server.root, server.target, path), ("content-type", f"application/{kind}+proto")]
    answer = send(server, request(server, body, target=path, headers=headers))
    assert (answer.status, answer.headers.get("grpc-status")) == (200, "3"), answer
