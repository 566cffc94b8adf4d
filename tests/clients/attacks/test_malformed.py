"""Malformed requests: refused in AWS's format or by closing the connection; never a 5xx, never a hang."""

import os
import random
import socket
import threading
import time

import pytest
from attacks.forge import form, get, post, presign, sign
from attacks.watch import everything, memory, well
from support.raw import FORM, request, send

TIMES = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))


@pytest.fixture(autouse=True)
def well_afterwards(server):
    before = everything(server)
    yield
    well(server)
    assert everything(server) == before


def throw(server, data, patience=15, half_close=True):
    """Sends bytes and reads until the server closes; returns the status, or none if it closed without an answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as connection:
        received = b""
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass  # the server closed it meanwhile
    if not received.startswith(b"HTTP/1"):
        return None
    status = int(received.split()[1])
    assert status < 500, (data[:300], received[:500])
    return status


def test_random_bytes(server):
    draw = random.Random(7)
    for _ in range(300 * TIMES):
        throw(server, draw.randbytes(draw.choice([1, 3, 17, 24, 100, 1000, 5000])))


def test_random_changes_of_a_valid_request(server):
    draw = random.Random(8)
    for _ in range(400 * TIMES):
        good = bytearray(sign(post(server, form(Action="ListUsers", PathPrefix="/a/", Version="2010-05-08")), server.root).wire())
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(good))
            good[place : place + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
        throw(server, bytes(good))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    """One frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def test_http2_garbage(server):
    draw = random.Random(9)
    settings = frame(4, 0, 0)
    cases = [
        PREFACE,
        PREFACE[:-1] + b"x",
        PREFACE + settings + draw.randbytes(1000),
        PREFACE + settings + frame(1, 4, 1, draw.randbytes(60)),
        PREFACE + settings + frame(1, 5, 1, b"\x82\x84\x86" + b"\x40\x01a\x7f\xff\xff\xff\x0f"),
        PREFACE + settings + frame(0, 0, 1, b"data without headers"),
        PREFACE + settings + frame(9, 4, 1, b"continuation of nothing"),
        PREFACE + settings + frame(1, 0, 1, b"\x82\x84\x86") + b"".join(frame(9, 0, 1, b"\x40\x01a\x01b" * 100) for _ in range(400)),
        PREFACE + settings + frame(4, 0, 0, b"\x00\x04\xff\xff\xff\xff"),
        PREFACE + settings + frame(8, 0, 0, b"\x7f\xff\xff\xff") * 3,
        PREFACE + settings + b"".join(frame(3, 0, 2 * n + 1, b"\0\0\0\x08") for n in range(1000)),
        PREFACE + settings + b"".join(frame(1, 5, 2 * n + 1, b"\x82\x84\x86") + frame(3, 0, 2 * n + 1, b"\0\0\0\x08") for n in range(3000)),
        PREFACE + settings + frame(6, 0, 0, b"12345678") * 5000,
        PREFACE + settings + frame(4, 0, 0) * 5000,
        PREFACE + settings + b"\xff\xff\xff" + b"\0" * 6,
    ]
    for case in cases:
        throw(server, case)
    for _ in range(100 * TIMES):
        frames = b"".join(frame(draw.randrange(12), draw.randrange(256), draw.choice([0, 1, 3, 5]), draw.randbytes(draw.randrange(40))) for _ in range(6))
        throw(server, PREFACE + settings + frames)


def test_two_ways_to_read_one_request(server):
    """Requests that a proxy and the server could read differently have no effect."""
    inner = sign(post(server, form(Action="CreateUser", UserName="enemy", Version="2010-05-08")), server.root).wire()
    host = f"Host: {server.target}\r\n".encode()
    chunk = b"%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    for head in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5 \r\n 6\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: \r\n",
        b" Content-Length: 5\r\n",
        b"A: b\r\n c\r\n",
        b"A\r\n",
        b": b\r\n",
        b"A b: c\r\n",
        b"A: b\rc\r\n",
        b"A: b\nContent-Length: 0\r\n",
        b"A: \x00\r\n",
        b"Expect: 100-continue\r\nContent-Length: 5\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    ):
        for body in (chunk, b"0\r\n\r\nGET /healthz HTTP/1.1\r\n", b"x" * 5):
            throw(server, b"POST / HTTP/1.1\r\n" + host + b"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n" + head + b"\r\n" + body)
    for line in (
        b"GET", b"GET /", b"GET / HTTP/9.9", b"GET / HTTP/1.2", b"GET  / HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET \xff HTTP/1.1", b"\r\n\r\nGET / HTTP/1.1",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"A" * 70_000 + b" / HTTP/1.1", b"CONNECT evil:443 HTTP/1.1", b"OPTIONS * HTTP/1.1",
        b"GET http://evil/healthz HTTP/1.1", b"GET //evil/ HTTP/1.1", b"GET /../../etc/passwd HTTP/1.1", b"GET ?Action=ListUsers HTTP/1.1",
    ):  # fmt: skip
        throw(server, line + b"\r\n" + host + b"Connection: close\r\n\r\n")


def test_header_blocks(server):
    line = "X-{}: {}\r\n"
    for many, long in ((200, 10), (120, 1000), (3, 30_000), (1, 100_000), (100_000, 1)):
        lines = "".join(line.format(n, "v" * long) for n in range(many))
        status = throw(server, f"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n".encode(), half_close=False)
        assert status in (None, 400, 414, 431), (many, long, status)
    assert throw(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + b"A: b\r\n" * 100 + b"\r\n", half_close=False) == 200


def test_bodies_and_parameters(server):
    """More than 1 MiB, more than 2,000 parameters, one list index beyond the limit: refused before decoding."""
    root = server.root
    for size in (1024 * 1024 + 1, 7 * 1024 * 1024, 20 * 1024 * 1024):
        answer = send(server, request(server, b"A=" + b"x" * size, headers=[("Content-Type", FORM)]))
        assert (answer.status, answer.code) == (413, "RequestEntityTooLarge")
    for body in (
        b"&".join([b"Action=CreateUser"] + [b"Tags.member.%d.Key=k%d" % (n, n) for n in range(1, 2001)]),
        b"&".join([b"Action=ListUsers"] + [b"a%d=" % n for n in range(2000)]),
    ):
        assert send(server, request(server, body, headers=[("Content-Type", FORM)])).code == "MalformedQueryString"
    bombs = [
        "Tags.member.999999999.Key=a", "Tags.member.0.Key=a", "Tags.member.-1.Key=a", "Tags.member.01.Key=a", "Tags.member.1e9.Key=a",
        "Tags.member.18446744073709551617.Key=a", "Tags.member.2.Key=a", "Tags.member..Key=a", "Tags.member=a", "Tags.1.Key=a", "Tags.member.1=a",
        "Tags.entry.1.key=a", "Tags.member.1.Key.member.1.Key=a", "Tags.member.1.Key=a&Tags.member.1.Key=b", "Tags=", "Tags=a",
        "Tags.member.1.Value=a", "UserName.member.1=a", "UserName.=a", ".UserName=a", "UserName=a&UserName=b", "username=a", "UserName[]=a",
        "UserName%00=a", "Tags.member." + "1." * 3000 + "Key=a", "." * 5000 + "=a", "MaxItems=1e1", "Path=%2F%00%2F", "\u0661=a",
        "Tags.member.2000.Key=a", "Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.3.Key=c",
    ]  # fmt: skip
    for bomb in bombs:
        body = ("Action=CreateUser&Version=2010-05-08&" + ("" if bomb.startswith("UserName") else "UserName=enemy%20name&") + bomb).encode()
        answer = send(server, sign(post(server, body), root).wire())
        assert answer.status == 400, (bomb, answer)
    for bomb in ("a=%", "a=%4", "a=%zz", "%=a", "a=\xff"):
        assert send(server, request(server, f"Action=ListUsers&{bomb}".encode("latin-1"), headers=[("Content-Type", FORM)])).code == "MalformedQueryString"
    many = "&".join(["Action=UntagUser&Version=2010-05-08&UserName=enemy"] + [f"TagKeys.member.{n}=k{n}" for n in range(1990, 0, -1)])
    begin = time.monotonic()
    assert send(server, sign(post(server, many.encode()), root).wire()).status == 400
    assert time.monotonic() - begin < 5


def test_actions_and_types(server):
    for query in (
        "Action=Nothing", "Action=ListUsers&Version=1", "Action=ListUsers&Version=2011-06-15", "Action=&Version=2010-05-08", "Version=2010-05-08",
        "Action=ListUsers&Action=CreateUser", "action=ListUsers", "Action=listusers", "Action=ListUsers%00", "Action=../CreateUser", "Action=Authorize",
        "Action=CreateToken", "Action=CreateAccount", "Action=" + "A" * 10_000, "Action=%F0%9F%92%A3", "Action=ListUsers&Version=",
    ):  # fmt: skip
        for wire in (sign(post(server, query.encode()), server.root), presign(get(server, query), server.root)):
            answer = send(server, wire.wire())
            assert answer.status in (400, 403, 404), (query, answer)
            assert answer.code and answer.error["RequestId"]
    for kind in ("application/json", "text/xml", "multipart/form-data; boundary=a", "application/x-amz-json-1.1", "a", "*/*"):
        body = form(Action="ListUsers", Version="2010-05-08")
        assert send(server, sign(post(server, body).set("Content-Type", kind), server.root).wire()).status == 400


def test_control_characters_are_refused_and_never_echoed_raw(server):
    for text in ("a\0b", "a\r\nX: y", "\x1b[31m", "\ufffe", "\U000e0001", "a" * 200_000, "<a>&\"'", "]]>", "\u202e", "%00", "${aws:username}"):
        for members in ({"Action": "CreateUser", "UserName": text}, {"Action": "GetUser", "UserName": text}, {"Action": text}, {"Action": "ListUsers", text: "a"}):
            answer = send(server, sign(post(server, form(Version="2010-05-08", **members)), server.root).wire())
            assert answer.status in (400, 404), (text[:20], members["Action"][:20], answer)
            assert len(answer.body) < 300_000 and answer.code  # `parse` read it as XML
            assert not any(byte < 9 or 10 < byte < 32 and byte != 13 for byte in answer.body)


def test_slow_senders_are_disconnected(server):
    """Silent connections, partial heads and partial prefaces are closed at the deadline."""
    halves = {
        "nothing": b"",
        "a letter": b"P",
        "half the preface": PREFACE[:20],
        "half a line": b"POST / HTT",
        "half a head": b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ",
        "after an answer": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    }
    took = {}

    def ask_and_never_read():
        """Sends requests and reads no answer: sending fails when the server has closed the connection."""
        begin = time.monotonic()
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(5)
            connection.connect(("127.0.0.1", server.port))
            while time.monotonic() - begin < 60:
                try:
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
                except TimeoutError:
                    continue  # the server does not read at present
                except OSError:
                    took["never read"] = time.monotonic() - begin - 10
                    return

    def hold(kind, data):
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=40) as connection:
            connection.sendall(data)
            try:
                while connection.recv(4096):
                    pass
            except (ConnectionError, TimeoutError):
                pass
        took[kind] = time.monotonic() - begin

    threads = [threading.Thread(target=hold, args=item) for item in halves.items()]
    threads.append(threading.Thread(target=ask_and_never_read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(took) == {*halves, "never read"}
    assert all(5 < seconds < 22 for seconds in took.values()), took


def test_bodies_that_never_end_do_not_fill_the_memory(server):
    """Three hundred sources send a mebibyte less one byte each and wait: the memory stays bounded."""
    held = []
    body = b"x" * (1024 * 1024 - 1)
    head = f"POST / HTTP/1.1\r\nHost: {server.target}\r\nContent-Type: {FORM}\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode()
    before = memory(server, "VmRSS")
    try:
        for _ in range(300):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            held.append(connection)
            try:
                connection.sendall(head + body)
            except OSError:
                pass  # refused while it was sending
        well(server)
        refused = 0
        for connection in held:
            connection.settimeout(0.05)
            try:
                answer = connection.recv(4096)
                refused += answer.startswith(b"HTTP/1.1 503") or answer == b""
            except TimeoutError:
                pass
            except ConnectionError:
                refused += 1
        assert refused > 200, refused
    finally:
        for connection in held:
            connection.close()
    assert memory(server, "VmRSS") - before < 160 * 1024 * 1024
