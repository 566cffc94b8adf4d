"""A software authenticator for passkeys, with the browser in front of it. It signs for real.

`Passkey` has encodings of its own, `Fido2Passkey` those of the package fido2. Every part of an answer can be changed
before it is signed.
"""

import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cose
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

RELYING_PARTY = "iam.example.com"
ORIGIN = "https://iam.example.com"
PUBLIC_URL = ["--public-url", ORIGIN]
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENSIONS = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ALGORITHMS = {"ES256": -7, "EdDSA": -8, "RS256": -257}


def text(value):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def raw(value):
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def cbor(value):
    """A value in canonical CBOR."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    keys = sorted((cbor(key) for key in value), key=lambda key: (key[0] >> 5, len(key), key))
    members = {cbor(key): cbor(member) for key, member in value.items()}
    return head(5, len(value)) + b"".join(key + members[key] for key in keys)


def head(major, number):
    """The first bytes of a value in canonical CBOR."""
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + struct.pack(">H", number)


class Passkey:
    """One credential. `flags` are those of every answer, but for the flag of a new credential."""

    def __init__(self, algorithm="ES256", flags=PRESENT | VERIFIED, counter=0):
        self.algorithm, self.flags, self.counter = algorithm, flags, counter
        self.id = os.urandom(32)
        self.handle = None
        self.key = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
        }[algorithm]()

    def cose(self):
        """The public key as a COSE key."""
        if self.algorithm == "EdDSA":
            return cbor({1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        if self.algorithm == "ES256":
            return cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        return cbor({1: 3, 3: -257, -1: numbers.n.to_bytes(256, "big"), -2: b"\x01\x00\x01"})

    def sign(self, message):
        """A signature."""
        if self.algorithm == "ES256":
            return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        if self.algorithm == "EdDSA":
            return self.key.sign(message)
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def client_data(self, kind, challenge, origin, **members):
        """`clientDataJSON`."""
        data = {"type": kind, "challenge": text(challenge), "origin": origin, "crossOrigin": False} | members
        return json.dumps(data, separators=(",", ":")).encode()

    def data(self, relying_party, flags, counter, credential=b""):
        """`authData`."""
        return hashlib.sha256(relying_party.encode()).digest() + struct.pack(">BI", flags, counter) + credential

    def attested(self, key):
        """The new credential in `authData`."""
        return bytes(16) + struct.pack(">H", len(self.id)) + self.id + key

    def attestation(self, data):
        """`attestationObject`."""
        return cbor({"fmt": "none", "attStmt": {}, "authData": data})

    def create(
        self, creation, kind="webauthn.create", origin=ORIGIN, relying_party=RELYING_PARTY, challenge=None, flags=None,
        key=None, members=None, attestation=None,
    ):  # fmt: skip
        """What a browser answers to a request to make this passkey: members of FinishPasskeyRegistration."""
        self.handle = raw(creation["user"]["id"])
        challenge = raw(creation["challenge"]) if challenge is None else challenge
        flags = self.flags | ATTESTED if flags is None else flags
        data = self.data(relying_party, flags, self.counter, self.attested(self.cose() if key is None else key))
        made = attestation(data) if attestation else self.attestation(data)
        return {
            "clientData": text(self.client_data(kind, challenge, origin, **(members or {}))),
            "attestationObject": text(made),
        }

    def get(
        self, request, kind="webauthn.get", origin=ORIGIN, relying_party=RELYING_PARTY, challenge=None, flags=None,
        counter=None, identity=None, handle=None, signer=None, members=None, after=b"", signature=None,
    ):  # fmt: skip
        """What a browser answers to a request for this passkey: a PasskeyAssertion."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        challenge = raw(request["challenge"]) if challenge is None else challenge
        client_data = self.client_data(kind, challenge, origin, **(members or {}))
        data = self.data(relying_party, self.flags if flags is None else flags, counter) + after
        signed = (signer or self).sign(data + hashlib.sha256(client_data).digest())
        answer = {
            "credentialId": text(self.id if identity is None else identity),
            "clientData": text(client_data),
            "authenticatorData": text(data),
            "signature": text(signature(signed) if signature else signed),
        }
        handle = self.handle if handle is None else handle
        return answer | ({"userHandle": text(handle)} if handle else {})


class Fido2Passkey(Passkey):
    """The same with the encodings of fido2."""

    def cose(self):
        kinds = {"ES256": cose.ES256, "EdDSA": cose.EdDSA, "RS256": cose.RS256}
        return kinds[self.algorithm].from_cryptography_key(self.key.public_key())

    def client_data(self, kind, challenge, origin, **members):
        return bytes(CollectedClientData.create(kind, challenge, origin, **members))

    def data(self, relying_party, flags, counter, credential=b""):
        digest = hashlib.sha256(relying_party.encode()).digest()
        return bytes(AuthenticatorData.create(digest, AuthenticatorData.FLAG(flags), counter, credential))

    def attested(self, key):
        return bytes(AttestedCredentialData.create(Aaguid.NONE, self.id, key))

    def attestation(self, data):
        return bytes(AttestationObject.create("none", AuthenticatorData(data), {}))


def registered(api, passkey, user=None, label="key"):
    """Registers a passkey for a user or the caller; returns its serial number."""
    whose = {} if user is None else {"userName": user}
    creation = api.call("BeginPasskeyRegistration", **whose)["creation"]
    answer = passkey.create(creation)
    return api.call("FinishPasskeyRegistration", label=label, **whose, **answer)["serialNumber"]
