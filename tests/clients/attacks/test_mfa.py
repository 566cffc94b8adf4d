"""Attempts on MFA devices: guesses, replays, devices of others, and callers who are held by a boundary."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks.helpers import accounts, outcome
from attacks.watch import well
from support.documents import ALLOW_ALL, policy
from support.totp import Authenticator

__all__ = ["accounts"]  # a fixture


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


def created(api, name):
    return Authenticator(api.call("CreateVirtualMFADevice", VirtualMFADeviceName=name("phone"))["VirtualMFADevice"])


def enabled(api, name):
    user, app = api.call("CreateUser", UserName=name("user"))["User"]["UserName"], created(api, name)
    api.call("EnableMFADevice", UserName=user, SerialNumber=app.serial, **app.pair())
    return {"UserName": user, "SerialNumber": app.serial}, app


def test_guesses_are_counted_whatever_the_device(api, name):
    """At most ten wrong codes are looked at, also if they come at once, and new devices give no more."""
    target, app = enabled(api, name)
    guess = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: outcome(api, "ResyncMFADevice", **target, **guess), range(24)))
    counted = outcomes.count("InvalidAuthenticationCode")
    assert counted <= 10 and counted + outcomes.count("Throttling") + outcomes.count("ConcurrentModification") == 24, outcomes
    for _ in range(10 - counted):
        assert outcome(api, "ResyncMFADevice", **target, **guess) == "InvalidAuthenticationCode"
    assert outcome(api, "ResyncMFADevice", **target, **guess) == "Throttling"
    assert outcome(api, "ResyncMFADevice", **target, **app.pair(1)) == "Throttling", "the right codes are not looked at"
    api.call("DeactivateMFADevice", **target)
    api.call("DeleteVirtualMFADevice", SerialNumber=app.serial)
    again = created(api, name)
    assert outcome(api, "EnableMFADevice", UserName=target["UserName"], SerialNumber=again.serial, **again.pair()) == "Throttling"


def test_codes_are_not_replayed(api, name):
    user, app = api.call("CreateUser", UserName=name("user"))["User"]["UserName"], created(api, name)
    target, codes = {"UserName": user, "SerialNumber": app.serial}, app.pair()
    api.call("EnableMFADevice", **target, **codes)
    assert outcome(api, "ResyncMFADevice", **target, **codes) == "InvalidAuthenticationCode"
    api.call("DeactivateMFADevice", **target)
    assert outcome(api, "EnableMFADevice", **target, **codes) == "InvalidAuthenticationCode"
    # Enabling twice at once succeeds once.
    other, codes = created(api, name), None
    codes = other.pair()
    request = {"UserName": user, "SerialNumber": other.serial} | codes
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: outcome(api, "EnableMFADevice", **request), range(4)))
    assert outcomes.count(None) == 1, outcomes


def test_devices_of_others_are_out_of_reach(api, aws, name, accounts, new_user):
    target, app = enabled(api, name)
    _, inside = accounts()
    inside.call("CreateUser", UserName=target["UserName"])
    theirs = type(api)(api.server, inside.credentials)
    assert outcome(theirs, "DeactivateMFADevice", **target) == "NoSuchEntity"
    assert outcome(theirs, "GetMFADevice", **target) == "ValidationError"
    assert outcome(theirs, "EnableMFADevice", **target, **app.pair(1)) == "NoSuchEntity"
    assert outcome(theirs, "ResyncMFADevice", **target, **app.pair(1)) == "NoSuchEntity"
    for operation, members in {
        "DeleteVirtualMFADevice": {},
        "ListMFADeviceTags": {},
        "TagMFADevice": {"Tags": [{"Key": "a", "Value": "b"}]},
        "UntagMFADevice": {"TagKeys": ["a"]},
    }.items():
        assert outcome(theirs, operation, SerialNumber=app.serial, **members) == "AccessDenied", operation
    # A user who may manage their own devices manages no others.
    own = policy({"Action": "iam:*MFADevice", "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:mfa/${aws:username}"]})
    _, credentials = new_user(own)
    mine = api.signed_by(credentials)
    for operation in ("DeactivateMFADevice", "GetMFADevice"):
        assert outcome(mine, operation, **target) == "AccessDenied"
    assert outcome(mine, "DeleteVirtualMFADevice", SerialNumber=app.serial) == "AccessDenied"
    (device,) = api.call("ListMFADevices", UserName=target["UserName"])["MFADevices"]
    assert device["SerialNumber"] == app.serial


def test_a_boundary_holds_every_operation_on_devices(api, aws, name, new_user):
    """A caller who may do everything, within a boundary without these actions, changes no device."""
    target, app = enabled(api, name)
    bound = aws.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=policy("iam:GetUser"))["Policy"]["Arn"]
    user, credentials = new_user(ALLOW_ALL, PermissionsBoundary=bound)
    bounded = api.signed_by(credentials)
    for operation, members in {
        "CreateVirtualMFADevice": {"VirtualMFADeviceName": "mine"},
        "EnableMFADevice": target | app.pair(1),
        "ResyncMFADevice": target | app.pair(1),
        "DeactivateMFADevice": target,
        "DeleteVirtualMFADevice": {"SerialNumber": app.serial},
    }.items():
        assert outcome(bounded, operation, **members) == "AccessDenied", operation
