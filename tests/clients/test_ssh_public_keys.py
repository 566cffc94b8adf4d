"""SSH public keys of users: uploaded as a line or as PEM, shown as either, deactivated, deleted."""

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from support.documents import policy
from support.expect import refused
from test_administrator import Cli


@pytest.fixture
def user(api, name):
    """A user, by name."""
    return api.call("CreateUser", UserName=name("user"))["User"]["UserName"]


class Key:
    """A key pair of the test: its public key in every encoding."""

    def __init__(self, bits=2048):
        public = rsa.generate_private_key(65537, bits).public_key()
        form = serialization.PublicFormat

        def text(encoding, of):
            return public.public_bytes(encoding, of).decode()

        self.line = text(serialization.Encoding.OpenSSH, form.OpenSSH)
        self.pem = text(serialization.Encoding.PEM, form.SubjectPublicKeyInfo)
        self.pkcs1 = text(serialization.Encoding.PEM, form.PKCS1)
        der = public.public_bytes(serialization.Encoding.DER, form.SubjectPublicKeyInfo)
        self.fingerprint = hashlib.md5(der).hexdigest()  # noqa: S324
        self.fingerprint = ":".join(self.fingerprint[at : at + 2] for at in range(0, 32, 2))


def upload(api, user, body):
    return api.call("UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=body)["SSHPublicKey"]


@pytest.mark.parametrize("encoding", ["line", "pem", "pkcs1"])
def test_a_key_is_shown_in_the_encoding_asked_for(api, user, encoding):
    key = Key()
    text = getattr(key, encoding) + ("" if encoding != "line" else f" {user}@example.com")
    made = upload(api, user, text)
    assert made["SSHPublicKeyId"].startswith("APKA") and made["UploadDate"]
    shown = {"UserName": user, "Fingerprint": key.fingerprint, "Status": "Active"}
    assert {name: made[name] for name in shown} == shown
    assert made["SSHPublicKeyBody"] == text
    for wanted, body in {"SSH": key.line, "PEM": key.pem}.items():
        got = api.call("GetSSHPublicKey", UserName=user, SSHPublicKeyId=made["SSHPublicKeyId"], Encoding=wanted)
        assert got["SSHPublicKey"] == made | {"SSHPublicKeyBody": body}


def test_what_a_user_cannot_have(api, user):
    key = Key()
    made = upload(api, user, key.line)
    for body in (key.line + " other@example.com", key.pem, key.pkcs1):
        error = refused(api, "DuplicateSSHPublicKey", "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=body)
        assert error.message == "Duplicate SSH public key uploaded."
    ed = ed25519.Ed25519PrivateKey.generate().public_key()
    ssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    for code, body in {
        "UnrecognizedPublicKeyEncoding": ed.public_bytes(*ssh).decode(),
        "InvalidPublicKey": Key(1024).line,
    }.items():
        refused(api, code, "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=body)
    refused(api, "InvalidPublicKey", "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=key.line[:-20])
    error = refused(api, "NoSuchEntity", "UploadSSHPublicKey", UserName="nobody-here", SSHPublicKeyBody=key.line)
    assert error.message == "The user with name nobody-here cannot be found."
    assert [row["SSHPublicKeyId"] for row in api.call("ListSSHPublicKeys", UserName=user)["SSHPublicKeys"]] == [made["SSHPublicKeyId"]]


def test_a_user_has_five_keys_in_pages(api, user):
    ids = sorted(upload(api, user, Key().line)["SSHPublicKeyId"] for _ in range(5))
    error = refused(api, "LimitExceeded", "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=Key().line)
    assert error.message == "Cannot exceed quota for SSHPublicKeysPerUser: 5"
    pages = list(api.pages("ListSSHPublicKeys", UserName=user, MaxItems=2))
    assert [[row["SSHPublicKeyId"] for row in page["SSHPublicKeys"]] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    assert pages[0]["IsTruncated"] is True and pages[-1]["IsTruncated"] is False
    for page in pages:
        for row in page["SSHPublicKeys"]:
            assert row.keys() == {"UserName", "SSHPublicKeyId", "Status", "UploadDate"}


def test_status_renaming_and_deletion(api, user, name):
    made = upload(api, user, Key().line)
    key = {"UserName": user, "SSHPublicKeyId": made["SSHPublicKeyId"]}
    api.call("UpdateSSHPublicKey", **key, Status="Inactive")
    assert api.call("GetSSHPublicKey", **key, Encoding="SSH")["SSHPublicKey"] == made | {"Status": "Inactive"}
    refused(api, "InvalidInput", "UpdateSSHPublicKey", **key, Status="Expired")
    refused(api, "ValidationError", "UpdateSSHPublicKey", **key, Status="active")
    refused(api, "ValidationError", "GetSSHPublicKey", **key, Encoding="DER")
    renamed = name("renamed")
    api.call("UpdateUser", UserName=user, NewUserName=renamed)
    key["UserName"] = renamed
    assert api.call("GetSSHPublicKey", **key, Encoding="SSH")["SSHPublicKey"]["UserName"] == renamed
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=renamed)
    assert error.message == "Cannot delete entity, must remove referenced objects first."
    api.call("DeleteSSHPublicKey", **key)
    for operation, members in {"GetSSHPublicKey": {"Encoding": "SSH"}, "UpdateSSHPublicKey": {"Status": "Active"}, "DeleteSSHPublicKey": {}}.items():
        error = refused(api, "NoSuchEntity", operation, **key, **members)
        assert error.message == f"The Public Key with id {key['SSHPublicKeyId']} cannot be found."
    api.call("DeleteUser", UserName=renamed)


def test_a_user_manages_their_own_keys_only(api, new_user, user):
    own = policy({"Action": "iam:*SSHPublicKey*", "Resource": "arn:aws:iam::*:user/${aws:username}"})
    mine, credentials = new_user(own)
    me = api.signed_by(credentials)
    made = upload(me, mine["UserName"], Key().line)
    assert [row["SSHPublicKeyId"] for row in me.call("ListSSHPublicKeys")["SSHPublicKeys"]] == [made["SSHPublicKeyId"]]
    refused(me, "AccessDenied", "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=Key().line)
    refused(me, "AccessDenied", "GetSSHPublicKey", UserName=user, SSHPublicKeyId=made["SSHPublicKeyId"], Encoding="SSH")
    # Another's key is not found under one's own name.
    theirs = upload(api, user, Key().line)["SSHPublicKeyId"]
    refused(me, "NoSuchEntity", "DeleteSSHPublicKey", UserName=mine["UserName"], SSHPublicKeyId=theirs)


def test_the_cli_prints_keys(server, api, user, tmp_path):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    key = Key()
    file = tmp_path / "key.pub"
    file.write_text(key.line)
    made = cli("iam", "upload-ssh-public-key", "--user-name", user, "--ssh-public-key-body", f"file://{file}")["SSHPublicKey"]
    assert (made["Fingerprint"], made["SSHPublicKeyBody"]) == (key.fingerprint, key.line)
    which = ("--user-name", user, "--ssh-public-key-id", made["SSHPublicKeyId"])
    assert cli("iam", "get-ssh-public-key", *which, "--encoding", "PEM")["SSHPublicKey"]["SSHPublicKeyBody"] == key.pem
    assert cli("iam", "update-ssh-public-key", *which, "--status", "Inactive", text=True) == ""
    row = {"UserName": user, "SSHPublicKeyId": made["SSHPublicKeyId"], "Status": "Inactive", "UploadDate": made["UploadDate"]}
    assert cli("iam", "list-ssh-public-keys", "--user-name", user) == {"SSHPublicKeys": [row]}
    assert cli("iam", "delete-ssh-public-key", *which, text=True) == ""
    assert cli("iam", "list-ssh-public-keys", "--user-name", user) == {"SSHPublicKeys": []}
