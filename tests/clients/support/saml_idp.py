"""A SAML identity provider: pysaml2, which signs and encrypts with the library of xmlsec1."""

import base64
import datetime
import tempfile
from pathlib import Path

import saml2.sigver
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from saml2 import saml
from saml2.config import IdPConfig
from saml2.server import Server

ENDPOINT = "https://signin.aws.amazon.com/saml"
AUDIENCE = "urn:amazon:webservices"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
NAMES = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

# The service provider as the identity provider knows it.
RELYING = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{AUDIENCE}">
<md:SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="{SAMLP}">
<md:AssertionConsumerService index="1" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{ENDPOINT}"/>
</md:SPSSODescriptor></md:EntityDescriptor>"""


class Backend(saml2.sigver.CryptoBackend):
    """What pysaml2 has the program xmlsec1 do, done by its library."""

    def __init__(self, *_, **__):
        super().__init__()

    @property
    def version(self):
        return "1.3.0"

    def sign_statement(self, statement, node_name, key_file, node_id):
        root = etree.fromstring(statement if isinstance(statement, bytes) else str(statement).encode())
        xmlsec.tree.add_ids(root, ["ID"])
        element = next(each for each in root.iter() if each.get("ID") == node_id)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, xmlsec.KeyFormat.PEM)
        context.sign(element.find("ds:Signature", NAMES))
        return etree.tostring(root).decode()


class SamlIdp:
    """An identity provider with an entity id, a key and a certificate."""

    def __init__(self, entity="https://idp.example.com/saml", key=None):
        self.entity = entity
        self.folder = Path(tempfile.mkdtemp(prefix="idp"))
        self.key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.datetime.now(datetime.timezone.utc)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        self.certificate = made.sign(self.key, hashes.SHA256())
        self.key_file, self.certificate_file = self.folder / "key.pem", self.folder / "certificate.pem"
        self.key_file.write_bytes(pem(self.key))
        self.certificate_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        (self.folder / "relying.xml").write_text(RELYING)

    @property
    def method(self):
        return ECDSA_SHA256 if isinstance(self.key, ec.EllipticCurvePrivateKey) else RSA_SHA256

    def metadata(self):
        """Its metadata, of the length that AWS wants at least."""
        text = base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()
        return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity}">
<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>
<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor><!--{" " * 1000}-->"""

    def server(self):
        """pysaml2's identity provider."""
        config = IdPConfig().load(
            {
                "entityid": self.entity,
                "xmlsec_binary": str(self.key_file),  # Must exist, and is not run.
                "key_file": str(self.key_file),
                "cert_file": str(self.certificate_file),
                "metadata": {"local": [str(self.folder / "relying.xml")]},
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [("https://idp.example.com/sso", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")]},
                        "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
                    }
                },
            }
        )
        original = saml2.sigver._get_xmlsec_cryptobackend
        saml2.sigver._get_xmlsec_cryptobackend = Backend
        try:
            return Server(config=config)
        finally:
            saml2.sigver._get_xmlsec_cryptobackend = original

    def respond(self, attributes, name="alice@example.com", sign_response=False, sign_assertion=True, **more):
        """The XML of a response for a user, as pysaml2 makes and signs it. `attributes` are AWS's by their short names."""
        identity = {key if ":" in key and "//" in key or key.startswith("urn:") else ATTRIBUTES + key: value for key, value in attributes.items()}
        response = self.server().create_authn_response(
            identity,
            None,
            ENDPOINT,
            AUDIENCE,
            name_id=saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text=name),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": self.entity},
            sign_response=sign_response and self.method == RSA_SHA256,
            sign_assertion=sign_assertion and self.method == RSA_SHA256,
            sign_alg=RSA_SHA256,
            digest_alg=SHA256,
            **more,
        )
        if self.method == RSA_SHA256:
            return str(response)
        # pysaml2 signs with RSA only.
        root = etree.fromstring(str(response).encode())
        if sign_assertion:
            self.sign(root.find("saml:Assertion", NAMES))
        if sign_response:
            self.sign(root)
        return etree.tostring(root).decode()

    def sign(self, element, method=None, digest=SHA256, transform="http://www.w3.org/2001/10/xml-exc-c14n#", prefixes=None, key=None):
        """Signs an element of a document in place, with any algorithms. The signature is after its Issuer."""
        transforms = {
            "http://www.w3.org/2001/10/xml-exc-c14n#": xmlsec.Transform.EXCL_C14N,
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments": xmlsec.Transform.EXCL_C14N_COMMENTS,
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": xmlsec.Transform.C14N,
        }
        methods = {RSA_SHA256: xmlsec.Transform.RSA_SHA256, ECDSA_SHA256: xmlsec.Transform.ECDSA_SHA256, "rsa-sha1": xmlsec.Transform.RSA_SHA1, "rsa-sha512": xmlsec.Transform.RSA_SHA512}
        digests = {SHA256: xmlsec.Transform.SHA256, "sha1": xmlsec.Transform.SHA1, "sha512": xmlsec.Transform.SHA512}
        template = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, methods[method or self.method], ns="ds")
        element.insert(1, template)
        reference = xmlsec.template.add_reference(template, digests[digest], uri="#" + element.get("ID"))
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        canonical = xmlsec.template.add_transform(reference, transforms[transform])
        if prefixes:
            xmlsec.template.transform_add_c14n_inclusive_namespaces(canonical, prefixes)
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
        context = xmlsec.SignatureContext()
        context.register_id(element, "ID")
        context.key = xmlsec.Key.from_file(str(key or self.key_file), xmlsec.KeyFormat.PEM)
        context.key.load_cert_from_file(str(self.certificate_file), xmlsec.KeyFormat.CERT_PEM)
        context.sign(template)
        return element


def encrypt(response, public_key, cipher="AES256_GCM", transport="RSA_OAEP"):
    """Encrypts the assertion of a response in place, with the library of xmlsec1. Its prefixes stay, which its signature covers."""
    assertion = response.find("saml:Assertion", NAMES)
    wrapper = etree.SubElement(response, f"{{{SAML}}}EncryptedAssertion")
    wrapper.append(assertion)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo), xmlsec.KeyFormat.PEM))
    template = xmlsec.template.encrypted_data_create(wrapper, getattr(xmlsec.Transform, cipher), type=xmlsec.EncryptionType.ELEMENT, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, getattr(xmlsec.Transform, transport))
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    context = xmlsec.EncryptionContext(manager)
    size = int(cipher[3:6])
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, size, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(template, assertion)


def rewrap(response, private_key, uri, digest=None, mask=None):
    """Encrypts the key of an encrypted assertion again, with another variant of RSA-OAEP. `digest` and `mask` are pairs of an
    algorithm's URI and the hash; without them the method does not name any, which means SHA-1."""
    key = response.find(".//xenc:EncryptedKey", NAMES)
    value = key.find(".//xenc:CipherValue", NAMES)
    oaep = lambda digest, mask: padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None)
    session = private_key.decrypt(base64.b64decode(value.text), oaep(hashes.SHA1(), hashes.SHA1()))
    method = key.find("xenc:EncryptionMethod", NAMES)
    method.set("Algorithm", uri)
    for tag, parameter in ((f"{{{DS}}}DigestMethod", digest), ("{http://www.w3.org/2009/xmlenc11#}MGF", mask)):
        if parameter:
            etree.SubElement(method, tag, Algorithm=parameter[0])
    hash_of = lambda parameter: parameter[1] if parameter else hashes.SHA1()
    value.text = base64.b64encode(private_key.public_key().encrypt(session, oaep(hash_of(digest), hash_of(mask)))).decode()


def decrypted(response, private_key):
    """The assertion, decrypted with the library of xmlsec1."""
    copied = etree.fromstring(etree.tostring(response))
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(pem(private_key), xmlsec.KeyFormat.PEM))
    return xmlsec.EncryptionContext(manager).decrypt(copied.find(".//xenc:EncryptedData", NAMES))


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def encoded(xml):
    """A response as it is sent."""
    text = xml if isinstance(xml, (str, bytes)) else etree.tostring(xml, encoding="utf-8")
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()
