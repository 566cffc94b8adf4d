"""Signing in to the console, and the end of a session while a page is open."""

import pytest
from selenium.webdriver.common.keys import Keys
from support.api import AwsApi, GrpcApi
from support.chromium import NOT_INSTALLED, Browser
from support.totp import Authenticator
from support.waiting import until

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]


@pytest.fixture
def visitor(tmp_path):
    """A browser of its own."""
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()


def test_a_wrong_password_is_refused_and_a_correct_one_signs_in(account, visitor):
    visitor.sign_in(account.url, account.account, "wrong-password-1", "admin")
    assert "/console/sign-in" in visitor.path and "password" in visitor.text
    assert not visitor.field("Password").get_attribute("value")
    assert visitor.field("User name").get_attribute("value") == "admin"
    visitor.fill("Password", PASSWORD)
    visitor.press("Sign in")
    assert visitor.path.rstrip("/") == "/console" and "admin" in visitor.text
    visitor.press("Sign out")
    visitor.open(account.url + "/console/users")
    assert "/console/sign-in" in visitor.path


def test_root_signs_in(account, visitor):
    visitor.sign_in(account.url, account.account, PASSWORD)
    assert visitor.path.rstrip("/") == "/console" and "root" in visitor.text


def test_a_code_is_asked_for(account, visitor, name):
    aws = AwsApi(account, account.root)
    user = name("careful")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    device = aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=user)["VirtualMFADevice"]
    app = Authenticator(device)
    aws.call("EnableMFADevice", UserName=user, SerialNumber=app.serial, **app.pair())
    visitor.sign_in(account.url, account.account, PASSWORD, user)
    assert "/console/sign-in" in visitor.path and not visitor.violations()
    visitor.fill("Code of the MFA device", "000000")
    visitor.press("Continue")
    assert "/console/sign-in" in visitor.path
    visitor.fill("Code of the MFA device", app.code(1))
    visitor.press("Continue")
    assert visitor.path.rstrip("/") == "/console", visitor.text


def test_the_keyboard_suffices_to_sign_in(account, visitor):
    visitor.open(account.url + "/console/sign-in")
    visitor.field("Account").send_keys(account.account, Keys.TAB)
    user = visitor.driver.switch_to.active_element
    user.send_keys("admin", Keys.TAB)
    for _ in range(4):
        active = visitor.driver.switch_to.active_element
        if active.get_attribute("type") == "password":
            break
        active.send_keys(Keys.TAB)
    visitor.driver.switch_to.active_element.send_keys(PASSWORD, Keys.ENTER)
    until(lambda: visitor.path.rstrip("/") == "/console", "the first page is shown")


def test_a_revoked_session_ends_while_its_page_is_open(account, visitor):
    visitor.sign_in(account.url, account.account, PASSWORD, "admin")
    visitor.open(account.url + "/console/users")
    assert "bob" in visitor.text
    GrpcApi(account, account.root).call("RevokeSignInSessions", userName="admin")
    visitor.open(account.url + "/console/users")
    assert "/console/sign-in" in visitor.path and "bob" not in visitor.text
