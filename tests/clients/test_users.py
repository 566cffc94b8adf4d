"""Users: created, found, renamed, tagged, limited by a boundary, and deleted."""

import re

import pytest
from support.api import moment
from support.documents import ALLOW_ALL
from support.expect import refused


def test_a_user_is_created_and_found(api, name, server):
    who = name("user")
    made = api.call("CreateUser", UserName=who, Path="/division/team/", Tags=[{"Key": "cost", "Value": "7"}])["User"]
    assert made["UserName"] == who
    assert made["Path"] == "/division/team/"
    assert made["Arn"] == f"arn:aws:iam::{server.account}:user/division/team/{who}"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"])
    assert made["Tags"] == [{"Key": "cost", "Value": "7"}]
    found = api.call("GetUser", UserName=who)["User"]
    assert {key: found[key] for key in ("UserName", "Path", "Arn", "UserId", "Tags")} == {
        key: made[key] for key in ("UserName", "Path", "Arn", "UserId", "Tags")
    }
    assert moment(found["CreateDate"]) == moment(made["CreateDate"])
    assert "PasswordLastUsed" not in found


def test_the_path_is_the_root_unless_given(api, name, server):
    made = api.call("CreateUser", UserName=(who := name("user")))["User"]
    assert (made["Path"], made["Arn"]) == ("/", f"arn:aws:iam::{server.account}:user/{who}")


def test_a_name_is_taken_only_once(api, name):
    who = name("user")
    api.call("CreateUser", UserName=who, Path="/a/")
    error = refused(api, "EntityAlreadyExists", "CreateUser", UserName=who, Path="/b/")
    assert error.message == f"User with name {who} already exists."


def test_missing_principals_are_not_found(api, name):
    who = name("nobody")
    error = refused(api, "NoSuchEntity", "GetUser", UserName=who)
    assert error.message == f"The user with name {who} cannot be found."
    refused(api, "NoSuchEntity", "UpdateUser", UserName=who, NewPath="/x/")
    refused(api, "NoSuchEntity", "DeleteUser", UserName=who)
    refused(api, "NoSuchEntity", "TagUser", UserName=who, Tags=[{"Key": "a", "Value": "b"}])
    refused(api, "NoSuchEntity", "UntagUser", UserName=who, TagKeys=["a"])
    refused(api, "NoSuchEntity", "ListUserTags", UserName=who)
    refused(api, "NoSuchEntity", "ListGroupsForUser", UserName=who)
    refused(api, "NoSuchEntity", "CreateAccessKey", UserName=who)
    refused(api, "NoSuchEntity", "ListAccessKeys", UserName=who)


def test_users_are_listed_by_name_and_path(api, name, server):
    path = f"/{name('path')}/"
    names = [f"{letter}-{name('user')}" for letter in "cab"]
    for who in names:
        api.call("CreateUser", UserName=who, Path=path, Tags=[{"Key": "a", "Value": "b"}])
    listed = api.items("ListUsers", "Users", PathPrefix=path)
    assert [user["UserName"] for user in listed] == sorted(names)
    assert all(not user.get("Tags") and not user.get("PermissionsBoundary") for user in listed)
    assert api.items("ListUsers", "Users", PathPrefix=path[:-1] + "nothing/") == []


def test_a_rename_keeps_the_id_and_dependent_objects(api, name, server):
    old, new = name("user"), name("user")
    made = api.call("CreateUser", UserName=old)["User"]
    api.call("PutUserPolicy", UserName=old, PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = api.call("CreateAccessKey", UserName=old)["AccessKey"]["AccessKeyId"]
    api.call("UpdateUser", UserName=old, NewUserName=new, NewPath="/moved/")
    found = api.call("GetUser", UserName=new)["User"]
    assert found["UserId"] == made["UserId"]
    assert found["Arn"] == f"arn:aws:iam::{server.account}:user/moved/{new}"
    assert api.call("ListUserPolicies", UserName=new)["PolicyNames"] == ["p"]
    assert [k["AccessKeyId"] for k in api.call("ListAccessKeys", UserName=new)["AccessKeyMetadata"]] == [key]
    refused(api, "NoSuchEntity", "GetUser", UserName=old)
    api.call("CreateUser", UserName=old)  # the name is free again


def test_a_rename_to_a_name_that_is_taken(api, name):
    one, other = name("user"), name("user")
    api.call("CreateUser", UserName=one)
    api.call("CreateUser", UserName=other)
    refused(api, "EntityAlreadyExists", "UpdateUser", UserName=one, NewUserName=other)
    assert api.call("GetUser", UserName=one)["User"]["UserName"] == one


def test_a_name_in_another_case_is_taken_by_itself(api, name):
    who, group = name("user"), name("group")
    api.call("CreateUser", UserName=who)
    error = refused(api, "EntityAlreadyExists", "UpdateUser", UserName=who, NewUserName=who.upper())
    assert error.message == f"User with name {who.upper()} already exists."
    api.call("CreateGroup", GroupName=group)
    error = refused(api, "EntityAlreadyExists", "UpdateGroup", GroupName=group, NewGroupName=group.upper())
    assert error.message == f"Group with name {group.upper()} already exists."
    # The same name beside a new path is how clients move a user.
    api.call("UpdateUser", UserName=who, NewUserName=who, NewPath="/moved/")
    found = api.call("GetUser", UserName=who)["User"]
    assert (found["UserName"], found["Path"]) == (who, "/moved/")


@pytest.mark.parametrize("hanging", ["access key", "inline policy", "attached policy", "group"])
def test_an_identity_with_dependents_is_not_deleted(api, name, hanging):
    who = name("user")
    api.call("CreateUser", UserName=who)
    if hanging == "access key":
        key = api.call("CreateAccessKey", UserName=who)["AccessKey"]["AccessKeyId"]
        undo = ("DeleteAccessKey", {"AccessKeyId": key})
    elif hanging == "inline policy":
        api.call("PutUserPolicy", UserName=who, PolicyName="p", PolicyDocument=ALLOW_ALL)
        undo = ("DeleteUserPolicy", {"PolicyName": "p"})
    elif hanging == "attached policy":
        arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
        api.call("AttachUserPolicy", UserName=who, PolicyArn=arn)
        undo = ("DetachUserPolicy", {"PolicyArn": arn})
    else:
        group = name("group")
        api.call("CreateGroup", GroupName=group)
        api.call("AddUserToGroup", GroupName=group, UserName=who)
        undo = ("RemoveUserFromGroup", {"GroupName": group})
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=who)
    assert error.message.startswith("Cannot delete entity, must ")
    api.call(undo[0], UserName=who, **undo[1])
    api.call("DeleteUser", UserName=who)
    refused(api, "NoSuchEntity", "GetUser", UserName=who)


def test_a_recreated_name_inherits_nothing(api, name):
    who, group = name("user"), name("group")
    first = api.call("CreateUser", UserName=who, Tags=[{"Key": "a", "Value": "b"}])["User"]
    api.call("CreateGroup", GroupName=group)
    api.call("AddUserToGroup", GroupName=group, UserName=who)
    api.call("RemoveUserFromGroup", GroupName=group, UserName=who)
    api.call("DeleteUser", UserName=who)
    second = api.call("CreateUser", UserName=who)["User"]
    assert second["UserId"] != first["UserId"]
    assert api.call("ListUserTags", UserName=who)["Tags"] == []
    assert api.call("ListGroupsForUser", UserName=who)["Groups"] == []


def test_a_boundary_is_a_managed_policy(api, name):
    who = name("user")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("CreateUser", UserName=who)
    api.call("PutUserPermissionsBoundary", UserName=who, PermissionsBoundary=arn)
    boundary = api.call("GetUser", UserName=who)["User"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert api.call("GetPolicy", PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    refused(api, "DeleteConflict", "DeletePolicy", PolicyArn=arn)
    api.call("DeleteUserPermissionsBoundary", UserName=who)
    assert "PermissionsBoundary" not in api.call("GetUser", UserName=who)["User"]
    refused(api, "NoSuchEntity", "DeleteUserPermissionsBoundary", UserName=who)
    api.call("DeletePolicy", PolicyArn=arn)
    refused(api, "NoSuchEntity", "PutUserPermissionsBoundary", UserName=who, PermissionsBoundary=arn)


def test_a_user_may_be_created_with_a_boundary(api, name):
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    made = api.call("CreateUser", UserName=name("user"), PermissionsBoundary=arn)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    missing = arn.rsplit("/", 1)[0] + "/" + name("none")
    refused(api, "NoSuchEntity", "CreateUser", UserName=name("user"), PermissionsBoundary=missing)
