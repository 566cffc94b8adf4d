"""Administration of roles and their trust policies; `test_sessions.py` tests AssumeRole."""

import json
import re

import pytest
from support.api import document
from support.documents import ALLOW_ALL, trust
from support.expect import refused


def test_a_role_is_created_found_and_listed(api, name, server):
    role = name("role")
    text = trust(server.account)
    made = api.call(
        "CreateRole",
        RoleName=role,
        Path="/service/",
        AssumeRolePolicyDocument=text,
        Description="reads what it must",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "b"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:role/service/{role}"
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", made["RoleId"])
    assert document(made["AssumeRolePolicyDocument"]) == json.loads(text)
    assert "MaxSessionDuration" not in made and "RoleLastUsed" not in made
    found = api.call("GetRole", RoleName=role)["Role"]
    assert found["MaxSessionDuration"] == 7200
    assert found["Description"] == "reads what it must"
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    assert found["RoleLastUsed"] == {}
    listed = next(r for r in api.items("ListRoles", "Roles", PathPrefix="/service/") if r["RoleName"] == role)
    assert document(listed["AssumeRolePolicyDocument"]) == json.loads(text)
    assert not listed.get("Tags") and not listed.get("RoleLastUsed") and not listed.get("PermissionsBoundary")


def test_names_are_taken_once_and_missing_ones_not_found(api, name, server):
    role = name("role")
    missing = refused(api, "NoSuchEntity", "GetRole", RoleName=role)
    assert missing.message == f"The role with name {role} cannot be found."
    text = trust(server.account)
    for operation, members in {
        "UpdateRole": {"Description": "x"},
        "UpdateRoleDescription": {"Description": "x"},
        "UpdateAssumeRolePolicy": {"PolicyDocument": text},
        "DeleteRole": {},
        "TagRole": {"Tags": [{"Key": "a", "Value": "b"}]},
        "UntagRole": {"TagKeys": ["a"]},
        "ListRoleTags": {},
        "ListRolePolicies": {},
        "ListAttachedRolePolicies": {},
        "DeleteRolePermissionsBoundary": {},
    }.items():
        refused(api, "NoSuchEntity", operation, RoleName=role, **members)
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=text)
    again = refused(api, "EntityAlreadyExists", "CreateRole", RoleName=role, AssumeRolePolicyDocument=text)
    assert again.message == f"Role with name {role} already exists."


def test_a_role_is_changed(api, name, server):
    role = name("role")
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    assert api.call("GetRole", RoleName=role)["Role"]["MaxSessionDuration"] == 3600
    api.call("UpdateRole", RoleName=role, Description="one", MaxSessionDuration=43200)
    found = api.call("GetRole", RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("one", 43200)
    answer = api.call("UpdateRoleDescription", RoleName=role, Description="two")
    assert answer["Role"]["Description"] == "two"
    api.call("UpdateRole", RoleName=role, MaxSessionDuration=3600)
    found = api.call("GetRole", RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("two", 3600)
    text = trust({"Service": "backup.example.com"})
    api.call("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=text)
    assert document(api.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"]) == json.loads(text)
    for duration in (3599, 43201):
        refused(api, "ValidationError", "UpdateRole", RoleName=role, MaxSessionDuration=duration)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        ALLOW_ALL,  # a trust policy names principals and has no Resource element
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"sts:AssumeRole"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"iam:CreateUser"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}',
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
    ],
)
def test_malformed_trust_policies_are_refused(api, name, server, text):
    role = name("role")
    refused(api, "MalformedPolicyDocument", "CreateRole", RoleName=role, AssumeRolePolicyDocument=text)
    refused(api, "NoSuchEntity", "GetRole", RoleName=role)
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    refused(api, "MalformedPolicyDocument", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=text)


def test_a_trust_policy_names_principals_that_exist(api, name, server):
    missing = f"arn:aws:iam::{server.account}:user/{name('nobody')}"
    refused(api, "MalformedPolicyDocument", "CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(missing))


def test_a_recreated_user_is_not_trusted(api, name, server):
    user_name, role = name("user"), name("role")
    user = api.call("CreateUser", UserName=user_name)["User"]
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(user["Arn"]))
    shown = document(api.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    assert shown["Statement"][0]["Principal"] == {"AWS": user["Arn"]}
    api.call("DeleteUser", UserName=user_name)
    api.call("CreateUser", UserName=user_name)
    shown = document(api.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    assert shown["Statement"][0]["Principal"] == {"AWS": user["UserId"]}  # the id of the deleted user


def test_a_role_with_policies_is_not_deleted(api, name, server):
    role = name("role")
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    api.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    error = refused(api, "DeleteConflict", "DeleteRole", RoleName=role)
    assert error.message == "Cannot delete entity, must delete policies first."
    api.call("DeleteRolePolicy", RoleName=role, PolicyName="p")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("AttachRolePolicy", RoleName=role, PolicyArn=arn)
    error = refused(api, "DeleteConflict", "DeleteRole", RoleName=role)
    assert error.message == "Cannot delete entity, must detach all policies first."
    api.call("DetachRolePolicy", RoleName=role, PolicyArn=arn)
    api.call("DeleteRole", RoleName=role)


def test_a_boundary_is_set_and_removed(api, name, server):
    role = name("role")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    api.call("PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=arn)
    found = api.call("GetRole", RoleName=role)["Role"]["PermissionsBoundary"]
    assert found == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    api.call("DeleteRolePermissionsBoundary", RoleName=role)
    assert "PermissionsBoundary" not in api.call("GetRole", RoleName=role)["Role"]
