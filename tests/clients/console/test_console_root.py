"""Root's authenticator app: added in the console, and asked for at the sign-in."""

import pytest
from support.api import AwsApi, GrpcApi
from support.browser import Browser
from support.console import app_of
from support.documents import ALLOW_ALL
from support.expect import refused
from support.server import Credentials
from support.totp import Authenticator

PASSWORD = "heron-In-7-reeds"
NAME = "root-account-mfa-device"


@pytest.fixture
def own(new_server):
    """A server of its own, whose root has a password."""
    server = new_server().start()
    GrpcApi(server, server.root).call("PutRootPassword", password=PASSWORD)
    return server


def sign_in(server):
    """Signs in as root with the password alone."""
    browser = Browser(server)
    page = browser.open("/console/sign-in?root=1")
    return browser, browser.send(page.form(root="1"), account=server.account, password=PASSWORD)


def test_root_adds_an_authenticator_app_and_needs_it_from_then_on(own):
    browser, page = sign_in(own)
    assert page.heads == ["Home"] and "/console/mfa" in browser.open("/console/profile").links
    page = browser.open("/console/mfa")
    assert page.form(do="begin").has(name=NAME)
    page = browser.send(page.form(do="begin"))
    app = app_of(page)
    assert app.serial == f"arn:aws:iam::{own.account}:mfa/{NAME}" and app.text not in own.output
    wrong = browser.send(page.form(do="enable"), code1="000000", code2="000001")
    assert wrong.status == 403 and app.text not in wrong.html
    page = browser.send(wrong.form(do="enable"), code1=app.code(-1), code2=app.code())
    assert "is enabled" in page.text and app.serial in page.text
    root = AwsApi(own, own.root)
    assert [one["SerialNumber"] for one in root.call("ListMFADevices")["MFADevices"]] == [app.serial]
    assert root.call("GetAccountSummary")["SummaryMap"]["AccountMFAEnabled"] == 1
    # The session of before has no second factor, which a further device needs from now on.
    page = browser.send(browser.open("/console/mfa").form(do="begin"), name="second")
    second = app_of(page)
    denied = browser.send(page.form(do="enable"), code1=second.code(-1), code2=second.code())
    assert denied.status == 403 and "sign in with it" in denied.text
    browser, page = sign_in(own)
    assert page.heads == ["Second factor"] and "root" in page.text
    assert browser.send(page.form(code=None), code="000000").status == 403
    page = browser.send(browser.page.form(code=None), code=app.code(1))
    assert page.heads == ["Home"]
    page = browser.send(browser.open("/console/mfa").form(do="begin"), name="third")
    third = app_of(page)
    assert "is enabled" in browser.send(page.form(do="enable"), code1=third.code(-1), code2=third.code()).text
    page = browser.send(browser.open("/console/profile").form(do="remove-device", serial=app.serial))
    assert "was deactivated" in page.text and app.serial not in [one["SerialNumber"] for one in root.call("ListMFADevices")["MFADevices"]]


def test_only_root_itself_enables_its_device(own):
    root, rpc = AwsApi(own, own.root), GrpcApi(own, own.root)
    app = Authenticator(root.call("CreateVirtualMFADevice", VirtualMFADeviceName=NAME)["VirtualMFADevice"])
    codes = {"serialNumber": app.serial, "authenticationCode1": app.code(-1), "authenticationCode2": app.code()}
    root.call("CreateUser", UserName="admin")
    root.call("PutUserPolicy", UserName="admin", PolicyName="all", PolicyDocument=ALLOW_ALL)
    admin = GrpcApi(own, Credentials.of(root.call("CreateAccessKey", UserName="admin")["AccessKey"]))
    refused(admin, "AccessDenied", "EnableRootMFADevice", **codes)
    refused(rpc, "NoSuchEntity", "EnableRootMFADevice", **codes | {"serialNumber": f"arn:aws:iam::{own.account}:mfa/other"})
    refused(rpc, "ValidationError", "EnableRootMFADevice", serialNumber=app.serial)
    refused(rpc, "InvalidAuthenticationCode", "EnableRootMFADevice", **codes | {"authenticationCode1": app.code()})
    rpc.call("EnableRootMFADevice", **codes)
    refused(rpc, "EntityAlreadyExists", "EnableRootMFADevice", **codes)
    # The access key of root takes it away, which is the recovery from a lost device.
    root.call("DeactivateMFADevice", SerialNumber=app.serial)
    assert sign_in(own)[1].heads == ["Home"]
