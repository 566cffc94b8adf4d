"""Unauthenticated sources that try to use all memory or connections get their share, without effect on others."""

import os
import time
import urllib.request

import pytest
from attacks.flood import (
    ACK, CHECK, CONTINUATION, CREATE_USER, DATA, END_STREAM, HEADERS, PING, REFLECTION, SETTINGS, WATCH,
    frame, head, headers, literal, message, open_sources, working,
)  # fmt: skip
from attacks.watch import MEBIBYTE, memory, well
from support.api import GrpcApi
from support.raw import FORM, post
from support.waiting import until

TIMES = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
LONG = [("x-long", "v" * 13_500)] * 4


@pytest.fixture
def server(new_server):
    """A new server for each test, so that other tests do not affect its memory."""
    server = new_server().start()
    yield server
    well(server)


@pytest.fixture
def client(server):
    """Calls on one connection, and on a new one each time."""
    stays = GrpcApi(server, server.root)

    def call():
        stays.call("GetCallerIdentity")
        answer = post(server, server.root, "Action=GetCallerIdentity&Version=2011-06-15", service="sts")
        assert answer.status == 200, answer

    call()
    return call


class Grown:
    """Asserts the maximal growth of the server's memory."""

    def __init__(self, server):
        self.server, self.before, self.most = server, memory(server, "VmRSS"), 0

    def look(self):
        self.most = max(self.most, memory(self.server, "VmRSS") - self.before)
        return self.most

    def less_than(self, mebibytes):
        """Waits until the server has received everything."""
        still = 0
        while still < 10:
            most, now = self.most, self.look()
            still = still + 1 if now == most else 0
            time.sleep(0.03)
        print(f"{self.most / MEBIBYTE:.1f} MiB more")
        assert self.look() < mebibytes * MEBIBYTE, f"{self.most // MEBIBYTE} MiB more"


def left_open(*sources, most):
    """The number of open connections, once it is at most this."""
    [count] = until(lambda: (count := sum(source.open() for source in sources)) <= most and [count], f"at most {most} are open")
    return count


def test_endless_heads_and_streams(server, client):
    """The report: 36 connections, 250 streams on each, 55 KiB of headers and a body that never ends on each of those."""
    block = head(CREATE_USER, LONG)
    grown = Grown(server)
    with open_sources(server, 2) as sources, working(client):
        for number in range(24 * TIMES):
            sources[number % 2].h2(b"".join(headers(s, block) + frame(DATA, 0, s, message(1000, b"a")) for s in range(1, 161, 2)))
            grown.look()
        grown.less_than(64)


@pytest.mark.parametrize("path", [REFLECTION, CHECK, WATCH, CREATE_USER, "/nothing.of/Ours"])
def test_endless_messages(server, client, path):
    """The server keeps only the source's share of an announced message that is never completed, on every service."""
    grown = Grown(server)
    part = message(16_000, b"a" * 4_900)
    with open_sources(server, 1) as (source,), working(client):
        for _ in range(100 * TIMES):
            source.h2(b"".join(headers(s, head(path)) + frame(DATA, 0, s, part) for s in range(1, 101, 2)))
            grown.look()
        grown.less_than(48)


def test_endless_header_blocks(server, client):
    """Headers that continue over frames without end: the server keeps little of them, and not for long."""
    grown = Grown(server)
    block = b"".join(literal(f"x-{n}", "v" * 3_900) for n in range(4))
    parts = frame(HEADERS, 0, 1, head(CREATE_USER) + block) + frame(CONTINUATION, 0, 1, block) + frame(CONTINUATION, 0, 1, block)
    with open_sources(server, 3) as sources, working(client):
        for number in range(900 * TIMES):
            sources[number % 3].h2(parts)
            grown.look()
        grown.less_than(80)
        if TIMES > 1:
            left_open(*sources, most=0)


def test_endless_heads_of_http1(server, client):
    grown = Grown(server)
    part = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"v" * 6_000) for n in range(9))
    with open_sources(server, 3) as sources, working(client):
        for number in range(900 * TIMES):
            sources[number % 3].connect(part)
            grown.look()
        grown.less_than(80)


def test_answers_that_the_client_does_not_read(server, client):
    """Windows of zero and one byte: unread data is counted, and the connection is closed in the end."""
    grown = Grown(server)
    ask = message(2, b"\x3a\x00")  # reflection: list all services
    for window in (0, 1):
        with open_sources(server, 2, first=10 * window) as sources, working(client):
            begin = time.monotonic()
            for number in range(40 * TIMES):
                settings = b"\0\x04" + window.to_bytes(4, "big")
                questions = b"".join(headers(s, head(REFLECTION)) + frame(DATA, END_STREAM, s, ask * 3) for s in range(1, 201, 2))
                checks = b"".join(headers(s, head(CHECK)) + frame(DATA, END_STREAM, s, message(0)) for s in range(201, 401, 2))
                sources[number % 2].h2(questions + checks, settings)
                grown.look()
            grown.less_than(64)
            if TIMES > 1:
                assert sum(source.open() for source in sources) > 0
                while time.monotonic() - begin < 75:
                    for source in sources:
                        for connection in source.held:
                            source.send(connection, frame(PING, ACK, 0, b"12345678"))
                    time.sleep(5)
                left_open(*sources, most=0)


def test_a_stream_of_health_is_bounded(server, client):
    """A client may watch for a long time, but with a limited number of streams."""
    grown = Grown(server)
    with open_sources(server, 2) as sources, working(client):
        watch = b"".join(headers(s, head(WATCH)) + frame(DATA, END_STREAM, s, message(0)) for s in range(1, 401, 2))
        for number in range(40 * TIMES):
            sources[number % 2].h2(watch)
            grown.look()
        grown.less_than(64)


def test_idle_connections_of_one_source(server, client):
    """The report: 4,096 connections that are idle. One source keeps its share of them, the youngest."""
    grown = Grown(server)
    with open_sources(server, 1) as (source,), working(client):
        for number in range(700 * TIMES):
            source.h2() if number % 2 else source.connect()
        assert 400 < left_open(source, most=512)
        grown.less_than(40)


def test_idle_connections_of_many_sources(server, client):
    """All unauthenticated connections are taken: a new client still gets one, and no authenticated client loses theirs."""
    grown = Grown(server)
    with open_sources(server, 6) as sources, working(client, longest=5.0):
        for _ in range(420):
            for source in sources:
                source.h2()
        assert 1_900 < left_open(*sources, most=2_048)
        for _ in range(300 * TIMES):
            sources[0].connect()
        grown.less_than(140)


def test_idle_connections_from_the_client_s_own_address(server, client):
    """Clients behind one address share its limit with an attacker among them; authenticated ones are counted apart."""
    with open_sources(server, 1, first=-1) as (source,), working(client):
        assert source.address == "127.0.0.1"
        for _ in range(700 * TIMES):
            source.h2()
        assert 400 < left_open(source, most=512)


def test_endless_posts(server, client):
    """The report: 323 forms that are never sent whole, and 503 for all clients for 27 seconds."""
    grown = Grown(server)
    with open_sources(server, 2) as sources, working(client):
        for number in range(500 * TIMES):
            body = b"x" * (100_000 if number < 240 else 30_000)
            start = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode()
            sources[number % 2].connect(start + body)
            grown.look()
        grown.less_than(96)


def test_posts_that_arrive_byte_by_byte(server, client):
    """Occasional bytes extend neither the deadline of a body nor that of a head."""
    starts = (
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: 100000\r\n\r\n".encode(),
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Long: ",
    )
    grown = Grown(server)
    with open_sources(server, 2) as sources, working(client):
        begin = time.monotonic()
        for number in range(200 * TIMES):
            sources[number % 2].connect(starts[number % len(starts)])
        # Longer than the deadline of a body, if the run is a long one.
        while time.monotonic() - begin < (1 if TIMES == 1 else 33):
            for source in sources:
                for connection in source.held:
                    source.send(connection, b"x")
            time.sleep(0.25)
        grown.less_than(48)
        if TIMES > 1:
            left_open(*sources, most=0)


def test_the_metrics_listener_is_bounded_too(server, client):
    with open_sources(server, 1) as (source,), working(client):
        metrics = source.on(server.metrics_port)
        for number in range(150):
            metrics.h2() if number % 2 else metrics.connect(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-A: ")
        assert left_open(metrics, most=64) > 4
        with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as page:
            text = page.read().decode()
        assert "bailiwick_connections{" in text and "bailiwick_request_memory_bytes{" in text
        metrics.close()


def test_streams_that_are_opened_and_reset(server, client):
    """Requests that are cancelled at once: the connection is closed soon."""
    with open_sources(server, 1) as (source,), working(client):
        reset = b"".join(headers(s, head(CREATE_USER)) + frame(3, 0, s, b"\0\0\0\x08") for s in range(1, 4001, 2))
        for _ in range(10 * TIMES):
            source.h2(reset)
        left_open(source, most=0)


def test_frames_without_effect_are_limited(server, client):
    with open_sources(server, 1) as (source,), working(client):
        for kind, payload in ((PING, b"12345678"), (SETTINGS, b""), (8, b"\0\0\0\1"), (2, b"\0\0\0\0\0"), (0xAB, b"")):
            for _ in range(TIMES):
                source.h2(frame(kind, 0, 1 if kind == 2 else 0, payload) * 20_000)
        left_open(source, most=0)
