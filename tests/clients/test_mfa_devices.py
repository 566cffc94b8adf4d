"""MFA devices: virtual ones are created, enabled with two codes, synchronized, deactivated, deleted."""

import json

import pytest
from test_administrator import Cli
from support.expect import refused
from support.totp import Authenticator, blob


@pytest.fixture
def user(api, name):
    return api.call("CreateUser", UserName=name("user"))["User"]


def created(api, name, **members):
    return Authenticator(api.call("CreateVirtualMFADevice", VirtualMFADeviceName=name("phone"), **members)["VirtualMFADevice"])


def enabled(api, name, user):
    app = created(api, name)
    api.call("EnableMFADevice", UserName=user["UserName"], SerialNumber=app.serial, **app.pair())
    return app


def listed(api, status="Any"):
    return {row["SerialNumber"]: row for page in api.pages("ListVirtualMFADevices", AssignmentStatus=status) for row in page["VirtualMFADevices"]}


def test_the_seed_is_shown_once_as_text_and_as_a_qr_code(api, name, server):
    device_name = name("phone")
    device = api.call("CreateVirtualMFADevice", VirtualMFADeviceName=device_name, Path="/phones/")["VirtualMFADevice"]
    assert device["SerialNumber"] == f"arn:aws:iam::{server.account}:mfa/phones/{device_name}"
    assert len(Authenticator(device).text) == 64
    assert blob(device["QRCodePNG"]).startswith(b"\x89PNG\r\n\x1a\n")
    # A protobuf message does not distinguish an empty list from an absent one.
    assert {key for key, value in listed(api)[device["SerialNumber"]].items() if value} == {"SerialNumber"}
    error = refused(api, "EntityAlreadyExists", "CreateVirtualMFADevice", VirtualMFADeviceName=device_name.upper(), Path="/phones/")
    assert error.message == "MFA device already exists."


def test_a_device_is_enabled_and_deactivated(api, name, user):
    app, bob = created(api, name), user["UserName"]
    assert app.serial in listed(api, "Unassigned") and app.serial not in listed(api, "Assigned")
    wrong = {"AuthenticationCode1": app.code(-1), "AuthenticationCode2": app.code(-1)}
    error = refused(api, "InvalidAuthenticationCode", "EnableMFADevice", UserName=bob, SerialNumber=app.serial, **wrong)
    assert error.message == "Authentication code for device is not valid."
    api.call("EnableMFADevice", UserName=bob, SerialNumber=app.serial, **app.pair())
    (mine,) = api.call("ListMFADevices", UserName=bob)["MFADevices"]
    assert (mine["UserName"], mine["SerialNumber"]) == (bob, app.serial) and mine["EnableDate"]
    error = refused(api, "ValidationError", "GetMFADevice", UserName=bob, SerialNumber=app.serial)
    assert "only hardware FIDO security keys are supported" in error.message
    row = listed(api, "Assigned")[app.serial]
    assert row["User"]["Arn"] == user["Arn"] and row["EnableDate"] == mine["EnableDate"]
    assert not {"Base32StringSeed", "QRCodePNG"} & row.keys()
    error = refused(api, "EntityAlreadyExists", "EnableMFADevice", UserName=bob, SerialNumber=app.serial, **app.pair(1))
    assert error.message == f"MFA Device for user {bob} already exists."
    error = refused(api, "DeleteConflict", "DeleteVirtualMFADevice", SerialNumber=app.serial)
    assert error.message == "MFA VirtualDevice in use. Must deactivate first."
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=bob)
    assert error.message == "Cannot delete entity, must remove tokens from principal first."
    renamed = name("renamed")
    api.call("UpdateUser", UserName=bob, NewUserName=renamed)
    assert api.call("ListMFADevices", UserName=renamed)["MFADevices"][0]["SerialNumber"] == app.serial
    api.call("DeactivateMFADevice", UserName=renamed, SerialNumber=app.serial)
    error = refused(api, "NoSuchEntity", "DeactivateMFADevice", UserName=renamed, SerialNumber=app.serial)
    assert error.message == "MFA Device invalid for user."
    api.call("DeleteVirtualMFADevice", SerialNumber=app.serial)
    error = refused(api, "NoSuchEntity", "DeleteVirtualMFADevice", SerialNumber=app.serial)
    assert error.message == f"MFA Device with serial number {app.serial} does not exist."
    api.call("DeleteUser", UserName=renamed)


def test_resync_learns_the_clock(api, name, user):
    app = enabled(api, name, user)
    app.ahead = 40
    target = {"UserName": user["UserName"], "SerialNumber": app.serial}
    refused(api, "InvalidAuthenticationCode", "ResyncMFADevice", **target, **app.pair(1000))
    codes = app.pair()
    api.call("ResyncMFADevice", **target, **codes)
    refused(api, "InvalidAuthenticationCode", "ResyncMFADevice", **target, **codes)


def test_what_cannot_be_enabled(api, name, user, server):
    app = created(api, name)
    refused(api, "NoSuchEntity", "EnableMFADevice", UserName=name("missing"), SerialNumber=app.serial, **app.pair())
    for serial in ("GAHT12345678", f"arn:aws:iam::{server.account}:mfa/missing", app.serial.replace(server.account, "999988887777")):
        refused(api, "NoSuchEntity", "EnableMFADevice", UserName=user["UserName"], SerialNumber=serial, **app.pair())
    for code in ("12345", "abcdef"):
        codes = {"AuthenticationCode1": code, "AuthenticationCode2": "123456"}
        refused(api, "ValidationError", "EnableMFADevice", UserName=user["UserName"], SerialNumber=app.serial, **codes)


def test_at_most_eight_devices_in_pages(api, name, user):
    serials = [enabled(api, name, user).serial for _ in range(8)]
    app = created(api, name)
    error = refused(api, "LimitExceeded", "EnableMFADevice", UserName=user["UserName"], SerialNumber=app.serial, **app.pair())
    assert error.message == "Cannot exceed quota for MFADevicesPerUser: 8"
    pages = list(api.pages("ListMFADevices", UserName=user["UserName"], MaxItems=3))
    assert [len(page["MFADevices"]) for page in pages] == [3, 3, 2]
    assert sorted(row["SerialNumber"] for page in pages for row in page["MFADevices"]) == sorted(serials)


def test_tags(api, name):
    app = created(api, name, Tags=[{"Key": "a", "Value": "1"}])
    api.call("TagMFADevice", SerialNumber=app.serial, Tags=[{"Key": "b", "Value": "2"}])
    answer = api.call("ListMFADeviceTags", SerialNumber=app.serial)
    assert (answer["Tags"], answer["IsTruncated"]) == ([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}], False)
    api.call("UntagMFADevice", SerialNumber=app.serial, TagKeys=["a", "b"])
    assert api.call("ListMFADeviceTags", SerialNumber=app.serial)["Tags"] == []


def test_the_summary_counts_devices(api, name, user):
    before = api.call("GetAccountSummary")["SummaryMap"]
    enabled(api, name, user)
    created(api, name)
    after = api.call("GetAccountSummary")["SummaryMap"]
    assert (after["MFADevices"] - before["MFADevices"], after["MFADevicesInUse"] - before["MFADevicesInUse"]) == (2, 1)


def test_the_aws_cli_writes_the_qr_code(server, tmp_path, name):
    target = tmp_path / "code.png"
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    done = cli.run("iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", name("phone"), "--outfile", str(target), "--bootstrap-method", "QRCodePNG")
    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"\x89PNG")
    assert json.loads(done.stdout)["VirtualMFADevice"].keys() == {"SerialNumber"}
