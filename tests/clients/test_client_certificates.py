"""Client certificates: who is let in, and which user a certificate is."""

import dataclasses
import datetime
import hashlib
import signal
import ssl
import time
import urllib.error
import urllib.request

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from support import audit
from support.api import ApiError, GrpcApi
from support.certificates import Authority, make_certificate
from support.documents import policy
from support.server import ACCOUNT, Credentials, Server, run

CI, OTHER, BOTH, UNMAPPED = (f"spiffe://example.com/{name}" for name in ("ci", "other", "both", "unmapped"))
HOUR = datetime.timedelta(hours=1)


class Deployment:
    """A server that asks for client certificates, with the users `ci` and `other`."""

    def __init__(self, folder, rule="optional", arguments=()):
        self.folder = folder
        self.certificate, key = make_certificate(folder, "server")
        self.authority = Authority("authority")
        self.ca, self.users, self.crl = folder / "ca.pem", folder / "users", folder / "crl.pem"
        self.ca.write_bytes(self.authority.pem)
        self.users.write_text("# none yet\n")
        self.crl.write_bytes(self.authority.revoked())
        options = {"--tls-cert": self.certificate, "--tls-key": key, "--tls-client-ca": self.ca, "--tls-client-users": self.users}
        options |= {"--tls-client-crl": self.crl, "--tls-client-auth": rule}
        arguments = [*(str(word) for pair in options.items() for word in pair), *arguments]
        self.server = Server(folder, arguments=arguments, scheme="https")

    def start(self):
        self.server.start()
        self.root = GrpcApi(self.server, self.server.root, channel=self.channel())
        self.ids = {}
        for name in ("ci", "other"):
            self.ids[name] = self.root.call("CreateUser", UserName=name)["User"]["UserId"]
            self.root.call("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy({"Action": "iam:Get*"}))
        self.map({CI: "ci", OTHER: "other"})
        return self

    def map(self, users):
        self.users.write_text("".join(f"{name} {self.ids[user]}\n" for name, user in users.items()))
        self.reload()

    def reload(self):
        before = self.server.output.count("authorities of client certificates were reloaded")
        self.server.signal(signal.SIGHUP)
        for _ in range(200):
            if self.server.output.count("authorities of client certificates were reloaded") > before:
                return
            time.sleep(0.05)
        raise AssertionError(self.server.output)

    def channel(self, client=None):
        """A channel of its own, with a client's certificate and key."""
        chain, key = (client.chain, client.key) if client else (None, None)
        trusted = grpc.ssl_channel_credentials(self.certificate.read_bytes(), key, chain)
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.secure_channel(self.server.target, trusted, options)

    def as_client(self, client, credentials=None):
        return GrpcApi(self.server, credentials, channel=self.channel(client))

    def who(self, client, credentials=None):
        return self.as_client(client, credentials).call("GetCallerIdentity")["Arn"].rpartition("/")[2]

    def refuses(self, client):
        """Whether the handshake with this certificate fails."""
        try:
            self.as_client(client).call("GetCallerIdentity")
        except ApiError as error:
            return error.status == "UNAVAILABLE"
        return False


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    deployment = Deployment(tmp_path_factory.mktemp("mtls")).start()
    yield deployment
    deployment.server.stop()


@pytest.fixture(scope="module")
def ci(deployment):
    return deployment.authority.issue([CI])


def code(call):
    with pytest.raises(ApiError) as error:
        call()
    return error.value.code


def test_a_mapped_certificate_is_its_user(deployment, ci):
    api = deployment.as_client(ci)
    identity = api.call("GetCallerIdentity")
    assert (identity["Account"], identity["UserId"]) == (ACCOUNT, deployment.ids["ci"])
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ci"
    api.call("GetUser", UserName="other")
    assert code(lambda: api.call("ListUsers")) == "AccessDenied"
    assert deployment.who(deployment.authority.issue([UNMAPPED, OTHER])) == "other"


def test_the_record_names_the_certificate(deployment, ci):
    deployment.as_client(ci).call("GetUser", UserName="ci")
    certificate = x509.load_pem_x509_certificate(ci.chain)
    der = certificate.public_bytes(serialization.Encoding.DER)
    expected = {"name": CI, "sha256": hashlib.sha256(der).hexdigest()}

    def recorded():
        found = (record["userIdentity"] for record in audit.records(deployment.server) if record["eventName"] == "GetUser")
        return [identity for identity in found if "clientCertificate" in identity]

    for _ in range(100):
        if recorded():
            break
        time.sleep(0.05)
    identity = recorded()[0]
    shown = identity["clientCertificate"]
    assert int(shown.pop("serialNumber"), 16) == certificate.serial_number
    assert shown == expected and "accessKeyId" not in identity
    assert (identity["type"], identity["userName"]) == ("IAMUser", "ci")


def test_a_signature_wins_over_the_certificate(deployment, ci):
    keys = Credentials.of(deployment.root.call("CreateAccessKey", UserName="other")["AccessKey"])
    assert deployment.who(ci, keys) == "other"
    wrong = dataclasses.replace(keys, secret_access_key="0" * 40)
    assert code(lambda: deployment.who(ci, wrong)) == "SignatureDoesNotMatch"


def test_certificates_that_prove_no_user(deployment):
    for names, common_name in ((), CI), ([UNMAPPED], "ci"), ([CI, OTHER], "ci"), ([CI + "/"], CI):
        client = deployment.authority.issue(names, common_name=common_name)
        assert code(lambda client=client: deployment.who(client)) == "InvalidClientTokenId", names
    # Without a certificate it is as before.
    assert code(lambda: deployment.who(None)) == "MissingAuthenticationToken"


def test_certificates_that_are_refused_at_the_handshake(deployment):
    authority, now = deployment.authority, datetime.datetime.now(datetime.timezone.utc)
    assert not deployment.refuses(authority.issue([CI]))
    for what, client in {
        "unknown authority": Authority("authority").issue([CI]),
        "expired": authority.issue([CI], after=now - HOUR),
        "not yet valid": authority.issue([CI], before=now + HOUR),
        "of a server": authority.issue([CI], usage=x509.oid.ExtendedKeyUsageOID.SERVER_AUTH),
        "of an issuer that is no authority": authority.issue(["urn:x"]).issue([CI]),
    }.items():
        assert deployment.refuses(client), what


def test_the_aws_protocols_and_grpc_web_take_no_certificate(deployment, ci, tmp_path):
    (tmp_path / "chain.pem").write_bytes(ci.chain)
    (tmp_path / "key.pem").write_bytes(ci.key)
    context = ssl.create_default_context(cafile=str(deployment.certificate))
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")

    def post(path, body, kind):
        request = urllib.request.Request(deployment.server.url + path, body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.headers, error.read()

    form = "application/x-www-form-urlencoded"
    assert b"MissingAuthenticationToken" in post("/", b"Action=GetCallerIdentity&Version=2011-06-15", form)[1]
    path = GrpcApi.descriptors.method("GetCallerIdentity").path
    headers, body = post(path, bytes(5), "application/grpc-web+proto")
    assert "16" in (headers.get("grpc-status") or "") or b"grpc-status:16" in body, (headers.items(), body)


def test_a_mapping_ends_with_its_user_and_its_line(deployment):
    client = deployment.authority.issue([BOTH])
    deployment.ids["temporary"] = deployment.root.call("CreateUser", UserName="temporary")["User"]["UserId"]
    users = {CI: "ci", OTHER: "other"}
    deployment.map(users | {BOTH: "temporary"})
    api = deployment.as_client(client)
    api.call("GetCallerIdentity")
    deployment.root.call("DeleteUser", UserName="temporary")
    assert code(lambda: api.call("GetCallerIdentity")) == "InvalidClientTokenId"
    # A new user of the same name is another one.
    deployment.root.call("CreateUser", UserName="temporary")
    assert code(lambda: api.call("GetCallerIdentity")) == "InvalidClientTokenId"
    deployment.map(users | {BOTH: "ci"})
    assert api.call("GetCallerIdentity")["Arn"].endswith("user/ci")
    deployment.map(users)
    assert code(lambda: api.call("GetCallerIdentity")) == "InvalidClientTokenId"


def test_a_file_that_cannot_be_used_changes_nothing(deployment, ci):
    deployment.users.write_text(f"{CI} arn:aws:iam::{ACCOUNT}:user/ci\n")
    deployment.server.signal(signal.SIGHUP)
    line = deployment.server.wait_for("client certificates were not reloaded")
    assert str(deployment.users) in line and "line 1" in line and "unique id" in line
    assert deployment.who(ci) == "ci"
    deployment.map({CI: "ci", OTHER: "other"})


def test_an_open_connection_is_refused_once_its_certificate_expires(deployment):
    now = datetime.datetime.now(datetime.timezone.utc)
    client = deployment.authority.issue([CI], after=now + datetime.timedelta(seconds=3))
    api = deployment.as_client(client)
    api.call("GetCallerIdentity")
    deadline = time.time() + 30
    while time.time() < deadline:
        try:
            api.call("GetCallerIdentity")
        except ApiError as error:
            # The connection is closed soon after, and the handshake of the next one fails.
            assert error.code == "ExpiredToken" or error.status == "UNAVAILABLE", error
            break
        time.sleep(0.2)
    else:
        raise AssertionError("still accepted")
    # A handshake compares whole seconds.
    while not deployment.refuses(client):
        assert time.time() < deadline


def test_a_revoked_certificate(deployment):
    client = deployment.authority.issue([CI])
    api = deployment.as_client(client)
    api.call("GetCallerIdentity")
    deployment.crl.write_bytes(deployment.authority.revoked(client))
    deployment.reload()
    error = code(lambda: api.call("GetCallerIdentity"))
    assert error in ("ExpiredToken", None), error
    assert deployment.refuses(client)
    assert deployment.who(deployment.authority.issue([CI])) == "ci"
    # A list that is out of date says nothing about any certificate.
    deployment.crl.write_bytes(deployment.authority.revoked(next_update=-HOUR))
    deployment.reload()
    assert deployment.refuses(deployment.authority.issue([CI]))
    deployment.crl.write_bytes(deployment.authority.revoked())
    deployment.reload()


def test_required_certificates(tmp_path):
    deployment = Deployment(tmp_path, "required", ["--trusted-proxy", "127.0.0.1/32"])
    deployment.server.start()
    try:
        assert deployment.refuses(None)
        # A certificate that is mapped to no user lets a client in, who proves who they are as ever.
        api = deployment.as_client(deployment.authority.issue([UNMAPPED]), deployment.server.root)
        user = api.call("CreateUser", UserName="ci")["User"]["UserId"]
        deployment.ids = {"ci": user}
        deployment.map({CI: "ci"})
        # The certificate of a trusted proxy is not that of its clients.
        assert code(lambda: deployment.who(deployment.authority.issue([CI]))) == "MissingAuthenticationToken"
    finally:
        deployment.server.stop()


def test_options_that_do_not_go_together(tmp_path):
    certificate, key = make_certificate(tmp_path)
    for arguments, words in (
        (["--tls-client-ca", certificate], "--tls-cert"),
        (["--tls-client-auth", "required"], "--tls-client-ca"),
        (["--tls-client-users", certificate], "--tls-client-ca"),
        (["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", key], "no certificate in PEM form"),
    ):
        done = run("serve", "--data-dir", tmp_path / "data", *arguments)
        assert done.returncode and words in done.stderr, (arguments, done.stderr)


def test_the_default_asks_for_no_certificate(tmp_path):
    certificate, key = make_certificate(tmp_path)
    server = Server(tmp_path, arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()
    try:
        client = Authority("authority").issue([CI])
        trusted = grpc.ssl_channel_credentials(certificate.read_bytes(), client.key, client.chain)
        api = GrpcApi(server, None, channel=grpc.secure_channel(server.target, trusted))
        assert code(lambda: api.call("GetCallerIdentity")) == "MissingAuthenticationToken"
    finally:
        server.stop()
