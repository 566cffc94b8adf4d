"""Attempts on passkeys: answers for other sites, users and challenges, copied authenticators, keys of other kinds, floods."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks.helpers import accounts, outcome
from attacks.watch import memory, well
from support.api import GrpcApi
from support.documents import ALLOW_ALL, policy
from support.passkey import (
    ATTESTED,
    BACKED_UP,
    ELIGIBLE,
    EXTENSIONS,
    ORIGIN,
    PRESENT,
    PUBLIC_URL,
    VERIFIED,
    Passkey,
    cbor,
    registered,
)
from support.server import Credentials, Server

__all__ = ["accounts"]  # a fixture

PASSWORD = "heron-In-7-reeds"
WRONG = "InvalidAuthenticationCode"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a domain."""
    arguments = [*PUBLIC_URL, "--trusted-proxy", "127.0.0.1/32"]
    server = Server(tmp_path_factory.mktemp("server"), arguments=arguments).start()
    yield server
    well(server)
    server.stop()


class Door(GrpcApi):
    """A client without credentials, each call from another source: failures are counted by source as well."""

    _sources = itertools.count(1)

    def exchange(self, method, request, extra=()):
        number = next(self._sources)
        return super().exchange(method, request, (*extra, ("x-forwarded-for", f"198.18.{number // 250}.{number % 250}")))


@pytest.fixture(scope="module")
def door(server):
    """A client without credentials."""
    return Door(server, None)


@pytest.fixture
def person(aws, name):
    """Makes users with all permissions and a password."""

    def make():
        user = name("person")
        aws.call("CreateUser", UserName=user)
        aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
        aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
        return user

    return make


@pytest.fixture
def keyed(rpc, person):
    """Makes users with a passkey."""

    def make(**settings):
        user, passkey = person(), Passkey(**settings)
        registered(rpc, passkey, user)
        return user, passkey

    return make


def sign_in(door, user, **members):
    return door.call("SignIn", account=door.server.account, userName=user, password=PASSWORD, **members)


def tried(door, user, passkey, password=PASSWORD):
    return outcome(door, "SignIn", account=door.server.account, userName=user, password=password, passkey=passkey)


def asked(door, user):
    return sign_in(door, user)["passkeyRequest"]


OTHER = Passkey("ES256")
RSA = Passkey("RS256")

# The error of an assertion → how it is made.
ASSERTIONS = {
    "another origin": {"origin": EVIL},
    "a subdomain": {"origin": "https://a.iam.example.com"},
    "another port": {"origin": f"{ORIGIN}:444"},
    "clear text": {"origin": "http://iam.example.com"},
    "an origin that ours begins": {"origin": f"{ORIGIN}.evil.example"},
    "no origin": {"origin": ""},
    "a page within another": {"members": {"crossOrigin": True}},
    "the site around the page": {"members": {"topOrigin": EVIL}},
    "another relying party": {"relying_party": "evil.example"},
    "the parent domain": {"relying_party": "example.com"},
    "a registration": {"kind": "webauthn.create"},
    "no user present": {"flags": VERIFIED},
    "no user verified": {"flags": PRESENT},
    "a credential that became copyable": {"flags": PRESENT | VERIFIED | ELIGIBLE},
    "backed up and not eligible": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "a reserved flag": {"flags": PRESENT | VERIFIED | 0x02},
    "a new credential": {"flags": PRESENT | VERIFIED | ATTESTED, "after": bytes(16) + b"\x00\x10" + bytes(16) + b"\xa0"},
    "bytes at the end": {"after": b"\x00"},
    "the flag of extensions without any": {"flags": PRESENT | VERIFIED | EXTENSIONS},
    "the counter of the last time": {"counter": 1},
    "no counter": {"counter": 0},
    "another authenticator's signature": {"signer": OTHER},
    "an RSA signature for an ECDSA key": {"signer": RSA},
    "an altered signature": {"signature": lambda made: made[:-1] + bytes([made[-1] ^ 1])},
    "a signature of zeros": {"signature": lambda made: bytes(64)},
    "r and s of zero": {"signature": lambda made: bytes.fromhex("3006020100020100")},
    "bytes after the signature": {"signature": lambda made: made + b"\x00"},
    "another user's handle": {"handle": b"111122223333/AIDAOTHER"},
    "an unknown credential": {"identity": bytes(32)},
    "a challenge of zeros": {"challenge": bytes(44)},
    "no challenge": {"challenge": b""},
    "the algorithm in the client data": {"members": {"alg": "none"}, "signature": lambda made: b"\x00"},
}


@pytest.mark.parametrize("what", ASSERTIONS)
def test_wrong_assertions_are_refused(door, keyed, what):
    user, passkey = keyed()
    assert tried(door, user, passkey.get(asked(door, user))) is None
    assert tried(door, user, passkey.get(asked(door, user), **ASSERTIONS[what])) == WRONG
    passkey.counter += 1
    assert tried(door, user, passkey.get(asked(door, user))) is None, "the right one is still accepted"


def test_client_data_with_two_readings_are_refused(door, keyed):
    user, passkey = keyed()
    for number, edit in enumerate((
        lambda data: data.replace(b'{"', b'{"origin":"%s","' % EVIL.encode(), 1),
        lambda data: data.replace(b'{"', b'{"type":"webauthn.create","', 1),
        lambda data: data.replace(b'{"', b'{"\\u0063hallenge":"AAAA","', 1),
        lambda data: data + b"{}",
    )):  # fmt: skip
        class Edited(Passkey):
            def client_data(self, *parts, edit=edit, **members):
                return edit(super().client_data(*parts, **members))

        edited = Edited()
        edited.__dict__.update(passkey.__dict__, counter=number)
        assert tried(door, user, edited.get(asked(door, user))) == WRONG


def test_an_answer_is_accepted_once(door, keyed):
    user, passkey = keyed()
    answer = passkey.get(asked(door, user))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: tried(Door(door.server, None), user, answer), range(8)))
    assert outcomes.count(None) == 1, outcomes
    assert set(outcomes) <= {None, WRONG, "Throttling", "ConcurrentModification"}, outcomes
    # Not the challenge with a new signature either.
    other, theirs = keyed()
    request = asked(door, other)
    assert tried(door, other, theirs.get(request)) is None
    assert tried(door, other, theirs.get(request)) == WRONG


def test_an_answer_is_for_one_person(door, rpc, keyed):
    (user, passkey), (other, theirs) = keyed(), keyed()
    assert tried(door, other, passkey.get(asked(door, other))) == WRONG, "another user's credential"
    assert tried(door, other, theirs.get(asked(door, user))) == WRONG, "another user's challenge"
    disguised = passkey.get(asked(door, other), identity=theirs.id)
    assert tried(door, other, disguised) == WRONG, "another user's key under the right id"
    creation = rpc.call("BeginPasskeyRegistration", userName=user)["creation"]
    assert tried(door, user, passkey.get(creation)) == WRONG, "the challenge of a registration"
    assert tried(door, user, passkey.get(asked(door, user))) is None


def test_a_removed_passkey_is_refused(door, rpc, keyed):
    user, passkey = keyed()
    (device,) = rpc.call("ListMFADevices", UserName=user)["MFADevices"]
    other = Passkey("EdDSA")
    registered(rpc, other, user)
    request = asked(door, user)
    rpc.call("DeactivateMFADevice", UserName=user, SerialNumber=device["SerialNumber"])
    assert tried(door, user, passkey.get(request)) == WRONG
    assert tried(door, user, other.get(asked(door, user))) is None


def test_without_the_password_nothing_is_learned(door, keyed, person, name):
    """The same answer whether the user exists, has passkeys or not, and whatever the assertion is."""
    user, passkey = keyed()
    answers = set()
    for target in (user, person(), name("nobody")):
        for answer in (None, passkey.get(asked(door, user))):
            members = {"passkey": answer} if answer else {}
            with pytest.raises(Exception) as caught:
                door.call("SignIn", account=door.server.account, userName=target, password="wrong-In-7-reeds", **members)
            answers.add((caught.value.code, caught.value.message, tuple(sorted(set(caught.value.details) - {"request_id"}))))
    assert len(answers) == 1, answers
    # A right answer to a wrong password used nothing up and proved nothing.
    assert tried(door, user, passkey.get(asked(door, user))) is None


def test_guesses_are_counted_with_those_of_codes(door, keyed):
    user, passkey = keyed()
    outcomes = [tried(door, user, passkey.get({}, challenge=bytes(44))) for _ in range(8)]
    assert WRONG in outcomes and outcomes[-1] == "Throttling", outcomes
    assert set(outcomes) == {WRONG, "Throttling"}


ES256 = OTHER.cose()
# The error of a registration → how it is made.
REGISTRATIONS = {
    "another origin": {"origin": EVIL},
    "another relying party": {"relying_party": "evil.example"},
    "an assertion": {"kind": "webauthn.get"},
    "no user present": {"flags": VERIFIED | ATTESTED},
    "no credential": {"flags": PRESENT | VERIFIED},
    "a challenge of zeros": {"challenge": bytes(44)},
    "HS256": {"key": cbor({1: 4, 3: 5, -1: bytes(32)})},
    "ES256 with the numbers of RSA": {"key": RSA.cose().replace(b"\x03\x39\x01\x00", b"\x03\x26")},
    "RS256 with the numbers of ECDSA": {"key": ES256.replace(b"\x03\x26", b"\x03\x39\x01\x00")},
    "a point that is not on the curve": {"key": cbor({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\x01" * 32})},
    "RSA of 1024 bits": {"key": cbor({1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\x01\x00\x01"})},
    "RSA with the exponent 1": {"key": cbor({1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\x01"})},
    "a member twice": {"key": b"\xa6\x01\x02" + ES256[1:]},
    "an indefinite length": {"key": b"\xbf" + ES256[1:] + b"\xff"},
    "another attestation": {"attestation": lambda data: cbor({"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}, "authData": data})},
    "none with a statement": {"attestation": lambda data: cbor({"fmt": "none", "attStmt": {"a": 1}, "authData": data})},
    "two formats": {"attestation": lambda data: b"\xa4" + cbor("fmt") + cbor("none") + cbor({"fmt": "none", "attStmt": {}, "authData": data})[1:]},
    "bytes at the end": {"attestation": lambda data: cbor({"fmt": "none", "attStmt": {}, "authData": data}) + b"\x00"},
    "deep": {"attestation": lambda data: b"\x81" * 5000},
    "a huge array": {"attestation": lambda data: b"\x9b" + b"\xff" * 8},
    "huge bytes": {"attestation": lambda data: b"\x5b\x7f" + b"\xff" * 7},
    "nothing": {"attestation": lambda data: b"\xa0"},
}


@pytest.mark.parametrize("what", REGISTRATIONS)
def test_wrong_registrations_are_refused(rpc, person, what):
    user, passkey = person(), Passkey()
    creation = rpc.call("BeginPasskeyRegistration", userName=user)["creation"]
    answer = passkey.create(creation, **REGISTRATIONS[what])
    assert outcome(rpc, "FinishPasskeyRegistration", userName=user, label="key", **answer) == "InvalidInput"
    assert rpc.call("ListMFADevices", UserName=user).get("MFADevices", []) == []
    # A refused registration used nothing up.
    rpc.call("FinishPasskeyRegistration", userName=user, label="key", **passkey.create(creation))


def test_a_credential_belongs_to_one_user(rpc, keyed, person, accounts):
    user, passkey = keyed()
    other = person()
    for target in (user, other):
        creation = rpc.call("BeginPasskeyRegistration", userName=target)["creation"]
        answer = passkey.create(creation, key=OTHER.cose())
        assert outcome(rpc, "FinishPasskeyRegistration", userName=target, label="key", **answer) == "EntityAlreadyExists"
    account, admin = accounts()
    admin = GrpcApi(rpc.server, admin.credentials)
    admin.call("CreateUser", UserName="theirs")
    creation = admin.call("BeginPasskeyRegistration", userName="theirs")["creation"]
    answer = passkey.create(creation)
    assert outcome(admin, "FinishPasskeyRegistration", userName="theirs", label="key", **answer) == "EntityAlreadyExists"
    # The challenge of one account's user is none of another's.
    elsewhere = Passkey().create(creation)
    assert outcome(rpc, "FinishPasskeyRegistration", userName=other, label="key", **elsewhere) == "InvalidInput"
    # Nor does another account see or remove the device.
    (device,) = rpc.call("ListMFADevices", UserName=user)["MFADevices"]
    for operation in ("GetMFADevice", "DeactivateMFADevice"):
        assert outcome(admin, operation, UserName="theirs", SerialNumber=device["SerialNumber"]) == "NoSuchEntity"


def test_registration_needs_the_permission_and_the_factor(server, door, rpc, new_user, person):
    """An access key or a password alone must not be enough to add a device beside the one that protects its user."""
    target = person()
    _, powerless = new_user()
    creation = rpc.call("BeginPasskeyRegistration", userName=target)["creation"]
    theirs = GrpcApi(server, powerless)
    for whose in ({"userName": target}, {}):
        assert outcome(theirs, "BeginPasskeyRegistration", **whose) == "AccessDenied"
        assert outcome(theirs, "FinishPasskeyRegistration", label="key", **whose, **Passkey().create(creation)) == "AccessDenied"
    assert outcome(theirs, "BeginPasskeyRegistration", userName="nobody") == "AccessDenied"
    key = GrpcApi(server, Credentials.of(rpc.call("CreateAccessKey", UserName=target)["AccessKey"]))
    session = GrpcApi(server, Credentials(bearer=sign_in(door, target)["session"]["token"]))
    passkey = Passkey()
    serial = registered(key, passkey)
    for api in (key, session):
        for whose in ({"userName": target}, {}):
            assert outcome(api, "BeginPasskeyRegistration", **whose) == "AccessDenied"
            assert outcome(api, "FinishPasskeyRegistration", label="key", **whose, **Passkey().create(creation)) == "AccessDenied"
        assert outcome(api, "DeactivateMFADevice", UserName=target, SerialNumber=serial) == "AccessDenied"
    strong = sign_in(door, target, passkey=passkey.get(asked(door, target)))["session"]["token"]
    strong = GrpcApi(server, Credentials(bearer=strong))
    registered(strong, Passkey("EdDSA"))
    strong.call("DeactivateMFADevice", UserName=target, SerialNumber=serial)


def test_sessions_that_may_not_call_iam_register_nothing(server, aws, rpc, person):
    """GetSessionToken without a code and GetFederationToken give no way to IAM, nor to MFA devices."""
    target = person()
    key = aws.signed_by(Credentials.of(rpc.call("CreateAccessKey", UserName=target)["AccessKey"]))
    creation = rpc.call("BeginPasskeyRegistration", userName=target)["creation"]
    everything = policy({"Effect": "Allow", "Action": "*"})
    for answer in (key.call("GetSessionToken"), key.call("GetFederationToken", Name="heron", Policy=everything)):
        api = GrpcApi(server, Credentials.of(answer["Credentials"]))
        assert outcome(api, "BeginPasskeyRegistration", userName=target) == "InvalidClientTokenId"
        answer = Passkey().create(creation)
        assert outcome(api, "FinishPasskeyRegistration", userName=target, label="key", **answer) == "InvalidClientTokenId"


def test_serial_numbers_of_others_show_nothing(server, rpc, keyed, new_user):
    """Whether a device exists is for callers with the permission."""
    user, _ = keyed()
    (device,) = rpc.call("ListMFADevices", UserName=user)["MFADevices"]
    _, powerless = new_user()
    api = GrpcApi(server, powerless)
    for serial in (device["SerialNumber"], device["SerialNumber"][:-1] + "A", f"arn:aws:iam::{server.account}:u2f/root/key-A"):
        for operation in ("GetMFADevice", "DeactivateMFADevice"):
            assert outcome(api, operation, UserName=user, SerialNumber=serial) == "AccessDenied"


def test_floods_of_challenges_are_not_stored(server, door, rpc, keyed):
    user, passkey = keyed()
    first = rpc.call("BeginPasskeyRegistration", userName=user)["creation"]
    before, size = memory(server), server.store_size()
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: rpc.call("BeginPasskeyRegistration", userName=user)["creation"]["challenge"], range(400)))
    assert len(set(begun)) == 400
    assert server.store_size() == size and memory(server) - before < 32 * 1024 * 1024
    # The first one is still valid.
    rpc.call("FinishPasskeyRegistration", userName=user, label="more", **Passkey().create(first))
    assert tried(door, user, passkey.get(asked(door, user))) is None


@pytest.mark.parametrize("member", ["credentialId", "clientData", "authenticatorData", "signature"])
def test_malformed_members_are_refused(door, keyed, member):
    user, passkey = keyed()
    answer = passkey.get(asked(door, user))
    for bad in ("", "a", "AA==", "A+/A", "AB", "Ä", "A" * 20_000):
        assert tried(door, user, answer | {member: bad}) in ("ValidationError", "InvalidInput"), bad[:10]
    assert tried(door, user, {name: value for name, value in answer.items() if name != member}) == "ValidationError"
    request = {"account": door.server.account, "userName": user, "password": PASSWORD, "passkey": answer, "mfaCode": "123456"}
    assert outcome(door, "SignIn", **request) == "InvalidInput"
    assert tried(door, user, answer) is None
