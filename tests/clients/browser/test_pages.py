"""Every page of the console that an administrator can reach by links: accessible, narrow, quiet, without scripts."""

import re
from urllib.parse import urlsplit

import pytest
from support.chromium import NOT_INSTALLED, Browser

from .conftest import HOSTILE, PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

# The names in the account, which stand for all of their kind.
NAMES = re.compile(r"(?<=/)(admin|bob|developers|deploy|reader|hostile|all)(?=[/?]|$)|(?<==)(?<!tab=)[^&]+")
# Pages that must be among those that are found.
KNOWN = {
    "/console", "/console/users", "/console/groups", "/console/roles", "/console/policies", "/console/access", "/console/who-can",
    "/console/who-can?action=*", "/console/what-can", "/console/what-can?principal=*", "/console/audit", "/console/audit/event?id=*",
    "/console/users?sort=*", "/console/users?more=*", "/console/users/user?name=*&tab=credentials", "/console/groups/group?name=*&tab=settings",
    "/console/roles/role?name=*&tab=trust", "/console/policies/policy?arn=*&tab=versions",
}  # fmt: skip
MOST = 160
# The widths and themes at which axe looks at each page: it sees each theme and each layout.
CHECKED = {(1280, False), (800, True), (320, True)}


def kind(path):
    """The path with names left out, by which pages are of one kind."""
    return NAMES.sub("*", path.rstrip("/"))


def find_pages(browser, server):
    """One path for each kind of page, found by following links."""
    found, waiting = {}, ["/console"]
    while waiting and len(found) < MOST:
        path = waiting.pop(0)
        if kind(path) in found:
            continue
        found[kind(path)] = path
        browser.open(server.url + path)
        for link in browser.links():
            parts = urlsplit(link)
            if f"{parts.scheme}://{parts.netloc}" != server.url or not parts.path.startswith("/console"):
                continue
            if "/assets/" not in parts.path and "sign-out" not in parts.path:
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return sorted(found.values())


@pytest.fixture(scope="module")
def pages(account, browser):
    """The pages, with the browser signed in as the administrator."""
    browser.sign_in(account.url, account.account, PASSWORD, "admin")
    return find_pages(browser, account)


def test_the_pages_are_found(pages):
    assert {kind(page) for page in pages} >= KNOWN, pages


def test_each_page_is_accessible_quiet_and_as_wide_as_the_window(account, browser, pages):
    wrong = []
    browser.complaints()
    for page in pages:
        name = re.sub(r"\W+", "-", kind(page)).strip("-")
        for width, dark in ((1280, False), (1280, True), (800, False), (800, True), (320, False), (320, True)):
            browser.look(width, dark=dark)
            # The page is the same: the browser lays it out again.
            if (width, dark) == (1280, False):
                browser.open(account.url + page)
            if (width, dark) in CHECKED:
                wrong += [f"{page} at {width}: {one}" for one in browser.violations()]
            if browser.overflow() > 0:
                wrong.append(f"{page} at {width}: {browser.overflow()} pixels too wide")
            browser.screenshot(f"{name}-{width}{'-dark' if dark else ''}")
        wrong += [f"{page}: {message}" for message in browser.complaints()]
        assert browser.heading, page
    browser.look(1280)
    assert not wrong, "\n".join(wrong)


def test_hostile_texts_are_shown_as_they_are(account, browser, pages):
    shown = []
    for page in pages:
        browser.open(account.url + page)
        # An alert of a script would make this fail.
        if HOSTILE in browser.text:
            shown.append(kind(page))
    # The descriptions of a role and of a policy.
    assert len(shown) >= 2, shown


def test_every_page_works_without_scripts(account, plain, browser, pages):
    # Both give the password now, so that both are asked for it again at the same time.
    browser.driver.delete_all_cookies()
    for each in (plain, browser):
        each.sign_in(account.url, account.account, PASSWORD, "admin")
    for page in pages:
        assert plain.open(account.url + page).heading == browser.open(account.url + page).heading, page
        assert not [button for button in plain.driver.find_elements("css selector", "button:not(form button):not([popovertarget])") if button.is_displayed()], page


def test_what_is_denied_says_which_permission_is_missing(account, tmp_path, pages):
    browser = Browser(tmp_path)
    try:
        browser.sign_in(account.url, account.account, PASSWORD, "bob")
        browser.open(account.url + "/console/users")
        assert "iam:ListUsers" in browser.text
    finally:
        browser.close()
