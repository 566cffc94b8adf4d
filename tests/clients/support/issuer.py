"""An OpenID Connect issuer that signs for real: keys of every algorithm, and an HTTPS server with its documents.

One server stands for any number of issuers under `*.issuer.test`. Bailiwick connects to it by `--issuer-address` and trusts
it by `--issuer-ca`.
"""

import base64
import datetime
import hashlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID

AUDIENCE = "sts.amazonaws.com"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"256": (ec.SECP256R1, "P-256", 32), "384": (ec.SECP384R1, "P-384", 48), "512": (ec.SECP521R1, "P-521", 66)}


def encode(data):
    """Base64url without padding, of bytes, text, or a value as JSON."""
    if not isinstance(data, (bytes, str)):
        data = json.dumps(data, separators=(",", ":"))
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """A signing key with its id."""

    def __init__(self, algorithm="ES256", kid=None, bits=2048):
        self.algorithm, self.kid = algorithm, kid or f"{algorithm}-1"
        family, size = algorithm[:2], algorithm[2:]
        if family in ("RS", "PS"):
            self.private = rsa.generate_private_key(65537, bits)
        elif family == "ES":
            self.private = ec.generate_private_key(CURVES[size][0]())
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()

    def jwk(self, **changes):
        """The public key as an entry of a key set."""
        public = self.private.public_key()
        entry = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        if self.algorithm[0] in "RP":
            numbers = public.public_numbers()
            entry |= {"kty": "RSA", "n": encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")), "e": "AQAB"}
        elif self.algorithm == "EdDSA":
            entry |= {"kty": "OKP", "crv": "Ed25519", "x": encode(public.public_bytes_raw())}
        else:
            _, curve, size = CURVES[self.algorithm[2:]]
            numbers = public.public_numbers()
            entry |= {"kty": "EC", "crv": curve, "x": encode(numbers.x.to_bytes(size, "big")), "y": encode(numbers.y.to_bytes(size, "big"))}
        return entry | changes

    def pem(self):
        """The public key in PEM form."""
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message, algorithm=None):
        """The signature of a JWS."""
        algorithm = algorithm or self.algorithm
        if algorithm == "EdDSA":
            return self.private.sign(message)
        digest = HASHES[algorithm[2:]]()
        if algorithm.startswith("RS"):
            return self.private.sign(message, padding.PKCS1v15(), digest)
        if algorithm.startswith("PS"):
            return self.private.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        size = CURVES[algorithm[2:]][2]
        r, s = utils.decode_dss_signature(self.private.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def token(self, claims, header=None, algorithm=None):
        """A token. `claims` and `header` are values, or JSON as text."""
        if not isinstance(header, str):
            header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | (header or {})
            header = {name: value for name, value in header.items() if value is not None}
        message = f"{encode(header)}.{encode(claims)}"
        return f"{message}.{encode(self.sign(message.encode(), algorithm))}"


def shared_secret_token(secret, claims, kid):
    """A token that is signed with HS256."""
    message = f"{encode({'alg': 'HS256', 'kid': kid})}.{encode(claims)}"
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(message.encode())
    return f"{message}.{encode(mac.finalize())}"


class Issuer:
    """The HTTPS server and its documents. `documents` maps host and path to a body, or to a function that answers."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.documents, self.requests = {}, []
        self.authority, self.authority_key = make_authority("issuer test authority")
        self.ca = folder / "issuer-ca.pem"
        self.ca.write_bytes(self.authority.public_bytes(serialization.Encoding.PEM))
        chain, key = folder / "issuer.pem", folder / "issuer.key"
        certificate, private = make_leaf(["*.issuer.test", "issuer.test"], self.authority, self.authority_key)
        self.certificate = certificate
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + self.ca.read_bytes())
        key.write_bytes(private)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        # The handshake takes place in the thread of the connection.
        self.http.socket = self.context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def port(self):
        """The port on 127.0.0.1."""
        return self.http.server_port

    def arguments(self, *hosts):
        """Arguments of `bailiwick serve` with which it reaches these hosts here."""
        return ["--issuer-ca", str(self.ca)] + [word for host in hosts for word in ("--issuer-address", f"{host}=127.0.0.1:{self.port}")]

    def publish(self, issuer, /, *keys, **changes):
        """Publishes the documents of an issuer, whose URL is without `https://`. A key is a `Key` or an entry."""
        host, _, path = issuer.partition("/")
        base = f"/{path}".rstrip("/")
        document = {"issuer": f"https://{issuer}", "jwks_uri": f"https://{host}{base}/keys"} | changes
        self.documents[host + base + "/.well-known/openid-configuration"] = document
        self.documents[host + base + "/keys"] = {"keys": [key.jwk() if isinstance(key, Key) else key for key in keys]}

    def fetches(self, host):
        """How often the keys of a host were fetched."""
        return sum(asked.startswith(host) and asked.endswith("/keys") for asked in self.requests)

    def close(self):
        """Stops the server."""
        self.http.shutdown()
        self.http.server_close()

    def thumbprint(self, authority=False):
        """SHA-1 of the server's certificate, or of the authority's."""
        certificate = self.authority if authority else self.certificate
        return hashlib.sha1(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    def _handler(issuer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked = self.headers["Host"] + self.path
                issuer.requests.append(asked)
                body = issuer.documents.get(asked)
                if callable(body):
                    return body(self)
                self.answer(200 if body is not None else 404, body if body is not None else {})

            def answer(self, status, body, **headers):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    # The client does not trust the certificate, or went away.
                    self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler


def claims(issuer, **changes):
    """The claims of a good token; a change to None leaves one out."""
    now = int(time.time())
    good = {"iss": f"https://{issuer}", "sub": "repo:reeds/heron", "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600}
    return {name: value for name, value in (good | changes).items() if value is not None}


def make_authority(name):
    """A certificate authority: its certificate and private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _certificate(name, key.public_key(), name, key, [x509.BasicConstraints(ca=True, path_length=None)]), key


def make_leaf(names, authority, authority_key):
    """A certificate for these names, and its private key in PEM form."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    extensions = [x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), x509.BasicConstraints(ca=False, path_length=None)]
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _certificate("issuer", key.public_key(), issuer, authority_key, extensions), pem


def _certificate(name, public, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    named = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())
