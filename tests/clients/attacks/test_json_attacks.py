"""Attacks on sign-in in JSON: odd bodies and headers, pages of other origins, guesses over both front ends, fixed sessions."""

import gzip
import json
import threading

import pytest
from attacks.watch import well
from support.api import AwsApi, GrpcApi
from support.audit import records
from support.documents import ALLOW_ALL
from support.json_http import SERVICE, post
from support.server import Credentials

PASSWORD, WRONG = "heron-In-7-reeds", "heron-In-8-reeds"
JSON = ("Content-Type", "application/json")


def prepare(server):
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="Heron")
    root.call("PutUserPolicy", UserName="Heron", PolicyName="all", PolicyDocument=ALLOW_ALL)
    root.call("CreateLoginProfile", UserName="Heron", Password=PASSWORD)
    return {"account": server.account, "userName": "Heron", "password": PASSWORD}


@pytest.fixture(scope="module")
def house(server):
    prepare(server)
    yield server
    well(server)


@pytest.fixture
def heron(house):
    """A user without failures so far."""
    AwsApi(house, house.root).call("UpdateLoginProfile", UserName="Heron", Password=PASSWORD)
    return {"account": house.account, "userName": "Heron", "password": PASSWORD}


def deep(levels):
    return b'{"account":' * levels + b"1" + b"}" * levels


BODIES = {
    "empty": b"", "a list": b"[]", "text": b'"x"', "a form": b"account=1&password=x", "cut off": b'{"account": "1',
    "two values": b"{}{}", "duplicate": b'{"password": "a", "password": "%s"}' % PASSWORD.encode(),
    "duplicate by escape": b'{"password": "a", "passw\\u006frd": "%s"}' % PASSWORD.encode(),
    "the name of the proto": b'{"user_name": "Heron"}', "another case": b'{"Password": "x"}', "unknown": b'{"admin": true}',
    "a prototype": b'{"__proto__": {"root": true}}', "an object": b'{"password": {"$ne": null}}', "a list for text": b'{"password": ["%s"]}' % PASSWORD.encode(),
    "a number": b'{"mfaCode": 123456}', "a number for a flag": b'{"root": 1}', "text for a flag": b'{"root": "%s"}' % PASSWORD.encode(),
    "not finite": b'{"root": NaN}', "a comment": b"{} // x", "invalid UTF-8": b'{"account": "\xff"}', "half a character": b'{"account": "\\ud800"}',
    "a byte order mark": b"\xef\xbb\xbf{}", "UTF-16": '{"account": "1"}'.encode("utf-16"), "deep": deep(9), "very deep": deep(5_000),
    "deep lists": b'{"account": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "a long name": b'{"%s": 1}' % (b"x" * 60_000),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_odd_bodies_are_refused(house, name):
    answer = post(house, "SignIn", BODIES[name])
    assert (answer.status, answer.code) == (400, "MalformedInput"), answer.text
    assert PASSWORD not in answer.text and len(answer.text) < 600


@pytest.mark.parametrize(
    ("expected", "headers", "more"),
    [
        ("MalformedInput", [("Content-Type", "text/plain")], {}),
        ("MalformedInput", [("Content-Type", None)], {}),
        ("MalformedInput", [("Content-Type", "application/x-www-form-urlencoded")], {}),
        ("MalformedInput", [("Content-Type", "application/json; charset=utf-16")], {}),
        ("MalformedInput", [("Content-Type", "application/connect+json")], {}),
        ("MalformedInput", [JSON, ("Content-Type", "text/plain")], {}),
        ("MalformedInput", [("Content-Encoding", "gzip")], {}),
        ("MalformedInput", [("Content-Encoding", "br")], {}),
        ("MalformedInput", [("Host", "127.0.0.1:{port}"), ("Host", "evil.example")], {}),
        ("MalformedInput", [("Host", "evil.example"), ("Host", "127.0.0.1:{port}"), ("Origin", "http://evil.example")], {}),
        ("MalformedInput", [("Host", "")], {}),
        ("MalformedInput", [("Host", None)], {}),
        ("MalformedInput", [("Origin", "http://evil.example")], {"path": f"http://evil.example{SERVICE}SignIn"}),
        ("AccessDenied", [("Host", "localhost:{port}"), ("Origin", "http://127.0.0.1:{port}")], {}),
        ("AccessDenied", [("Origin", "http://evil.example")], {}),
        ("AccessDenied", [("Origin", "null")], {}),
        ("AccessDenied", [("Origin", "")], {}),
        ("AccessDenied", [("Origin", "https://127.0.0.1:{port}")], {}),
        ("AccessDenied", [("Origin", "http://127.0.0.1:{port}.evil.example")], {}),
        ("AccessDenied", [("Origin", "http://127.0.0.1:{port}"), ("Origin", "http://evil.example")], {}),
        ("AccessDenied", [("Sec-Fetch-Site", "cross-site")], {}),
        ("AccessDenied", [("Sec-Fetch-Site", "same-site")], {}),
        ("AccessDenied", [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")], {}),
        ("MethodNotAllowed", [], {"verb": "GET"}),
        ("MethodNotAllowed", [], {"verb": "PUT"}),
        ("MethodNotAllowed", [("Access-Control-Request-Method", "POST")], {"verb": "OPTIONS"}),
        ("InvalidQueryParameter", [], {"path": f"{SERVICE}SignIn?password={PASSWORD}"}),
        ("InvalidQueryParameter", [], {"path": f"{SERVICE}SignIn?"}),
        ("InvalidAction", [], {"path": f"{SERVICE}SignUp"}),
        ("InvalidAction", [], {"path": f"{SERVICE}SignIn/"}),
        ("InvalidAction", [], {"path": f"{SERVICE}../SignInService/SignIn"}),
        ("InvalidAction", [], {"path": f"{SERVICE}%53ignIn"}),
    ],
)
def test_odd_requests_are_refused(house, heron, expected, headers, more):
    headers = [(name, value and value.format(port=house.port)) for name, value in headers]
    answer = post(house, "SignIn", heron, headers=headers, **more)
    assert answer.code == expected and PASSWORD not in answer.text, answer.text


def test_pages_of_the_own_origin_and_programs_are_answered(house, heron):
    for headers in ([], [("Origin", f"http://127.0.0.1:{house.port}")], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")]):
        headers = [*headers, ("Content-Type", "Application/JSON; Charset=UTF-8")]
        assert post(house, "SignIn", heron, headers=headers).code == "OK"


def test_compressed_and_large_bodies_are_not_expanded(house, heron):
    bomb = gzip.compress(b'{"account": "' + b"x" * 50_000_000 + b'"}')
    assert post(house, "SignIn", bomb, headers=[("Content-Encoding", "gzip")]).code == "MalformedInput"
    assert post(house, "SignIn", bomb).code == "MalformedInput"
    for size in (64 * 1024 + 1, 900_000):
        large = post(house, "SignIn", b" " * (size - 2) + b"{}")
        assert (large.status, large.code) == (413, "RequestEntityTooLarge"), large.text
    spaced = json.dumps(heron).encode()
    assert post(house, "SignIn", b" " * (64 * 1024 - len(spaced)) + spaced).code == "OK"


def test_other_services_are_not_served_in_json(house, heron):
    session = post(house, "SignIn", heron).json["session"]
    raw = GrpcApi(house, Credentials(bearer=session["token"]))
    assert raw.call("ListUsers")["Users"]
    for path in ("/bailiwick.iam.v1.UserService/ListUsers", "/bailiwick.signin.v1.TokenService/CreateToken"):
        with pytest.raises(AssertionError):  # AWS's XML, or its JSON error
            post(house, "", {}, path=path, bearer=session["token"])


def test_guesses_over_both_front_ends_at_once_are_one_count(house, heron):
    root = AwsApi(house, house.root)
    key = root.call("CreateAccessKey", UserName="Heron")["AccessKey"]
    own = AwsApi(house, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    codes, lock = [], threading.Lock()

    def code(call):
        try:
            answer = call()
        except Exception as error:  # noqa: BLE001 - the clients have errors of their own
            return error.code
        return getattr(answer, "code", "OK")

    ways = [
        lambda password: code(lambda: post(house, "SignIn", heron | {"password": password})),
        lambda password: code(lambda: GrpcApi(house, None).call("SignIn", **heron | {"password": password})),
        lambda password: code(lambda: own.call("ChangePassword", OldPassword=password, NewPassword=WRONG)),
        lambda password: code(lambda: post(house, "ChangeExpiredPassword", heron | {"password": password, "newPassword": WRONG})),
    ]

    def guess(way):
        for number in range(8):
            found = way(f"guess-In-{number}-reeds")
            with lock:
                codes.append(found)

    threads = [threading.Thread(target=guess, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 32 and codes.count("AccessDenied") == 6, codes
    assert set(codes) <= {"AccessDenied", "Throttling", "EntityTemporarilyUnmodifiable"}, codes
    # The right password is refused in every way, and the wait is announced.
    assert [way(PASSWORD) for way in ways] == ["Throttling", "Throttling", "EntityTemporarilyUnmodifiable", "Throttling"]
    assert 1 <= int(post(house, "SignIn", heron).headers["retry-after"]) <= 31
    root.call("DeleteAccessKey", UserName="Heron", AccessKeyId=key["AccessKeyId"])


def test_a_session_cannot_be_fixed(house, heron):
    """What a client brings along is not the session that it gets."""
    other = post(house, "SignIn", heron).json["session"]
    headers = [("Cookie", f"session={other['token']}"), ("Authorization", f"Bearer {other['token']}")]
    for given in ([headers[0]], [headers[1]], headers):
        session = post(house, "SignIn", heron, headers=given).json["session"]
        assert session["token"] != other["token"] and session["sessionId"] != other["sessionId"]
    for member in ("token", "sessionId", "session"):
        assert post(house, "SignIn", heron | {member: other["token"]}).code == "MalformedInput"
    # A cookie proves nothing; a token of gRPC is that of JSON and the other way round.
    assert post(house, "ListSignInSessions", {}, headers=[headers[0]]).code == "MissingAuthenticationToken"
    assert post(house, "ListSignInSessions", {}, headers=[headers[1], headers[1]]).code != "OK"
    over_grpc = GrpcApi(house, Credentials(bearer=other["token"]))
    assert {one["sessionId"] for one in over_grpc.call("ListSignInSessions")["sessions"]} >= {other["sessionId"]}
    over_grpc.call("SignOut")
    assert post(house, "GetSignInCredentials", {}, bearer=other["token"]).code == "ExpiredToken"


def test_every_attempt_is_recorded_without_secrets(new_server):
    house = new_server().start()
    heron = prepare(house)
    session = post(house, "SignIn", heron).json["session"]
    post(house, "SignIn", {"account": house.account, "userName": PASSWORD, "password": WRONG})
    post(house, "SignIn", {PASSWORD: 1})
    refused = post(house, "SignIn", heron, headers=[("Origin", "http://evil.example")])
    house.stop()
    found = records(house)
    text = json.dumps(found)
    assert refused.json["requestId"] in text
    for secret in (PASSWORD, WRONG, session["token"]):
        assert secret not in text
