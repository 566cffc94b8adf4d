"""Attacks on the console: forms of another identity, roles that outlive their person, and stolen browsers."""

import pytest
from support.browser import Browser
from support.console import app_of
from support.documents import ALLOW_ALL, policy as document, trust

PASSWORD, OTHER = "heron-In-7-reeds", "otter-In-8-reeds"


@pytest.fixture
def role(aws, server, name):
    """A role with all permissions, which the account may assume."""
    role = name("deploy")
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    aws.call("PutRolePolicy", RoleName=role, PolicyName="all", PolicyDocument=ALLOW_ALL)
    return role


def new_person(aws, user, password):
    """Makes a user with all permissions and a password."""
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName=user, Password=password)
    return user


def switch(browser, role, account=None):
    """Switches to a role."""
    page = browser.open("/console/switch")
    return browser.send(page.form(do="switch"), account=account or browser.server.account, role=role)


def tab(browser):
    """Another tab of the same browser."""
    other = Browser(browser.server)
    other.cookies = browser.cookies
    return other


def test_a_form_changes_nothing_as_another_identity(aws, name, browser, role):
    group = name("team")
    aws.call("CreateGroup", GroupName=group)
    path = f"/console/groups/group?name={group}"
    second = tab(browser)
    # Made as the person, sent as the role; then the other way round.
    for change in (lambda: switch(second, role), lambda: second.send(second.open("/console").form(do="return"))):
        form = browser.open(path).form(do="delete")
        assert change().heads == ["Home"]
        refused = browser.send(form, confirm=group)
        assert refused.status == 403 and "another session or role" in refused.text, refused.text
        assert aws.call("GetGroup", GroupName=group)["Group"]["GroupName"] == group
    # Two sessions of one role are two identities as well.
    switch(second, role)
    form = browser.open(path).form(do="delete")
    second.send(second.open("/console").form(do="return"))
    switch(second, role)
    assert browser.send(form, confirm=group).status == 403
    browser.send(browser.open(path).form(do="delete"), confirm=group)
    assert not [one for one in aws.call("ListGroups")["Groups"] if one["GroupName"] == group]


def test_return_and_sign_out_work_from_pages_of_another_identity(browser, role):
    second = tab(browser)
    before = browser.open("/console")
    switch(second, role)
    as_role = second.page
    assert browser.send(as_role.form(do="return")).status == 200
    browser.page = as_role
    assert "You act as yourself." in browser.send(as_role.form(do="return")).text
    switch(second, role)
    (sign_out,) = [form for form in before.forms if form.action == "/console/sign-out"]
    assert browser.send(sign_out).address.startswith("/console/sign-in")
    assert second.open("/console").address.startswith("/console/sign-in")


def test_a_role_ends_with_the_session_of_the_person(aws, rpc, person, browser, role):
    switch(browser, role)
    form = browser.open("/console/groups/create").form(do="create")
    rpc.call("RevokeSignInSessions", userName=person)
    page = browser.send(form, name=f"{role}-team")
    assert page.address.startswith("/console/sign-in?why=revoked"), page.text
    assert not [one for one in aws.call("ListGroups")["Groups"] if one["GroupName"] == f"{role}-team"]
    assert browser.open("/console").address.startswith("/console/sign-in")


def test_an_own_device_is_not_given_to_a_like_named_user_of_a_role(browser, role):
    switch(browser, role)
    for page in ("mfa", "passkey"):
        refused = browser.open(f"/console/{page}")
        assert refused.status == 400 and "return from the role first" in refused.text, page
        assert not [form for form in refused.forms if form.has(do="begin")]


def test_a_password_proves_the_user_not_the_name(aws, name, server, person, browser):
    impostor = new_person(aws, name("impostor"), OTHER)
    aws.call("UpdateUser", UserName=person, NewUserName=person + "-old")
    aws.call("UpdateUser", UserName=impostor, NewUserName=person)
    page = browser.open("/console/prove?next=/console/profile")
    refused = browser.send(page.form(password=None), password=OTHER)
    assert refused.status == 403, refused.text
    page = browser.send(refused.form(password=None), password=PASSWORD)
    assert page.address == "/console/profile", page.text


def test_an_own_device_is_of_the_user_not_of_the_name(aws, name, person, browser):
    page = browser.send(browser.open("/console/mfa").form(do="begin"))
    app = app_of(page)
    impostor = new_person(aws, name("impostor"), OTHER)
    aws.call("UpdateUser", UserName=person, NewUserName=person + "-old")
    aws.call("UpdateUser", UserName=impostor, NewUserName=person)
    browser.send(page.form(do="enable"), code1=app.code(-1), code2=app.code())
    assert aws.call("ListMFADevices", UserName=person)["MFADevices"] == [], "another user has the name now"
    (device,) = aws.call("ListMFADevices", UserName=person + "-old")["MFADevices"]
    assert device["SerialNumber"] == app.serial


def test_a_device_of_root_is_not_given_to_a_user_of_that_name(aws, rpc, server):
    rpc.call("PutRootPassword", password=PASSWORD)
    aws.call("CreateUser", UserName="root")
    browser = Browser(server)
    browser.open("/console/sign-in?root=1")
    assert browser.send(browser.page.form(root="1"), account=server.account, password=PASSWORD).heads == ["Home"]
    page = browser.send(browser.open("/console/mfa").form(do="begin"))
    app = app_of(page)
    browser.send(page.form(do="enable"), code1=app.code(-1), code2=app.code())
    assert aws.call("ListMFADevices", UserName="root")["MFADevices"] == []
    assert [one["SerialNumber"] for one in aws.call("ListMFADevices")["MFADevices"]] == [app.serial]
    assert "/console/mfa?user=root" in browser.open("/console/users/user?name=root").links


def test_a_person_switches_roles_ten_times_at_most(browser, role):
    for _ in range(10):
        assert switch(browser, role).heads == ["Home"]
    refused = switch(browser, role)
    assert refused.status == 400 and "return from a role" in refused.text


def test_a_user_of_one_letter_switches_roles(aws, server, role):
    new_person(aws, "q", PASSWORD)
    browser = Browser(server)
    browser.sign_in("q", PASSWORD)
    page = switch(browser, role)
    assert page.heads == ["Home"], page.text


def test_an_interrupted_deletion_does_not_remove_a_denying_group_first(aws, name, signed_in):
    user, group = name("contractor"), name("restricted")
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="no", PolicyDocument=document({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}))
    aws.call("AddUserToGroup", GroupName=group, UserName=user)
    browser = signed_in(document({"Action": "*"}, {"Effect": "Deny", "Action": "iam:DeleteUserPolicy", "Resource": "*"}))
    refused = browser.send(browser.open(f"/console/users/user?name={user}").form(do="delete"), confirm=user)
    assert refused.status == 403 and "iam:DeleteUserPolicy" in refused.text, refused.text
    assert [one["GroupName"] for one in aws.call("ListGroupsForUser", UserName=user)["Groups"]] == [group]


def test_a_proxy_that_is_not_trusted_does_not_make_its_clients_local(browser):
    for header in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded"):
        for path in ("/console", "/console/sign-in"):
            page = browser.request("GET", path, headers={header: "192.0.2.7"})
            assert page.status == 403 and "needs TLS" in page.text, (header, path)
