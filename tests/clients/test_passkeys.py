"""Passkeys as MFA devices: registered, shown and removed by both fronts, asked for at sign-in.

The package fido2 is the oracle: it reads what the server asks, its server accepts what the tests' authenticator makes,
and the server accepts what its encodings make.
"""

import pytest
from fido2.server import Fido2Server
from fido2.webauthn import (
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
)
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy
from support.expect import refused
from support.json_http import post
from support.passkey import (
    ALGORITHMS,
    BACKED_UP,
    ELIGIBLE,
    ORIGIN,
    PRESENT,
    PUBLIC_URL,
    RELYING_PARTY,
    VERIFIED,
    Fido2Passkey,
    Passkey,
    raw,
    registered,
    text,
)
from support.report import rows
from support.server import Credentials, Server
from support.totp import Authenticator
from support.waiting import until

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"
DENY = {"Effect": "Deny", "Action": "iam:ListUsers", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
OLD = {"Effect": "Deny", "Action": "iam:ListUsers", "Condition": {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "600"}}}
ENCODINGS = {"own": Passkey, "fido2": Fido2Passkey}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a domain."""
    server = Server(tmp_path_factory.mktemp("server"), arguments=PUBLIC_URL).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def door(server):
    """A client without credentials."""
    return GrpcApi(server, None)


@pytest.fixture
def person(aws, name):
    """A user with all permissions and a password."""
    user = name("person")
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    return user


def sign_in(door, user, **members):
    return door.call("SignIn", account=door.server.account, userName=user, password=PASSWORD, **members)


def asked(door, user):
    """What the browser must ask the user's passkeys."""
    answer = sign_in(door, user)
    assert answer["mfaRequired"] and "session" not in answer
    return answer["passkeyRequest"]


def session_of(door, user, passkey):
    """The front end with the token of a sign-in with a passkey, and the session."""
    session = sign_in(door, user, passkey=passkey.get(asked(door, user)))["session"]
    return door.signed_by(Credentials(bearer=session["token"])), session


def test_fido2_reads_what_the_server_asks(door, rpc, person):
    creation = rpc.call("BeginPasskeyRegistration", userName=person)["creation"]
    options = PublicKeyCredentialCreationOptions.from_dict(creation)
    assert options.rp.id == RELYING_PARTY and len(options.challenge) >= 32 and options.attestation == "none"
    assert [parameters.alg for parameters in options.pub_key_cred_params] == [-7, -8, -257]
    assert options.user.name == f"{person}@{door.server.account}" and 1 <= len(options.user.id) <= 64
    assert options.timeout == 300_000 and not options.exclude_credentials
    passkey = Passkey()
    registered(rpc, passkey, person)
    options = PublicKeyCredentialRequestOptions.from_dict(asked(door, person))
    assert options.rp_id == RELYING_PARTY and options.user_verification == "required"
    assert [credential.id for credential in options.allow_credentials] == [passkey.id]
    excluded = PublicKeyCredentialCreationOptions.from_dict(rpc.call("BeginPasskeyRegistration", userName=person)["creation"])
    assert [credential.id for credential in excluded.exclude_credentials] == [passkey.id]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fido2_accepts_what_the_authenticator_makes(algorithm):
    """So the answers that the attacks change are right before they are changed."""
    oracle = Fido2Server(PublicKeyCredentialRpEntity(name="x", id=RELYING_PARTY))
    passkey = Passkey(algorithm)
    creation, state = oracle.register_begin(PublicKeyCredentialUserEntity(id=b"user", name="x", display_name="x"), user_verification="required")
    made = passkey.create({"user": {"id": text(b"user")}, "challenge": text(creation.public_key.challenge)})
    head = {"id": text(passkey.id), "rawId": text(passkey.id), "type": "public-key"}
    response = {"clientDataJSON": made["clientData"], "attestationObject": made["attestationObject"]}
    data = oracle.register_complete(state, head | {"response": response})
    assert data.credential_data.credential_id == passkey.id
    request, state = oracle.authenticate_begin([data.credential_data], user_verification="required")
    answer = passkey.get({"challenge": text(request.public_key.challenge)})
    response = {"clientDataJSON": answer["clientData"], "authenticatorData": answer["authenticatorData"], "signature": answer["signature"]}
    oracle.authenticate_complete(state, [data.credential_data], head | {"response": response})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_passkey_signs_in_and_counts_in_policies(server, door, aws, rpc, person, encoding, algorithm):
    aws.call("PutUserPolicy", UserName=person, PolicyName="mfa", PolicyDocument=policy(DENY, OLD))
    passkey = ENCODINGS[encoding](algorithm)
    serial = registered(rpc, passkey, person)
    answer = sign_in(door, person)
    assert answer["mfaSerialNumbers"] == [serial]
    session, made = session_of(door, person, passkey)
    assert made["mfaAuthenticated"]
    keys = session.call("GetSignInCredentials")
    keys = Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
    for api in (session, AwsApi(server, keys), GrpcApi(server, keys)):
        api.call("ListUsers")
    rows = session.call("ListSignInSessions")["sessions"]
    assert [row["mfaAuthenticated"] for row in rows] == [True]


def test_a_passkey_is_an_mfa_device(api, rpc, person):
    """By both fronts."""
    before = api.call("GetAccountSummary")["SummaryMap"]
    serial = registered(rpc, Passkey(), person, label="blue.key")
    user = api.call("GetUser", UserName=person)["User"]
    assert serial.startswith(f"{user['Arn'].replace(':user/', ':u2f/user/')}/blue.key-")
    shown = api.call("GetMFADevice", UserName=person, SerialNumber=serial)
    assert (shown["UserName"], shown["SerialNumber"]) == (person, serial) and not shown.get("Certifications")
    (listed,) = api.call("ListMFADevices", UserName=person)["MFADevices"]
    assert listed["SerialNumber"] == serial and listed["EnableDate"] == shown["EnableDate"]
    after = api.call("GetAccountSummary")["SummaryMap"]
    assert [after[key] - before[key] for key in ("MFADevices", "MFADevicesInUse")] == [1, 1]
    for operation, members in (("ResyncMFADevice", {}), ("EnableMFADevice", {})):
        codes = {"AuthenticationCode1": "000000", "AuthenticationCode2": "111111"}
        expected = "NoSuchEntity" if operation == "ResyncMFADevice" else "InvalidInput"
        refused(api, expected, operation, UserName=person, SerialNumber=serial, **codes, **members)
    refused(api, "InvalidInput", "TagMFADevice", SerialNumber=serial, Tags=[{"Key": "a", "Value": "b"}])
    # The serial number has the user's name, so it follows the user.
    api.call("UpdateUser", UserName=person, NewUserName=person + "x")
    refused(api, "NoSuchEntity", "GetMFADevice", UserName=person + "x", SerialNumber=serial)
    serial = serial.replace(f"/{person}/", f"/{person}x/")
    api.call("GetMFADevice", UserName=person + "x", SerialNumber=serial)
    api.call("DeleteLoginProfile", UserName=person + "x")
    api.call("DeleteUserPolicy", UserName=person + "x", PolicyName="all")
    refused(api, "DeleteConflict", "DeleteUser", UserName=person + "x")
    api.call("DeactivateMFADevice", UserName=person + "x", SerialNumber=serial)
    refused(api, "NoSuchEntity", "GetMFADevice", UserName=person + "x", SerialNumber=serial)
    api.call("DeleteUser", UserName=person + "x")


def test_the_credential_report_knows_passkeys(aws, rpc, person):
    registered(rpc, Passkey(), person)
    aws.call("GenerateCredentialReport")
    until(lambda: aws.call("GenerateCredentialReport")["State"] == "COMPLETE", "the report is complete")
    assert rows(aws.call("GetCredentialReport"))[person]["mfa_active"] == "true"


def test_a_person_chooses_among_devices(door, aws, rpc, person):
    first, second = Passkey("EdDSA"), Fido2Passkey("ES256", flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    touch = Passkey("RS256", flags=PRESENT)
    serials = [registered(rpc, passkey, person, label) for passkey, label in ((first, "a"), (second, "b"), (touch, "c"))]
    app = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=person)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=person, SerialNumber=app.serial, **app.pair())
    answer = sign_in(door, person)
    assert sorted(answer["mfaSerialNumbers"]) == sorted([*serials, app.serial])
    request = answer["passkeyRequest"]
    assert {raw(one["id"]) for one in request["allowCredentials"]} == {first.id, second.id, touch.id}
    # One of them cannot verify its user; the others must go on doing it.
    assert request["userVerification"] == "preferred"
    assert sign_in(door, person, mfaCode=app.code(1))["session"]["mfaAuthenticated"]
    for passkey in (first, second, touch):
        assert session_of(door, person, passkey)[1]["mfaAuthenticated"]
    refused(door, "InvalidAuthenticationCode", "SignIn", account=door.server.account, userName=person, password=PASSWORD,
            passkey=first.get(asked(door, person), flags=PRESENT))  # fmt: skip


def test_root_signs_in_with_a_passkey(server, door, rpc):
    rpc.call("PutRootPassword", password=PASSWORD)
    passkey = Passkey()
    serial = registered(rpc, passkey)
    assert serial.startswith(f"arn:aws:iam::{server.account}:u2f/root/key-")
    for front in (AwsApi, GrpcApi):
        assert front(server, server.root).call("GetMFADevice", SerialNumber=serial)["SerialNumber"] == serial
    root = {"account": server.account, "root": True, "password": PASSWORD}
    request = door.call("SignIn", **root)["passkeyRequest"]
    session = door.call("SignIn", **root, passkey=passkey.get(request))["session"]
    assert session["mfaAuthenticated"]
    rpc.call("DeactivateMFADevice", SerialNumber=serial)
    rpc.call("DeleteRootPassword")


def test_an_expired_password_is_changed_with_a_passkey(door, aws, rpc, person):
    passkey = Passkey("EdDSA")
    registered(rpc, passkey, person)
    aws.call("UpdateLoginProfile", UserName=person, PasswordResetRequired=True)
    answer = sign_in(door, person)
    assert answer["passwordChangeRequired"] and answer["mfaRequired"]
    change = {"account": door.server.account, "userName": person, "password": PASSWORD, "newPassword": NEXT}
    asked_again = door.call("ChangeExpiredPassword", **change)
    assert asked_again["mfaRequired"] and "session" not in asked_again
    session = door.call("ChangeExpiredPassword", **change, passkey=passkey.get(answer["passkeyRequest"]))["session"]
    assert session["mfaAuthenticated"]


def test_challenges_survive_a_restart_and_are_used_once(new_server):
    server = new_server("restarted", arguments=PUBLIC_URL).start()
    rpc = GrpcApi(server, server.root)
    rpc.call("CreateUser", UserName="heron")
    rpc.call("CreateLoginProfile", UserName="heron", Password=PASSWORD)
    passkey = Passkey()
    made = passkey.create(rpc.call("BeginPasskeyRegistration", userName="heron")["creation"])
    server.stop()
    server.start()
    rpc = GrpcApi(server, server.root)
    rpc.call("FinishPasskeyRegistration", userName="heron", label="key", **made)
    answer = passkey.get(asked(GrpcApi(server, None), "heron"))
    server.stop()
    server.start()
    door = GrpcApi(server, None)
    assert sign_in(door, "heron", passkey=answer)["session"]["mfaAuthenticated"]
    server.stop()
    server.start()
    door = GrpcApi(server, None)
    refused(door, "InvalidAuthenticationCode", "SignIn", account=server.account, userName="heron", password=PASSWORD, passkey=answer)


def test_a_server_without_a_domain_has_no_passkeys(new_server):
    server = new_server("plain").start()
    error = refused(GrpcApi(server, server.root), "FeatureDisabled", "BeginPasskeyRegistration")
    assert "--public-url" in error.message
    # A user with passkeys for another name of the server still needs a second factor.
    server.stop()
    server.arguments = PUBLIC_URL
    server.start()
    rpc = GrpcApi(server, server.root)
    rpc.call("CreateUser", UserName="heron")
    rpc.call("CreateLoginProfile", UserName="heron", Password=PASSWORD)
    passkey = Passkey()
    registered(rpc, passkey, "heron")
    for arguments in (["--public-url", "https://other.example.com"], []):
        server.stop()
        server.arguments = arguments
        server.start()
        door = GrpcApi(server, None)
        answer = sign_in(door, "heron")
        assert answer["mfaRequired"] and "session" not in answer and "passkeyRequest" not in answer
        request = {"challenge": text(bytes(32))}
        code = "InvalidAuthenticationCode" if arguments else "FeatureDisabled"
        refused(door, code, "SignIn", account=server.account, userName="heron", password=PASSWORD, passkey=passkey.get(request))


def test_temporary_credentials_take_no_passkeys(server, rpc, person):
    """As on AWS: AssumeRole and GetSessionToken need a code."""
    serial = registered(rpc, Passkey(), person)
    key = Credentials.of(rpc.call("CreateAccessKey", UserName=person)["AccessKey"])
    for front in (AwsApi, GrpcApi):
        refused(front(server, key), "AccessDenied", "GetSessionToken", SerialNumber=serial, TokenCode="123456")


def test_the_origin_has_the_port(new_server):
    url = "https://iam.example.com:7470/base"
    server = new_server("port", arguments=["--public-url", url]).start()
    rpc = GrpcApi(server, server.root)
    passkey = Passkey()
    creation = rpc.call("BeginPasskeyRegistration")["creation"]
    refused(rpc, "InvalidInput", "FinishPasskeyRegistration", label="key", **passkey.create(creation, origin=ORIGIN))
    made = passkey.create(creation, origin="https://iam.example.com:7470")
    rpc.call("FinishPasskeyRegistration", label="key", **made)


def test_a_browser_registers_and_signs_in_by_json(server, door, person):
    """As the JavaScript of a page does, without gRPC."""
    service = "/bailiwick.signin.v1.PasskeyService/"
    token = sign_in(door, person)["session"]["token"]
    begun = post(server, "", {}, path=service + "BeginPasskeyRegistration", bearer=token)
    assert begun.code == "OK", begun.text
    passkey = Fido2Passkey("ES256")
    finish = {"label": "page"} | passkey.create(begun.json["creation"])
    made = post(server, "", finish, path=service + "FinishPasskeyRegistration", bearer=token)
    assert made.code == "OK" and f":u2f/user/{person}/page-" in made.json["serialNumber"]
    claim = {"account": server.account, "userName": person, "password": PASSWORD}
    request = post(server, "SignIn", claim).json["passkeyRequest"]
    answer = post(server, "SignIn", claim | {"passkey": passkey.get(request)})
    assert answer.json["session"]["mfaAuthenticated"] is True
    assert post(server, "SignIn", claim | {"passkey": passkey.get(request)}).code == "InvalidAuthenticationCode"
    assert post(server, "", {}, path=service + "BeginPasskeyRegistration").code == "MissingAuthenticationToken"
