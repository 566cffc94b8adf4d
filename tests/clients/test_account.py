"""The account as a whole: alias, summary, authorization details."""

import json

import pytest
from support.api import document
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused


def test_one_alias_at_a_time(api, name):
    for taken in api.call("ListAccountAliases")["AccountAliases"]:
        api.call("DeleteAccountAlias", AccountAlias=taken)
    alias, other = name("alias"), name("alias")
    api.call("CreateAccountAlias", AccountAlias=alias)
    assert api.call("ListAccountAliases")["AccountAliases"] == [alias]
    api.call("CreateAccountAlias", AccountAlias=other)  # replaces the alias before
    assert api.call("ListAccountAliases")["AccountAliases"] == [other]
    refused(api, "NoSuchEntity", "DeleteAccountAlias", AccountAlias=alias)
    api.call("DeleteAccountAlias", AccountAlias=other)
    assert api.call("ListAccountAliases")["AccountAliases"] == []
    for bad in ("Upper", "-begins", "ends-", "two--dashes", "ab", "a" * 64):
        refused(api, "ValidationError", "CreateAccountAlias", AccountAlias=bad)


def test_the_summary_counts(api, name, server):
    before = api.call("GetAccountSummary")["SummaryMap"]
    api.call("CreateUser", UserName=name("user"))
    api.call("CreateGroup", GroupName=name("group"))
    api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(server.account))
    api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)
    after = api.call("GetAccountSummary")["SummaryMap"]
    assert {key: after[key] - before[key] for key in ("Users", "Groups", "Roles", "Policies")} == {
        "Users": 1, "Groups": 1, "Roles": 1, "Policies": 1,
    }  # fmt: skip
    for key, value in {
        "UsersQuota": 5000,
        "GroupsQuota": 300,
        "RolesQuota": 1000,
        "PoliciesQuota": 1500,
        "GroupsPerUserQuota": 10,
        "AccessKeysPerUserQuota": 2,
        "AttachedPoliciesPerUserQuota": 10,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10,
        "VersionsPerPolicyQuota": 5,
        "PolicySizeQuota": 6144,
        "UserPolicySizeQuota": 2048,
        "GroupPolicySizeQuota": 5120,
        "RolePolicySizeQuota": 10240,
        "AssumeRolePolicySizeQuota": 2048,
        "AccountAccessKeysPresent": 1,
        "AccountMFAEnabled": 0,
    }.items():
        assert after[key] == value, key


def test_everything_in_one_answer(api, name, server):
    group, user_name, role = name("group"), name("user"), name("role")
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    api.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=READ_ONLY)
    api.call("CreateGroup", GroupName=group)
    api.call("CreateUser", UserName=user_name, PermissionsBoundary=arn, Tags=[{"Key": "a", "Value": "b"}])
    api.call("AddUserToGroup", GroupName=group, UserName=user_name)
    api.call("PutUserPolicy", UserName=user_name, PolicyName="inline", PolicyDocument=READ_ONLY)
    api.call("PutGroupPolicy", GroupName=group, PolicyName="inline", PolicyDocument=READ_ONLY)
    api.call("AttachGroupPolicy", GroupName=group, PolicyArn=arn)
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    api.call("AttachRolePolicy", RoleName=role, PolicyArn=arn)

    def find(filter, key, member, value):
        items = api.items("GetAccountAuthorizationDetails", key, Filter=[filter], MaxItems=3)
        return next(item for item in items if item[member] == value)

    user = find("User", "UserDetailList", "UserName", user_name)
    assert user["GroupList"] == [group]
    assert [p["PolicyName"] for p in user["UserPolicyList"]] == ["inline"]
    assert document(user["UserPolicyList"][0]["PolicyDocument"]) == json.loads(READ_ONLY)
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert user["Tags"] == [{"Key": "a", "Value": "b"}]
    assert user["AttachedManagedPolicies"] == []
    detail = find("Group", "GroupDetailList", "GroupName", group)
    assert [p["PolicyArn"] for p in detail["AttachedManagedPolicies"]] == [arn]
    assert [p["PolicyName"] for p in detail["GroupPolicyList"]] == ["inline"]
    detail = find("Role", "RoleDetailList", "RoleName", role)
    assert [p["PolicyArn"] for p in detail["AttachedManagedPolicies"]] == [arn]
    assert document(detail["AssumeRolePolicyDocument"]) == json.loads(trust(server.account))
    assert detail["InstanceProfileList"] == []
    detail = find("LocalManagedPolicy", "Policies", "Arn", arn)
    assert detail["AttachmentCount"] == 2
    assert detail["PermissionsBoundaryUsageCount"] == 1
    assert {v["VersionId"] for v in detail["PolicyVersionList"]} == {"v1", "v2"}
    assert document(detail["PolicyVersionList"][0]["Document"])
    refused(api, "ValidationError", "GetAccountAuthorizationDetails", Filter=["Nonsense"])


def test_all_kinds_over_small_pages(api, name, server):
    api.call("CreateUser", UserName=name("user"))
    api.call("CreateGroup", GroupName=name("group"))
    api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(server.account))
    api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=policy("a:b"))
    kinds = ["User", "Group", "Role", "LocalManagedPolicy"]
    pages = api.pages("GetAccountAuthorizationDetails", MaxItems=2, Filter=kinds)
    keys = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"]
    assert all(sum(len(page[key]) for key in keys) <= 2 for page in pages)
    for kind, key, listing, name_of in [
        ("User", "UserDetailList", ("ListUsers", "Users"), "UserName"),
        ("Group", "GroupDetailList", ("ListGroups", "Groups"), "GroupName"),
        ("Role", "RoleDetailList", ("ListRoles", "Roles"), "RoleName"),
        ("LocalManagedPolicy", "Policies", ("ListPolicies", "Policies"), "PolicyName"),
    ]:
        more = {"Scope": "Local"} if kind == "LocalManagedPolicy" else {}
        listed = [item[name_of] for item in api.items(*listing, **more)]
        assert sorted(item[name_of] for page in pages for item in page[key]) == sorted(listed), kind


@pytest.mark.parametrize("kind", ["AWSManagedPolicy"])
def test_managed_policies_come_with_the_server(api, kind):
    details = api.items("GetAccountAuthorizationDetails", "Policies", Filter=[kind])
    assert all(detail["Arn"].startswith("arn:aws:iam::aws:policy/") for detail in details)
