"""Groups in the console: their creation, members, policies and deletion, over plain HTTP."""

import pytest
from support.documents import ALLOW_ALL, READ_ONLY, policy
from support.expect import refused

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
READS = "arn:aws:iam::aws:policy/ReadOnlyAccess"
DENIES = policy({"Effect": "Deny", "Action": "s3:*"})


@pytest.fixture
def group(aws, name):
    """A group with a member."""
    group, user = name("group"), name("user")
    aws.call("CreateGroup", GroupName=group)
    aws.call("CreateUser", UserName=user)
    aws.call("AddUserToGroup", GroupName=group, UserName=user)
    return group, user


def attached(aws, group):
    return [one["PolicyArn"] for one in aws.call("ListAttachedGroupPolicies", GroupName=group)["AttachedPolicies"]]


def members(aws, group):
    return sorted(user["UserName"] for user in aws.call("GetGroup", GroupName=group)["Users"])


def test_a_group_is_created_with_policies(aws, browser, name):
    group = name("group")
    own = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    page = browser.open("/console/groups")
    assert "/console/groups/create" in page.links
    page = browser.open("/console/groups/create")
    page = browser.send(page.form(do="create"), name=group, path="/teams/", policy=[own], arn=READS)
    assert page.status == 200 and page.heads == [group] and f"The group {group} was created." in page.text
    assert sorted(attached(aws, group)) == sorted([own, READS])
    assert aws.call("GetGroup", GroupName=group)["Group"]["Path"] == "/teams/"


def test_what_was_typed_stays_if_a_group_is_refused(aws, browser, name):
    group = name("group")
    form = browser.open("/console/groups/create").form(do="create")
    for members_, words in (
        ({"name": group, "path": HOSTILE, "arn": HOSTILE}, "path"),
        ({"name": HOSTILE, "path": "/", "arn": "x"}, "name"),
        ({"name": "", "path": "/"}, "name"),
    ):
        page = browser.send(form, **members_)
        assert page.status == 400 and page.heads == ["Create a group"] and words in page.text.lower(), page.text
        kept = dict(page.form(do="create").members)
        assert {key: kept[key] for key in members_} == members_ and "<script>alert" not in page.html
    refused(aws, "NoSuchEntity", "GetGroup", GroupName=group)
    page = browser.send(form, name=group, path="/", arn="arn:aws:iam::aws:policy/NoSuchPolicy")
    assert page.heads == [group] and "was created, but not all policies were attached" in page.text


def test_members_and_policies_come_and_go(aws, browser, name, group):
    group, user = group
    other, third = name("other"), name("third")
    for each in (other, third):
        aws.call("CreateUser", UserName=each)
    page = browser.open(f"/console/groups/group?name={group}")
    page = browser.send(page.form(do="add-members"), user=[other], user_name=third)
    assert page.status == 200 and members(aws, group) == sorted([user, other, third]) and other in page.text
    page = browser.send(page.form(do="remove-member", user=other))
    assert f"{other} was removed" in page.text and members(aws, group) == sorted([user, third])
    page = browser.send(page.form(do="attach-policies"), arn=READS)
    assert attached(aws, group) == [READS] and "ReadOnlyAccess" in page.text
    page = browser.send(page.form(do="detach-policy", arn=READS))
    assert "was detached" in page.text and attached(aws, group) == []
    for form, more in (("add-members", {"user_name": HOSTILE}), ("attach-policies", {"arn": HOSTILE})):
        page = browser.send(page.form(do=form), **more)
        assert page.status in (400, 404) and "<script>alert" not in page.html
        assert HOSTILE in dict(page.form(do=form).members).values()


def test_a_group_is_renamed_and_moved(aws, browser, name, group):
    group, user = group
    new = name("new")
    page = browser.open(f"/console/groups/group?name={group}")
    page = browser.send(page.form(do="rename"), new_name=new, new_path="/moved/")
    assert page.heads == [new] and "/moved/" in page.text and members(aws, new) == [user]
    page = browser.send(page.form(do="rename"), new_name=HOSTILE)
    assert page.status == 400 and page.heads == [new] and dict(page.form(do="rename").members)["new_name"] == HOSTILE


def test_a_group_is_deleted_with_what_it_has_after_its_name_is_typed(aws, browser, group):
    group, user = group
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="denies", PolicyDocument=DENIES)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="allows", PolicyDocument=ALLOW_ALL)
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=READS)
    page = browser.open(f"/console/groups/group?name={group}")
    page = browser.send(page.form(do="delete"), confirm=group.upper())
    assert page.status == 400 and "nothing was changed" in page.text and members(aws, group) == [user]
    page = browser.send(page.form(do="delete"), confirm=group)
    assert page.heads == ["Groups"] and f"The group {group} was deleted." in page.text
    refused(aws, "NoSuchEntity", "GetGroup", GroupName=group)
    assert browser.open(f"/console/groups/group?name={group}").status == 404


def test_what_denies_goes_last_when_a_group_is_deleted(aws, signed_in, name, group):
    group, _ = group
    denies = aws.call("CreatePolicy", PolicyName=name("denies"), PolicyDocument=DENIES)["Policy"]["Arn"]
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=denies)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="allows", PolicyDocument=ALLOW_ALL)
    browser = signed_in(policy("*", {"Effect": "Deny", "Action": "iam:DeleteGroupPolicy"}))
    page = browser.open(f"/console/groups/group?name={group}")
    page = browser.send(page.form(do="delete"), confirm=group)
    assert page.status == 403 and "iam:DeleteGroupPolicy" in page.text
    assert attached(aws, group) == [denies]


def test_a_person_without_permission_sees_which_is_missing(aws, signed_in, name, group):
    group, user = group
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=READS)
    browser = signed_in(READ_ONLY)
    page = browser.open(f"/console/groups/group?name={group}")
    for form, more, action in (
        ({"do": "add-members"}, {"user_name": user}, "AddUserToGroup"),
        ({"do": "remove-member"}, {}, "RemoveUserFromGroup"),
        ({"do": "attach-policies"}, {"arn": READS}, "AttachGroupPolicy"),
        ({"do": "detach-policy"}, {}, "DetachGroupPolicy"),
        ({"do": "rename"}, {"new_name": name("new")}, "UpdateGroup"),
        ({"do": "delete"}, {"confirm": group}, "RemoveUserFromGroup"),
    ):
        page = browser.send(page.form(**form), **more)
        assert page.status == 403 and f"not authorized to perform: iam:{action}" in page.text, (form, page.text)
        assert page.heads == [group]
    new = name("new")
    page = browser.send(browser.open("/console/groups/create").form(do="create"), name=new)
    assert page.status == 403 and "iam:CreateGroup" in page.text
    assert members(aws, group) == [user] and attached(aws, group) == [READS]
    page = browser.post(f"/console/groups/group?name={group}", dict(page.form(do="create").members) | {"do": "nonsense"})
    assert page.status == 400 and "no change named `nonsense`" in page.text
