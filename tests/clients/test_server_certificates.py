"""Server certificates: checked against their key and chain, renamed, tagged, deleted; the key is never returned."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from support.documents import policy
from support.expect import refused
from test_administrator import Cli

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate with its key, which issues others; self-signed without an issuer."""

    def __init__(self, subject="root", issuer=None, key=None, begin=NOW - DAY, end=NOW + 90 * DAY):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        above = issuer or self
        built = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(above.key, hashes.SHA256())
        )
        self.end = end
        self.body = built.public_bytes(serialization.Encoding.PEM).decode()
        self.private = self.key_text()

    def key_text(self, form=serialization.PrivateFormat.PKCS8, encryption=None):
        encryption = encryption or serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()

    def members(self, name, **more):
        return {"ServerCertificateName": name, "CertificateBody": self.body, "PrivateKey": self.private, **more}


@pytest.fixture(scope="module")
def root():
    return Authority()


@pytest.fixture(scope="module")
def leaf(root):
    return Authority("leaf", root)


@pytest.fixture
def called(api, name):
    """A name for a certificate, which is deleted afterwards: an account has twenty."""
    names = [name("web"), name("other")]
    yield names
    listed = {row["ServerCertificateName"] for page in api.pages("ListServerCertificates") for row in page["ServerCertificateMetadataList"]}
    for one in listed.intersection(names):
        api.call("DeleteServerCertificate", ServerCertificateName=one)


def date(value):
    return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))


@pytest.mark.parametrize("path", [None, "/", "/tls/"])
def test_what_is_uploaded_is_shown_without_its_key(api, server, root, leaf, called, path):
    at = {"Path": path} if path else {}
    made = api.call("UploadServerCertificate", **leaf.members(called[0], **at))["ServerCertificateMetadata"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:server-certificate{path or '/'}{called[0]}"
    assert made["Path"] == (path or "/") and made["ServerCertificateId"].startswith("ASCA")
    assert date(made["Expiration"]) == leaf.end and made["UploadDate"]
    got = api.call("GetServerCertificate", ServerCertificateName=called[0])["ServerCertificate"]
    assert (got["CertificateBody"], got.get("CertificateChain"), got["Tags"]) == (leaf.body.strip(), None, [])
    assert got["ServerCertificateMetadata"] == made and "PRIVATE" not in str(got)
    rows = api.call("ListServerCertificates", PathPrefix=path or "/")["ServerCertificateMetadataList"]
    assert made in rows
    assert made not in api.call("ListServerCertificates", PathPrefix="/elsewhere/")["ServerCertificateMetadataList"]


@pytest.mark.parametrize(
    "key, form",
    [(lambda: rsa.generate_private_key(65537, 2048), "TraditionalOpenSSL"), (lambda: ec.generate_private_key(ec.SECP384R1()), "TraditionalOpenSSL"),
     (lambda: rsa.generate_private_key(65537, 4096), "PKCS8")],
)  # fmt: skip
def test_kinds_of_keys(api, root, called, key, form):
    leaf = Authority("leaf", root, key())
    leaf.private = leaf.key_text(getattr(serialization.PrivateFormat, form))
    api.call("UploadServerCertificate", **leaf.members(called[0], CertificateChain=root.body))
    got = api.call("GetServerCertificate", ServerCertificateName=called[0])["ServerCertificate"]
    assert got["CertificateChain"] == root.body.strip()


def test_what_does_not_belong_together_is_refused(api, root, leaf, called):
    other = Authority("leaf", Authority())
    hidden = leaf.key_text(encryption=serialization.BestAvailableEncryption(b"hush"))
    for code, members in [
        ("MalformedCertificate", {"CertificateBody": "x"}),
        ("MalformedCertificate", {"CertificateBody": leaf.body + root.body}),
        ("MalformedCertificate", {"PrivateKey": "x"}),
        ("MalformedCertificate", {"PrivateKey": hidden}),
        ("KeyPairMismatch", {"PrivateKey": other.private}),
        ("MalformedCertificate", {"CertificateChain": "x"}),
        ("MalformedCertificate", {"CertificateChain": leaf.private}),
        ("MalformedCertificate", {"CertificateChain": Authority().body}),
    ]:
        error = refused(api, code, "UploadServerCertificate", **(leaf.members(called[0]) | members))
        assert "PRIVATE" not in error.message
    # The same name and key as the root have another certificate: the signature is what counts.
    imposter = Authority("root")
    error = refused(api, "MalformedCertificate", "UploadServerCertificate", **leaf.members(called[0], CertificateChain=imposter.body))
    assert error.message.endswith("The index within the chain of the invalid certificate is: -1")
    for begin, end in ((NOW - 2 * DAY, NOW - DAY), (NOW + DAY, NOW + 2 * DAY)):
        refused(api, "MalformedCertificate", "UploadServerCertificate", **Authority("leaf", root, begin=begin, end=end).members(called[0]))
    error = refused(api, "NoSuchEntity", "GetServerCertificate", ServerCertificateName=called[0])
    assert error.message == f"The Server Certificate with name {called[0]} cannot be found."


def test_renaming(api, server, leaf, called):
    old, new = called
    made = api.call("UploadServerCertificate", **leaf.members(old))["ServerCertificateMetadata"]
    error = refused(api, "EntityAlreadyExists", "UploadServerCertificate", **leaf.members(old))
    assert error.message == f"The Server Certificate with name {old} already exists."
    api.call("UpdateServerCertificate", ServerCertificateName=old, NewServerCertificateName=new, NewPath="/cdn/")
    got = api.call("GetServerCertificate", ServerCertificateName=new)["ServerCertificate"]
    moved = {"Path": "/cdn/", "ServerCertificateName": new, "Arn": f"arn:aws:iam::{server.account}:server-certificate/cdn/{new}"}
    assert got["ServerCertificateMetadata"] == made | moved
    refused(api, "NoSuchEntity", "UpdateServerCertificate", ServerCertificateName=old, NewPath="/x/")
    api.call("UploadServerCertificate", **leaf.members(old))
    refused(api, "EntityAlreadyExists", "UpdateServerCertificate", ServerCertificateName=old, NewServerCertificateName=new)


def test_a_rename_needs_permission_on_both_names(api, new_user, leaf, called):
    api.call("UploadServerCertificate", **leaf.members(called[0]))
    for allowed in called:
        rules = policy({"Action": "iam:UpdateServerCertificate", "Resource": f"arn:aws:iam::*:server-certificate/{allowed}"})
        mine = api.signed_by(new_user(rules)[1])
        refused(mine, "AccessDenied", "UpdateServerCertificate", ServerCertificateName=called[0], NewServerCertificateName=called[1])
    rules = policy({"Action": "iam:UpdateServerCertificate", "Resource": "arn:aws:iam::*:server-certificate/*"})
    mine = api.signed_by(new_user(rules)[1])
    mine.call("UpdateServerCertificate", ServerCertificateName=called[0], NewServerCertificateName=called[1])


def test_tags(api, leaf, called, new_user):
    tags = [{"Key": "team", "Value": "blue"}]
    made = api.call("UploadServerCertificate", **leaf.members(called[0], Tags=tags))
    assert made["Tags"] == tags
    named = {"ServerCertificateName": called[0]}
    api.call("TagServerCertificate", **named, Tags=[{"Key": "cost", "Value": "1"}])
    both = [{"Key": "cost", "Value": "1"}, *tags]
    assert [page["Tags"] for page in api.pages("ListServerCertificateTags", **named, MaxItems=1)] == [both[:1], both[1:]]
    assert api.call("GetServerCertificate", **named)["ServerCertificate"]["Tags"] == both
    reader = api.signed_by(new_user(policy({"Action": "iam:*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}))[1])
    reader.call("UntagServerCertificate", **named, TagKeys=["team"])
    refused(reader, "AccessDenied", "GetServerCertificate", **named)


def test_twenty_for_an_account(new_server, leaf):
    from support.api import AwsApi

    server = new_server("full").start()
    aws = AwsApi(server, server.root)
    for number in range(20):
        aws.call("UploadServerCertificate", **leaf.members(f"web-{number:02}"))
    error = refused(aws, "LimitExceeded", "UploadServerCertificate", **leaf.members("more"))
    assert error.message == "Cannot exceed quota for ServerCertificatesPerAccount: 20"
    pages = list(aws.pages("ListServerCertificates", MaxItems=8))
    assert [len(page["ServerCertificateMetadataList"]) for page in pages] == [8, 8, 4]
    summary = aws.call("GetAccountSummary")["SummaryMap"]
    assert (summary["ServerCertificates"], summary["ServerCertificatesQuota"]) == (20, 20)
    # The secret parts of the key are neither in the store nor in the output.
    secret = b"".join(line.encode() for line in leaf.private.splitlines()[1:-1])[40:80]
    server.stop()
    for path in server.data.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes().replace(b"\n", b""), path
    assert secret not in server.output.encode()


def test_the_cli_prints_certificates(server, root, leaf, called, tmp_path):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    for file, text in {"body": leaf.body, "key": leaf.private, "chain": root.body}.items():
        (tmp_path / file).write_text(text)
    named = ("--server-certificate-name", called[0])
    texts = ("--certificate-body", f"file://{tmp_path}/body", "--private-key", f"file://{tmp_path}/key", "--certificate-chain", f"file://{tmp_path}/chain")
    made = cli("iam", "upload-server-certificate", *named, *texts)["ServerCertificateMetadata"]
    got = cli("iam", "get-server-certificate", *named)["ServerCertificate"]
    assert got == {"ServerCertificateMetadata": made, "CertificateBody": leaf.body.strip(), "CertificateChain": root.body.strip(), "Tags": []}
    assert made in cli("iam", "list-server-certificates")["ServerCertificateMetadataList"]
    assert cli("iam", "tag-server-certificate", *named, "--tags", "Key=a,Value=b", text=True) == ""
    assert cli("iam", "list-server-certificate-tags", *named)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert cli("iam", "untag-server-certificate", *named, "--tag-keys", "a", text=True) == ""
    assert cli("iam", "update-server-certificate", *named, "--new-path", "/new/", text=True) == ""
    assert cli("iam", "delete-server-certificate", *named, text=True) == ""
    assert "NoSuchEntity" in cli.refused("iam", "get-server-certificate", *named)
