"""AWS's answers where its service models do not define them: messages, absent members, order of lists and checks.

Other facts of this kind are tested with their subject: names in `test_names.py`, sessions in `test_sessions.py`,
simulation in `test_simulation.py`, signatures in `attacks/test_signatures.py`, XML in `test_http.py`.
"""

import json
import re

import pytest
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused


def new_policy(api, name, **members):
    """Creates a managed policy and returns its ARN."""
    return api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=READ_ONLY, **members)["Policy"]["Arn"]


@pytest.mark.parametrize(
    "operation, members",
    [
        ("GetPolicy", {}),
        ("DeletePolicy", {}),
        ("ListPolicyVersions", {}),
        ("ListEntitiesForPolicy", {}),
        ("GetPolicyVersion", {"VersionId": "v1"}),
        ("CreatePolicyVersion", {"PolicyDocument": ALLOW_ALL}),
        ("TagPolicy", {"Tags": [{"Key": "a", "Value": "b"}]}),
    ],
)
def test_arns_of_policies(api, operation, members):
    error = refused(api, "ValidationError", operation, PolicyArn="this is no ARN at all", **members)
    assert error.message == "Invalid ARN:  Could not be parsed!"
    elsewhere = "arn:aws:iam::111122223333:role/not-a-policy"
    assert refused(api, "InvalidInput", operation, PolicyArn=elsewhere, **members).message == f"ARN {elsewhere} is not valid."


def test_lists_of_texts_are_reported_once(api, name):
    user = name("user")
    api.call("CreateUser", UserName=user)
    error = refused(api, "ValidationError", "UntagUser", UserName=user, TagKeys=["a", "b" * 129, "*"])
    assert error.message == (
        "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, "
        r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]"
    )
    url = "https://example.com"
    error = refused(api, "ValidationError", "CreateOpenIDConnectProvider", Url=url, ClientIDList=["c" * 256])
    assert error.message == (
        "1 validation error detected: Value at 'clientIDList' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 255, Member must have length greater than or equal to 1]"
    )


def test_the_message_about_a_missing_policy(api, name, server):
    user, there = name("user"), new_policy(api, name)
    api.call("CreateUser", UserName=user)
    missing = f"arn:aws:iam::{server.account}:policy/{name('none')}"
    not_found = f"Policy {missing} was not found."
    not_attachable = "does not exist or is not attachable."
    for operation, members, message in [
        ("GetPolicy", {"PolicyArn": missing}, not_found),
        ("DeletePolicy", {"PolicyArn": missing}, not_found),
        ("ListEntitiesForPolicy", {"PolicyArn": missing}, f"Policy {missing} {not_attachable}"),
        ("DetachUserPolicy", {"PolicyArn": missing, "UserName": user}, not_found),
        ("AttachUserPolicy", {"PolicyArn": missing, "UserName": user}, f"Policy {missing} {not_attachable}"),
        ("PutUserPermissionsBoundary", {"PermissionsBoundary": missing, "UserName": user}, f"Scope ARN: {missing} {not_attachable}"),
        ("GetPolicyVersion", {"PolicyArn": there, "VersionId": "v9"}, f"Policy {there} version v9 {not_attachable}"),
    ]:
        assert refused(api, "NoSuchEntity", operation, **members).message == message, operation


def test_the_messages_about_missing_names(api, name):
    user, group = name("user"), name("group")
    for operation, members, message in [
        ("GetUser", {"UserName": user}, f"The user with name {user} cannot be found."),
        ("GetGroup", {"GroupName": group}, f"The group with name {group} cannot be found."),
        ("GetRole", {"RoleName": user}, f"The role with name {user} cannot be found."),
        ("ListAccessKeys", {"UserName": user}, f"The user with name {user} cannot be found."),
    ]:
        assert refused(api, "NoSuchEntity", operation, **members).message == message, operation
    api.call("CreateUser", UserName=user)
    api.call("CreateGroup", GroupName=group)
    missing = name("none")
    for operation in ("AddUserToGroup", "RemoveUserFromGroup"):
        error = refused(api, "NoSuchEntity", operation, GroupName=group, UserName=missing)
        assert error.message == f"The user with name {missing} cannot be found."
        error = refused(api, "NoSuchEntity", operation, GroupName=missing, UserName=user)
        assert error.message == f"The group with name {missing} cannot be found."


def test_documents_that_are_not_json(api, name, server):
    user, role = name("user"), name("role")
    api.call("CreateUser", UserName=user)
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    permissions, trusting = "Syntax errors in policy.", "This policy contains invalid Json"
    for operation, members, words in [
        ("CreatePolicy", {"PolicyName": name("policy"), "PolicyDocument": '{"Version": "2012'}, permissions),
        ("PutUserPolicy", {"UserName": user, "PolicyName": "p", "PolicyDocument": "no JSON"}, permissions),
        ("CreateRole", {"RoleName": name("role"), "AssumeRolePolicyDocument": "{'Version': '2012-10-17'}"}, trusting),
        ("UpdateAssumeRolePolicy", {"RoleName": role, "PolicyDocument": "no JSON"}, trusting),
    ]:
        error = refused(api, "MalformedPolicyDocument", operation, **members)
        assert error.message == words, error


def test_trust_in_everyone_is_written_with_its_type(api, name):
    def who_may(principal):
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    role = name("role")
    refused(api, "MalformedPolicyDocument", "CreateRole", RoleName=role, AssumeRolePolicyDocument=who_may("*"))
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=who_may({"AWS": "*"}))
    refused(api, "MalformedPolicyDocument", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=who_may("*"))


def test_sts_repeats_values_but_no_secrets(api, new_user, server):
    _, credentials = new_user(policy("sts:*"))
    sts = api.signed_by(credentials)
    arn = f"arn:aws:iam::{server.account}:role/any"
    error = refused(sts, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="x")
    assert error.message == (
        "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 2"
    )
    error = refused(sts, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="a b")
    assert error.message == (
        "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
    )
    error = refused(sts, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="xy", TokenCode="123456789")
    assert "'tokenCode' failed to satisfy constraint" in error.message and "123456789" not in str(error.__dict__)
    error = refused(sts, "ValidationError", "AssumeRole", RoleArn=arn)
    assert error.message == (
        "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"
    )


def test_root_gets_its_identity(server, api):
    user = api.call("GetUser")["User"]
    assert user["Arn"] == f"arn:aws:iam::{server.account}:root"
    assert user["UserId"] == server.account
    assert "UserName" not in user or api.front == "grpc"


def test_members_that_are_left_out(api, name, server):
    boundary = new_policy(api, name)
    tags = [{"Key": "a", "Value": "b"}]
    user, role, path = name("user"), name("role"), f"/{name('path')}/"
    bounded = {"Path": path, "Tags": tags, "PermissionsBoundary": boundary}
    api.call("CreateUser", UserName=user, **bounded)
    made = api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account), **bounded)["Role"]
    assert not {"MaxSessionDuration", "RoleLastUsed"} & made.keys()
    found = api.call("GetRole", RoleName=role)["Role"]
    assert (found["MaxSessionDuration"], found["RoleLastUsed"]) == (3600, {})
    attached = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    assert found["PermissionsBoundary"] == attached == api.call("GetUser", UserName=user)["User"]["PermissionsBoundary"]
    for listing, key in (("ListUsers", "Users"), ("ListRoles", "Roles")):
        (listed,) = api.call(listing, PathPrefix=path)[key]
        for member in ("Tags", "PermissionsBoundary", "RoleLastUsed"):
            # A protobuf message does not distinguish an empty list from an absent one.
            assert not listed.get(member) if api.front == "grpc" else member not in listed, member
    answer = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=READ_ONLY, Description="reads")["Policy"]
    assert "Description" not in answer
    assert api.call("GetPolicy", PolicyArn=answer["Arn"])["Policy"]["Tags"] == []


def test_ids(api, name, server):
    user, role = name("user"), name("role")
    ids = {
        "AIDA": api.call("CreateUser", UserName=user)["User"]["UserId"],
        "AGPA": api.call("CreateGroup", GroupName=name("group"))["Group"]["GroupId"],
        "AROA": api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["RoleId"],
        "ANPA": api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=READ_ONLY)["Policy"]["PolicyId"],
    }
    for prefix, text in ids.items():
        assert re.fullmatch(prefix + "[A-Z2-7]{17}", text)
    assert re.fullmatch("AKIA[A-Z2-7]{16}", api.call("CreateAccessKey", UserName=user)["AccessKey"]["AccessKeyId"])


def test_sums_of_inline_policies_and_the_size_of_trust(api, name, server):
    def sized(characters):
        text = policy({"Action": "iam:GetUser", "Resource": "RESOURCE"}).replace(" ", "")
        filling = "arn:aws:iam::111122223333:user/" + "x" * (characters - len(text) - 31 + len("RESOURCE"))
        return text.replace("RESOURCE", filling)

    for kind, most in {"User": 2048, "Group": 5120, "Role": 10240}.items():
        identity = {f"{kind}Name": name(kind.lower())}
        api.call(f"Create{kind}", **identity, **({"AssumeRolePolicyDocument": trust(server.account)} if kind == "Role" else {}))
        api.call(f"Put{kind}Policy", **identity, PolicyName="a", PolicyDocument=sized(most - 1000))
        api.call(f"Put{kind}Policy", **identity, PolicyName="b", PolicyDocument=sized(1000).replace(":", " : ", 1))
        error = refused(api, "LimitExceeded", f"Put{kind}Policy", **identity, PolicyName="b", PolicyDocument=sized(1001))
        named = identity[f"{kind}Name"]
        assert error.message == f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {named}"
    text = trust(server.account, Condition={"StringEquals": {"aws:PrincipalTag/a": "FILL"}}).replace(" ", "")
    fits = text.replace("FILL", "x" * (2048 - len(text) + 4))
    role = name("role")
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=fits)
    too_long = fits.replace("xx", "xxx", 1)
    refused(api, "LimitExceeded", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=too_long)


def test_everything_in_one_answer_lists_used_managed_policies_alone(api, name):
    arn = "arn:aws:iam::aws:policy/AWSOrganizationsReadOnlyAccess"
    group = name("group")
    api.call("CreateGroup", GroupName=group)

    def listed():
        details = api.items("GetAccountAuthorizationDetails", "Policies", Filter=["AWSManagedPolicy"])
        assert all(detail["AttachmentCount"] + detail["PermissionsBoundaryUsageCount"] > 0 for detail in details)
        return arn in [detail["Arn"] for detail in details]

    assert not listed()
    api.call("AttachGroupPolicy", GroupName=group, PolicyArn=arn)
    assert listed()
    api.call("DetachGroupPolicy", GroupName=group, PolicyArn=arn)
    assert not listed()


def test_lists_are_sorted_by_name(api, name, server):
    path = f"/{name('path')}/"
    names = [f"{letter}-{name('one')}" for letter in ("m", "z", "a", "k")]
    for called in names:
        api.call("CreateGroup", GroupName=called, Path=path)
        api.call("CreateRole", RoleName=called, Path=path, AssumeRolePolicyDocument=trust(server.account))
        api.call("CreatePolicy", PolicyName=called, Path=path, PolicyDocument=READ_ONLY)
    for listing, key, member in (("ListGroups", "Groups", "GroupName"), ("ListRoles", "Roles", "RoleName"), ("ListPolicies", "Policies", "PolicyName")):
        assert [item[member] for item in api.items(listing, key, PathPrefix=path)] == sorted(names)
