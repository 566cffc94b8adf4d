"""Proxies: the client is the one that a trusted proxy names; headers of others are ignored."""

import contextlib
import socket
import struct
import time

import pytest
from support.api import AwsApi, GrpcApi
from support.certificates import make_certificate
from support.documents import policy
from support.proto import descriptors
from support.raw import FORM, parse, request, send, signed
from support.server import Credentials, run

PROXY, STRANGER = "127.0.0.1", "127.0.0.9"
CLIENT = "203.0.113.7"
LIST_USERS = b"Action=ListUsers&Version=2010-05-08"


def user(server, name, condition):
    """A user that may list users under a condition."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName=name)
    root.call("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy({"Action": "iam:ListUsers", "Condition": condition}))
    return Credentials.of(root.call("CreateAccessKey", UserName=name)["AccessKey"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from support.server import Server

    server = Server(tmp_path_factory.mktemp("server"), arguments=["--trusted-proxy", f"{PROXY}/32,10.0.0.0/8"]).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def outside(server):
    """A user that may call from the client's network."""
    return user(server, "outside", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})


@pytest.fixture(scope="module")
def encrypted(server):
    """A user that may call over TLS."""
    return user(server, "encrypted", {"Bool": {"aws:SecureTransport": "true"}})


def ask(server, keys, headers=(), source=PROXY):
    """Lists users by a signed form, with unsigned headers of a proxy."""
    return send(server, request(server, LIST_USERS, headers=[*signed(server, keys, LIST_USERS), *headers]), source=source)


def test_the_client_is_the_one_that_a_trusted_proxy_names(server, outside):
    for headers in (
        [("X-Forwarded-For", CLIENT)],
        [("X-Forwarded-For", f"192.0.2.1, {CLIENT}, 10.1.2.3")],
        [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", CLIENT)],
        [("Forwarded", f'for=192.0.2.1, for="{CLIENT}:4711";proto=https')],
        [("Forwarded", f"for={CLIENT}"), ("X-Forwarded-For", CLIENT)],
    ):
        assert ask(server, outside, headers).status == 200, headers
    for headers in ([], [("X-Forwarded-For", "192.0.2.1")], [("X-Forwarded-For", f"{CLIENT}, 192.0.2.1")], [("Forwarded", "for=192.0.2.1")]):
        assert ask(server, outside, headers).code == "AccessDenied", headers
    assert "source_ip=192.0.2.1 " in server.output


def test_headers_of_untrusted_proxies_are_ignored(server, outside, encrypted):
    headers = [("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https"), ("Forwarded", f"for={CLIENT};proto=https")]
    assert ask(server, outside, headers, STRANGER).code == "AccessDenied"
    assert ask(server, encrypted, headers, STRANGER).code == "AccessDenied"
    # Ignored, even if malformed.
    inside = user(server, "inside", {"IpAddress": {"aws:SourceIp": f"{STRANGER}/32"}})
    assert ask(server, inside, [("X-Forwarded-For", "nonsense"), ("Forwarded", "nonsense")], STRANGER).status == 200


def test_the_transport_is_the_one_that_a_trusted_proxy_names(server, encrypted):
    assert ask(server, encrypted, [("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https")]).status == 200
    assert ask(server, encrypted, [("Forwarded", f"for={CLIENT};proto=https")]).status == 200
    for headers in ([("X-Forwarded-For", CLIENT)], [("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "http")]):
        assert ask(server, encrypted, headers).code == "AccessDenied", headers


def test_ambiguous_headers_are_refused(server, outside):
    for headers, said in (
        ([("X-Forwarded-For", "unknown")], "unknown"),
        ([("X-Forwarded-For", CLIENT), ("Forwarded", "for=192.0.2.1")], "192.0.2.1"),
        ([("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https, http")], "protocol"),
        ([("X-Forwarded-Proto", "https")], "X-Forwarded-For"),
        ([("Forwarded", f"for={CLIENT};for=192.0.2.1")], "duplicated"),
    ):
        answer = ask(server, outside, headers)
        assert (answer.status, answer.code) == (400, "MalformedInput"), (headers, answer)
        assert said in answer.error["Message"], (headers, answer)


def test_grpc_behind_a_proxy(server, outside):
    api, method = GrpcApi(server, outside), descriptors().method("ListUsers")

    def call(*extra):
        return api.exchange(method, method.input(), extra)

    # Beyond this machine a signature must cover the message, unless the client's connection is encrypted.
    api.hash_body = True
    assert call(("x-forwarded-for", CLIENT))["Users"]
    with pytest.raises(Exception) as caught:
        call(("x-forwarded-for", "192.0.2.1"))
    assert caught.value.code == "AccessDenied"
    with pytest.raises(Exception) as caught:
        call(("x-forwarded-for", "nonsense"))
    assert (caught.value.code, caught.value.status) == ("MalformedInput", "INVALID_ARGUMENT")
    api.hash_body = False
    assert call(("forwarded", f"for={CLIENT};proto=https"))["Users"]
    for address in (CLIENT, "127.0.0.1"):
        with pytest.raises(Exception) as caught:
            call(("x-forwarded-for", address))
        assert caught.value.status == "UNAUTHENTICATED"


def test_clients_of_a_proxy_are_limited_separately(server, outside):
    """Incomplete forms of one client over the proxy: other clients are served."""
    body = b"x" * 100_000
    start = f"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.66\r\nContent-Type: {FORM}\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode()
    held = []
    try:
        for _ in range(200):
            connection = socket.create_connection((PROXY, server.port), timeout=5)
            held.append(connection)
            with contextlib.suppress(OSError):
                connection.sendall(start + body)
        assert ask(server, outside, [("X-Forwarded-For", CLIENT)]).status == 200
        refused = 0
        for connection in held:
            connection.settimeout(0.05)
            with contextlib.suppress(OSError):
                refused += connection.recv(4096).startswith(b"HTTP/1.1 503")
        assert refused > 50
    finally:
        for connection in held:
            connection.close()


def v2(address, tls=None, command=0x21):
    """A header of version 2."""
    extension = b"" if tls is None else bytes([0x20, 0, 5, tls, 0, 0, 0, 0])
    rest = socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 4711, 443) + extension
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, 0x11]) + struct.pack("!H", len(rest)) + rest


def test_the_proxy_protocol(new_server):
    server = new_server(arguments=["--trusted-proxy", PROXY, "--proxy-protocol"]).start()
    # The clients of these tests do not use the PROXY protocol: they call from another address.
    server_root = server.root

    def answer(prefix, keys, source=PROXY, headers=(), body=LIST_USERS):
        wire = request(server, body, headers=[*signed(server, keys, body), *headers])
        with socket.create_connection(("127.0.0.1", server.port), timeout=20, source_address=(source, 0)) as connection:
            received = b""
            with contextlib.suppress(OSError):
                connection.sendall(prefix + wire)
                while chunk := connection.recv(65536):
                    received += chunk
        return parse(received) if received else None

    def make(name, condition):
        for form in (
            f"Action=CreateUser&Version=2010-05-08&UserName={name}",
            f"Action=PutUserPolicy&Version=2010-05-08&UserName={name}&PolicyName=p&PolicyDocument={policy({'Action': 'iam:ListUsers', 'Condition': condition})}",
        ):
            done = answer(b"", server_root, STRANGER, body=form.replace("{", "%7B").replace("}", "%7D").replace('"', "%22").replace(" ", "%20").encode())
            assert done.status == 200, done
        done = answer(b"", server_root, STRANGER, body=f"Action=CreateAccessKey&Version=2010-05-08&UserName={name}".encode())
        text = done.body.decode()
        return Credentials(*(text.partition(f"<{tag}>")[2].partition("<")[0] for tag in ("AccessKeyId", "SecretAccessKey")))

    outside = make("outside", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    encrypted = make("encrypted", {"Bool": {"aws:SecureTransport": "true"}})
    client = f"PROXY TCP4 {CLIENT} 192.0.2.1 4711 443\r\n".encode()
    assert answer(client, outside).status == 200
    assert answer(v2(CLIENT), outside).status == 200
    assert answer(v2("198.51.100.1"), outside).code == "AccessDenied"
    assert answer(v2(CLIENT, tls=1), encrypted).status == 200
    assert answer(v2(CLIENT, tls=0), encrypted).code == "AccessDenied"
    assert answer(v2(CLIENT), encrypted).code == "AccessDenied"
    # The proxy's own connections, such as its health checks.
    assert answer(v2(CLIENT, command=0x20), outside).code == "AccessDenied"
    # The client behind it is not a proxy: its headers are ignored.
    assert answer(v2("198.51.100.1"), outside, headers=[("X-Forwarded-For", CLIENT)]).code == "AccessDenied"
    # A trusted proxy must send a header, and others must not.
    # Without a client's address it is not the proxy's own either.
    unspecified = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x00, 0, 0])
    for wrong in (b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 1 2 3 4\r\n", unspecified):
        assert answer(wrong, server_root) is None, wrong
    for wrong in (b"", b"PROXY TCP4 nonsense\r\n", b"PROXY " + b"x" * 200, v2(CLIENT, command=0x31)):
        assert answer(wrong, outside) is None, wrong
    refused = answer(client, outside, STRANGER)
    assert refused is None or refused.status == 400
    assert answer(b"", outside, STRANGER).code == "AccessDenied"


@pytest.mark.parametrize("arguments", [["--trusted-proxy", "everyone"], ["--trusted-proxy", "10.0.0.0/33"], ["--proxy-protocol"]])
def test_invalid_settings(tmp_path, arguments):
    done = run("serve", "--data-dir", tmp_path / "data", *arguments)
    assert done.returncode == 2 and arguments[0] in done.stderr, done.stderr


def test_silent_connections_do_not_delay_the_stop(new_server, tmp_path):
    """They have sent no PROXY header, no TLS handshake, or no request."""
    certificate, key = make_certificate(tmp_path)
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    for number, arguments in enumerate(([], ["--trusted-proxy", PROXY, "--proxy-protocol"], tls)):
        server = new_server(f"silent{number}", arguments=arguments, scheme="https" if arguments is tls else "http").start()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20):
            begun = time.monotonic()
            assert server.stop() == 0
            # Requests in flight may take 20 seconds; there are none.
            assert time.monotonic() - begun < 15
