"""Tags on users, roles and policies."""

import pytest
from support.documents import ALLOW_ALL, trust
from support.expect import refused


@pytest.fixture(params=["User", "Role", "Policy"])
def tagged(request, api, name, server):
    """An object with tags: its kind and the member that names it."""
    kind = request.param
    if kind == "User":
        api.call("CreateUser", UserName=(identity_name := name("user")))
        return kind, {"UserName": identity_name}
    if kind == "Role":
        api.call("CreateRole", RoleName=(identity_name := name("role")), AssumeRolePolicyDocument=trust(server.account))
        return kind, {"RoleName": identity_name}
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    return kind, {"PolicyArn": arn}


def tags(api, kind, what):
    """The tags of an object as a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in api.items(f"List{kind}Tags", "Tags", **what)}


def test_tags_are_set_replaced_and_removed(api, tagged):
    kind, what = tagged
    assert tags(api, kind, what) == {}
    api.call(f"Tag{kind}", **what, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "empty", "Value": ""}])
    assert tags(api, kind, what) == {"team": "blue", "empty": ""}
    api.call(f"Tag{kind}", **what, Tags=[{"Key": "team", "Value": "red"}])
    assert tags(api, kind, what) == {"team": "red", "empty": ""}
    api.call(f"Untag{kind}", **what, TagKeys=["team", "never-there"])
    assert tags(api, kind, what) == {"empty": ""}


def test_keys_of_users_and_roles_are_compared_without_case(api, tagged):
    kind, what = tagged
    if kind == "Policy":
        return keys_are_compared_with_case(api, what)
    twice = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    error = refused(api, "InvalidInput", f"Tag{kind}", **what, Tags=twice)
    assert error.message == "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    api.call(f"Tag{kind}", **what, Tags=[{"Key": "Team", "Value": "a"}])
    api.call(f"Tag{kind}", **what, Tags=[{"Key": "TEAM", "Value": "b"}])
    assert list(tags(api, kind, what).values()) == ["b"]
    api.call(f"Untag{kind}", **what, TagKeys=["tEAM"])
    assert tags(api, kind, what) == {}


def keys_are_compared_with_case(api, what):
    error = refused(api, "InvalidInput", "TagPolicy", **what, Tags=[{"Key": "team", "Value": "a"}, {"Key": "team", "Value": "b"}])
    assert error.message == "Duplicate tag keys found."
    api.call("TagPolicy", **what, Tags=[{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "b"}])
    api.call("TagPolicy", **what, Tags=[{"Key": "TEAM", "Value": "c"}, {"Key": "ab", "Value": "d"}, {"Key": "y", "Value": "e"}])
    assert list(tags(api, "Policy", what)) == ["y", "ab", "TEAM", "Team", "team"]  # by length, then by code point
    api.call("UntagPolicy", **what, TagKeys=["tEAM", "Team"])
    assert tags(api, "Policy", what) == {"y": "e", "ab": "d", "TEAM": "c", "team": "a"}


def test_fifty_at_most(api, tagged):
    kind, what = tagged
    for first in (0, 25):
        fill = [{"Key": f"k{number:02}", "Value": "v"} for number in range(first, first + 25)]
        api.call(f"Tag{kind}", **what, Tags=fill)
    refused(api, "LimitExceeded", f"Tag{kind}", **what, Tags=[{"Key": "one-more", "Value": "v"}])
    api.call(f"Tag{kind}", **what, Tags=[{"Key": "k00" if kind == "Policy" else "K00", "Value": "replaced"}])
    assert len(tags(api, kind, what)) == 50
    pages = api.pages(f"List{kind}Tags", **what, MaxItems=20)
    assert [len(page["Tags"]) for page in pages] == [20, 20, 10]


def test_invalid_tags_are_refused(api, tagged):
    kind, what = tagged
    for key, value in (("", "v"), ("k" * 129, "v"), ("k", "v" * 257), ("k<", "v"), ("k", "v\n")):
        refused(api, "ValidationError", f"Tag{kind}", **what, Tags=[{"Key": key, "Value": value}])
    refused(api, "InvalidInput", f"Tag{kind}", **what, Tags=[{"Key": "aws:mine", "Value": "v"}])
    assert tags(api, kind, what) == {}
