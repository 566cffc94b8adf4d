"""The tabs of the pages about users, groups, roles and policies, over plain HTTP."""

import json

import pytest
from support.browser import Browser
from support.documents import ALLOW_ALL, trust
from support.waiting import until

PASSWORD = "heron-In-7-reeds"
TABS = {
    "users/user": ["permissions", "groups", "credentials", "boundary", "tags", "last-used", "history", "settings"],
    "groups/group": ["members", "permissions", "history", "settings"],
    "roles/role": ["permissions", "trust", "boundary", "tags", "last-used", "history", "settings"],
    "policies/policy": ["document", "versions", "attached", "tags", "history", "settings"],
}


@pytest.fixture
def objects(aws, server, name):
    """The member of the address of an object of each kind."""
    user, group, role, policy = (name(kind) for kind in ("user", "group", "role", "policy"))
    aws.call("CreateUser", UserName=user)
    aws.call("CreateGroup", GroupName=group)
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    arn = aws.call("CreatePolicy", PolicyName=policy, PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    return {"users/user": f"name={user}", "groups/group": f"name={group}", "roles/role": f"name={role}", "policies/policy": f"arn={arn}"}


@pytest.fixture
def reader(server, aws, name):
    """Makes browsers that see one tab, in which a new user may perform these actions."""

    def make(*actions):
        user = name("person")
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        aws.call("CreateUser", UserName=user)
        aws.call("PutUserPolicy", UserName=user, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))
        aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
        browser = Browser(server, whole=False)
        browser.sign_in(user, PASSWORD)
        return browser

    return make


def test_each_tab_is_a_link_and_says_which_one_is_shown(objects, reader):
    browser = reader("*")
    for path, member in objects.items():
        first = browser.open(f"/console/{path}?{member}")
        assert len(first.tabs) == len(TABS[path])
        for number, (address, _) in enumerate(first.tabs):
            assert number == 0 or address.endswith(f"&tab={TABS[path][number]}"), address
            page = browser.open(address)
            assert page.status == 200 and page.heads == first.heads
            assert [is_current for _, is_current in page.tabs] == [at == number for at in range(len(page.tabs))], address
            assert "Traceback" not in page.text and "Not found" not in page.text, page.text
        other = browser.open(f"/console/{path}?{member}&tab=%3Cscript%3E")
        assert other.status == 200 and other.tabs == first.tabs and "<script>" not in other.html


def test_a_tab_asks_only_for_what_it_shows(objects, reader):
    browser = reader("iam:GetUser", "iam:GetGroup", "iam:GetRole", "iam:GetPolicy")
    # What these tabs call beside reading the object itself.
    calls = {
        "users/user": {
            "permissions": "iam:ListAttachedUserPolicies", "groups": "iam:ListGroupsForUser", "credentials": "iam:ListAccessKeys",
            "last-used": "iam:ListAccessKeys", "history": "cloudtrail:LookupEvents",
        },
        "groups/group": {"permissions": "iam:ListAttachedGroupPolicies", "history": "cloudtrail:LookupEvents"},
        "roles/role": {"permissions": "iam:ListAttachedRolePolicies", "history": "cloudtrail:LookupEvents"},
        "policies/policy": {
            "document": "iam:GetPolicyVersion", "versions": "iam:ListPolicyVersions", "attached": "iam:ListEntitiesForPolicy",
            "history": "cloudtrail:LookupEvents",
        },
    }  # fmt: skip
    for path, member in objects.items():
        for tab in TABS[path]:
            text = browser.open(f"/console/{path}?{member}&tab={tab}").text
            if missing := calls[path].get(tab):
                assert f"not authorized to perform: {missing}" in text, (path, tab, text)
            else:
                assert "not authorized" not in text, (path, tab, text)


def test_a_change_leads_back_to_its_tab(objects, reader):
    browser = reader("*")
    page = browser.open(f"/console/users/user?{objects['users/user']}&tab=tags")
    page = browser.send(page.form(do="add-tag"), key="team", value="reeds")
    assert page.address.endswith("&tab=tags") and "The tag was set." in page.text and "reeds" in page.text
    refused = browser.send(page.form(do="add-tag"), key="aws:x", value="1")
    assert refused.status == 400 and refused.form(do="add-tag").has(key="aws:x") and dict(refused.tabs)[refused.address]


def test_last_uses_are_shown(objects, reader, aws, server):
    browser = reader("*")
    user = objects["users/user"].removeprefix("name=")
    key = aws.call("CreateAccessKey", UserName=user)["AccessKey"]["AccessKeyId"]
    page = browser.open(f"/console/users/user?name={user}&tab=last-used")
    assert f"Password never – – {key} never – –" in page.text, page.text
    page = browser.open(f"/console/roles/role?{objects['roles/role']}&tab=last-used")
    assert "No session of the role has made a call." in page.text


def test_the_history_leads_to_the_audit_trail(objects, reader):
    browser = reader("*")
    for path in ("users/user", "groups/group"):
        history = f"/console/{path}?{objects[path]}&tab=history"
        created = f"Create{path.split('/')[1].capitalize()}"
        # Records of changes are in the trail within a second.
        until(lambda: created in browser.open(history).text, "the history has the creation")
        page = browser.open(history)
        (address,) = [link for link in page.links if "audit?resource=" in (link or "")]
        assert objects[path].removeprefix("name=") in browser.open(address).text
