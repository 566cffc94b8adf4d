"""Metadata of SAML providers that is made to cost memory or time."""

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
