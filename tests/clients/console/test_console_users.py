"""Users in the console: created, changed, given credentials, deleted; and who may not."""

from urllib.parse import urlencode

import pytest
from support.browser import Browser
from support.documents import policy as document
from support.expect import refused as is_refused

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
READ = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


@pytest.fixture
def page(aws, name, browser):
    """The page of a new user, and the user's name."""
    user = name("anna")
    aws.call("CreateUser", UserName=user)
    return browser.open(f"/console/users/user?name={user}"), user


def test_a_user_is_created_with_rights_and_a_password(aws, server, name, browser):
    group, reader, user = name("writers"), name("reader"), name("anna")
    aws.call("CreateGroup", GroupName=group)
    arn = aws.call("CreatePolicy", PolicyName=reader, PolicyDocument=READ)["Policy"]["Arn"]
    page = browser.open("/console/users/create")
    form = page.form(do="create")
    assert form.has(arn=""), "a built-in policy is named by its ARN"
    refused = browser.send(form, name=user, path="no/slash", group=[group], policy=[arn], password=PASSWORD)
    assert refused.status == 400 and "path" in refused.text
    form = refused.form(do="create")
    assert form.has(name=user, path="no/slash", group=group, policy=arn) and PASSWORD not in refused.html
    built_in = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    page = browser.send(form, path="/a/", arn=built_in, password=PASSWORD)
    assert page.heads == [user] and f"The user {user} was created." in page.text
    assert aws.call("GetUser", UserName=user)["User"]["Path"] == "/a/"
    assert [one["GroupName"] for one in aws.call("ListGroupsForUser", UserName=user)["Groups"]] == [group]
    attached = aws.call("ListAttachedUserPolicies", UserName=user)["AttachedPolicies"]
    assert {one["PolicyArn"] for one in attached} == {arn, built_in}
    assert aws.call("GetLoginProfile", UserName=user)["LoginProfile"]["PasswordResetRequired"]
    assert Browser(server).sign_in(user, PASSWORD).heads == ["Choose a new password"]
    again = browser.send(browser.open("/console/users/create").form(do="create"), name=user)
    assert again.status == 409 and again.form(do="create").has(name=user)


def test_what_could_not_be_granted_is_said(aws, name, browser):
    user = name("anna")
    page = browser.send(browser.open("/console/users/create").form(do="create"), name=user, arn="arn:aws:iam::aws:policy/NoSuch")
    assert page.heads == [user] and "not all of what was asked for" in page.text and "NoSuch" in page.text


def test_memberships_and_policies_change(aws, name, browser, page):
    page, user = page
    group = name("writers")
    aws.call("CreateGroup", GroupName=group)
    page = browser.open(f"/console/users/user?name={user}")
    page = browser.send(page.form(do="add-groups"), group=[group])
    assert "added to the groups" in page.text
    page = browser.send(page.form(do="remove-group", group=group))
    assert aws.call("ListGroupsForUser", UserName=user)["Groups"] == []
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    page = browser.send(page.form(do="attach-policies"), arn=arn)
    assert [one["PolicyArn"] for one in aws.call("ListAttachedUserPolicies", UserName=user)["AttachedPolicies"]] == [arn]
    page = browser.send(page.form(do="detach-policy", arn=arn))
    assert aws.call("ListAttachedUserPolicies", UserName=user)["AttachedPolicies"] == []
    page = browser.send(page.form(do="set-boundary"), arn=arn)
    assert aws.call("GetUser", UserName=user)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    refused = browser.send(page.form(do="remove-boundary"), confirm="another")
    assert refused.status == 400 and "nothing was changed" in refused.text
    browser.send(refused.form(do="remove-boundary"), confirm=user)
    assert "PermissionsBoundary" not in aws.call("GetUser", UserName=user)["User"]


def test_tags_and_names_change(aws, name, browser, page):
    page, user = page
    page = browser.send(page.form(do="add-tag"), key="team", value="a b")
    assert aws.call("ListUserTags", UserName=user)["Tags"] == [{"Key": "team", "Value": "a b"}]
    refused = browser.send(page.form(do="add-tag"), key=HOSTILE, value="x")
    assert refused.status == 400 and refused.form(do="add-tag").has(key=HOSTILE) and "<script>alert" not in refused.html
    page = browser.send(page.form(do="remove-tag", key="team"))
    assert aws.call("ListUserTags", UserName=user)["Tags"] == []
    other = name("berta")
    page = browser.send(page.form(do="rename"), new_name=other, new_path="/b/")
    assert page.heads == [other] and aws.call("GetUser", UserName=other)["User"]["Path"] == "/b/"


def test_an_access_key_is_shown_once_and_saved(aws, server, browser, page):
    page, user = page
    shown = browser.send(page.form(do="create-key"))
    (key,) = aws.call("ListAccessKeys", UserName=user)["AccessKeyMetadata"]
    saved = browser.send(shown.form(name=None, content=None))
    assert saved.headers["content-disposition"] == f'attachment; filename="{key["AccessKeyId"]}.csv"'
    head, row = saved.html.splitlines()
    identity, secret = row.split(",")
    assert identity == key["AccessKeyId"] and len(secret) == 40 and secret in shown.text
    assert secret not in server.output
    page = browser.open(f"/console/users/user?name={user}")
    assert secret not in page.html and identity in page.html
    page = browser.send(page.form(do="set-key-status", key=identity))
    assert aws.call("ListAccessKeys", UserName=user)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    refused = browser.send(page.form(do="delete-key"), key="AKIAIOSFODNN7EXAMPLE")
    assert refused.status == 404
    browser.send(refused.form(do="delete-key"), key=identity)
    assert aws.call("ListAccessKeys", UserName=user)["AccessKeyMetadata"] == []


def test_a_file_is_not_a_page(browser, page):
    token = dict(page[0].form(do="create-key").members)["form_token"]
    sent = {"form_token": token, "name": "a.csv", "content": HOSTILE}
    saved = browser.post("/console/file", sent)
    assert saved.headers["content-type"].startswith("text/csv") and saved.headers["x-content-type-options"] == "nosniff"
    assert saved.headers["content-disposition"].startswith("attachment")
    for wrong in ({"name": 'a"\r\nX: y'}, {"name": ""}, {"name": "a" * 201}, {"form_token": ""}):
        assert browser.post("/console/file", sent | wrong).status in (400, 403), wrong


def test_a_password_is_set_and_deleted(aws, server, browser, page):
    page, user = page
    page = browser.send(page.form(do="set-password"), password=PASSWORD)
    assert aws.call("GetLoginProfile", UserName=user)["LoginProfile"]["PasswordResetRequired"]
    refused = browser.send(page.form(do="set-password"), password="x")
    assert refused.status == 400 and "password" in refused.text.lower()
    form = refused.form(do="set-password")
    form.members.remove(("reset", "1"))
    page = browser.send(form, password=NEXT)
    assert not aws.call("GetLoginProfile", UserName=user)["LoginProfile"]["PasswordResetRequired"]
    assert Browser(server).sign_in(user, NEXT).heads == ["Home"]
    browser.send(page.form(do="delete-password"), confirm=user)
    assert Browser(server).sign_in(user, NEXT).status == 403


def test_a_user_is_deleted_with_what_hangs_on_it(aws, name, browser, page):
    page, user = page
    group = name("writers")
    aws.call("CreateGroup", GroupName=group)
    aws.call("AddUserToGroup", GroupName=group, UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="read", PolicyDocument=READ)
    aws.call("AttachUserPolicy", UserName=user, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    aws.call("CreateAccessKey", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    refused = browser.send(page.form(do="delete"), confirm=user.upper())
    assert refused.status == 400 and aws.call("ListAccessKeys", UserName=user)["AccessKeyMetadata"]
    page = browser.send(refused.form(do="delete"), confirm=user)
    assert page.address == "/console/users" and f"The user {user} was deleted." in page.text
    is_refused(aws, "NoSuchEntity", "GetUser", UserName=user)


def test_without_permission_nothing_changes(aws, server, name, page):
    page, user = page
    reader = name("reader")
    aws.call("CreateUser", UserName=reader)
    aws.call("AttachUserPolicy", UserName=reader, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    aws.call("CreateLoginProfile", UserName=reader, Password=PASSWORD)
    aws.call("CreateAccessKey", UserName=user)
    browser = Browser(server)
    browser.sign_in(reader, PASSWORD)
    page = browser.open(f"/console/users/user?name={user}")
    before = aws.call("GetAccountAuthorizationDetails", Filter=["User"])
    for change, action, members in (
        ("create-key", "iam:CreateAccessKey", {}),
        ("set-password", "iam:CreateLoginProfile", {"password": PASSWORD}),
        ("attach-policies", "iam:AttachUserPolicy", {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("rename", "iam:UpdateUser", {"new_name": "carla"}),
        ("delete", "iam:DeleteLoginProfile", {"confirm": user}),
    ):
        refused = browser.send(page.form(do=change), members)
        assert refused.status == 403 and action in refused.text, (change, refused.text)
        browser.page = page
    assert aws.call("GetAccountAuthorizationDetails", Filter=["User"]) == before
    assert browser.send(page.form(do="add-tag"), {"do": "no-such-change"}).status == 400


def test_a_search_is_by_name_or_path(aws, name, browser):
    mark = name("heron")
    for user, path in ((f"{mark}-A", "/"), (f"x-{mark}", f"/{mark}/"), (name("egret"), f"/{mark}/sub/")):
        aws.call("CreateUser", UserName=user, Path=path)
    by_name = browser.open(f"/console/users?q={mark.upper()}")
    assert f"{mark}-A" in by_name.text and f"x-{mark}" in by_name.text and "egret" not in by_name.text
    by_path = browser.open(f"/console/users?q=/{mark}/")
    assert f"{mark}-A" not in by_path.text and f"x-{mark}" in by_path.text and "egret" in by_path.text
    assert "Nothing is found" in browser.open(f"/console/users?q={mark}-nowhere").text
    # A search of policies finds the built-in ones.
    assert "/console/policies/policy?arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess" in browser.open("/console/policies?q=readonlyaccess").links
    page = browser.open("/console/users?" + urlencode({"q": HOSTILE}))
    assert page.status == 200 and "<script>alert" not in page.html
