"""Groups and their members."""

import re

from support.documents import ALLOW_ALL
from support.expect import refused


def test_a_group_is_created_found_and_renamed(api, name, server):
    old, new = name("group"), name("group")
    made = api.call("CreateGroup", GroupName=old, Path="/teams/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:group/teams/{old}"
    assert re.fullmatch(r"AGPA[A-Z2-7]{17}", made["GroupId"])
    assert made["Path"] == "/teams/"
    answer = api.call("GetGroup", GroupName=old)
    assert answer["Group"]["GroupId"] == made["GroupId"]
    assert answer["Users"] == []
    api.call("UpdateGroup", GroupName=old, NewGroupName=new, NewPath="/")
    moved = api.call("GetGroup", GroupName=new)["Group"]
    assert (moved["GroupId"], moved["Arn"]) == (made["GroupId"], f"arn:aws:iam::{server.account}:group/{new}")
    refused(api, "NoSuchEntity", "GetGroup", GroupName=old)
    assert new in [group["GroupName"] for group in api.items("ListGroups", "Groups")]
    api.call("DeleteGroup", GroupName=new)
    refused(api, "NoSuchEntity", "GetGroup", GroupName=new)


def test_a_name_is_taken_only_once(api, name):
    one, other = name("group"), name("group")
    api.call("CreateGroup", GroupName=one)
    assert refused(api, "EntityAlreadyExists", "CreateGroup", GroupName=one).message == (
        f"Group with name {one} already exists."
    )
    api.call("CreateGroup", GroupName=other)
    refused(api, "EntityAlreadyExists", "UpdateGroup", GroupName=one, NewGroupName=other)


def test_missing_objects_are_not_found(api, name):
    group, user_name = name("group"), name("user")
    error = refused(api, "NoSuchEntity", "GetGroup", GroupName=group)
    assert error.message == f"The group with name {group} cannot be found."
    refused(api, "NoSuchEntity", "UpdateGroup", GroupName=group, NewPath="/x/")
    refused(api, "NoSuchEntity", "DeleteGroup", GroupName=group)
    api.call("CreateUser", UserName=user_name)
    refused(api, "NoSuchEntity", "AddUserToGroup", GroupName=group, UserName=user_name)
    refused(api, "NoSuchEntity", "RemoveUserFromGroup", GroupName=group, UserName=user_name)
    api.call("CreateGroup", GroupName=group)
    refused(api, "NoSuchEntity", "AddUserToGroup", GroupName=group, UserName=name("nobody"))


def test_members_are_added_and_removed(api, name):
    group, names = name("group"), sorted(name("user") for _ in range(3))
    api.call("CreateGroup", GroupName=group)
    for user_name in names:
        api.call("CreateUser", UserName=user_name)
        api.call("AddUserToGroup", GroupName=group, UserName=user_name)
        api.call("AddUserToGroup", GroupName=group, UserName=user_name)  # again: nothing changes
    assert [user["UserName"] for user in api.call("GetGroup", GroupName=group)["Users"]] == names
    assert [each["GroupName"] for each in api.call("ListGroupsForUser", UserName=names[0])["Groups"]] == [group]
    assert "Cannot delete entity, must remove users from group first." in (
        refused(api, "DeleteConflict", "DeleteGroup", GroupName=group).message
    )
    for user_name in names:
        api.call("RemoveUserFromGroup", GroupName=group, UserName=user_name)
    api.call("RemoveUserFromGroup", GroupName=group, UserName=names[0])  # again: nothing changes
    assert api.call("ListGroupsForUser", UserName=names[0])["Groups"] == []
    api.call("DeleteGroup", GroupName=group)


def test_members_follow_a_rename_of_either(api, name):
    group, user_name = name("group"), name("user")
    api.call("CreateGroup", GroupName=group)
    api.call("CreateUser", UserName=user_name)
    api.call("AddUserToGroup", GroupName=group, UserName=user_name)
    new_group, new_who = name("group"), name("user")
    api.call("UpdateGroup", GroupName=group, NewGroupName=new_group)
    api.call("UpdateUser", UserName=user_name, NewUserName=new_who)
    assert [user["UserName"] for user in api.call("GetGroup", GroupName=new_group)["Users"]] == [new_who]
    assert [each["GroupName"] for each in api.call("ListGroupsForUser", UserName=new_who)["Groups"]] == [new_group]


def test_a_group_with_policies_is_not_deleted(api, name):
    group = name("group")
    api.call("CreateGroup", GroupName=group)
    api.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused(api, "DeleteConflict", "DeleteGroup", GroupName=group)
    api.call("DeleteGroupPolicy", GroupName=group, PolicyName="p")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("AttachGroupPolicy", GroupName=group, PolicyArn=arn)
    refused(api, "DeleteConflict", "DeleteGroup", GroupName=group)
    api.call("DetachGroupPolicy", GroupName=group, PolicyArn=arn)
    api.call("DeleteGroup", GroupName=group)


def test_a_user_is_in_at_most_ten_groups(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    groups = [name("group") for _ in range(11)]
    for group in groups:
        api.call("CreateGroup", GroupName=group)
    for group in groups[:10]:
        api.call("AddUserToGroup", GroupName=group, UserName=user_name)
    error = refused(api, "LimitExceeded", "AddUserToGroup", GroupName=groups[10], UserName=user_name)
    assert error.message == "Cannot exceed quota for GroupsPerUser: 10"
    api.call("RemoveUserFromGroup", GroupName=groups[0], UserName=user_name)
    api.call("AddUserToGroup", GroupName=groups[10], UserName=user_name)
