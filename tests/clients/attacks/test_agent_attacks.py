"""Attacks on the agent's listener: without its tokens, through a browser or a proxy, with too much of everything."""

import os
import re
import socket
import threading

import pytest
from support.agent import Agent
from support.documents import policy, trust
from support.server import ACCOUNT, client_environment
from support.waiting import until

LIFETIME = "X-aws-ec2-metadata-token-ttl-seconds: 60"
ROLES = "/latest/meta-data/iam/security-credentials/"


@pytest.fixture(scope="module")
def agent(server, aws, tmp_path_factory):
    """An agent that serves both protocols."""
    aws.call("CreateRole", RoleName="victim", AssumeRolePolicyDocument=trust(ACCOUNT))
    aws.call("CreateUser", UserName="ann")
    key = aws.call("CreateAccessKey", UserName="ann")["AccessKey"]
    aws.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    variables = client_environment(server, server.root) | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }  # fmt: skip
    agent = Agent(tmp_path_factory.mktemp("agent"), variables, "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/victim", "--imds")
    yield agent
    # Whatever was sent, it still serves, and never failed.
    assert exchange(agent, request(agent, "GET", "/credentials", f"Authorization: {agent.token}"))[0] == 200
    assert agent.stop() == 0
    assert "panic" not in agent.said()


def request(agent, method, target, *headers, host=None):
    """The bytes of a request."""
    host = f"127.0.0.1:{agent.port}" if host is None else host
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else []), "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def exchange(agent, sent):
    """Sends bytes, and returns status (None: closed without an answer), head and body."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(sent)
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    status = re.match(r"HTTP/1.[01] (\d+)", head)
    return int(status[1]) if status else None, head, body


def metadata_token(agent):
    status, _, token = exchange(agent, request(agent, "PUT", "/latest/api/token", LIFETIME))
    assert status == 200
    return token


# name: method, target, headers, host; the expected status. `TOKEN` is the authorization token, `META` a token of IMDS.
REFUSED = {
    "no token": ("GET", "/credentials", [], None, 401),
    "a wrong token": ("GET", "/credentials", ["Authorization: " + "0" * 64], None, 401),
    "an empty token": ("GET", "/credentials", ["Authorization:"], None, 401),
    "a part of the token": ("GET", "/credentials", ["Authorization: PART"], None, 401),
    "the token and more": ("GET", "/credentials", ["Authorization: TOKENx"], None, 401),
    "two tokens": ("GET", "/credentials", ["Authorization: TOKEN", "Authorization: TOKEN"], None, 401),
    "the token as a parameter": ("GET", "/credentials?Authorization=TOKEN", [], None, 401),
    "a token of IMDS": ("GET", "/credentials", ["Authorization: META"], None, 401),
    "DNS rebinding": ("GET", "/credentials", ["Authorization: TOKEN"], "attacker.example", 403),
    "DNS rebinding with the port": ("GET", "/credentials", ["Authorization: TOKEN"], "attacker.example:PORT", 403),
    "a name below localhost": ("GET", "/credentials", ["Authorization: TOKEN"], "a.localhost:PORT", 403),
    "the address of EC2's service": ("PUT", "/latest/api/token", [LIFETIME], "169.254.169.254", 403),
    "no host": ("GET", "/credentials", ["Authorization: TOKEN"], "", 400),
    "two hosts": ("GET", "/credentials", ["Authorization: TOKEN", "Host: attacker.example"], None, 400),
    "a proxy's target": ("GET", "http://127.0.0.1/credentials", ["Authorization: TOKEN"], None, 400),
    "a proxy's target elsewhere": ("GET", "http://attacker.example/credentials", ["Authorization: TOKEN"], None, 400),
    "a tunnel": ("CONNECT", "127.0.0.1:22", [], None, 400),
    "a page's request": ("GET", "/credentials", ["Authorization: TOKEN", "Origin: http://attacker.example"], None, 403),
    "a page's request without origin": ("GET", "/credentials", ["Authorization: TOKEN", "Sec-Fetch-Site: cross-site"], None, 403),
    "a link on a page": ("GET", ROLES, ["Referer: http://attacker.example/"], None, 403),
    "a preflight": (
        "OPTIONS", "/latest/api/token",
        ["Origin: http://attacker.example", "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: " + LIFETIME.split(":")[0]],
        None, 403,
    ),
    "a forwarded token request": ("PUT", "/latest/api/token", [LIFETIME, "X-Forwarded-For: 127.0.0.1"], None, 403),
    "a forwarded token request, standard header": ("PUT", "/latest/api/token", [LIFETIME, "Forwarded: for=127.0.0.1"], None, 403),
    "a forwarded request": ("GET", "/credentials", ["Authorization: TOKEN", "Via: 1.1 proxy"], None, 403),
    "IMDSv1": ("GET", ROLES, [], None, 401),
    "IMDSv1 for credentials": ("GET", ROLES + "victim", [], None, 401),
    "IMDSv1 for the region": ("GET", "/latest/meta-data/placement/region", [], None, 401),
    "an invented token of IMDS": ("GET", ROLES, ["X-aws-ec2-metadata-token: " + "A" * 75], None, 401),
    "the authorization token for IMDS": ("GET", ROLES, ["X-aws-ec2-metadata-token: TOKEN"], None, 401),
    "no lifetime": ("PUT", "/latest/api/token", [], None, 400),
    "too long a lifetime": ("PUT", "/latest/api/token", ["X-aws-ec2-metadata-token-ttl-seconds: 21601"], None, 400),
    "a token by GET": ("GET", "/latest/api/token", [LIFETIME], None, 405),
    "a token by POST": ("POST", "/latest/api/token", [LIFETIME], None, 405),
    "a path with dots": ("GET", "/latest/../credentials", ["Authorization: TOKEN"], None, 401),
    "an encoded path": ("GET", "/%63redentials", ["Authorization: TOKEN"], None, 401),
    "a file": ("GET", "/../../etc/passwd", ["X-aws-ec2-metadata-token: META"], None, 404),
    "a large header": ("GET", "/credentials", ["Authorization: TOKEN", "X-Large: " + "v" * 70_000], None, 431),
    "a large target": ("GET", "/" + "a" * 70_000, ["Authorization: TOKEN"], None, 431),
    "many headers": ("GET", "/credentials", ["Authorization: TOKEN", *(f"X-{n}: v" for n in range(200))], None, 431),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused(agent, case):
    method, target, headers, host, expected = REFUSED[case]
    values = {"PART": agent.token[:-1], "TOKEN": agent.token, "META": metadata_token(agent), "PORT": str(agent.port)}

    def filled(text):
        return re.sub("PART|TOKEN|META|PORT", lambda found: values[found[0]], text)

    host = host if host is None else filled(host)
    status, head, body = exchange(agent, request(agent, method, filled(target), *map(filled, headers), host=host))
    assert status == expected, (head, body)
    assert "access-control" not in head.lower()
    assert "SecretAccessKey" not in body and agent.token not in head + body


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization : x\r\n\r\n",
        b"GET /credentials\r\n\r\n",
        b"\x00" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    ],
    ids=["TLS", "two lengths", "two content lengths", "a space before the colon", "HTTP/0.9", "zeros", "HTTP/2 without frames"],
)  # fmt: skip
def test_malformed(agent, sent):
    with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass  # closed at once
    assert b"200 OK" not in received and b"SecretAccessKey" not in received


def test_many_connections_do_not_shut_out_a_client(agent):
    """Idle connections, and half of a head on each."""
    held = []
    try:
        for number in range(600):
            connection = socket.create_connection(("127.0.0.1", agent.port), timeout=30)
            if number % 2:
                connection.sendall(b"GET /credentials HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            held.append(connection)
        for _ in range(5):
            assert exchange(agent, request(agent, "GET", "/credentials", f"Authorization: {agent.token}"))[0] == 200
        with open(f"/proc/{agent.process.pid}/status") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])
        assert resident < 128 * 1024, resident
        assert len(open_files(agent)) < 250
    finally:
        for connection in held:
            connection.close()
    until(lambda: len(open_files(agent)) < 40, lambda: open_files(agent))


def open_files(agent):
    return os.listdir(f"/proc/{agent.process.pid}/fd")


def test_many_requests_at_once(agent):
    failed = []

    def client():
        for _ in range(20):
            status, *_ = exchange(agent, request(agent, "GET", "/credentials", f"Authorization: {agent.token}"))
            if status != 200:
                failed.append(status)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
