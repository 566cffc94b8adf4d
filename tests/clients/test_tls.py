"""TLS: the certificate that the server shows, and its replacement while the server runs."""

import datetime
import http.client
import ipaddress
import signal
import socket
import ssl
import time
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.api import AwsApi, GrpcApi
from support.expect import fails
from support.server import ACCOUNT, run


def make_certificate(folder, days=1):
    """A certificate for 127.0.0.1 that signs itself and is good for so many days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bailiwick test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].chmod(0o600)
    return paths


def test_tls(new_server, tmp_path, monkeypatch):
    import grpc

    certificate, key = make_certificate(tmp_path)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    assert AwsApi(server, server.root).call("GetCallerIdentity")["Account"] == ACCOUNT
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    channel = grpc.secure_channel(server.target, trusted)
    assert GrpcApi(server, server.root, channel=channel).call("GetCallerIdentity")["Account"] == ACCOUNT
    context = ssl.create_default_context(cafile=str(certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with urllib.request.urlopen(f"{server.url}/healthz", context=context, timeout=10) as answer:
        assert answer.status == 200
    with socket.create_connection(("127.0.0.1", server.port)) as clear:
        clear.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not clear.recv(100).startswith(b"HTTP/1.1 200")


def shown_by(server, certificate):
    """The certificate that a new connection is shown, if it is the one that is trusted."""
    context = ssl.create_default_context(cafile=str(certificate))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
            return stream.getpeercert(binary_form=True)


def expiry(server):
    """When the certificate expires, by the metrics."""
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("bailiwick_tls_certificate_expiry")]
    return float(lines[0].split()[1])


def test_sighup_reloads_the_certificate_and_interrupts_nobody(new_server, tmp_path):
    (tmp_path / "new").mkdir()
    certificate, key = make_certificate(tmp_path)
    new_certificate, new_key = make_certificate(tmp_path / "new", days=90)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()
    before = shown_by(server, certificate)
    context = ssl.create_default_context(cafile=str(certificate))
    open_connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)
    open_connection.request("GET", "/healthz")
    assert open_connection.getresponse().read() == b"ok\n"
    assert expiry(server) < time.time() + 2 * 86_400

    # Half of the replacement: the key that belongs to it is not there yet.
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(new_certificate.read_bytes())
    new_certificate.rename(certificate)
    server.signal(signal.SIGHUP)
    line = server.wait_for("was not reloaded")
    assert str(certificate) in line and str(key) in line
    with pytest.raises(ssl.SSLCertVerificationError):
        shown_by(server, trusted)
    new_key.rename(key)
    server.signal(signal.SIGHUP)
    server.wait_for("was reloaded")
    assert shown_by(server, trusted) != before
    assert expiry(server) > time.time() + 80 * 86_400

    open_connection.request("GET", "/healthz")
    assert open_connection.getresponse().read() == b"ok\n"
    open_connection.close()
    assert server.stop() == 0


def test_sighup_without_tls_does_nothing(new_server):
    server = new_server().start()
    server.signal(signal.SIGHUP)
    server.wait_for("SIGHUP")
    AwsApi(server, server.root).call("GetCallerIdentity")
    assert server.stop() == 0


def test_an_expired_certificate_is_warned_about(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path, days=-1)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()
    assert "has expired" in server.said and str(certificate) in server.said


def test_a_certificate_without_its_key(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    alone = run("serve", "--tls-cert", certificate, "--data-dir", tmp_path / "data")
    assert alone.returncode == 2 and "--tls-key" in alone.stderr
    key.write_text("nothing")
    fails(new_server("second", arguments=["--tls-cert", str(certificate), "--tls-key", str(key)]), str(key))
