"""The person's own credentials in the console: password, MFA device, keys, sessions, and the proof before a change."""

from support.browser import Browser
from support.console import app_of

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"


def test_an_authenticator_app_is_added_and_removed(aws, server, person, browser):
    page = browser.open("/console/profile")
    assert "/console/mfa" in page.links
    page = browser.open("/console/mfa")
    assert page.form(do="begin").has(name=person)
    refused = browser.send(page.form(do="begin"), name="a/b")
    assert refused.status == 400 and refused.form(do="begin").has(name="a/b")
    page = browser.send(refused.form(do="begin"), name=person)
    assert 'src="data:image/png;base64,iVBOR' in page.html
    app = app_of(page)
    assert app.text not in server.output
    refused = browser.send(page.form(do="enable"), code1="000000", code2="000001")
    assert refused.status == 403 and app.text not in refused.html
    page = browser.send(refused.form(do="enable"), code1=app.code(-1)[:3] + " " + app.code(-1)[3:], code2=app.code())
    assert "is enabled" in page.text and app.serial in page.text
    page = browser.open("/console/profile")
    # The session of before has no second factor, which a change of devices needs from now on.
    refused = browser.send(page.form(do="remove-device", serial=app.serial))
    assert refused.status == 403 and "second factor" in refused.text, refused.text
    browser = Browser(server)
    page = browser.sign_in(person, PASSWORD)
    assert page.heads == ["Second factor"]
    browser.send(page.form(code=None), code=app.code(1))
    page = browser.send(browser.open("/console/profile").form(do="remove-device", serial=app.serial))
    assert "was deactivated" in page.text
    assert aws.call("ListMFADevices", UserName=person)["MFADevices"] == []


def test_an_administrator_adds_a_device_for_another(aws, name, browser):
    user = name("anna")
    aws.call("CreateUser", UserName=user)
    assert f"/console/mfa?user={user}" in browser.open(f"/console/users/user?name={user}").links
    page = browser.send(browser.open(f"/console/mfa?user={user}").form(do="begin"))
    app = app_of(page)
    page = browser.send(page.form(do="enable"), code1=app.code(-1), code2=app.code())
    assert page.heads == [user] and len(aws.call("ListMFADevices", UserName=user)["MFADevices"]) == 1


def test_the_password_changes(server, person, browser):
    page = browser.open("/console/profile")
    for members in (
        {"old_password": PASSWORD, "new_password": NEXT, "new_password_again": NEXT + "x"},
        {"old_password": NEXT, "new_password": NEXT, "new_password_again": NEXT},
        {"old_password": PASSWORD, "new_password": "x", "new_password_again": "x"},
    ):
        browser.page = page
        refused = browser.send(page.form(do="change-password"), members)
        assert refused.status in (400, 403) and NEXT not in refused.html, members
    page = browser.send(refused.form(do="change-password"), old_password=PASSWORD, new_password=NEXT, new_password_again=NEXT)
    assert page.heads == ["Sign in"] and "Your password was changed." in page.text
    assert Browser(server).sign_in(person, PASSWORD).status == 403
    assert Browser(server).sign_in(person, NEXT).heads == ["Home"]


def test_sessions_are_listed_and_ended(server, person, browser):
    other = Browser(server, agent="another browser")
    other.sign_in(person, PASSWORD)
    page = browser.open("/console/profile")
    assert "another browser" in page.text and "this one" in page.text
    page = browser.send(page.form(do="end-session"))
    assert "another browser" not in page.text
    assert other.open("/console").address.startswith("/console/sign-in?why=revoked")
    form = page.form(do="end-sessions")
    assert browser.send(form, {"do": "end-session"}).status == 400
    assert browser.open("/console/profile").heads == ["Your profile"]
    assert browser.send(form).address.startswith("/console/sign-in?why=revoked")


def test_own_keys_and_those_of_root(aws, server, person, browser):
    page = browser.send(browser.open("/console/profile").form(do="create-key"))
    assert len(aws.call("ListAccessKeys", UserName=person)["AccessKeyMetadata"]) == 1
    assert "/console/profile" in page.links


def test_the_password_is_asked_for_again(server, person, browser):
    page = browser.open("/console/prove?next=/console/mfa")
    refused = browser.send(page.form(password=None), password=NEXT)
    assert refused.status == 403 and NEXT not in refused.html
    page = browser.send(refused.form(password=None), password=PASSWORD)
    assert page.address == "/console/mfa"
    page = browser.open("/console/prove?next=https://example.com/")
    assert browser.send(page.form(password=None), password=PASSWORD).address == "/console"
