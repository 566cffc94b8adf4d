"""Sources with many failed authentications are throttled, and others are not."""

import os
import random
import time

import pytest
from attacks.watch import well
from support.api import AwsApi, GrpcApi, ApiError
from support.documents import ALLOW_ALL
from support.raw import request, send, signed
from support.server import Credentials, Server, random_root

TIMES = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
# The maximal failures per second of one source; the burst is ten times that, and a fifth of it for one key of the source.
RATE = 20


@pytest.fixture
def server(new_server):
    server = new_server(environment={"BAILIWICK_FAILED_AUTHENTICATIONS": str(RATE)}).start()
    yield server
    well(server)


@pytest.fixture
def keys(server):
    """The credentials of an administrator."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="admin")
    root.call("PutUserPolicy", UserName="admin", PolicyName="p", PolicyDocument=ALLOW_ALL)
    return Credentials.of(root.call("CreateAccessKey", UserName="admin")["AccessKey"])


def ask(server, keys, source):
    """The error code of the answer; none if it succeeded."""
    answer = send(server, request(server, IDENTITY, headers=signed(server, keys, IDENTITY, "sts")), source=source)
    assert answer.status == 200 or answer.code, answer
    if answer.code == "Throttling":
        assert (answer.status, answer.error["Message"]) == (400, "Rate exceeded")
    return answer.code


def wrong(keys):
    return Credentials(keys.access_key_id, "x" * 40)


def until_throttled(server, keys, source):
    """Fails until the limit is reached; returns the error codes before."""
    codes = []
    while (code := ask(server, keys() if callable(keys) else keys, source)) != "Throttling":
        codes.append(code)
        assert len(codes) < 2_000
    return codes


def test_a_key_that_is_guessed(server, keys):
    """A known and an unknown key are throttled alike; the key still works from other sources, and soon from this one."""
    known = until_throttled(server, wrong(keys), "127.0.0.2")
    unknown = until_throttled(server, random_root(), "127.0.0.3")
    assert (set(known), set(unknown)) == ({"SignatureDoesNotMatch"}, {"InvalidClientTokenId"})
    assert len(known) >= 2 * RATE and len(unknown) >= 2 * RATE
    assert ask(server, keys, "127.0.0.4") is None
    deadline = time.monotonic() + 5
    while ask(server, keys, "127.0.0.2") == "Throttling":
        assert time.monotonic() < deadline, "locked out by its own failures"
    # After a success from this source, failures of others there do not throttle it.
    until_throttled(server, wrong(keys), "127.0.0.2")
    assert [ask(server, keys, "127.0.0.2") for _ in range(20)] == [None] * 20


def test_many_keys_from_one_source(server, keys):
    assert ask(server, keys, "127.0.0.2") is None
    assert len(until_throttled(server, random_root, "127.0.0.2")) >= 10 * RATE
    for _ in range(20):
        assert ask(server, keys, "127.0.0.2") is None, "it was good from here"
        assert ask(server, keys, "127.0.0.3") is None, "nobody failed from there"
    answer = send(server, request(server, IDENTITY), source="127.0.0.2")
    assert answer.code in ("Throttling", "MissingAuthenticationToken")


def test_tokens_over_grpc(server, keys):
    good = GrpcApi(server, Credentials(bearer=GrpcApi(server, keys).call("CreateToken")["token"]))
    draw = random.Random(1)
    assert good.call("GetCallerIdentity")
    for _ in range(2_000):
        with pytest.raises(ApiError) as caught:
            GrpcApi(server, Credentials(bearer=draw.randbytes(40).hex())).call("GetCallerIdentity")
        if caught.value.code == "Throttling":
            break
        assert caught.value.status == "UNAUTHENTICATED"
    assert (caught.value.code, caught.value.status) == ("Throttling", "RESOURCE_EXHAUSTED")
    assert caught.value.details["retry"]
    assert good.call("GetCallerIdentity") and GrpcApi(server, keys).call("GetCallerIdentity")


def test_a_flood_of_failures_stores_little(server, keys):
    """Throttled attempts are counted, not recorded one by one."""
    until_throttled(server, random_root, "127.0.0.2")
    before = sum(path.stat().st_size for path in server.data.rglob("*"))
    throttled = attempts = 0
    while throttled < 200 * TIMES:
        throttled += ask(server, random_root(), "127.0.0.2") == "Throttling"
        attempts += 1
        assert attempts < 5_000 * TIMES
    assert sum(path.stat().st_size for path in server.data.rglob("*")) - before < 1024 * 1024


def test_throttling_can_be_switched_off(tmp_path):
    server = Server(tmp_path, environment={"BAILIWICK_FAILED_AUTHENTICATIONS": "0"}).start()
    try:
        assert {ask(server, random_root(), "127.0.0.2") for _ in range(300)} == {"InvalidClientTokenId"}
    finally:
        server.stop()
