"""Guessing at the door: names, passwords and codes; all at once, under other spellings, with tokens of other kinds."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks.watch import well
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, trust
from support.expect import refused
from support.server import Credentials
from support.totp import Authenticator

PASSWORD, WRONG = "heron-In-7-reeds", "heron-In-8-reeds"


@pytest.fixture
def server(new_server):
    """A server of its own, with a user who has a password and one who has none."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    for user in ("Heron", "Bare"):
        root.call("CreateUser", UserName=user)
        root.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    root.call("CreateLoginProfile", UserName="Heron", Password=PASSWORD)
    yield server
    well(server)


def attempt(server, user, password=WRONG, **members):
    """The code and message of an attempt; none if it succeeds."""
    try:
        GrpcApi(server, None).call("SignIn", **{"account": server.account, "userName": user, "password": password} | members)
    except ApiError as error:
        return error.code, error.message
    return None


def test_names_are_not_revealed_by_answers(server):
    names = {
        "known": {"user": "Heron"}, "without a password": {"user": "Bare"}, "unknown": {"user": "Nobody"},
        "unknown account": {"user": "Heron", "account": "999988887777"}, "unknown alias": {"user": "Heron", "account": "no-such-alias"},
    }  # fmt: skip
    for _ in range(6):  # and not more: the source would be locked out
        assert len({attempt(server, **who) for who in names.values()}) == 1
    # The lockout as well is the same for all: its time is counted down by a clock.
    locked = {name: attempt(server, **who) for name, who in names.items()}
    assert {code for code, _ in locked.values()} == {"Throttling"}, locked


def test_names_are_not_revealed_by_time(server):
    """A loose bound: without the dummy computation an unknown name is some twenty times as fast in a debug build."""
    took = {"Heron": [], "Nobody": []}
    for number in range(4):
        for user in took:
            began = time.perf_counter()
            assert attempt(server, user)[0] == "AccessDenied"
            took[user].append(time.perf_counter() - began)
    known, unknown = statistics.median(took["Heron"]), statistics.median(took["Nobody"])
    assert known / 4 < unknown < known * 4, took


def test_other_spellings_give_no_further_guesses(server):
    AwsApi(server, server.root).call("CreateAccountAlias", AccountAlias="reed-bed")
    spellings = ["Heron", "HERON", " heron", "heron\t", "hErOn ", "\u00a0Heron"]
    accounts = [server.account, "reed-bed", " REED-BED"]
    codes = [attempt(server, spellings[number % 6], account=accounts[number % 3])[0] for number in range(9)]
    assert codes == ["AccessDenied"] * 6 + ["Throttling"] * 3
    assert attempt(server, "Heron", PASSWORD)[0] == "Throttling"


def test_guesses_at_once_are_all_counted(server):
    passwords = [f"guess-In-{number}-reeds" for number in range(31)] + [PASSWORD]
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda password: attempt(server, "Heron", password), passwords))
    verified = [answer for answer in answers if answer is None or answer[0] == "AccessDenied"]
    assert len(verified) <= 7, answers
    assert {answer[0] for answer in answers if answer} <= {"AccessDenied", "Throttling", "ConcurrentModification"}


def test_a_code_works_once_even_at_once(server):
    root = AwsApi(server, server.root)
    app = Authenticator(root.call("CreateVirtualMFADevice", VirtualMFADeviceName="phone")["VirtualMFADevice"])
    root.call("EnableMFADevice", UserName="Heron", SerialNumber=app.serial, **app.pair())
    code = app.code(1)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: attempt(server, "Heron", PASSWORD, mfaCode=code), range(4)))
    assert answers.count(None) == 1, answers
    assert {answer[0] for answer in answers if answer} <= {"InvalidAuthenticationCode", "Throttling", "ConcurrentModification"}


def test_tokens_of_other_kinds_open_nothing(server):
    root, door = AwsApi(server, server.root), GrpcApi(server, None)
    token = door.call("SignIn", account=server.account, userName="Heron", password=PASSWORD)["session"]["token"]
    session = GrpcApi(server, Credentials(bearer=token))
    keys = session.call("GetSignInCredentials")
    role = root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    lent = AwsApi(server, Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])).call(
        "AssumeRole", RoleArn=role, RoleSessionName="session"
    )["Credentials"]
    made = {"accessKeyId": lent["AccessKeyId"], "secretAccessKey": lent["SecretAccessKey"], "sessionToken": lent["SessionToken"]}
    signin_token = door.call("GetSigninToken", **made)["signinToken"]
    for bearer in (keys["sessionToken"], lent["SessionToken"], signin_token, token[:-4] + "AAAA", token + "A", "x"):
        refused(GrpcApi(server, Credentials(bearer=bearer)), "InvalidClientTokenId", "GetUser")
    for forged in (
        Credentials(keys["accessKeyId"], keys["secretAccessKey"], token),
        Credentials(keys["accessKeyId"], keys["secretAccessKey"], lent["SessionToken"]),
        Credentials(keys["accessKeyId"], keys["secretAccessKey"], signin_token),
        Credentials(lent["AccessKeyId"], lent["SecretAccessKey"], keys["sessionToken"]),
    ):
        refused(AwsApi(server, forged), "InvalidClientTokenId", "GetUser")
    for wrong in ({"secretAccessKey": "x" * 40}, {"sessionToken": keys["sessionToken"]}, {"sessionToken": token}, {"accessKeyId": "ASIA" + "A" * 16}):
        refused(door, "InvalidClientTokenId", "GetSigninToken", **made | wrong)
    # Only credentials of a role or of a federated user are exchanged.
    refused(door, "AccessDenied", "GetSigninToken", **{name: keys[name] for name in made})
    # A token of one server is none of another's, and none without its signature.
    refused(AwsApi(server, Credentials(keys["accessKeyId"], "x" * 40, keys["sessionToken"])), "SignatureDoesNotMatch", "GetUser")
