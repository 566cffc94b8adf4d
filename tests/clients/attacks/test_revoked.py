"""Credentials that end while their calls wait for a revision: the calls return, issue and change nothing."""

import re
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks.helpers import accounts, assumed  # noqa: F401
from attacks.watch import well
from google.protobuf import json_format
from support.api import ApiError, GrpcApi
from support.documents import ALLOW_ALL, trust
from support.server import PATIENCE, Credentials

AHEAD = 40  # revisions: more than the events cause
ROUNDS = 5  # a call waits for at most five seconds, which a busy machine may exceed


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def in_flight(server):
    with urllib.request.urlopen(f"{server.metrics_url}/metrics") as answer:
        return int(re.search(r"(?m)^bailiwick_calls_in_flight (\d+)$", answer.read().decode())[1])


def ahead(rpc):
    """A revision that the server has not reached yet."""
    rpc.call("GetCallerIdentity")
    store, number = rpc.last_headers["x-bailiwick-revision"].rsplit(".", 1)
    return f"{store}.{int(number, 16) + AHEAD:x}"


def wait_and_act(server, rpc, callers, calls, meanwhile):
    """Starts calls that wait for a revision, makes a change, and causes the revision; returns the error codes of the calls."""

    def run(caller, operation, members):
        api = GrpcApi(server, caller)
        method = GrpcApi.descriptors.method(operation)
        members = dict(members, minRevision=revision) if operation == "Authorize" else members
        extra = [] if operation == "Authorize" else [("x-bailiwick-min-revision", revision)]
        request = json_format.ParseDict(members, method.input())
        try:
            api.exchange(method, request, extra)
            return None
        except ApiError as error:
            return error.code

    revision = ahead(rpc)
    with ThreadPoolExecutor(len(callers) * len(calls)) as pool:
        running = {(n, call[0]): pool.submit(run, caller, *call) for n, caller in enumerate(callers) for call in calls}
        end = time.monotonic() + PATIENCE
        while in_flight(server) < len(running) and not all(each.done() for each in running.values()):
            assert time.monotonic() < end, "the calls did not arrive"
        meanwhile()
        while not all(each.done() for each in running.values()):
            rpc.call("TagUser", UserName="pacemaker", Tags=[{"Key": "beat", "Value": "1"}])
        return {key: each.result() for key, each in running.items()}


@pytest.fixture
def pacemaker(rpc):
    """A user whose tags are changed to cause revisions."""
    try:
        rpc.call("CreateUser", UserName="pacemaker")
    except ApiError as error:
        assert error.code == "EntityAlreadyExists"


def calls_of(name, role):
    """One call of each kind: reads, changes, issuing credentials, decisions, and calls without a permission."""
    question = {"caller": {"anonymous": {}}, "action": "photos:Get", "resource": "arn:aws:photos:::a", "resourceAccount": "111122223333"}
    return [
        ("CreateUser", {"UserName": name}),
        ("CreateAccessKey", {"UserName": "pacemaker"}),
        ("AssumeRole", {"RoleArn": role, "RoleSessionName": "late"}),
        ("CreateToken", {}),
        ("GetUser", {"UserName": "pacemaker"}),
        ("GetCallerIdentity", {}),
        ("Authorize", question),
    ]


def check(server, rpc, prepare, expected):
    """The outcomes of every kind of call; `prepare` makes callers and the events."""
    for _ in range(ROUNDS):
        callers, calls, meanwhile = prepare()
        codes = wait_and_act(server, rpc, callers, calls, meanwhile)
        if "ServiceUnavailable" not in codes.values():
            break
    assert set(codes.values()) == {expected}, codes
    made = [user["UserName"] for user in rpc.items("ListUsers", "Users")]
    late = next(members["UserName"] for operation, members in calls if operation == "CreateUser")
    assert (late in made) == (expected is None)
    keys = rpc.call("ListAccessKeys", UserName="pacemaker")["AccessKeyMetadata"]
    for key in keys:
        rpc.call("DeleteAccessKey", UserName="pacemaker", AccessKeyId=key["AccessKeyId"])
    assert len(keys) == (1 if expected is None else 0)


@pytest.mark.parametrize("event", ["nothing", "deactivated", "deleted", "role deleted"])
def test_waiting_calls_are_decided_on_the_state_when_they_continue(server, rpc, new_user, name, pacemaker, event):
    def prepare():
        user, key = new_user(ALLOW_ALL)
        role = rpc.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(server.account))["Role"]
        rpc.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="all", PolicyDocument=ALLOW_ALL)
        session = assumed(rpc.signed_by(key), role["Arn"]).credentials
        target, of = {"UserName": user["UserName"]}, {"UserName": user["UserName"], "AccessKeyId": key.access_key_id}

        def meanwhile():
            if event == "deactivated":
                rpc.call("UpdateAccessKey", **of, Status="Inactive")
            elif event == "deleted":
                rpc.call("DeleteAccessKey", **of)
                rpc.call("DeleteUserPolicy", **target, PolicyName="inline")
                rpc.call("DeleteUser", **target)
            elif event == "role deleted":
                rpc.call("DeleteRolePolicy", RoleName=role["RoleName"], PolicyName="all")
                rpc.call("DeleteRole", RoleName=role["RoleName"])

        caller = session if event == "role deleted" else key
        return [caller], calls_of(name("late"), role["Arn"]), meanwhile

    check(server, rpc, prepare, None if event == "nothing" else "InvalidClientTokenId")


def test_calls_of_an_account_that_is_suspended_while_they_wait_end(server, rpc, accounts, name, pacemaker):  # noqa: F811
    for _ in range(ROUNDS):
        number, admin = accounts()
        late = name("late")
        admin.call("CreateUser", UserName="keeper")
        key = Credentials.of(admin.call("CreateAccessKey", UserName="keeper")["AccessKey"])
        admin.call("PutUserPolicy", UserName="keeper", PolicyName="all", PolicyDocument=ALLOW_ALL)
        calls = [("CreateUser", {"UserName": late}), ("CreateToken", {}), ("GetCallerIdentity", {})]
        codes = wait_and_act(
            server, rpc, [key, admin.credentials], calls, lambda: rpc.call("SuspendAccount", accountId=number)
        )
        if "ServiceUnavailable" not in codes.values():
            break
    assert set(codes.values()) == {"InvalidClientTokenId"}, codes
    rpc.call("ResumeAccount", accountId=number)
    names = [user["UserName"] for user in admin.items("ListUsers", "Users")]
    assert names == ["keeper"]
