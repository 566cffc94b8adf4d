"""SSH keys, certificates, service-specific credentials and access reports in the hands of other users, and malformed."""

import base64
import json
import random
import struct

import pytest
from attacks.helpers import accounts, outcome, ssh_line  # noqa: F401
from attacks.watch import well
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.api import ApiError
from support.certificates import make_certificate
from support.documents import ALLOW_ALL, policy
from support.expect import refused

REPORTS = ("GetServiceLastAccessedDetails", "GetServiceLastAccessedDetailsWithEntities", "GetOrganizationsAccessReport")


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def targets(api, user, certificate):
    """One of each credential of a user: the calls that name it."""
    key = api.call("UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=ssh_line())["SSHPublicKey"]["SSHPublicKeyId"]
    signing = api.call("UploadSigningCertificate", UserName=user, CertificateBody=certificate)["Certificate"]["CertificateId"]
    made = api.call("CreateServiceSpecificCredential", UserName=user, ServiceName="codecommit.amazonaws.com")
    service = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    return [
        ("GetSSHPublicKey", {"SSHPublicKeyId": key, "Encoding": "PEM"}),
        ("UpdateSSHPublicKey", {"SSHPublicKeyId": key, "Status": "Inactive"}),
        ("DeleteSSHPublicKey", {"SSHPublicKeyId": key}),
        ("UpdateSigningCertificate", {"CertificateId": signing, "Status": "Inactive"}),
        ("DeleteSigningCertificate", {"CertificateId": signing}),
        ("UpdateServiceSpecificCredential", {"ServiceSpecificCredentialId": service, "Status": "Inactive"}),
        ("ResetServiceSpecificCredential", {"ServiceSpecificCredentialId": service}),
        ("DeleteServiceSpecificCredential", {"ServiceSpecificCredentialId": service}),
    ]


LISTS = ("ListSSHPublicKeys", "ListSigningCertificates", "ListServiceSpecificCredentials")


def shown(api, user):
    """What the lists show of a user's credentials."""
    answers = [api.call(each, UserName=user) for each in LISTS]
    return json.dumps([{k: v for k, v in each.items() if k != "ResponseMetadata"} for each in answers], default=str, sort_keys=True)


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path, "signing")[0].read_text()


def test_an_id_is_good_only_with_its_own_user_and_account(api, accounts, new_user, certificate):  # noqa: F811
    """Callers that may do everything to themselves, or in another account, reach nothing by an id that they know."""
    victim = new_user()[0]["UserName"]
    calls = targets(api, victim, certificate)
    before = shown(api, victim)
    own = {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:user/${aws:username}"}
    user, keys = new_user(policy(own))
    mallory = api.signed_by(keys)
    _, stranger = accounts()
    stranger.call("CreateUser", UserName=victim)
    for operation, members in calls:
        # Under the caller's own name, the caller's by default, the victim's name, and the same name in another account.
        assert outcome(mallory, operation, UserName=user["UserName"], **members) == "NoSuchEntity", operation
        if not operation.endswith("SSHPublicKey"):
            assert outcome(mallory, operation, **members) == "NoSuchEntity", operation
        assert outcome(mallory, operation, UserName=victim, **members) == "AccessDenied", operation
        assert outcome(stranger, operation, UserName=victim, **members) == "NoSuchEntity", operation
    assert shown(api, victim) == before
    assert outcome(mallory, "ListServiceSpecificCredentials", AllUsers=True) == "AccessDenied"
    assert stranger.call("ListServiceSpecificCredentials", AllUsers=True)["ServiceSpecificCredentials"] == []


def test_a_report_is_only_for_the_one_who_made_it(api, accounts, new_user):  # noqa: F811
    owner, keys = new_user(ALLOW_ALL)
    _, others = new_user(ALLOW_ALL)
    account, stranger = accounts()
    job = api.signed_by(keys).call("GenerateServiceLastAccessedDetails", Arn=owner["Arn"])["JobId"]
    foreign = stranger.call("CreateUser", UserName="alice")["User"]["Arn"]
    secret = stranger.call("CreatePolicy", PolicyName="p", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    for caller in (api, api.signed_by(others), stranger):
        for operation in REPORTS:
            members = {"ServiceNamespace": "iam"} if operation.endswith("Entities") else {}
            expected = "AccessDenied" if operation == REPORTS[2] and caller is stranger else "NoSuchEntity"
            assert outcome(caller, operation, JobId=job, **members) == expected, operation
    for arn in (foreign, secret, foreign.replace("alice", "nobody"), f"arn:aws:iam::{account}:group/g"):
        assert outcome(api, "GenerateServiceLastAccessedDetails", Arn=arn) == "AccessDenied", arn
    path = "o-aaaaaaaaaa/r-aaaa"
    assert outcome(stranger, "GenerateOrganizationsAccessReport", EntityPath=path) == "AccessDenied"


def test_a_condition_on_the_service_holds(api, new_user):
    """A user with credentials for one service and one age gets no others, however the service is spelled."""
    only = {
        "Effect": "Allow", "Action": "iam:CreateServiceSpecificCredential", "Resource": "*",
        "Condition": {
            "StringEquals": {"iam:ServiceSpecificCredentialServiceName": "bedrock.amazonaws.com"},
            "NumericLessThanEquals": {"iam:ServiceSpecificCredentialAgeDays": "30"},
        },
    }  # fmt: skip
    user, keys = new_user(policy(only))
    mallory = api.signed_by(keys)
    create = "CreateServiceSpecificCredential"
    members = {"UserName": user["UserName"]}
    for service in ("codecommit.amazonaws.com", "CodeCommit.amazonaws.com", "bedrock.amazonaws.com.", "logs.amazonaws.com"):
        assert outcome(mallory, create, **members, ServiceName=service, CredentialAgeDays=30) == "AccessDenied"
    assert outcome(mallory, create, **members, ServiceName="bedrock.amazonaws.com", CredentialAgeDays=31) == "AccessDenied"
    assert outcome(mallory, create, **members, ServiceName="bedrock.amazonaws.com") == "AccessDenied"
    # The service's name is compared without case, and the condition sees the name as the service spells it.
    for service in ("bedrock.amazonaws.com", "Bedrock.amazonaws.com"):
        assert outcome(mallory, create, **members, ServiceName=service, CredentialAgeDays=30) is None


def test_a_marker_is_only_for_its_caller_and_list(api, new_user):
    victim = new_user(ALLOW_ALL)[0]["UserName"]
    for _ in range(2):
        api.call("UploadSSHPublicKey", UserName=victim, SSHPublicKeyBody=ssh_line())
        api.call("CreateServiceSpecificCredential", UserName=victim, ServiceName="codecommit.amazonaws.com")
    _, keys = new_user(ALLOW_ALL)
    for operation in ("ListSSHPublicKeys", "ListServiceSpecificCredentials"):
        marker = api.call(operation, UserName=victim, MaxItems=1)["Marker"]
        refused(api, "ValidationError", "ListSigningCertificates", UserName=victim, Marker=marker)
        assert outcome(api.signed_by(keys), operation, UserName=victim, Marker=marker) == "ValidationError"
        assert outcome(api, operation, UserName=victim, Marker=marker) is None
        changed = marker[:-3] + ("AAA" if not marker.endswith("AAA") else "BBB")
        refused(api, "ValidationError", operation, UserName=victim, Marker=changed)


def test_a_private_key_in_the_place_of_a_public_one_is_repeated_nowhere(api, server, new_user):
    """It is in no error, log or event, with its armour and without."""
    user = new_user()[0]["UserName"]
    form = serialization.PrivateFormat
    key = rsa.generate_private_key(65537, 2048)
    calls = {"UploadSSHPublicKey": "SSHPublicKeyBody", "UploadSigningCertificate": "CertificateBody"}
    for form in (form.OpenSSH, form.PKCS8, form.TraditionalOpenSSL):
        text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        lines = text.split("\n")[1:-2]
        bodies = [text, "\n".join(lines), "".join(lines), "-----BEGIN CERTIFICATE-----\n" + "\n".join(lines) + "\n-----END CERTIFICATE-----"]
        for operation, member in calls.items():
            for body in bodies:
                with pytest.raises(ApiError) as caught:
                    api.call(operation, UserName=user, **{member: body})
                for line in lines[:-1]:
                    assert line not in str(caught.value), (operation, body[:40])
                    assert line not in str(caught.value.details), (operation, body[:40])
        written = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file()) + server.output.encode()
        assert not [line for line in lines[:-1] if line.encode() in written]
    assert user.encode() in written


def test_malformed_keys_and_certificates_are_refused(aws, rpc, new_user, certificate):
    user = new_user()[0]["UserName"]

    def mpint(value):
        return struct.pack(">I", len(value)) + value

    def line(*parts):
        return "ssh-rsa " + base64.b64encode(b"".join(mpint(part) for part in parts)).decode()

    def pem(label, der):
        return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----"

    good, source = ssh_line(), random.Random(7)
    three, odd = b"\x01\x00\x01", b"\x00" + b"\xff" * 256
    keys = [
        "ssh-rsa", "ssh-rsa ", "ssh-rsa AAAA", "ssh-rsa =", good + "\nssh-rsa AAAA", good.replace("ssh-rsa ", "ssh-rsa  "),
        line(b"ssh-rsa"), line(b"ssh-rsa", three), line(b"ssh-rsa", three, b""), line(b"ssh-rsa", b"", odd), line(b"ssh-rsa", b"\x80", odd),
        line(b"ssh-rsa", three, odd, b"x"), line(b"ssh-dss", three, odd), line(b"ssh-rsa", three, b"\xff" * 256), line(b"ssh-rsa", three, b"\x00" * 9000),
        line(b"ssh-rsa", b"\x01", odd), line(b"ssh-rsa", three, odd[:-1] + b"\xfe"),
        "ssh-rsa " + base64.b64encode(b"\xff\xff\xff\xff" + b"ssh-rsa").decode(),
        "-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----\n-----END RSA PUBLIC KEY-----", "-----BEGIN ",
        pem("PUBLIC KEY", b"\x30\x84\xff\xff\xff\xff"), pem("PUBLIC KEY", b"\x30\x80" * 4000), pem("RSA PUBLIC KEY", b"\x30\x02\x02\x00"),
        "\xa0" * 16384, "\xff", "A" * 16385,
    ]  # fmt: skip
    body = base64.b64decode("".join(certificate.split("\n")[1:-2]))
    certificates = [
        "A", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----", certificate * 2, certificate + "x",
        pem("CERTIFICATE", b"\x30\x80" * 5000), pem("CERTIFICATE", b"\x30\x84\xff\xff\xff\xff"), pem("CERTIFICATE", body + b"x"),
        pem("CERTIFICATE", body[:-1]), pem("X509 CERTIFICATE", body), "\xff" * 16384,
    ]  # fmt: skip
    for _ in range(60):
        changed = bytearray(body)
        for _ in range(source.randrange(1, 4)):
            changed[source.randrange(40)] = source.randrange(256)
        certificates.append(pem("CERTIFICATE", bytes(changed)))
    known = {"InvalidPublicKey", "UnrecognizedPublicKeyEncoding", "ValidationError", "MalformedCertificate", "InvalidCertificate", "DuplicateCertificate"}
    for front in (aws, rpc):
        for each in keys:
            assert outcome(front, "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=each) in known, each[:60]
        for each in certificates:
            code = outcome(front, "UploadSigningCertificate", UserName=user, CertificateBody=each)
            assert code in known | {None}, each[:60]
            for made in front.call("ListSigningCertificates", UserName=user)["Certificates"] if code is None else ():
                front.call("DeleteSigningCertificate", UserName=user, CertificateId=made["CertificateId"])


def test_a_user_with_credentials_stays(api, new_user, certificate):
    """Deleting the user is refused until the last of their credentials is deleted, also after a rename."""
    user, _ = new_user()
    old, new = user["UserName"], user["UserName"] + "-renamed"
    for key in api.call("ListAccessKeys", UserName=old)["AccessKeyMetadata"]:
        api.call("DeleteAccessKey", UserName=old, AccessKeyId=key["AccessKeyId"])
    calls = targets(api, old, certificate)
    api.call("UpdateUser", UserName=old, NewUserName=new)
    for operation, members in calls:
        refused(api, "DeleteConflict", "DeleteUser", UserName=new)
        api.call(operation, UserName=new, **members)
    api.call("DeleteUser", UserName=new)
    # Another user with the name, or a credential of a deleted user, gets nothing of it.
    api.call("CreateUser", UserName=new)
    assert {outcome(api, operation, UserName=new, **members) for operation, members in calls} == {"NoSuchEntity"}
