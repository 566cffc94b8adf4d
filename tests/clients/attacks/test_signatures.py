"""A modified request is refused, changes nothing and reveals nothing; one with a proxy's additions is accepted."""

import os
import random
import time

import pytest
from attacks import mutations
from attacks.forge import digest, form, get, now, post, presign, sign
from support.api import AwsApi
from support.documents import ALLOW_ALL, trust
from support.raw import send
from support.server import Credentials

ROUNDS = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))

# The allowed error codes of a request that does not prove its caller, and of one that is not HTTP or not a call.
AUTHENTICATION = {
    "IncompleteSignature", "SignatureDoesNotMatch", "InvalidClientTokenId", "MissingAuthenticationToken", "MalformedQueryString",
    "ExpiredToken",
}  # fmt: skip
PROTOCOL = {"MalformedInput", "InvalidAction", "InvalidQueryParameter", "MissingAction", "MethodNotAllowed", "NoSuchVersion", None}


@pytest.fixture(scope="module")
def people(server):
    """A user, another user, a session of a role, each allowed everything."""
    root = AwsApi(server, server.root)

    def user(name):
        root.call("CreateUser", UserName=name)
        root.call("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=ALLOW_ALL)
        return Credentials.of(root.call("CreateAccessKey", UserName=name)["AccessKey"])

    alice, bob = user("alice"), user("bob")
    root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))
    root.call("PutRolePolicy", RoleName="role", PolicyName="p", PolicyDocument=ALLOW_ALL)
    assume = {"RoleArn": f"arn:aws:iam::{server.account}:role/role", "RoleSessionName": "session"}
    sessions = [Credentials.of(AwsApi(server, alice).call("AssumeRole", **assume)["Credentials"]) for _ in range(2)]
    return {"alice": alice, "bob": bob, "session": sessions[0], "other session": sessions[1]}


@pytest.fixture(autouse=True)
def nothing_changed(server, people):
    """No user of a forged request exists afterwards, and the server still answers."""
    yield
    names = [user["UserName"] for user in AwsApi(server, server.root).items("ListUsers", "Users")]
    assert not [name for name in names if name.startswith("enemy")], names


def refusal(server, request, kind="", allowed=AUTHENTICATION | PROTOCOL):
    """The refusal of a request; an answer fails the test."""
    try:
        answer = send(server, request.wire(), timeout=20)
    except AssertionError:
        return None  # not even HTTP: the connection was closed
    assert 400 <= answer.status < 500, f"{kind}: {answer}: {request.wire()}"
    assert answer.code in allowed, f"{kind}: {answer}: {request.wire()}"
    return answer


def name():
    return f"enemy-{random.getrandbits(64):x}"


@pytest.mark.parametrize("signer", ["alice", "session"])
def test_mutated_headers(server, people, signer):
    for _ in range(ROUNDS):
        for kind, mutate in mutations.HEADER.items():
            request = sign(post(server, form(Action="CreateUser", Version="2010-05-08", UserName=name())), people[signer])
            mutated = mutate(request.copy())
            if mutated == request:
                continue
            answer = refusal(server, mutated, kind)
            assert answer is None or not leaks(answer, request), (kind, answer)


def leaks(answer, request):
    """Whether a refusal contains the right signature, or the signed text."""
    right = request.values("Authorization")[0].rpartition("Signature=")[2]
    shown = answer.body.decode("utf-8", "replace")
    return "Canonical" in shown or "String-to-Sign" in shown or (right in shown)


@pytest.mark.parametrize("signer", ["alice", "session"])
def test_mutated_presigned_requests(server, people, signer):
    for _ in range(ROUNDS):
        for kind, mutate in mutations.QUERY.items():
            request = presign(get(server, f"Action=CreateUser&Version=2010-05-08&UserName={name()}"), people[signer])
            mutated = mutate(request.copy())
            if mutated != request:
                refusal(server, mutated, kind)


def test_signing_mistakes_are_refused(server, people):
    alice, bob = people["alice"], people["bob"]
    session, other = people["session"], people["other session"]
    wrong = Credentials(alice.access_key_id, alice.secret_access_key.swapcase())
    plain = Credentials(session.access_key_id, session.secret_access_key)
    long_term = alice.access_key_id, alice.secret_access_key
    cases = {
        "wrong secret": (wrong, {}),
        "secret of another": (Credentials(alice.access_key_id, bob.secret_access_key), {}),
        "empty secret": (Credentials(alice.access_key_id, ""), {}),
        "id as secret": (Credentials(alice.access_key_id, alice.access_key_id), {}),
        "no prefix": (alice, {"prefix": ""}),
        "other prefix": (alice, {"prefix": "AWS5"}),
        "service sts": (alice, {"service": "sts"}),
        "service bailiwick": (alice, {"service": "bailiwick"}),
        "service s3": (alice, {"service": "s3"}),
        "service in capitals": (alice, {"service": "IAM"}),
        "region of another partition": (alice, {"region": "cn-north-1"}),
        "region of a government": (alice, {"region": "us-gov-west-1"}),
        "no region": (alice, {"region": ""}),
        "region with a slash": (alice, {"region": "eu/central"}),
        "terminator": (alice, {"terminator": "aws5_request"}),
        "algorithm": (alice, {"algorithm": "AWS4-HMAC-SHA512"}),
        "yesterday's key": (alice, {"day": f"{now(days=-1):%Y%m%d}"}),
        "too old": (alice, {"time": now(minutes=-6)}),
        "too young": (alice, {"time": now(minutes=6)}),
        "a day old": (alice, {"time": now(days=-1)}),
        "from another century": (alice, {"time": now(days=-36500)}),
        "no date": (alice, {"date_header": None}),
        "date under another name": (alice, {"date_header": "X-Date"}),
        "host not signed": (alice, {"signed": ("content-type", "x-amz-date")}),
        "date not signed": (alice, {"signed": ("content-type", "host")}),
        "nothing signed": (alice, {"signed": ()}),
        "signed headers unsorted": (alice, {"signed": ("x-amz-date", "host", "content-type")}),
        "signed twice": (alice, {"signed": ("content-type", "host", "host", "x-amz-date")}),
        "an absent header signed": (alice, {"signed": ("content-type", "host", "x-absent", "x-amz-date")}),
        "payload unsigned": (alice, {"declare": "UNSIGNED-PAYLOAD"}),
        "payload unsigned, not declared": (alice, {"payload": "UNSIGNED-PAYLOAD"}),
        "payload streaming": (alice, {"declare": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}),
        "payload streaming, unsigned": (alice, {"declare": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}),
        "payload of an empty body": (alice, {"declare": digest(b"")}),
        "payload in capitals": (alice, {"declare": digest(b"").upper()}),
        "payload declared as another": (alice, {"declare": "0" * 64}),
        "other method": (alice, {"method": "GET"}),
        "other path": (alice, {"path": "/other"}),
        "path twice": (alice, {"path": "//"}),
        "other host": (alice, {"host": "iam.amazonaws.com"}),
        "other query": (alice, {"query": "a=b"}),
        "session without its token": (plain, {}),
        "token not signed": (session, {"signed": ("content-type", "host", "x-amz-date")}),
        "token of another session": (Credentials(*long_of(session), other.session_token), {}),
        "token of another session, its secret": (Credentials(session.access_key_id, other.secret_access_key, other.session_token), {}),
        "token with a long-term key": (Credentials(*long_term, session.session_token), {}),
        "long-term id, session's secret": (Credentials(alice.access_key_id, session.secret_access_key, session.session_token), {}),
        "session's id, long-term secret": (Credentials(session.access_key_id, alice.secret_access_key, session.session_token), {}),
        "token cut short": (Credentials(*long_of(session), session.session_token[:-4]), {}),
        "token longer": (Credentials(*long_of(session), session.session_token + "AAAA"), {}),
        "token padded": (Credentials(*long_of(session), session.session_token + "="), {}),
        "token of nonsense": (Credentials(*long_of(session), "nonsense"), {}),
        "token of other bytes": (Credentials(*long_of(session), "\u00e4"), {}),
        "token of 60 KiB": (Credentials(*long_of(session), "A" * 60_000), {}),
        "no key id": (Credentials("", alice.secret_access_key), {}),
        "a key id of root": (Credentials(server.root.access_key_id, alice.secret_access_key), {}),
    }
    for number in range(0, len(session.session_token), max(1, len(session.session_token) // 40)):
        flipped = "A" if session.session_token[number] != "A" else "B"
        token = session.session_token[:number] + flipped + session.session_token[number + 1 :]
        cases[f"token with another letter at {number}"] = (Credentials(*long_of(session), token), {})
    for kind, (keys, mistakes) in cases.items():
        request = post(server, form(Action="CreateUser", Version="2010-05-08", UserName=name()))
        refusal(server, sign(request, keys, **mistakes), kind, AUTHENTICATION | {None})
        if any(word in kind for word in ("payload", "other", "date under", "path")) or "query" in mistakes:
            continue
        asked = get(server, f"Action=CreateUser&Version=2010-05-08&UserName={name()}")
        mistakes = {name: value for name, value in mistakes.items() if name not in ("date_header", "declare", "signed")}
        if mistakes or keys not in (alice, session):
            if kind in ("too old",):
                mistakes["time"] = now(minutes=-10)
            refusal(server, presign(asked, keys, **mistakes), kind, AUTHENTICATION | {None})


def long_of(credentials):
    return credentials.access_key_id, credentials.secret_access_key


def test_bearer_tokens_are_for_grpc(server, people):
    body = form(Action="CreateUser", Version="2010-05-08", UserName=name())
    for value in ("Bearer abc", "Bearer " + people["session"].session_token, "bearer", "Basic YTpi"):
        answer = refusal(server, post(server, body, Authorization=value), value, AUTHENTICATION)
        assert answer.code in AUTHENTICATION


def test_unsigned_requests_are_refused(server):
    for action in ("CreateUser", "GetCallerIdentity", "ListUsers", "AssumeRole", "GetSessionToken", "CreateSAMLProvider"):
        answer = refusal(server, post(server, form(Action=action, UserName=name())), action, AUTHENTICATION)
        assert answer.code == "MissingAuthenticationToken"


@pytest.mark.parametrize("signer", ["alice", "session"])
def test_changes_that_a_proxy_may_make_are_accepted(server, people, signer):
    """Blanks, case and order of headers belong to the transport; so do parameters' order and escapes of a query."""
    keys = people[signer]

    def accepted(request, kind):
        answer = send(server, request.wire())
        assert answer.status == 200, (kind, answer, request.wire())

    body = form(Action="GetCallerIdentity", Version="2011-06-15")
    for shift in (-290, 290, 0):
        accepted(sign(post(server, body), keys, service="sts", time=now(seconds=shift)), shift)
    for _ in range(20 * ROUNDS):
        request = sign(post(server, body, **{"X-Other": "a  b   c"}), keys, service="sts", region=random.choice(["us-east-1", "eu-west-3"]))
        random.shuffle(request.headers)
        request.headers = [(random.choice([str.lower, str.upper, str])(name), value) for name, value in request.headers]
        request.headers = [(name, random.choice(["", " ", "\t"]) + value + random.choice(["", "  "])) for name, value in request.headers]
        request.headers.append(("X-Unsigned-Of-A-Proxy", "1"))
        accepted(request, "headers")
        request = presign(get(server, "Action=GetCallerIdentity&Version=2011-06-15"), keys, service="sts")
        parts = request.query.split("&")
        random.shuffle(parts)
        request.query = "&".join(parts).replace("%2F", random.choice(["%2F", "%2f"]))
        accepted(request, "query")


def test_presigned_requests_expire(server, people):
    alice = people["alice"]
    list_users = "Action=ListUsers&Version=2010-05-08"
    identity = "Action=GetCallerIdentity&Version=2011-06-15"

    def answer(query, service, **how):
        return send(server, presign(get(server, query), alice, service=service, **how).wire())

    assert answer(list_users, "iam", expires="60", time=now(seconds=-50)).status == 200
    assert answer(list_users, "iam", expires="60", time=now(seconds=-70)).code == "SignatureDoesNotMatch"
    assert answer(list_users, "iam", expires="604800", time=now(days=-6)).status == 200
    assert answer(list_users, "iam", expires="604800", time=now(days=-8)).code == "SignatureDoesNotMatch"
    assert answer(list_users, "iam", expires="604800", time=now(minutes=6)).code == "SignatureDoesNotMatch"
    # Tokens for clusters are presigned for a minute and accepted for 15 minutes; nothing else is.
    assert answer(identity, "sts", expires="60", time=now(minutes=-14)).status == 200
    assert answer(identity, "sts", expires="60", time=now(minutes=-16)).code == "SignatureDoesNotMatch"
    # SDKs that leave the expiry out get the same 15 minutes for GetCallerIdentity, and nothing else.
    assert answer(identity, "sts", expires=None).status == 200
    assert answer(identity, "sts", expires=None, time=now(minutes=-14)).status == 200
    assert answer(identity, "sts", expires=None, time=now(minutes=-16)).code == "SignatureDoesNotMatch"
    assert answer(identity, "sts", expires=None, time=now(minutes=6)).code == "SignatureDoesNotMatch"
    assert answer(list_users, "iam", expires=None).code == "IncompleteSignature"
    assert answer(f"{list_users}&Marker=Action=GetCallerIdentity", "iam", expires=None).code == "IncompleteSignature"
    assume = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ab&RoleArn=arn"
    assert answer(assume, "sts", expires=None).code == "IncompleteSignature"
    assert answer(assume, "sts", expires="60", time=now(minutes=-2)).code == "SignatureDoesNotMatch"
    smuggled = f"{assume}&Tags.member.1.Key=x&Tags.member.1.Value=Action=GetCallerIdentity"
    assert answer(smuggled, "sts", expires="60", time=now(minutes=-2)).status in (400, 403)


def test_unknown_and_known_keys_cost_the_same(server, people):
    """The time of an answer does not reveal whether a key exists: medians within a factor, over many tries."""
    alice = people["alice"]
    known = Credentials(alice.access_key_id, "x" * 40)
    unknown = Credentials("AKIA" + "Q" * 16, "x" * 40)
    body = form(Action="ListUsers", Version="2010-05-08")
    took = {"known": [], "unknown": []}
    for _ in range(150):
        for kind, keys in (("known", known), ("unknown", unknown)):
            request = sign(post(server, body), keys).wire()
            begin = time.perf_counter()
            answer = send(server, request)
            took[kind].append(time.perf_counter() - begin)
            assert answer.status == 403
    a, b = (sorted(took[kind])[len(took[kind]) // 4] for kind in took)
    assert 0.5 < a / b < 2, took
