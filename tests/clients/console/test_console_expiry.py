"""The end of sessions in the console of a server with short limits."""

import html
import re

import pytest
from support.api import AwsApi
from support.browser import Browser
from support.documents import ALLOW_ALL
from support.waiting import until

PASSWORD = "heron-In-7-reeds"


@pytest.fixture
def signed_in(new_server):
    """Starts a server with these options, and signs an administrator in."""

    def make(*arguments):
        server = new_server(arguments=arguments).start()
        aws = AwsApi(server, server.root)
        aws.call("CreateUser", UserName="admin")
        aws.call("PutUserPolicy", UserName="admin", PolicyName="all", PolicyDocument=ALLOW_ALL)
        aws.call("CreateLoginProfile", UserName="admin", Password=PASSWORD)
        browser = Browser(server)
        assert browser.sign_in("admin", PASSWORD).heads == ["Home"]
        return browser

    return make


def test_the_live_tail_does_not_keep_an_idle_session_alive(signed_in):
    browser = signed_in("--console-idle-seconds", "4")
    page = browser.open("/console/audit/live")
    browser.open("/console/users")
    # There are events after this position, so each answer comes at once.
    asked = html.unescape(re.search(r'data-tail="([^"]+)"', page.html)[1])
    answers = []
    until(lambda: answers.append(browser.request("GET", asked)) or answers[-1].status == 303, "the session ends")
    assert answers[0].status == 200 and len(answers) > 2
    page = browser.open(answers[-1].headers["location"])
    assert page.heads == ["Sign in"] and "Your session has ended: it was idle" in page.text
    assert browser.sign_in("admin", PASSWORD).heads == ["Home"]


def test_a_session_that_is_used_ends_as_well(signed_in):
    browser = signed_in("--console-session-seconds", "3")
    pages = []
    until(lambda: pages.append(browser.open("/console/groups")) or pages[-1].heads == ["Sign in"], "the session ends")
    assert len(pages) > 2 and pages[0].heads == ["Groups"]
    # A form of a page that was open changes nothing.
    form = browser.sign_in("admin", PASSWORD) and browser.open("/console/groups/create").form(do="create")
    until(lambda: browser.open("/console/groups").heads == ["Sign in"], "the session ends again")
    browser.page = pages[0]
    page = browser.post("/console/groups/create", dict(form.members) | {"name": "late"})
    assert page.heads == ["Sign in"]
    browser.sign_in("admin", PASSWORD)
    assert "late" not in browser.open("/console/groups").text
