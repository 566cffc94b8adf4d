"""Sessions in the console: those of people, and the sessions of roles, users and keys that are ended."""

import pytest
from support.api import AwsApi
from support.browser import Browser
from support.documents import policy as document, trust
from support.expect import refused
from support.server import Credentials

PASSWORD = "heron-In-7-reeds"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"


@pytest.fixture
def other(aws, name):
    """Another user with a password."""
    user = name("other")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    return user


def test_own_sessions_are_shown_and_ended(server, person, browser):
    second = Browser(server, agent=HOSTILE.replace("\n", ""))
    second.sign_in(person, PASSWORD)
    page = browser.open("/console/sessions")
    assert page.text.count("127.0.0.1") >= 2 and "this one" in page.text and "<script>alert" not in page.html
    page = browser.send(page.form(do="end-session"))
    assert "The session has ended." in page.text
    assert second.open("/console").address.startswith("/console/sign-in")
    assert browser.send(page.form(do="end-sessions")).address.startswith("/console/sign-in")


def test_sessions_of_another_user_need_the_permission(server, aws, other, browser, signed_in):
    theirs = Browser(server)
    theirs.sign_in(other, PASSWORD)
    assert f"/console/sessions?user={other}" in browser.open(f"/console/users/user?name={other}&tab=credentials").links
    page = browser.send(browser.open("/console/sessions").form(do="show"), user=other)
    assert page.address == f"/console/sessions?user={other}" and "127.0.0.1" in page.text and "this one" not in page.text
    reader = signed_in(document({"Action": ["bailiwick:ListSignInSessions"], "Resource": "*"}))
    page = reader.open(f"/console/sessions?user={other}")
    assert "127.0.0.1" in page.text
    denied = reader.send(page.form(do="end-session"))
    assert denied.status == 403 and "bailiwick:RevokeSignInSessions" in denied.text
    assert theirs.open("/console").heads == ["Home"]
    powerless = signed_in(document({"Action": "iam:ListUsers", "Resource": "*"}))
    assert "bailiwick:ListSignInSessions" in powerless.open(f"/console/sessions?user={other}").text
    page = browser.send(browser.page.form(do="end-session"))
    assert "The session has ended." in page.text and theirs.open("/console").address.startswith("/console/sign-in")


def test_sessions_of_roles_users_and_keys_end(server, aws, name, browser, new_user):
    user, keys = new_user(document({"Action": ["sts:*", "iam:ListUsers"], "Resource": "*"}))
    own = AwsApi(server, keys)
    role = name("deploy")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=document({"Action": "iam:ListUsers", "Resource": "*"}))

    def assume():
        return own.call("AssumeRole", RoleArn=arn, RoleSessionName="Ada")["Credentials"]

    def calls(credentials):
        return AwsApi(server, Credentials.of(credentials))

    lent = assume()
    page = browser.open("/console/sessions")
    wrong = browser.send(page.form(do="revoke-role"), role=HOSTILE)
    assert wrong.status in (400, 404) and "<script>alert" not in wrong.html
    assert browser.send(page.form(do="revoke-role"), role="").status == 400
    assert "have ended" in browser.send(browser.open("/console/sessions").form(do="revoke-role"), role=role).text
    refused(calls(lent), "ExpiredToken", "ListUsers")
    # From the page of the role, with its name.
    lent = assume()
    page = browser.open(f"/console/roles/role?name={role}&tab=settings")
    assert browser.send(page.form(do="revoke-sessions"), confirm="x").status == 400
    calls(lent).call("ListUsers")
    browser.send(browser.page.form(do="revoke-sessions"), confirm=role)
    refused(calls(lent), "ExpiredToken", "ListUsers")
    # One session of two.
    first, second = assume(), assume()
    browser.send(browser.open("/console/sessions").form(do="revoke-key"), key=first["AccessKeyId"])
    refused(calls(first), "ExpiredToken", "ListUsers")
    calls(second).call("ListUsers")
    session = own.call("GetSessionToken")["Credentials"]
    browser.send(browser.open("/console/sessions").form(do="revoke-user"), user=user["UserName"])
    refused(calls(session), "ExpiredToken", "GetCallerIdentity")
    own.call("GetCallerIdentity")


def test_forms_of_sessions_of_other_sites_are_refused(browser, person):
    form = browser.open("/console/sessions").form(do="end-sessions")
    for headers in ({"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/console/sessions", dict(form.members), headers).status == 403
    assert browser.open("/console").heads == ["Home"]
