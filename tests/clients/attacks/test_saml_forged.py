"""SAML responses that must be refused, sent to the running server. Each row: its name, how it is made from a valid response, and
the code of the refusal."""

import base64
import copy
import datetime
import hmac

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from support.saml_idp import AUDIENCE, DS, ENDPOINT, NAMES, RSA_SHA256, SAML, SAMLP, SamlIdp, encrypt
from test_saml_federation import Federation

INVALID, EXPIRED, REJECTED, DENIED = "InvalidIdentityToken", "ExpiredTokenException", "IDPRejectedClaim", "AccessDenied"
BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(8)) + "]>"


class Forge:
    """A valid response of a user, and what an attacker can do with it."""

    def __init__(self, federation, other):
        self.idp, self.other, self.federation = federation.idp, other, federation

    def text(self, **how):
        return self.idp.respond(self.federation.attributes, **how)

    def root(self, **how):
        return etree.fromstring(self.text(**how).encode())

    def unsigned(self):
        return self.root(sign_assertion=False)

    def change(self, before, after, **how):
        """A signed response with another text in it."""
        text = self.text(**how)
        assert before in text, before
        return text.replace(before, after)

    def evil(self):
        """A response with an assertion for another user, without its signature, and the signed one of the user."""
        root = self.root()
        signed = root.find("saml:Assertion", NAMES)
        evil = copy.deepcopy(signed)
        evil.remove(evil.find("ds:Signature", NAMES))
        evil.set("ID", "_evil")
        evil.find(".//saml:NameID", NAMES).text = "mallory@example.com"
        root.replace(signed, evil)
        return root, evil, signed

    def signed(self, change, **how):
        """A response whose assertion the provider signs after a change of it."""
        root = self.unsigned()
        change(root.find("saml:Assertion", NAMES))
        self.idp.sign(root.find("saml:Assertion", NAMES), **how)
        return root


def set_all(element, path, name, value):
    found = element.findall(path, NAMES) if path != "." else [element]
    assert found, path
    for each in found:
        each.set(name, value)


def at(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def wrapped(place):
    def make(forge):
        root, evil, signed = forge.evil()
        place(root, evil, signed)
        return root

    return make


def after_issuer(element, child):
    element.insert(1, child)


def in_new(parent, tag, child, position=None):
    made = etree.Element(tag)
    made.append(child)
    parent.insert(len(parent) if position is None else position, made)


def in_object(root, evil, signed):
    signature = copy.deepcopy(signed.find("ds:Signature", NAMES))
    in_new(signature, f"{{{DS}}}Object", signed)
    after_issuer(evil, signature)


def in_key_info(root, evil, signed):
    signature = copy.deepcopy(signed.find("ds:Signature", NAMES))
    signature.find("ds:KeyInfo", NAMES).append(signed)
    after_issuer(evil, signature)


def whole_response(forge):
    """The signed response in an Object of its own signature, in an evil response."""
    root = forge.root(sign_assertion=False, sign_response=True)
    signature = root.find("ds:Signature", NAMES)
    original = copy.deepcopy(root)
    original.remove(original.find("ds:Signature", NAMES))
    in_new(signature, f"{{{DS}}}Object", original)
    root.set("ID", "_evil")
    root.find("saml:Assertion//saml:NameID", NAMES).text = "mallory@example.com"
    root.find("saml:Assertion", NAMES).set("ID", "_evil2")
    return root


def with_hmac(forge):
    """The algorithm is HMAC, and its secret the public key of the provider."""
    root = forge.signed(lambda assertion: setattr(assertion.find(".//saml:NameID", NAMES), "text", "mallory@example.com"))
    root.find(".//ds:SignatureMethod", NAMES).set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    key = forge.idp.certificate.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    canonical = etree.tostring(root.find(".//ds:SignedInfo", NAMES), method="c14n", exclusive=True)
    root.find(".//ds:SignatureValue", NAMES).text = base64.b64encode(hmac.digest(key, canonical, "sha256")).decode()
    return root


def by_attacker(forge):
    """Signed with the attacker's key, whose certificate is in KeyInfo."""
    root = forge.unsigned()
    root.find(".//saml:NameID", NAMES).text = "mallory@example.com"
    forge.other.sign(root.find("saml:Assertion", NAMES))
    return root


def by_attacker_as_provider(forge):
    """The same with the provider's certificate in KeyInfo."""
    root = forge.unsigned()
    forge.idp.sign(root.find("saml:Assertion", NAMES), key=forge.other.key_file)
    return root


def encrypted_to_another_key(forge):
    root = forge.root()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encrypt(root, key.public_key())
    return root


def signature_edit(edit):
    def make(forge):
        root = forge.root()
        edit(root.find(".//ds:Signature", NAMES))
        return root

    return make


def add_transform(signature, uri):
    transforms = signature.find(".//ds:Transforms", NAMES)
    transforms.insert(0, etree.Element(f"{{{DS}}}Transform", Algorithm=uri))


def audience(*values):
    def change(assertion):
        conditions = assertion.find("saml:Conditions", NAMES)
        for each in conditions.findall("saml:AudienceRestriction", NAMES):
            conditions.remove(each)
        for value in values:
            restriction = etree.SubElement(conditions, f"{{{SAML}}}AudienceRestriction")
            etree.SubElement(restriction, f"{{{SAML}}}Audience").text = value

    return lambda forge: forge.signed(change)


def moved_signature(forge):
    root, evil, signed = forge.evil()
    after_issuer(evil, signed.find("ds:Signature", NAMES))
    return root


def same_id(forge):
    root, evil, signed = forge.evil()
    evil.set("ID", signed.get("ID"))
    root.find("samlp:Status", NAMES).append(signed)
    return root


def repeated_root(forge):
    text = forge.text()
    return text + text


def repeated_namespace(forge):
    """A SignedInfo whose canonical text would be over ten megabytes. It is made before the signature is verified."""
    text = forge.change("<ns0:Response ", f"<ns0:Response xmlns:a='{'u' * 1024}' ")
    assert "SignedInfo>" in text
    return text.replace("SignedInfo>", "SignedInfo>" + "<a:x/>" * 10_000, 1)


SET = lambda path, name, value: lambda forge: forge.signed(lambda assertion: set_all(assertion, path, name, value() if callable(value) else value))
DATA = ".//saml:SubjectConfirmationData"

ROWS = [
    ("wrapped: after", wrapped(lambda root, evil, signed: root.append(signed)), INVALID),
    ("wrapped: before", wrapped(lambda root, evil, signed: root.insert(2, signed)), INVALID),
    ("wrapped: in the evil assertion", wrapped(lambda root, evil, signed: evil.append(signed)), INVALID),
    ("wrapped: around", wrapped(lambda root, evil, signed: (root.replace(evil, signed), signed.append(evil))), INVALID),
    ("wrapped: in Object", wrapped(in_object), INVALID),
    ("wrapped: in KeyInfo", wrapped(in_key_info), INVALID),
    ("wrapped: in Extensions", wrapped(lambda root, evil, signed: in_new(root, f"{{{SAMLP}}}Extensions", signed, 1)), INVALID),
    ("wrapped: in Status", wrapped(lambda root, evil, signed: root.find("samlp:Status", NAMES).append(signed)), INVALID),
    ("wrapped: in Advice", wrapped(lambda root, evil, signed: in_new(evil, f"{{{SAML}}}Advice", signed)), INVALID),
    ("wrapped: in an attribute", wrapped(lambda root, evil, signed: evil.find(".//saml:AttributeValue", NAMES).append(signed)), INVALID),
    ("wrapped: the whole response", whole_response, INVALID),
    ("two signed assertions", wrapped(lambda root, evil, signed: root.replace(evil, signed) or root.append(copy.deepcopy(signed))), INVALID),
    ("no assertion", wrapped(lambda root, evil, signed: root.remove(evil)), INVALID),
    ("the signature moved", moved_signature, INVALID),
    ("an id twice", same_id, INVALID),
    ("a comment in a name", lambda forge: forge.change("alice@example.com", "alice@example.com<!---->.evil.example"), INVALID),
    ("a comment that the digest does not cover", lambda forge: forge.change("alice@example.com", "alice@<!-- x -->example.com"), INVALID),
    ("a document type", lambda forge: "<!DOCTYPE x>" + forge.text(), INVALID),
    ("an external entity", lambda forge: "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + forge.change(">alice<", ">&e;<"), INVALID),
    ("an external document type", lambda forge: "<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>" + forge.text(), INVALID),
    ("an entity bomb", lambda forge: BOMB + forge.change(">alice<", ">&i;<"), INVALID),
    ("a processing instruction", lambda forge: "<?xml-stylesheet href='x'?>" + forge.text(), INVALID),
    ("a namespace that the signature repeats", repeated_namespace, INVALID),
    ("deep", lambda forge: forge.change("<ns0:Status>", "<x>" * 2000 + "</x>" * 2000 + "<ns0:Status>"), INVALID),
    ("two documents", repeated_root, INVALID),
    ("another name", lambda forge: forge.change("alice@example.com", "mallory@example.com"), INVALID),
    ("a space after a name", lambda forge: forge.text(name="alice@example.com "), INVALID),
    ("another role session name", lambda forge: forge.change(">alice<", ">root<"), INVALID),
    ("RSA with SHA-1", lambda forge: forge.signed(lambda _: None, method="rsa-sha1"), INVALID),
    ("a digest of SHA-1", lambda forge: forge.signed(lambda _: None, digest="sha1"), INVALID),
    ("canonicalization with comments", lambda forge: forge.signed(lambda _: None, transform="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), INVALID),
    ("inclusive canonicalization", lambda forge: forge.signed(lambda _: None, transform="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), INVALID),
    ("HMAC with the public key", with_hmac, INVALID),
    ("no algorithm", signature_edit(lambda signature: signature.find(".//ds:SignatureMethod", NAMES).attrib.clear()), INVALID),
    ("an XSLT", signature_edit(lambda signature: add_transform(signature, "http://www.w3.org/TR/1999/REC-xslt-19991116")), INVALID),
    ("an XPath", signature_edit(lambda signature: add_transform(signature, "http://www.w3.org/TR/1999/REC-xpath-19991116")), INVALID),
    ("base64", signature_edit(lambda signature: add_transform(signature, DS + "base64")), INVALID),
    ("a reference to another element", signature_edit(lambda signature: signature.find(".//ds:Reference", NAMES).set("URI", "#" + signature.getparent().getparent().get("ID"))), INVALID),
    ("a reference to everything", signature_edit(lambda signature: signature.find(".//ds:Reference", NAMES).set("URI", "")), INVALID),
    ("a digest of another element", signature_edit(lambda signature: setattr(signature.find(".//ds:DigestValue", NAMES), "text", base64.b64encode(b"x" * 32).decode())), INVALID),
    ("an empty signature", signature_edit(lambda signature: signature.clear()), INVALID),
    ("an empty value", signature_edit(lambda signature: setattr(signature.find("ds:SignatureValue", NAMES), "text", "")), INVALID),
    ("an Object", signature_edit(lambda signature: etree.SubElement(signature, f"{{{DS}}}Object")), INVALID),
    ("unsigned", lambda forge: forge.unsigned(), INVALID),
    ("the key of an attacker", by_attacker, INVALID),
    ("the key of an attacker, the certificate of the provider", by_attacker_as_provider, INVALID),
    ("encrypted to another key", encrypted_to_another_key, INVALID),
    ("expired", SET(DATA, "NotOnOrAfter", lambda: at(-120)), EXPIRED),
    ("conditions expired", SET("saml:Conditions", "NotOnOrAfter", lambda: at(-120)), EXPIRED),
    ("issued long ago", SET(".", "IssueInstant", lambda: at(-1000)), EXPIRED),
    ("too early", SET("saml:Conditions", "NotBefore", lambda: at(600)), INVALID),
    ("the session is over", SET("saml:AuthnStatement", "SessionNotOnOrAfter", lambda: at(-1)), EXPIRED),
    ("another recipient", SET(DATA, "Recipient", "https://other.example.com/saml"), INVALID),
    ("in response to a request", SET(DATA, "InResponseTo", "_request"), INVALID),
    ("another audience", audience("urn:other"), INVALID),
    ("no audience", audience(), INVALID),
    ("two audiences at once", audience(AUDIENCE, "urn:other"), INVALID),
    ("another issuer", lambda forge: forge.signed(lambda assertion: setattr(assertion.find("saml:Issuer", NAMES), "text", "urn:other")), INVALID),
    ("another destination", lambda forge: forge.change(f'Destination="{ENDPOINT}"', 'Destination="https://other.example.com"'), INVALID),
    ("a failed status", lambda forge: forge.change("status:Success", "status:Responder"), REJECTED),
    ("another role", lambda forge: forge.signed(lambda assertion: setattr(assertion.find(".//saml:AttributeValue", NAMES), "text", "arn:aws:iam::111122223333:role/x,y")), DENIED),
    ("not XML", lambda forge: "alice", INVALID),
]


@pytest.fixture(scope="module")
def forge(aws):
    return Forge(Federation(aws, SamlIdp(), "forged"), SamlIdp())


def test_there_are_many():
    assert len(ROWS) >= 40 and len({name for name, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("make", "code"), [pytest.param(make, code, id=name) for name, make, code in ROWS])
def test_a_forged_response_is_refused(forge, make, code):
    assert forge.federation.code(make(forge)) == code
    # The same way to make a response works without the change.
    assert forge.federation.code(forge.signed(lambda _: None)) == "OK"


def verified_by_xmlsec(root, certificate):
    """Whether the library of xmlsec1 accepts every signature of a response, with the key of the provider only."""
    xmlsec.tree.add_ids(root, ["ID"])
    for signature in root.iter(f"{{{DS}}}Signature"):
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(str(certificate), xmlsec.KeyFormat.CERT_PEM)
        try:
            context.verify(signature)
        except xmlsec.Error:
            return False
    return True


# Where only signatures are wrong, the oracle and the server agree.
TAMPERED = {"another name", "another role session name", "the signature moved", "the key of an attacker", "the key of an attacker, the certificate of the provider", "a digest of another element", "an empty value", "HMAC with the public key"}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make, _ in ROWS if name in TAMPERED])
def test_xmlsec_refuses_the_same_signatures(forge, make):
    made = make(forge)
    root = etree.fromstring(made.encode() if isinstance(made, str) else etree.tostring(made))
    assert not verified_by_xmlsec(root, forge.idp.certificate_file)
    assert verified_by_xmlsec(forge.root(sign_response=True), forge.idp.certificate_file)
