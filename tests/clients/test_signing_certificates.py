"""X.509 signing certificates of users and of root."""

import pytest
from support.certificates import make_certificate
from support.documents import policy
from support.expect import refused
from support.server import Credentials
from test_administrator import Cli


@pytest.fixture
def user(api, name):
    """A user, by name."""
    return api.call("CreateUser", UserName=name("user"))["User"]["UserName"]


@pytest.fixture
def certificate(tmp_path):
    """Makes a certificate of its own at each call; returns its PEM."""
    numbers = iter(range(100))
    return lambda **options: make_certificate(tmp_path, f"cert{next(numbers)}", **options)[0].read_text()


def test_a_certificate_is_uploaded_listed_changed_and_deleted(api, user, certificate):
    body = certificate()
    made = api.call("UploadSigningCertificate", UserName=user, CertificateBody=body)["Certificate"]
    assert (made["UserName"], made["CertificateBody"], made["Status"]) == (user, body, "Active")
    assert len(made["CertificateId"]) == 32 and made["UploadDate"]
    assert api.call("ListSigningCertificates", UserName=user) == {"Certificates": [made], "IsTruncated": False}
    named = {"UserName": user, "CertificateId": made["CertificateId"]}
    for status in ("Inactive", "Active"):
        api.call("UpdateSigningCertificate", **named, Status=status)
        assert api.call("ListSigningCertificates", UserName=user)["Certificates"] == [made | {"Status": status}]
    expired = refused(api, "InvalidInput", "UpdateSigningCertificate", **named, Status="Expired")
    assert expired.message == "Operation does not support status Expired"
    refused(api, "ValidationError", "UpdateSigningCertificate", **named, Status="Gone")
    conflict = refused(api, "DeleteConflict", "DeleteUser", UserName=user)
    assert conflict.message == "Cannot delete entity, must delete certificates first."
    # The certificate stays with the user through a new name.
    api.call("UpdateUser", UserName=user, NewUserName=user + "-new")
    named["UserName"] = user + "-new"
    assert api.items("ListSigningCertificates", "Certificates", UserName=user + "-new") == [made | {"UserName": user + "-new"}]
    api.call("DeleteSigningCertificate", **named)
    assert api.call("ListSigningCertificates", UserName=user + "-new")["Certificates"] == []
    gone = refused(api, "NoSuchEntity", "DeleteSigningCertificate", **named)
    assert gone.message == f"The Certificate with id {made['CertificateId']} cannot be found."
    api.call("DeleteUser", UserName=user + "-new")


def test_what_cannot_be_uploaded(api, user, name, certificate):
    def says(code, body, user=user):
        return refused(api, code, "UploadSigningCertificate", UserName=user, CertificateBody=body).message

    body = certificate()
    assert says("MalformedCertificate", "not-a-certificate") == "Certificate not-a-certificate is malformed."
    says("MalformedCertificate", body + certificate())
    expired = certificate(days=-1)
    assert says("MalformedCertificate", expired) == f"Certificate {expired} is malformed."
    assert says("NoSuchEntity", body, user="nobody-here") == "The user with name nobody-here cannot be found."
    made = api.call("UploadSigningCertificate", UserName=user, CertificateBody=body)["Certificate"]
    # Again, for the same user: the same certificate, as in AWS.
    assert api.call("UploadSigningCertificate", UserName=user, CertificateBody=body)["Certificate"] == made
    other = api.call("CreateUser", UserName=name("other"))["User"]["UserName"]
    assert says("DuplicateCertificate", body, user=other) == "Duplicate certificate uploaded."
    api.call("UploadSigningCertificate", UserName=user, CertificateBody=certificate())
    assert says("LimitExceeded", certificate()) == "Cannot exceed quota for CertificatesPerUser: 2"
    assert len(api.items("ListSigningCertificates", "Certificates", UserName=user, MaxItems=1)) == 2


def test_a_private_key_is_not_repeated(api, user, tmp_path):
    """AWS repeats a malformed body in the message; a key that was pasted with it must not be."""
    certificate, key = (path.read_text() for path in make_certificate(tmp_path))
    error = refused(api, "MalformedCertificate", "UploadSigningCertificate", UserName=user, CertificateBody=certificate + key)
    assert key.splitlines()[1] not in str(error)


def test_without_a_name_it_is_the_callers(api, name, certificate, server):
    user = name("user")
    api.call("CreateUser", UserName=user)
    resource = f"arn:aws:iam::{server.account}:user/{user}"
    rules = policy({"Action": "iam:*SigningCertificate*", "Resource": resource})
    api.call("PutUserPolicy", UserName=user, PolicyName="own", PolicyDocument=rules)
    own = api.signed_by(Credentials.of(api.call("CreateAccessKey", UserName=user)["AccessKey"]))
    made = own.call("UploadSigningCertificate", CertificateBody=certificate())["Certificate"]
    assert made["UserName"] == user
    assert own.call("ListSigningCertificates")["Certificates"] == [made]
    own.call("UpdateSigningCertificate", CertificateId=made["CertificateId"], Status="Inactive")
    own.call("DeleteSigningCertificate", CertificateId=made["CertificateId"])
    other = name("other")
    api.call("CreateUser", UserName=other)
    for operation, members in {
        "UploadSigningCertificate": {"CertificateBody": certificate()},
        "ListSigningCertificates": {},
        "UpdateSigningCertificate": {"CertificateId": "C" * 24, "Status": "Active"},
        "DeleteSigningCertificate": {"CertificateId": "C" * 24},
    }.items():
        refused(own, "AccessDenied", operation, UserName=other, **members)


def test_root_has_certificates_too(api, certificate):
    before = api.call("GetAccountSummary")["SummaryMap"]
    assert (before["SigningCertificatesPerUserQuota"], before["AccountSigningCertificatesPresent"]) == (2, 0)
    made = api.call("UploadSigningCertificate", CertificateBody=certificate())["Certificate"]
    try:
        assert api.call("GetAccountSummary")["SummaryMap"]["AccountSigningCertificatesPresent"] == 1
    finally:
        api.call("DeleteSigningCertificate", CertificateId=made["CertificateId"])


def test_the_aws_cli_uploads_and_shows_a_certificate(server, api, user, tmp_path):
    path, _ = make_certificate(tmp_path)
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    uploaded = cli.run("iam", "upload-signing-certificate", "--user-name", user, "--certificate-body", f"file://{path}", "--query", "Certificate.CertificateId", "--output", "text")  # fmt: skip
    identity = uploaded.stdout.strip()
    assert len(identity) == 32, uploaded.stderr
    changed = cli.run("iam", "update-signing-certificate", "--user-name", user, "--certificate-id", identity, "--status", "Inactive")
    assert (changed.stdout, changed.stderr) == ("", "")
    listed = cli.run("iam", "list-signing-certificates", "--user-name", user, "--query", "Certificates[].[UserName,CertificateId,Status]", "--output", "text")  # fmt: skip
    assert listed.stdout.split() == [user, identity, "Inactive"], listed.stderr
    deleted = cli.run("iam", "delete-signing-certificate", "--user-name", user, "--certificate-id", identity)
    assert (deleted.stdout, deleted.stderr) == ("", "")
