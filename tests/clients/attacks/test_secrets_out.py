"""No secret of a run leaks: into the folder, the most verbose log, an answer, a core dump or the memory's file."""

import base64
import os
import resource
import signal
from urllib.parse import quote

import pytest
from attacks.forge import form, get, post, presign, sign
from attacks.helpers import received
from attacks.watch import well
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, trust
from support.expect import fails, refused
from support.raw import send
from support.saml import make_metadata, make_private_key
from support.server import Credentials
from support.waiting import until

SNOW = "\u2603"


def spellings(secret):
    """The forms that a secret could be found in."""
    plain = secret.encode()
    return {plain, base64.b64encode(plain).rstrip(b"=")[:-1], plain.hex().encode(), quote(secret, safe="").encode(), plain[:24], plain[-24:]}


@pytest.fixture
def talkative(new_server):
    """A server with the most verbose log."""
    return new_server(environment={"BAILIWICK_LOG": "trace", "RUST_LOG": "trace", "RUST_BACKTRACE": "full"}).start()


def test_no_secret_is_in_the_output_of_the_most_verbose_log_level(talkative, tmp_path):
    server = talkative
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"])
    second = rpc.call("CreateAccessKey", UserName="alice")["AccessKey"]
    root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))
    root.call("PutRolePolicy", RoleName="role", PolicyName="p", PolicyDocument=ALLOW_ALL)
    ask = {"RoleArn": f"arn:aws:iam::{server.account}:role/role", "RoleSessionName": "session"}
    session = Credentials.of(AwsApi(server, key).call("AssumeRole", **ask)["Credentials"])
    other = GrpcApi(server, key).call("AssumeRole", **ask)["Credentials"]
    token = GrpcApi(server, session).call("CreateToken")["token"]
    service = GrpcApi(server, key)
    handle = service.call("Authenticate", signedRequest=received(session))["handle"]
    service.call("Authorize", caller={"handle": handle}, action="s3:GetObject", resource="arn:aws:s3:::a/b", resourceAccount=server.account)
    bearer = GrpcApi(server, Credentials(bearer=token))
    bearer.call("ListUsers")
    bearer.call("CreateUser", UserName="bob")
    secrets = [
        server.root.secret_access_key, key.secret_access_key, second["SecretAccessKey"], session.secret_access_key, session.session_token,
        other["SecretAccessKey"], other["SessionToken"], token, handle,
    ]  # fmt: skip
    # Errors are logged and recorded as well.
    wrong = Credentials(session.access_key_id, session.secret_access_key, session.session_token[:-6] + "AAAAAA")
    for request in (
        sign(post(server, form(Action="ListUsers")), wrong),
        sign(post(server, form(Action="ListUsers")), session, service="sts"),
        presign(get(server, "Action=ListUsers&Nothing=1"), session),
        presign(get(server, "Action=ListUsers"), session, expires="0"),
        presign(get(server, "Action=ListUsers"), wrong),
        sign(post(server, form(Action="ListUsers", SessionToken=session.session_token)), session),
        post(server, form(Action="ListUsers"), Authorization=f"Bearer {token}"),
        post(server, form(Action="ListUsers"), Authorization=f"AWS4-HMAC-SHA256 Credential={session.session_token}"),
        post(server, form(Action="ListUsers"), Authorization=f"AWS4-HMAC-SHA256 {session.secret_access_key}"),
        sign(post(server, form(Action="ListUsers")), session).drop("X-Amz-Date"),
    ):
        answer = send(server, request.wire())
        assert answer.status < 500
        secrets_shown(answer.body, secrets, "an answer")
    typed = {
        "ChangePassword": {"OldPassword": f"Old-Secret-4711{SNOW}", "NewPassword": f"New-Secret-4712{SNOW}"},
        "CreateLoginProfile": {"UserName": "alice", "Password": f"Login-Secret-4713{SNOW}"},
        "UpdateLoginProfile": {"UserName": "alice", "Password": f"Login-Secret-4714{SNOW}"},
        "EnableMFADevice": {"UserName": "alice", "SerialNumber": "arn:aws:iam::1:mfa/a", "AuthenticationCode1": "Code-4715", "AuthenticationCode2": "Code-4716"},
        "ResyncMFADevice": {"UserName": "alice", "SerialNumber": "arn:aws:iam::1:mfa/a", "AuthenticationCode1": "Code-4717", "AuthenticationCode2": "Code-4718"},
        "AssumeRole": ask | {"SerialNumber": "arn:aws:iam::1:mfa/a", "TokenCode": "Code-4719"},
        "GetSessionToken": {"SerialNumber": "arn:aws:iam::1:mfa/a", "TokenCode": "Code-4720"},
        "UploadServerCertificate": {"ServerCertificateName": "n", "CertificateBody": "x", "PrivateKey": f"Private-Key-4721{SNOW}"},
        "AssumeRoleWithSAML": {"RoleArn": ask["RoleArn"], "PrincipalArn": ask["RoleArn"], "SAMLAssertion": "Assertion-4722" + SNOW},
        "AssumeRoleWithWebIdentity": ask | {"WebIdentityToken": "Identity-4723" + SNOW},
        "CreateSAMLProvider": {"Name": "n", "SAMLMetadataDocument": "x", "AddPrivateKey": "Private-Key-4724" + SNOW},
    }
    for operation, members in typed.items():
        for api in (AwsApi(server, key), GrpcApi(server, key)):
            try:
                answer = str(api.call(operation, **members))
            except ApiError as error:
                answer = str(error)
            hidden = [value for value in members.values() if "-47" in str(value)]
            assert hidden and not any(value in answer for value in hidden), answer
            secrets += hidden
    # Passwords that are accepted are stored as hashes, and sealed.
    passwords = ["Accepted-Secret-4741", "Accepted-Secret-4742", "Accepted-Secret-4743"]
    root.call("CreateLoginProfile", UserName="alice", Password=passwords[0])
    rpc.call("UpdateLoginProfile", UserName="alice", Password=passwords[1])
    AwsApi(server, key).call("ChangePassword", OldPassword=passwords[1], NewPassword=passwords[2])
    secrets += passwords
    # Private keys of a SAML provider are stored sealed.
    private_key = make_private_key()
    root.call("CreateSAMLProvider", Name="idp", SAMLMetadataDocument=make_metadata(tmp_path), AddPrivateKey=private_key)
    arn = f"arn:aws:iam::{server.account}:saml-provider/idp"
    answers = [str(api.call("GetSAMLProvider", SAMLProviderArn=arn)) for api in (root, rpc)]
    assert not any(private_key.splitlines()[1] in answer for answer in answers)
    secrets += private_key.splitlines()[1:-1]
    # The server's background writes are complete as well.
    last_used = {"AccessKeyId": key.access_key_id}
    until(lambda: root.call("GetAccessKeyLastUsed", **last_used)["AccessKeyLastUsed"].get("LastUsedDate"), "the last use is written")
    server.stop()
    written = {str(path): path.read_bytes() for path in server.folder.rglob("*") if path.is_file() and not path.name.endswith(".key")}
    written["what it said"] = server.output.encode("utf-8", "surrogateescape")
    assert b"alice" in b"".join(written.values()) and len(server.output) > 100_000
    secrets.append((server.folder / "data.key").read_text().strip())
    for where, content in written.items():
        secrets_shown(content, secrets, where)


def test_no_credential_of_a_request_to_another_service_is_recorded(new_server):
    """A service without permission forwards requests of its clients: signatures, presigned targets, cookies."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    keys = {}
    for name in ("client", "service"):
        root.call("CreateUser", UserName=name)
        keys[name] = Credentials.of(root.call("CreateAccessKey", UserName=name)["AccessKey"])
    request = received(keys["client"])
    http = request["httpRequest"]
    signature = next(header["value"] for header in http["headers"] if header["name"] == "Authorization").split("Signature=")[1]
    http["headers"].append({"name": "Cookie", "value": "session=cookie-4730"})
    http["target"] = "/a?X-Amz-Signature=signature-4731&X-Amz-Security-Token=token-4732"
    http["body"] = base64.b64encode(b"body-4733").decode()
    service = GrpcApi(server, keys["service"])
    question = {"caller": {"signedRequest": request}, "action": "s3:GetObject", "resource": "arn:aws:s3:::bucket-4734/a", "resourceAccount": server.account}
    for operation, members in {
        "Authenticate": {"signedRequest": request},
        "Authorize": question,
        "Explain": {"request": question},
        "BatchAuthorize": {"caller": question["caller"], "items": [{"action": "s3:GetObject", "resource": "*"}]},
    }.items():
        refused(service, "AccessDenied", operation, **members)
    server.stop()
    written = b"".join(path.read_bytes() for path in (server.data / "audit").iterdir())
    assert b"bucket-4734" in written and b'"Cookie"' in written
    secrets_shown(written, [signature, "cookie-4730", "signature-4731", "token-4732", "body-4733"], "the audit trail")


def secrets_shown(content, secrets, where, but=()):
    """Fails if the text contains one of the secrets, except where the client itself sent it as another value."""
    for allowed in but:
        content = content.replace(allowed.encode(), b"").replace(allowed.encode()[:128], b"")
    for secret in secrets:
        for form in spellings(secret):
            at = content.find(form)
            assert at < 0, (where, secret[:6], content[max(0, at - 200) : at + 40])


def test_a_crash_leaves_no_core(new_server):
    """Memory is not dumped, whatever the limits of the parent process."""
    server = new_server()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    well(server)
    os.kill(server.process.pid, signal.SIGABRT)
    _, status = os.waitpid(server.process.pid, 0)
    server.process.returncode = -signal.SIGABRT
    assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)
    assert not list(server.folder.rglob("core*"))


def test_files_are_readable_only_by_their_owner(new_server):
    """The mode of files does not depend on the umask; the owner cannot write to the master key."""
    before = os.umask(0)
    try:
        server = new_server()
        server.root = None
        server.start()
    finally:
        os.umask(before)
    server.stop()
    modes = {path.relative_to(server.folder).as_posix(): path.stat().st_mode & 0o777 for path in server.folder.rglob("*")}
    assert modes.pop("data.key") == 0o400
    assert (modes.pop("data"), modes.pop("data/audit")) == (0o700, 0o700)
    assert modes and set(modes.values()) == {0o600}, modes


def test_a_link_at_the_path_of_the_key_is_not_followed(new_server, tmp_path):
    """A link at the path of a new file with a secret is neither followed nor replaced."""
    victim = tmp_path / "victim"
    for name, target in (("data.root-credentials", victim), ("data.key", tmp_path / "not-there")):
        for place in (name, name + ".new"):
            server = new_server(f"{name}-{place}")
            server.root = None
            victim.write_text("precious")
            link = server.folder / place
            link.symlink_to(target)
            if place == name:
                fails(server, name)
                assert link.is_symlink() and not server.data.exists()
            else:
                server.start()
                server.stop()
            assert victim.read_text() == "precious"
            assert not (tmp_path / "not-there").exists()
