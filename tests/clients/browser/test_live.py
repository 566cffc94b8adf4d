"""What the script of the console does while a page is open: a list that is searched while one types."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
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
