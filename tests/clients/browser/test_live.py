"""What the script of the console does while a page is open: searches a list while one types, and follows the audit trail."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.api import AwsApi, GrpcApi
from support.chromium import NOT_INSTALLED, PATIENCE

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]


@pytest.fixture(scope="module")
def admin(account, browser):
    """The browser of the administrator."""
    browser.sign_in(account.url, account.account, PASSWORD, "admin")
    return browser


def found(browser):
    """The part of the page that the script replaces."""
    return browser.driver.find_element(By.CSS_SELECTOR, "[data-live=found]").text


def until(browser, condition):
    """Waits until the script has done this."""
    WebDriverWait(browser.driver, PATIENCE).until(lambda _: condition())


def test_a_list_is_searched_while_one_types(account, admin):
    admin.open(account.url + "/console/users?sort=-name")
    admin.complaints()
    assert "admin" in found(admin) and "bob" in found(admin)
    admin.field("Search").send_keys("BO")
    until(admin, lambda: "admin" not in found(admin))
    assert "bob" in found(admin) and "1 found" in admin.text and admin.path == "/console/users?q=BO&sort=-name"
    # What was typed and where is still there.
    active = admin.driver.switch_to.active_element
    assert active.get_attribute("value") == "BO" and admin.violations() == []
    active.send_keys("<img src=x onerror=alert(1)>")
    until(admin, lambda: "Nothing is found" in found(admin))
    assert admin.violations() == [] and admin.complaints() == []


def test_the_live_tail_shows_events_as_they_happen(account, admin):
    aws = AwsApi(account, account.root)
    admin.open(account.url + "/console/audit/live?kind=changes")
    admin.complaints()
    until(admin, lambda: "Live" in status(admin))
    assert "CreateUser" in admin.text and "CreateGroup geese" not in admin.text
    aws.call("CreateGroup", GroupName="geese", Path="/<img/src=x/onerror=alert(1)>/")
    until(admin, lambda: "geese" in admin.text)
    assert admin.violations() == [] and admin.overflow() <= 0
    admin.driver.find_element(By.CSS_SELECTOR, "[data-tail-pause]").click()
    assert status(admin) == "Paused"
    aws.call("DeleteGroup", GroupName="geese")
    admin.driver.find_element(By.CSS_SELECTOR, "[data-tail-pause]").click()
    until(admin, lambda: "DeleteGroup" in admin.text)
    rows = [row.text for row in admin.driver.find_elements(By.CSS_SELECTOR, "[data-tail] tbody th")]
    assert rows[:2] == ["DeleteGroup", "CreateGroup"] and rows.count("CreateUser") == 2 and admin.complaints() == []


def test_the_live_tail_says_that_the_session_has_ended(account, admin):
    admin.open(account.url + "/console/audit/live")
    until(admin, lambda: "Live" in status(admin))
    # Ends the wait of the script as well.
    GrpcApi(account, account.root).call("RevokeSignInSessions", userName="admin")
    until(admin, lambda: "Ended" in status(admin))
    admin.follow("Show newer events")
    assert admin.path.startswith("/console/sign-in")


def status(browser):
    """What the live tail says about itself."""
    return browser.driver.find_element(By.CSS_SELECTOR, "[data-tail-status]").text
