"""Attacks before the connection is encrypted."""

import contextlib
import random
import socket
import ssl
import threading
import time

import pytest
from attacks.flood import PREFACE, open_sources
from support.certificates import make_certificate
from support.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate for 127.0.0.1, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(new_server, files):
    certificate, key = files
    return new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()


def hands_shaken(server, lowest=ssl.TLSVersion.TLSv1, highest=ssl.TLSVersion.TLSv1_3, ciphers="ALL:@SECLEVEL=0", protocols=()):
    """The version that a handshake ends with; none if it fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = lowest, highest
    if protocols:
        context.set_alpn_protocols(protocols)
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain, context.wrap_socket(plain) as wrapped:
            return wrapped.version()
    except (ssl.SSLError, ConnectionError):
        return None


def test_old_versions_and_weak_ciphers_are_refused(secure):
    old = ssl.TLSVersion
    assert hands_shaken(secure) == "TLSv1.3"
    assert hands_shaken(secure, highest=old.TLSv1_2) == "TLSv1.2"
    for version in (old.TLSv1, old.TLSv1_1):
        assert hands_shaken(secure, highest=version) is None, version
        assert hands_shaken(secure, lowest=version, highest=version) is None, version
    for ciphers in ("aNULL:eNULL:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0", "AES128-SHA:@SECLEVEL=0"):
        assert hands_shaken(secure, highest=old.TLSv1_2, ciphers=ciphers) is None, ciphers
    assert hands_shaken(secure, protocols=["http/0.9"]) is None


def test_plain_text_requests_are_refused(secure):
    draw = random.Random(6)
    for data in (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", PREFACE, b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"a" * 70_000, *(draw.randbytes(200) for _ in range(50))):
        with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                received = connection.recv(65536)
            except OSError:
                continue
            assert not received.startswith((b"HTTP", b"\0")), received
    assert hands_shaken(secure) == "TLSv1.3"
    assert "panicked" not in secure.output


def test_handshakes_that_stall_are_ended(secure):
    """Before, during and right after the handshake."""
    took = {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])

    def hold(kind, data, wrap):
        begin = time.monotonic()
        with socket.create_connection(("127.0.0.1", secure.port), timeout=40) as connection:
            stream = context.wrap_socket(connection) if wrap else connection
            try:
                stream.sendall(data)
                while stream.recv(4096):
                    pass
            except OSError:
                pass
        took[kind] = time.monotonic() - begin

    cases = {"nothing": (b"", False), "half a hello": (b"\x16\x03\x01\x02\x00\x01", False), "no request": (b"", True), "half a preface": (PREFACE[:9], True)}
    threads = [threading.Thread(target=hold, args=(kind, *case)) for kind, case in cases.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(5 < seconds < 20 for seconds in took.values()), took


def test_unfinished_handshakes_are_limited_per_source(secure):
    """Hundreds of partial hellos from one address: the oldest are closed, and handshakes from others succeed."""
    half = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    with open_sources(secure, 1) as (source,):
        for _ in range(700):
            source.connect(half)
        assert hands_shaken(secure) == "TLSv1.3"
        assert 400 < until(lambda: (count := source.open()) <= 512 and count, "the oldest connections are closed") <= 512
        assert hands_shaken(secure) == "TLSv1.3"
        # A hello as long as the records allow: the server keeps only a part of it.
        flood = b"".join(b"\x16\x03\x01\x40\x00" + (b"\x01\x00\xff\xff" if n == 0 else b"\0" * 4) + b"\0" * 16_380 for n in range(4))
        with socket.create_connection(("127.0.0.1", secure.port), timeout=5) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(flood)
                while connection.recv(4096):
                    pass
    assert hands_shaken(secure) == "TLSv1.3"


def test_a_world_readable_key_is_refused(new_server, files):
    certificate, key = files
    open_key = key.with_name("open.pem")
    open_key.write_bytes(key.read_bytes())
    for mode in (0o644, 0o604, 0o602):
        open_key.chmod(mode)
        server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(open_key)]).spawn()
        assert server.wait() == 1
        said = [line for line in server.lines if line.startswith("bailiwick: ")]
        assert len(said) == 1 and str(open_key) in said[0] and "chmod" in said[0], said
    open_key.chmod(0o640)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(open_key)]).start()
    assert server.stop() == 0
