"""Users: created, found, renamed, tagged, limited by a boundary, and deleted."""

import re

import pytest
from support.api import moment
from support.documents import ALLOW_ALL, trust
from support.expect import refused
from support.server import Credentials
from support.totp import Authenticator


def test_a_user_is_created_and_found(api, name, server):
    user_name = name("user")
    made = api.call("CreateUser", UserName=user_name, Path="/division/team/", Tags=[{"Key": "cost", "Value": "7"}])["User"]
    assert made["UserName"] == user_name
    assert made["Path"] == "/division/team/"
    assert made["Arn"] == f"arn:aws:iam::{server.account}:user/division/team/{user_name}"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"])
    assert made["Tags"] == [{"Key": "cost", "Value": "7"}]
    found = api.call("GetUser", UserName=user_name)["User"]
    assert {key: found[key] for key in ("UserName", "Path", "Arn", "UserId", "Tags")} == {
        key: made[key] for key in ("UserName", "Path", "Arn", "UserId", "Tags")
    }
    assert moment(found["CreateDate"]) == moment(made["CreateDate"])
    assert "PasswordLastUsed" not in found


def test_the_path_is_the_root_unless_given(api, name, server):
    made = api.call("CreateUser", UserName=(user_name := name("user")))["User"]
    assert (made["Path"], made["Arn"]) == ("/", f"arn:aws:iam::{server.account}:user/{user_name}")


def test_a_name_is_taken_only_once(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name, Path="/a/")
    error = refused(api, "EntityAlreadyExists", "CreateUser", UserName=user_name, Path="/b/")
    assert error.message == f"User with name {user_name} already exists."


def test_missing_principals_are_not_found(api, name):
    user_name = name("nobody")
    error = refused(api, "NoSuchEntity", "GetUser", UserName=user_name)
    assert error.message == f"The user with name {user_name} cannot be found."
    refused(api, "NoSuchEntity", "UpdateUser", UserName=user_name, NewPath="/x/")
    refused(api, "NoSuchEntity", "DeleteUser", UserName=user_name)
    refused(api, "NoSuchEntity", "TagUser", UserName=user_name, Tags=[{"Key": "a", "Value": "b"}])
    refused(api, "NoSuchEntity", "UntagUser", UserName=user_name, TagKeys=["a"])
    refused(api, "NoSuchEntity", "ListUserTags", UserName=user_name)
    refused(api, "NoSuchEntity", "ListGroupsForUser", UserName=user_name)
    refused(api, "NoSuchEntity", "CreateAccessKey", UserName=user_name)
    refused(api, "NoSuchEntity", "ListAccessKeys", UserName=user_name)


def test_users_are_listed_by_name_and_path(api, name, server):
    path = f"/{name('path')}/"
    names = [f"{letter}-{name('user')}" for letter in "cab"]
    for user_name in names:
        api.call("CreateUser", UserName=user_name, Path=path, Tags=[{"Key": "a", "Value": "b"}])
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


def test_a_rename_keeps_credentials_sessions_and_references(api, aws, name, server):
    """What hangs on the user hangs on the id: memberships, devices, sessions, and principals in trust policies."""
    old, new, group, moved = name("user"), name("user"), name("group"), name("group")
    arn = api.call("CreateUser", UserName=old, Path="/old/", Tags=[{"Key": "team", "Value": "reeds"}])["User"]["Arn"]
    managed = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("CreateGroup", GroupName=group)
    api.call("AddUserToGroup", GroupName=group, UserName=old)
    api.call("AttachUserPolicy", UserName=old, PolicyArn=managed)
    api.call("AttachGroupPolicy", GroupName=group, PolicyArn=managed)
    api.call("PutUserPermissionsBoundary", UserName=old, PermissionsBoundary=managed)
    api.call("CreateLoginProfile", UserName=old, Password="Hidden-Marsh-7")
    device = api.call("CreateVirtualMFADevice", VirtualMFADeviceName=old)["VirtualMFADevice"]
    api.call("EnableMFADevice", UserName=old, SerialNumber=device["SerialNumber"], **Authenticator(device).pair())
    role = api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(arn))["Role"]
    key = api.call("CreateAccessKey", UserName=old)["AccessKey"]
    mine = aws.signed_by(Credentials.of(key))
    session = aws.signed_by(Credentials.of(mine.call("GetSessionToken")["Credentials"]))
    assumed = aws.signed_by(Credentials.of(mine.call("AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]))
    used = api.call("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]

    api.call("UpdateUser", UserName=old, NewUserName=new, NewPath="/new/")
    api.call("UpdateGroup", GroupName=group, NewGroupName=moved, NewPath="/new/")
    moved_arn = f"arn:aws:iam::{server.account}:user/new/{new}"
    found = api.call("GetUser", UserName=new)["User"]
    assert found["Tags"] == [{"Key": "team", "Value": "reeds"}]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == managed
    assert [user["Arn"] for user in api.call("GetGroup", GroupName=moved)["Users"]] == [moved_arn]
    assert [each["GroupName"] for each in api.call("ListGroupsForUser", UserName=new)["Groups"]] == [moved]
    entities = api.call("ListEntitiesForPolicy", PolicyArn=managed, PolicyUsageFilter="PermissionsPolicy")
    assert ([user["UserName"] for user in entities["PolicyUsers"]], [each["GroupName"] for each in entities["PolicyGroups"]]) == ([new], [moved])
    assert api.call("GetLoginProfile", UserName=new)["LoginProfile"]["UserName"] == new
    assert [each["SerialNumber"] for each in api.call("ListMFADevices", UserName=new)["MFADevices"]] == [device["SerialNumber"]]
    last = api.call("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])
    assert (last["UserName"], last["AccessKeyLastUsed"]) == (new, used)
    document = api.call("GetRole", RoleName=role["RoleName"])["Role"]["AssumeRolePolicyDocument"]
    assert moved_arn in str(document) and arn not in str(document)
    assert mine.call("GetCallerIdentity")["Arn"] == session.call("GetCallerIdentity")["Arn"] == moved_arn
    assert assumed.call("GetCallerIdentity")["Arn"].endswith("/session")
    mine.call("AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")
    # A new user of the old name has none of it.
    api.call("CreateUser", UserName=old, Path="/old/")
    api.call("AttachUserPolicy", UserName=old, PolicyArn=managed)
    other = aws.signed_by(Credentials.of(api.call("CreateAccessKey", UserName=old)["AccessKey"]))
    refused(other, "AccessDenied", "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session")
    assert api.call("ListGroupsForUser", UserName=old)["Groups"] == []


def test_a_rename_to_a_name_that_is_taken(api, name):
    one, other = name("user"), name("user")
    api.call("CreateUser", UserName=one)
    api.call("CreateUser", UserName=other)
    refused(api, "EntityAlreadyExists", "UpdateUser", UserName=one, NewUserName=other)
    assert api.call("GetUser", UserName=one)["User"]["UserName"] == one


def test_a_name_in_another_case_is_taken_by_itself(api, name):
    user_name, group = name("user"), name("group")
    api.call("CreateUser", UserName=user_name)
    error = refused(api, "EntityAlreadyExists", "UpdateUser", UserName=user_name, NewUserName=user_name.upper())
    assert error.message == f"User with name {user_name.upper()} already exists."
    api.call("CreateGroup", GroupName=group)
    error = refused(api, "EntityAlreadyExists", "UpdateGroup", GroupName=group, NewGroupName=group.upper())
    assert error.message == f"Group with name {group.upper()} already exists."
    # The same name beside a new path is how clients move a user.
    api.call("UpdateUser", UserName=user_name, NewUserName=user_name, NewPath="/moved/")
    found = api.call("GetUser", UserName=user_name)["User"]
    assert (found["UserName"], found["Path"]) == (user_name, "/moved/")


@pytest.mark.parametrize("hanging", ["access key", "inline policy", "attached policy", "group"])
def test_an_identity_with_dependents_is_not_deleted(api, name, hanging):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    if hanging == "access key":
        key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]["AccessKeyId"]
        undo = ("DeleteAccessKey", {"AccessKeyId": key})
    elif hanging == "inline policy":
        api.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=ALLOW_ALL)
        undo = ("DeleteUserPolicy", {"PolicyName": "p"})
    elif hanging == "attached policy":
        arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
        api.call("AttachUserPolicy", UserName=user_name, PolicyArn=arn)
        undo = ("DetachUserPolicy", {"PolicyArn": arn})
    else:
        group = name("group")
        api.call("CreateGroup", GroupName=group)
        api.call("AddUserToGroup", GroupName=group, UserName=user_name)
        undo = ("RemoveUserFromGroup", {"GroupName": group})
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=user_name)
    assert error.message.startswith("Cannot delete entity, must ")
    api.call(undo[0], UserName=user_name, **undo[1])
    api.call("DeleteUser", UserName=user_name)
    refused(api, "NoSuchEntity", "GetUser", UserName=user_name)


def test_a_recreated_name_inherits_nothing(api, name):
    user_name, group = name("user"), name("group")
    first = api.call("CreateUser", UserName=user_name, Tags=[{"Key": "a", "Value": "b"}])["User"]
    api.call("CreateGroup", GroupName=group)
    api.call("AddUserToGroup", GroupName=group, UserName=user_name)
    api.call("RemoveUserFromGroup", GroupName=group, UserName=user_name)
    api.call("DeleteUser", UserName=user_name)
    second = api.call("CreateUser", UserName=user_name)["User"]
    assert second["UserId"] != first["UserId"]
    assert api.call("ListUserTags", UserName=user_name)["Tags"] == []
    assert api.call("ListGroupsForUser", UserName=user_name)["Groups"] == []


def test_a_boundary_is_a_managed_policy(api, name):
    user_name = name("user")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("CreateUser", UserName=user_name)
    api.call("PutUserPermissionsBoundary", UserName=user_name, PermissionsBoundary=arn)
    boundary = api.call("GetUser", UserName=user_name)["User"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert api.call("GetPolicy", PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    refused(api, "DeleteConflict", "DeletePolicy", PolicyArn=arn)
    api.call("DeleteUserPermissionsBoundary", UserName=user_name)
    assert "PermissionsBoundary" not in api.call("GetUser", UserName=user_name)["User"]
    refused(api, "NoSuchEntity", "DeleteUserPermissionsBoundary", UserName=user_name)
    api.call("DeletePolicy", PolicyArn=arn)
    refused(api, "NoSuchEntity", "PutUserPermissionsBoundary", UserName=user_name, PermissionsBoundary=arn)


def test_a_user_may_be_created_with_a_boundary(api, name):
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    made = api.call("CreateUser", UserName=name("user"), PermissionsBoundary=arn)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    missing = arn.rsplit("/", 1)[0] + "/" + name("none")
    refused(api, "NoSuchEntity", "CreateUser", UserName=name("user"), PermissionsBoundary=missing)
