"""AssumeRoleWithSAML with responses that pysaml2 makes and the library of xmlsec1 signs."""

import base64
import concurrent.futures
import hashlib
import json
import random

import boto3
import pytest
import signxml
from attacks.watch import MEBIBYTE, memory
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from support.api import REGION
from support.documents import policy
from support.expect import refused
from support.saml_idp import AUDIENCE, DS, ENDPOINT, NAMES, SAML, SamlIdp, decrypted, encoded, encrypt, pem, rewrap
from support.server import Credentials
from test_administrator import Cli

ACTIONS = ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]


class Federation:
    """A provider and a role that trusts it."""

    def __init__(self, aws, idp, name, conditions=None, **provider):
        account = aws.server.account
        self.server, self.idp, self.role_name = aws.server, idp, name
        self.provider = f"arn:aws:iam::{account}:saml-provider/{name}"
        self.role = f"arn:aws:iam::{account}:role/{name}"
        aws.call("CreateSAMLProvider", Name=name, SAMLMetadataDocument=idp.metadata(), **provider)
        statement = {"Principal": {"Federated": self.provider}, "Action": ACTIONS, "Condition": conditions or {"StringEquals": {"saml:aud": ENDPOINT}}}
        aws.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=policy(statement))
        self.client = boto3.client("sts", endpoint_url=aws.server.url, region_name=REGION, config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))

    @property
    def attributes(self):
        return {"Role": [f"{self.role},{self.provider}"], "RoleSessionName": ["alice"]}

    def parameters(self, xml):
        return {"RoleArn": self.role, "PrincipalArn": self.provider, "SAMLAssertion": encoded(xml)}

    def assume(self, xml, **more):
        return self.client.assume_role_with_saml(**self.parameters(xml), **more)

    def code(self, xml, **more):
        """The code of the answer."""
        try:
            self.assume(xml, **more)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "OK"


@pytest.fixture(scope="module")
def idp():
    return SamlIdp()


@pytest.fixture
def federation(aws, idp, name):
    return Federation(aws, idp, name("saml"))


def test_a_response_is_exchanged_for_credentials(api, idp, name):
    federation = Federation(api, idp, name("saml"))
    attributes = federation.attributes | {"PrincipalTag:Team": ["blue"], "TransitiveTagKeys": ["Team"], "SourceIdentity": ["alice"]}
    answer = api.call("AssumeRoleWithSAML", **federation.parameters(idp.respond(attributes)), DurationSeconds=900)
    account = api.server.account
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{federation.role_name}/alice"
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"], answer["Audience"], answer["SourceIdentity"]) == (
        "alice@example.com", "persistent", idp.entity, ENDPOINT, "alice"
    )
    text = f"{idp.entity}{account}/{federation.role_name}"
    assert answer["NameQualifier"] == base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
    made = answer["Credentials"]
    session = api.signed_by(Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))
    assert session.call("GetCallerIdentity")["Arn"] == answer["AssumedRoleUser"]["Arn"]
    refused(session, "AccessDenied", "ListUsers")
    refused(api, "InvalidIdentityToken", "AssumeRoleWithSAML", **federation.parameters("<a/>"))


@pytest.mark.parametrize("signed", [{"sign_assertion": True}, {"sign_assertion": False, "sign_response": True}, {"sign_response": True}])
@pytest.mark.parametrize("key", [None, ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=["rsa", "p256", "p384", "p521"])
def test_responses_and_assertions_are_signed_with_each_type_of_key(aws, name, key, signed):
    idp = SamlIdp(key=key and ec.generate_private_key(key))
    federation = Federation(aws, idp, name("saml"))
    xml = idp.respond(federation.attributes, **signed)
    assert federation.code(xml) == "OK"
    assert federation.code(xml) == "InvalidIdentityToken"


def test_the_command_line_needs_no_credentials(aws, federation, tmp_path):
    (tmp_path / "assertion").write_text(encoded(federation.idp.respond(federation.attributes)))
    cli = Cli(aws.server, "", "")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del cli.environment[variable]
    made = cli("sts", "assume-role-with-saml", "--role-arn", federation.role, "--principal-arn", federation.provider, "--saml-assertion", f"file://{tmp_path / 'assertion'}")["Credentials"]
    session = Cli(aws.server, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert session("sts", "get-caller-identity")["Arn"].endswith("/alice")


def test_one_of_many_calls_at_once_uses_an_assertion(federation):
    xml = federation.idp.respond(federation.attributes)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: federation.code(xml), range(16)))
    assert sorted(codes) == ["InvalidIdentityToken"] * 15 + ["OK"]


def test_an_assertion_stays_used_after_a_restart(new_server, idp):
    from support.api import AwsApi

    server = new_server().start()
    federation = Federation(AwsApi(server, server.root), idp, "saml")
    xml = idp.respond(federation.attributes)
    assert federation.code(xml) == "OK"
    server.kill()
    server.start()
    federation.client = boto3.client("sts", endpoint_url=server.url, region_name=REGION, config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
    assert federation.code(xml) == "InvalidIdentityToken"


def test_an_assertion_stays_used_when_the_provider_is_created_again(aws, federation):
    xml, other = (federation.idp.respond(federation.attributes) for _ in range(2))
    assert federation.code(xml) == "OK"
    aws.call("DeleteSAMLProvider", SAMLProviderArn=federation.provider)
    aws.call("CreateSAMLProvider", Name=federation.role_name, SAMLMetadataDocument=federation.idp.metadata())
    assert federation.code(xml) == "InvalidIdentityToken"
    assert federation.code(other) == "OK"


def test_new_metadata_counts_at_once(aws, federation):
    """The server keeps parsed metadata: a key that was replaced verifies nothing more, one that is set again does."""
    old, new = federation.idp, SamlIdp(federation.idp.entity)
    padding = f"<!--{'x' * 3_000_000}-->"  # Large metadata is cut in rows.
    for current, other, more in ((new, old, padding), (old, new, ""), (new, old, ""), (old, new, padding)):
        assert federation.code(other.respond(federation.attributes)) == "OK"
        aws.call("UpdateSAMLProvider", SAMLProviderArn=federation.provider, SAMLMetadataDocument=current.metadata() + more)
        assert federation.code(other.respond(federation.attributes)) == "InvalidIdentityToken"
        assert federation.code(current.respond(federation.attributes)) == "OK"


def test_large_metadata_costs_an_anonymous_caller_nothing(aws, federation):
    """It is parsed once, not for every call, which needs no credentials."""
    padding = f"<!--{'x' * 9_900_000}-->"
    aws.call("UpdateSAMLProvider", SAMLProviderArn=federation.provider, SAMLMetadataDocument=federation.idp.metadata() + padding)
    assert federation.code(federation.idp.respond(federation.attributes)) == "OK"
    forged = federation.idp.respond(federation.attributes).replace("alice", "other")
    before = memory(federation.server)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: federation.code(forged), range(64)))
    assert set(codes) <= {"InvalidIdentityToken", "Throttling"}
    assert memory(federation.server) - before < 50 * MEBIBYTE


@pytest.mark.parametrize("url", [ENDPOINT, "https://eu-central-1.signin.aws.amazon.com/saml", "OWN/saml", f"{ENDPOINT}/acs/ID", "https://us-west-2.signin.aws.amazon.com/saml/acs/ID", "OWN/saml/acs/ID"])
def test_the_endpoints_of_aws_and_the_own_one(aws, idp, name, url):
    """`saml:aud` is the recipient, as in AWS."""
    federation = Federation(aws, idp, name("saml"))
    own_id = aws.call("GetSAMLProvider", SAMLProviderArn=federation.provider)["SAMLProviderUUID"]
    url = url.replace("OWN", aws.server.url).replace("ID", own_id)
    statement = {"Principal": {"Federated": federation.provider}, "Action": ACTIONS, "Condition": {"StringEquals": {"saml:aud": url}}}
    aws.call("UpdateAssumeRolePolicy", RoleName=federation.role_name, PolicyDocument=policy(statement))

    def signed(recipient, audience):
        text = idp.respond(federation.attributes, sign_assertion=False).replace(ENDPOINT, recipient).replace(f">{AUDIENCE}<", f">{audience}<")
        assert recipient in text and audience in text
        root = etree.fromstring(text.encode())
        idp.sign(root.find("saml:Assertion", NAMES))
        return root

    for audience in (AUDIENCE, url):
        assert federation.assume(signed(url, audience))["Audience"] == url
    assert federation.code(signed(ENDPOINT, url)) == ("OK" if url == ENDPOINT else "AccessDenied")
    for other in ("https://eu-central-1.signin.aws.evil.example/saml", f"{url}x", url.replace("http", "ftp", 1), url.replace("/saml", ".evil.example/saml", 1)):
        assert federation.code(signed(other, AUDIENCE)) == "InvalidIdentityToken", other
        assert federation.code(signed(url, other)) == "InvalidIdentityToken", other


@pytest.mark.parametrize("cipher", ["AES128_GCM", "AES192_GCM", "AES256_GCM", "AES256"])
@pytest.mark.parametrize("padding", ["RSA_OAEP", "RSA_PKCS1"])
def test_assertions_are_encrypted_for_a_key_of_the_provider(aws, idp, name, cipher, padding):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    options = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    pkcs1 = key.private_bytes(serialization.Encoding.PEM, *options).decode()
    federation = Federation(aws, idp, name("saml"), AssertionEncryptionMode="Required", AddPrivateKey=pkcs1)
    root = etree.fromstring(idp.respond(federation.attributes).encode())
    plain = etree.tostring(root)
    encrypt(root, key.public_key(), cipher, padding)
    good = cipher.endswith("GCM") and padding == "RSA_OAEP"
    assert federation.code(plain) == "InvalidIdentityToken"
    assert federation.code(root) == ("OK" if good else "InvalidIdentityToken")


MGF1P, OAEP_1_1 = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"
DIGESTS = {1: (DS + "sha1", hashes.SHA1()), 256: ("http://www.w3.org/2001/04/xmlenc#sha256", hashes.SHA256()), 512: ("http://www.w3.org/2001/04/xmlenc#sha512", hashes.SHA512())}
MASKS = {size: (f"http://www.w3.org/2009/xmlenc11#mgf1sha{size}", used) for size, (_, used) in DIGESTS.items()}


@pytest.mark.parametrize(("uri", "digest", "mask"), [
    # Shibboleth's default, Okta's and that of AD FS and Entra ID, with and without the digest; Keycloak's choices.
    (MGF1P, None, None), (MGF1P, 1, None), (OAEP_1_1, None, None), (OAEP_1_1, 1, 1), (OAEP_1_1, 256, 256), (OAEP_1_1, 512, 512),
    # Two hashes, which SAML2int asks for.
    (MGF1P, 256, None), (OAEP_1_1, 256, None), (OAEP_1_1, 256, 1), (OAEP_1_1, 1, 256),
])
def test_keys_of_assertions_are_encrypted_with_one_hash(aws, idp, name, uri, digest, mask):
    """The library of xmlsec1 decrypts all of them; the server those with one hash, and says why it refuses the others."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    federation = Federation(aws, idp, name("saml"), AddPrivateKey=pem(key).decode())
    root = etree.fromstring(idp.respond(federation.attributes).encode())
    encrypt(root, key.public_key(), "AES128_GCM")
    rewrap(root, key, uri, digest and DIGESTS[digest], mask and MASKS[mask])
    assert decrypted(root, key).tag == f"{{{SAML}}}Assertion"
    if (digest or 1) == (mask or 1):
        assert federation.code(root) == "OK"
    else:
        with pytest.raises(ClientError, match="InvalidIdentityToken.*different hashes"):
            federation.assume(root)


def lxml_agrees(element, prefixes):
    """Whether lxml computes the digest that is in the signature of an element."""
    copy = etree.fromstring(etree.tostring(element.getroottree(), encoding="utf-8"))
    element = next(each for each in copy.iter() if each.get("ID") == element.get("ID"))
    signature = element.find("ds:Signature", NAMES)
    expected = signature.findtext(".//ds:DigestValue", namespaces=NAMES)
    element.remove(signature)
    canonical = etree.tostring(element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes)
    return base64.b64encode(hashlib.sha256(canonical).digest()).decode() == expected


def test_the_canonical_form_is_that_of_lxml_and_xmlsec(federation):
    """Assertions written in many ways are accepted: the server hashes the bytes that the oracles hash."""
    source = random.Random(11)
    for number in range(60):
        prefix = source.choice(["saml", "a", "x-1", "é"])
        outer = "".join(f' xmlns:{name}="urn:{name}:{source.randrange(3)}"' for name in source.sample(["u", "v", "w", "zz"], source.randrange(4)))
        root = etree.fromstring(federation.idp.respond(federation.attributes, sign_assertion=False).replace("ns1:", prefix + ":").replace("xmlns:ns1", "xmlns:" + prefix).replace("<ns0:Response", "<ns0:Response" + outer, 1).encode())
        assertion = root.find("saml:Assertion", NAMES)
        assertion.set("ID", f"_{number}-{source.randrange(10**9)}")
        statement = assertion.find("saml:AttributeStatement", NAMES)
        for extra in range(source.randrange(4)):
            value = source.choice(["a&amp;b", "&lt;x&gt;", "&#13;&#10;\t x", "<![CDATA[<&>]]>z", "ü€😀", '"\'', " \r\n ", "&#x9;"])
            attribute = source.choice(["n", "&quot;&#9;&#10;&#13;", "ü", "a'b", "&lt;&amp;"])
            namespace = source.choice(["", ' xmlns:u="urn:inner"', ' xmlns:q="urn:q" q:k="1" q:a="2" b="3"', ' xmlns="urn:d"', ' xml:lang="en"'])
            text = f'<{prefix}:Attribute xmlns:{prefix}="{SAML}" Name="{extra}{attribute}"{namespace}><{prefix}:AttributeValue>{value}</{prefix}:AttributeValue></{prefix}:Attribute>'
            statement.append(etree.fromstring(text))
        prefixes = source.choice([None, ["u"], ["u", "v", "#default"], ["xs", "xsi", "nothing"]])
        federation.idp.sign(assertion, prefixes=prefixes)
        text = etree.tostring(root, encoding="utf-8")
        assert lxml_agrees(assertion, [each for each in prefixes or [] if each != "#default"]) or "#default" in (prefixes or [])
        assert federation.code(text) == "OK", text.decode()


def test_signxml_signs_what_is_accepted(federation):
    root = etree.fromstring(federation.idp.respond(federation.attributes, sign_assertion=False).encode())
    assertion = root.find("saml:Assertion", NAMES)
    assertion.insert(1, etree.Element(f"{{{DS}}}Signature", Id="placeholder", nsmap={"ds": DS}))
    signer = signxml.XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
    signed = signer.sign(assertion, key=pem(federation.idp.key), cert=[federation.idp.certificate], reference_uri="#" + assertion.get("ID"))
    root.replace(assertion, signed)
    signxml.XMLVerifier().verify(signed, x509_cert=federation.idp.certificate)
    assert federation.code(root) == "OK"


def test_conditions_on_what_the_assertion_says(aws, idp, name):
    conditions = {
        "StringEquals": {"saml:sub": "alice@example.com", "saml:sub_type": "persistent", "saml:iss": idp.entity, "saml:mail": "a@example.com"},
        "ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "staff"},
    }
    federation = Federation(aws, idp, name("saml"), conditions)
    mail = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    affiliation = "urn:oid:1.3.6.1.4.1.5923.1.1.1.1"
    attributes = federation.attributes | {mail: ["a@example.com"], affiliation: ["member", "staff"]}
    assert federation.code(idp.respond(attributes)) == "OK"
    assert federation.code(idp.respond(attributes, name="mallory@example.com")) == "AccessDenied"
    assert federation.code(idp.respond(attributes | {affiliation: ["member"]})) == "AccessDenied"
    assert federation.code(idp.respond(federation.attributes)) == "AccessDenied"


def test_no_assertion_reaches_logs_and_records(new_server, idp):
    from support.api import AwsApi
    from support.audit import records

    server = new_server().start()
    federation = Federation(AwsApi(server, server.root), idp, "saml")
    xml = idp.respond(federation.attributes)
    assert federation.code(xml) == "OK"
    server.stop()
    [record] = [record for record in records(server) if record["eventName"] == "AssumeRoleWithSAML"]
    assert record["userIdentity"]["type"] == "SAMLUser"
    assert record["userIdentity"]["userName"] == "alice@example.com"
    assert encoded(xml)[:60] not in json.dumps(record)
