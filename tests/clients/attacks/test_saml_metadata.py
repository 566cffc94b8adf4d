"""Metadata of SAML providers that is made to cost memory or time."""

import socket
import time

import pytest
from attacks.helpers import outcome
from attacks.watch import MEBIBYTE, memory, well
from support.saml import make_metadata


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def test_small_metadata_costs_little(aws, rpc, server, tmp_path, name):
    """Namespaces that many elements are in, many attributes and declarations, deep nesting, and entities."""
    plain = make_metadata(tmp_path)
    assert outcome(aws, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=plain) is None
    attributes = "".join(f" p:a{n}=''" for n in range(60))
    many = "".join(f" xmlns:q{n}='urn:{n}'" for n in range(60))
    hostile = [
        # 20,000 copies of the namespace would be two gigabytes.
        (f"xmlns='{'u' * 100_000}'", "<a/>" * 20_000),
        (f"xmlns:p='{'u' * 100_000}'", f"<x{attributes}/>" * 500),
        (f"xmlns:p='{'u' * 1_000}'{many}", f"<x{attributes}/>" * 900),
        ("", "<a>" * 100_000),
        ("", "<a>" * 60 + "</a>" * 60),
        ("", "x<!---->" * 30_000),
        ("", "&a;" * 1_000),
        ("", "<a" + "".join(f" a{n}=''" for n in range(20_000)) + "/>"),
    ]
    before = memory(server)
    for front in (aws, rpc):
        for declared, inside in hostile:
            text = plain.replace("<md:IDPSSODescriptor", f"<md:Extensions {declared}>{inside}</md:Extensions><md:IDPSSODescriptor", 1)
            assert outcome(front, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=text) in (None, "InvalidInput"), inside[:40]
    entities = "<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
    assert outcome(aws, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=entities + plain.split("?>", 1)[1]) == "InvalidInput"
    assert memory(server) - before < 100 * MEBIBYTE


def test_large_requests_are_few_at_once(aws, server, tmp_path, name):
    """A client without credentials takes the place of its source for a while; small requests go on, and memory is bounded."""
    plain = make_metadata(tmp_path)
    large = plain + f"<!--{'x' * 2_000_000}-->"
    before = memory(server, "VmRSS")
    begun = b"Action=CreateSAMLProvider&Version=2010-05-08&Name=a&SAMLMetadataDocument=" + b"x" * 3_000_000
    head = f"POST / HTTP/1.1\r\nHost: {server.target}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 12000000\r\n\r\n"
    slow = []
    for _ in range(24):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.settimeout(20)
        client.sendall(head.encode())
        try:
            client.sendall(begun)
        except OSError:
            pass  # Refused already.
        slow.append(client)
    time.sleep(0.5)
    assert memory(server, "VmRSS") - before < 60 * MEBIBYTE
    assert outcome(aws, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=plain) is None
    assert outcome(aws, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=large) == "ServiceUnavailable"
    for client in slow:
        client.close()
    end = time.monotonic() + 20
    while (found := outcome(aws, "CreateSAMLProvider", Name=name(), SAMLMetadataDocument=large)) and time.monotonic() < end:
        assert found == "ServiceUnavailable"
        time.sleep(0.1)
    assert found is None
