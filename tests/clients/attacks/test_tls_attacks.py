"""What an enemy tries before anything is encrypted."""

import datetime
import ipaddress
import random
import socket
import ssl
import threading
import time

import pytest
from attacks.test_malformed import PREFACE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bailiwick attacks")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + datetime.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(plain)
    (folder / "key.pem").chmod(0o600)
    return folder / "cert.pem", folder / "key.pem"


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


def test_nothing_is_answered_in_the_clear(secure):
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
    assert "panicked" not in secure.said


def test_handshakes_that_stall_are_ended(secure):
    """Before, in the middle of, and right behind the handshake."""
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


def test_a_key_that_everybody_may_read_is_refused(new_server, files):
    certificate, key = files
    open_key = key.with_name("open.pem")
    open_key.write_bytes(key.read_bytes())
    for mode in (0o644, 0o604, 0o602):
        open_key.chmod(mode)
        server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(open_key)]).spawn()
        assert server.wait() == 1
        said = [line for line in server.lines if line.strip()]
        assert len(said) == 1 and str(open_key) in said[0] and "chmod" in said[0], said
    open_key.chmod(0o640)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(open_key)]).start()
    assert server.stop() == 0
