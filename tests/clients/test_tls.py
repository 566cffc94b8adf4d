"""TLS: the certificate that the server shows, and its replacement while the server runs."""

import http.client
import signal
import socket
import ssl
import time
import urllib.request

import pytest
from support.api import AwsApi, GrpcApi
from support.certificates import make_certificate
from support.expect import fails
from support.server import ACCOUNT, run


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
    """The certificate that a new connection receives, if it is the trusted one."""
    context = ssl.create_default_context(cafile=str(certificate))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
            return stream.getpeercert(binary_form=True)


def expiry(server):
    """When the certificate expires, by the metrics."""
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("bailiwick_tls_certificate_expiry")]
    return float(lines[0].split()[1])


def test_sighup_reloads_the_certificate_without_interruptions(new_server, tmp_path):
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

    # Only the certificate is replaced, and its key is not there yet.
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
    assert "has expired" in server.output and str(certificate) in server.output


def test_a_certificate_without_its_key(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    alone = run("serve", "--tls-cert", certificate, "--data-dir", tmp_path / "data")
    assert alone.returncode == 2 and "--tls-key" in alone.stderr
    key.write_text("nothing")
    fails(new_server("second", arguments=["--tls-cert", str(certificate), "--tls-key", str(key)]), str(key))
