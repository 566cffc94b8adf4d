"""The listener of the metrics: beyond loopback it follows the rules of the main listener."""

import http.client
import socket
import ssl
import urllib.request

import pytest
from support.certificates import make_certificate


@pytest.fixture
def server(new_server):
    """A server whose metrics are beyond loopback."""
    server = new_server()
    usual = server.command

    def command():
        parts = usual()
        with socket.socket() as probe:
            # Free on every address: other tests have thousands of ports in use on some.
            probe.bind(("0.0.0.0", 0))
            port = probe.getsockname()[1]
        parts[parts.index(f"127.0.0.1:{server.metrics_port}")] = f"0.0.0.0:{port}"
        server.metrics_port = port
        return parts

    server.command = command
    return server


def status(server, scheme, context=None):
    with urllib.request.urlopen(f"{scheme}://127.0.0.1:{server.metrics_port}/metrics", timeout=10, context=context) as page:
        return page.status


def test_plain_text_needs_an_explicit_setting(server):
    server.spawn()
    assert server.wait() == 2
    assert "metrics" in server.output and "--insecure-allow-clear" in server.output and "panicked" not in server.output
    server.arguments = ["--insecure-allow-clear"]
    server.start()
    assert status(server, "http") == 200


def test_tls_is_used_if_there_is_a_certificate(server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    server.arguments = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    server.start()
    assert status(server, "https", ssl.create_default_context(cafile=certificate)) == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        status(server, "http")


def test_plain_text_on_loopback(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)]).start()
    assert status(server, "http") == 200
