"""gRPC: modified signatures, tokens, frames and messages."""

import hashlib
import os
import random
import socket

import grpc
import pytest
from attacks.forge import EMPTY, now, stamp
from attacks.test_malformed import PREFACE, frame
from attacks.watch import everything, memory, well
from botocore.awsrequest import AWSRequest
from support.api import AwsApi, GrpcApi, grpc_error, sign_metadata
from support.documents import ALLOW_ALL, trust
from support.proto import descriptors
from support.raw import send
from support.server import Credentials

TIMES = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
ENEMY = "enemy"


@pytest.fixture(scope="module")
def admin(server):
    """An administrator, and a session of a role with the same permissions."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="admin")
    root.call("PutUserPolicy", UserName="admin", PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = Credentials.of(root.call("CreateAccessKey", UserName="admin")["AccessKey"])
    root.call("CreateUser", UserName="nobody")
    root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))
    root.call("PutRolePolicy", RoleName="role", PolicyName="p", PolicyDocument=ALLOW_ALL)
    role = f"arn:aws:iam::{server.account}:role/role"
    session = AwsApi(server, key).call("AssumeRole", RoleArn=role, RoleSessionName="session")["Credentials"]
    return {"user": key, "session": Credentials.of(session)}


@pytest.fixture(autouse=True)
def well_afterwards(server, admin):
    before = everything(server)
    yield
    well(server)
    assert everything(server) == before


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.target, [("grpc.enable_retries", 0), ("grpc.max_metadata_size", 1 << 20)]) as channel:
        yield channel


def raw(channel, path, body, metadata=(), timeout=20):
    """The error code of a call with these bytes; none if it succeeded."""
    try:
        channel.unary_unary(path, None, None)(body, metadata=list(metadata), timeout=timeout)
        return None
    except grpc.RpcError as error:
        assert error.code() not in (
            grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DATA_LOSS,
        ), (path, error)  # fmt: skip
        assert grpc_error(path, error) and len(error.details() or "") < 20_000
        return error.code().name


def message(name=ENEMY):
    method = descriptors().method("CreateUser")
    return method.path, method.input(user_name=name).SerializeToString()


def changed(metadata, name, change):
    return [(key, change(value) if key == name else value) for key, value in metadata]


def test_mutated_metadata(server, channel, admin):
    path, body = message()
    for keys in admin.values():
        for payload in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            good = sign_metadata(keys, server.target, path, payload)
            authorization = dict(good)["authorization"]
            signature = authorization.rpartition("=")[2]
            cases = {
                "signature": changed(good, "authorization", lambda v: v[:-1] + ("0" if v[-1] != "0" else "1")),
                "signature cut": changed(good, "authorization", lambda v: v[:-1]),
                "signature in capitals": changed(good, "authorization", lambda v, s=signature: v.replace(s, s.upper() + ("" if s.upper() != s else "A"))),
                "date": changed(good, "x-amz-date", lambda _: stamp(now(seconds=61))),
                "no date": [pair for pair in good if pair[0] != "x-amz-date"],
                "no payload": [pair for pair in good if pair[0] != "x-amz-content-sha256"],
                "payload of nothing": changed(good, "x-amz-content-sha256", lambda _: EMPTY),
                "payload malformed": changed(good, "x-amz-content-sha256", lambda _: "abc"),
                "payload streaming": changed(good, "x-amz-content-sha256", lambda _: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                "amz header unsigned": [*good, ("x-amz-target", "a")],
                "two dates": [*good, ("x-amz-date", dict(good)["x-amz-date"])],
                "two hashes": [*good, ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")],
                "two authorizations": [*good, ("authorization", authorization)],
                "a token beside": [*good, ("authorization", "Bearer abc")],
                "host header": [*good, ("host", "evil.example")],
                "service": sign_metadata(keys, server.target, path, payload, service="iam"),
                "service sts": sign_metadata(keys, server.target, path, payload, service="sts"),
                "region": sign_metadata(keys, server.target, path, payload, region="cn-north-1"),
                "authority": sign_metadata(keys, "127.0.0.1:1", path, payload),
                "method": sign_metadata(keys, server.target, descriptors().method("GetUser").path, payload),
                "service of the method": sign_metadata(keys, server.target, path.replace("User", "Group"), payload),
                "case of the path": sign_metadata(keys, server.target, path.lower(), payload),
                "query": sign_metadata(keys, server.target, path + "?a=b", payload),
            }
            if keys.session_token:
                cases |= {
                    "no token": [pair for pair in good if pair[0] != "x-amz-security-token"],
                    "two tokens": [*good, ("x-amz-security-token", keys.session_token)],
                    "other token": changed(good, "x-amz-security-token", lambda v: v[:-2] + "AA"),
                    "token as bearer": [("authorization", "Bearer " + keys.session_token)],
                }
            else:
                cases["token of a session"] = [*good, ("x-amz-security-token", admin["session"].session_token)]
            for kind, metadata in cases.items():
                assert raw(channel, path, body, metadata) == "UNAUTHENTICATED", kind
        # The same signature on another method or, where the message is hashed, around another message.
        hashed = sign_metadata(keys, server.target, path, hashlib.sha256(body).hexdigest())
        assert raw(channel, path, message("enemy-2")[1], hashed) == "UNAUTHENTICATED"
        assert raw(channel, path, body + b"\x0a\x00", hashed) == "UNAUTHENTICATED"
        other = descriptors().method("CreateGroup").path
        assert raw(channel, other, body, sign_metadata(keys, server.target, path)) == "UNAUTHENTICATED"


def test_a_presigned_call_is_refused(server, channel, admin):
    """A query string on a gRPC path is not a signature, and is refused next to one."""
    from botocore.auth import SigV4QueryAuth
    from botocore.credentials import Credentials as BotoCredentials

    path, body = message()
    user = admin["user"]
    made = AWSRequest("POST", f"http://{server.target}{path}", headers={})
    signer = SigV4QueryAuth(BotoCredentials(user.access_key_id, user.secret_access_key), "bailiwick", "eu-central-1", expires=3600)
    signer.payload = lambda _: "UNSIGNED-PAYLOAD"
    signer.add_auth(made)
    target = made.url[len(f"http://{server.target}") :]
    assert raw(channel, target, body) == "UNAUTHENTICATED"
    token = GrpcApi(server, user).call("CreateToken")["token"]
    assert raw(channel, path, message("admin")[1], [("authorization", "Bearer " + token)]) == "ALREADY_EXISTS"
    assert raw(channel, path + "?a=b", body, [("authorization", "Bearer " + token)]) == "UNAUTHENTICATED"
    assert raw(channel, target, body, [("authorization", "Bearer " + token)]) == "UNAUTHENTICATED"


def test_bearer_tokens(server, channel, admin):
    token = GrpcApi(server, admin["user"]).call("CreateToken")["token"]
    path, body = message()
    draw = random.Random(3)
    forged = ["", " ", "a", token[:-1], token[1:], token + "A", token + "=", token + ".", token.swapcase(), token * 2, "A" * len(token), "A" * 7000]
    for _ in range(60 * TIMES):
        at = draw.randrange(len(token) - 1)  # the last letter may contain unused bits
        letter = draw.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".replace(token[at], ""))
        forged.append(token[:at] + letter + token[at + 1 :])
    for value in forged:
        for scheme in ("Bearer", "bearer"):
            assert raw(channel, path, body, [("authorization", f"{scheme} {value}")]) == "UNAUTHENTICATED", value
    for scheme in ("Token ", "Bearer=", "", "Basic ", "AWS4-HMAC-SHA256 "):
        assert raw(channel, path, body, [("authorization", scheme + token)]) == "UNAUTHENTICATED", scheme


def test_invalid_messages_on_every_method(server, channel, admin):
    """Invalid bytes, messages of another type, empty messages: never a server error.

    An administrator makes the reads, so that their handlers find objects.
    """
    draw = random.Random(4)
    nobody = AwsApi(server, server.root).call("CreateAccessKey", UserName="nobody")["AccessKey"]
    for name, method in descriptors().methods.items():
        cases = [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xff\xfe", b"\x0b" * 200, b"\x0a\x80\x80\x04" + b"a" * 65536]
        cases += [draw.randbytes(draw.randint(1, 80)) for _ in range(3 * TIMES)]
        cases += [b"\x12" + bytes([n]) + b"a" * n for n in (3, 100)]
        for body in cases:
            metadata = sign_metadata(admin["user"] if method.reads else Credentials.of(nobody), server.target, method.path)
            raw(channel, method.path, body, metadata)
    AwsApi(server, server.root).call("DeleteAccessKey", UserName="nobody", AccessKeyId=nobody["AccessKeyId"])


def nested(depth):
    """A message within a message within a message."""
    body = b""
    for _ in range(depth):
        length, size = b"", len(body)
        while size >= 0x80:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        body = b"\x0a" + length + bytes([size]) + body
    return body


def test_deep_and_wide_messages(server, channel, admin):
    for name in ("Authorize", "BatchAuthorize", "CreateUser", "Explain", "Authenticate"):
        path = descriptors().method(name).path
        for body in (nested(2000), b"\x0a\x00" * 300_000, b"\x3a\x00" * 300_000, b"\x0b" * 100_000, b"\x08" + b"\xff" * 9 + b"\x01"):
            assert raw(channel, path, body, sign_metadata(admin["user"], server.target, path)) is not None, name


def test_giant_and_broken_frames(server, channel, admin):
    path, _ = message()
    metadata = sign_metadata(admin["user"], server.target, path)
    for size in (1024 * 1024 + 1, 3_900_000):
        assert raw(channel, path, b"\0" * size, metadata) in ("OUT_OF_RANGE", "RESOURCE_EXHAUSTED")
    host = server.target.encode()
    head = b"\x83\x86\x41" + bytes([len(host)]) + host + b"\x44" + bytes([len(path)]) + path.encode()
    head += b"\x5f\x10application/grpc"
    for length, data, end in (
        (0xFFFFFFFF, b"a" * 100, True), (0xFFFFFFFF, b"", True), (5, b"abc", True), (0, b"", True), (0, b"trailing", True), (10, b"", False),
        (0x7FFFFFFF, b"a" * 16_000, False),
    ):  # fmt: skip
        for compressed in (b"\0", b"\1", b"\7"):
            frames = PREFACE + frame(4, 0, 0) + frame(1, 4, 1, head) + frame(0, int(end), 1, compressed + length.to_bytes(4, "big") + data)
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                connection.sendall(frames)
                received = connection.recv(65536)
                assert received
                if end:  # an answer comes: a frame of headers on the stream
                    for _ in range(5):
                        if b"\x01\x05\x00\x00\x00\x01" in received or b"\x01\x04\x00\x00\x00\x01" in received:
                            break
                        received += connection.recv(65536)


def test_streams_that_never_end_do_not_fill_the_memory(server, admin):
    """Sixteen unfinished messages on each of two hundred connections: the memory for them is bounded."""
    path, _ = message()
    host = server.target.encode()
    head = b"\x83\x86\x41" + bytes([len(host)]) + host + b"\x44" + bytes([len(path)]) + path.encode() + b"\x5f\x10application/grpc"
    data = b"\0" + (1_000_000).to_bytes(4, "big") + b"a" * 60_000
    before, held = memory(server, "VmRSS"), []
    try:
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            held.append(connection)
            frames = PREFACE + frame(4, 0, 0)
            for stream in range(1, 33, 2):
                frames += frame(1, 4, stream, head)
                frames += b"".join(frame(0, 0, stream, data[at : at + 16_000]) for at in range(0, len(data), 16_000))
            try:
                connection.sendall(frames)
            except OSError:
                pass  # refused while it was sending
        assert GrpcApi(server, admin["user"]).call("GetCallerIdentity")
        assert memory(server, "VmRSS") - before < 160 * 1024 * 1024
    finally:
        for connection in held:
            connection.close()
    assert GrpcApi(server, admin["user"]).call("GetCallerIdentity")


def test_unknown_methods(server, channel, admin):
    for path in (
        "/", "/a", "//", "/bailiwick.iam.v1.UserService", "/bailiwick.iam.v1.UserService/", "/bailiwick.iam.v1.UserService/createuser",
        "/bailiwick.iam.v1.UserService/CreateUser/", "//bailiwick.iam.v1.UserService/CreateUser", "/bailiwick.iam.v1.UserService/../UserService/CreateUser",
        "/bailiwick.iam.v1.UserService/%43reateUser", "/bailiwick.iam.v1.userservice/CreateUser", "/bailiwick.store.v1.User/Get", "/" + "a" * 3000,
        "/grpc.health.v1.Health/", "/grpc.health.v1.Health/Nothing", "/grpc.reflection.v1.ServerReflection/Nothing", "/grpc.reflection.x",
    ):  # fmt: skip
        metadata = sign_metadata(admin["user"], server.target, path)
        assert raw(channel, path, message()[1], metadata) == "UNIMPLEMENTED", path


def test_grpc_web_and_http1_garbage(server, admin):
    path, body = message()
    data = b"\0" + len(body).to_bytes(4, "big") + body
    draw = random.Random(5)
    for kind in ("application/grpc", "application/grpc+proto", "application/grpc+json", "application/grpc-web", "application/grpc-web+proto",
                 "application/grpc-web-text", "application/grpc-web-text+proto", "application/grpcx", "application/grpc-web-nothing", "application/grpc;"):  # fmt: skip
        for method in ("POST", "GET", "OPTIONS", "PUT"):
            for content in (data, b"", b"\x80\0\0\0\0", data[:3], b"!!!!", draw.randbytes(100), data * 2, b"A" * 70_000, b"\0\xff\xff\xff\xff"):
                head = f"{method} {path} HTTP/1.1\r\nHost: {server.target}\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
                try:
                    answer = send(server, head.encode() + content, timeout=15)
                except AssertionError:
                    continue  # closed without an answer
                assert answer.status < 500, (kind, method, content[:20], answer)


def test_reflection_and_health_are_bounded(server, channel):
    for path in ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
        for body in (b"", b"\xff", b"\x0a\x01a\x22\xff", b"\x22\x04evil", b"\x1a\x90\x4e" + b"a" * 10_000):
            try:
                list(channel.stream_stream(path, None, None)(iter([body]), timeout=10))
            except grpc.RpcError as error:
                assert error.code() not in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED), error
    for body in (b"", b"\x0a\x04evil", b"\xff", b"\x0a\x90\x4e" + b"a" * 10_000):
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check", None, None)(body, timeout=10)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT), error


def test_invalid_revisions(server, channel, admin):
    method = descriptors().method("GetCallerIdentity")
    metadata = sign_metadata(admin["user"], server.target, method.path)
    api = GrpcApi(server, admin["user"])
    api.call("ListUsers")
    store, epoch, number = api.last_headers["x-bailiwick-revision"].rsplit(".", 2)
    for value in ("", "0", "-1", f"{store}.{epoch}", f"{store}.{epoch}.", f"{store}.{epoch}.-1", f"{store}.9.{number}", f"a.{epoch}.{number}",
                  f"{store}.{epoch}.{'f' * 17}", f"{store}.{epoch}.{number}.{number}", "." * 5000):  # fmt: skip
        assert raw(channel, method.path, b"", [*metadata, ("x-bailiwick-min-revision", value)]) == "INVALID_ARGUMENT", value
