"""Metadata of SAML providers."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .certificates import make_certificate


def make_metadata(folder, entity="https://id.example.com/saml", attributes="", size=0):
    """Metadata of a provider with a certificate of its own; a comment makes it longer."""
    certificate = x509.load_pem_x509_certificate(make_certificate(folder, "idp")[0].read_bytes())
    text = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    bindings = "urn:oasis:names:tc:SAML:2.0:bindings:"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}" {attributes}>
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>
      </ds:KeyInfo>
    </md:KeyDescriptor>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
    <md:SingleSignOnService Binding="{bindings}HTTP-Redirect" Location="https://id.example.com/sso?a=1&amp;b=2"/>
    <md:SingleSignOnService Binding="{bindings}HTTP-POST" Location="https://id.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
<!--{" " * size}-->"""


def make_private_key():
    """An RSA key in PEM form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    options = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *options).decode()
