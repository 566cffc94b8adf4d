"""Managed policies and their versions; inline policies; attachments."""

import json
import re

import pytest
from support.api import document
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused

KINDS = ["User", "Group", "Role"]


def make(api, name, kind, account):
    """Creates an identity of a kind and returns the member that names it."""
    identity_name = name(kind.lower())
    more = {"AssumeRolePolicyDocument": trust(account)} if kind == "Role" else {}
    api.call(f"Create{kind}", **{f"{kind}Name": identity_name}, **more)
    return {f"{kind}Name": identity_name}


def new_policy(api, name, text=ALLOW_ALL, **members):
    """Creates a managed policy and returns its ARN."""
    return api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=text, **members)["Policy"]["Arn"]


def test_a_policy_is_created_and_found(api, name, server):
    called = name("policy")
    made = api.call(
        "CreatePolicy",
        PolicyName=called,
        Path="/p/q/",
        PolicyDocument=READ_ONLY,
        Description="reads",
        Tags=[{"Key": "a", "Value": "b"}],
    )["Policy"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:policy/p/q/{called}"
    assert re.fullmatch(r"ANPA[A-Z2-7]{17}", made["PolicyId"])
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["IsAttachable"]) == ("v1", 0, True)
    assert made["PermissionsBoundaryUsageCount"] == 0
    assert "Description" not in made
    found = api.call("GetPolicy", PolicyArn=made["Arn"])["Policy"]
    assert (found["Description"], found["Tags"]) == ("reads", [{"Key": "a", "Value": "b"}])
    version = api.call("GetPolicyVersion", PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert document(version["Document"]) == json.loads(READ_ONLY)
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v1", True)
    listed = api.items("ListPolicies", "Policies", Scope="Local", PathPrefix="/p/q/")
    assert [p["Arn"] for p in listed if p["PolicyName"] == called] == [made["Arn"]]
    again = refused(api, "EntityAlreadyExists", "CreatePolicy", PolicyName=called, PolicyDocument=ALLOW_ALL)
    assert again.message == f"A policy called {called} already exists. Duplicate names are not allowed."


def test_a_policy_has_at_most_five_numbered_versions(api, name):
    arn = new_policy(api, name)
    for number in range(2, 6):
        made = api.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=READ_ONLY, SetAsDefault=number == 3)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"
        assert made["PolicyVersion"]["IsDefaultVersion"] == (number == 3)
    refused(api, "LimitExceeded", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=READ_ONLY)
    versions = api.items("ListPolicyVersions", "Versions", PolicyArn=arn)
    assert {v["VersionId"]: v["IsDefaultVersion"] for v in versions} == {
        "v1": False, "v2": False, "v3": True, "v4": False, "v5": False,
    }  # fmt: skip
    assert all("Document" not in v for v in versions)
    refused(api, "DeleteConflict", "DeletePolicyVersion", PolicyArn=arn, VersionId="v3")
    api.call("DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    made = api.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=READ_ONLY)["PolicyVersion"]
    assert made["VersionId"] == "v6"  # a number is never used again
    api.call("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v6")
    assert api.call("GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"
    refused(api, "NoSuchEntity", "GetPolicyVersion", PolicyArn=arn, VersionId="v5")
    refused(api, "NoSuchEntity", "SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v5")
    refused(api, "NoSuchEntity", "DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    refused(api, "DeleteConflict", "DeletePolicy", PolicyArn=arn)
    for version in ("v1", "v2", "v3", "v4"):
        api.call("DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    api.call("DeletePolicy", PolicyArn=arn)
    error = refused(api, "NoSuchEntity", "GetPolicy", PolicyArn=arn)
    assert error.message == f"Policy {arn} was not found."


def test_missing_objects_are_not_found(api, name, server):
    arn = f"arn:aws:iam::{server.account}:policy/{name('none')}"
    for operation, members in {
        "GetPolicy": {},
        "DeletePolicy": {},
        "ListPolicyVersions": {},
        "ListEntitiesForPolicy": {},
        "ListPolicyTags": {},
        "GetPolicyVersion": {"VersionId": "v1"},
        "CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL},
        "SetDefaultPolicyVersion": {"VersionId": "v1"},
        "DeletePolicyVersion": {"VersionId": "v1"},
        "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
        "UntagPolicy": {"TagKeys": ["a"]},
    }.items():
        refused(api, "NoSuchEntity", operation, PolicyArn=arn, **members)


@pytest.mark.parametrize(
    "text",
    [
        "nothing of the kind",
        "[]",
        "{}",
        '{"Version":"2012-10-17"}',
        '{"Version":"2012-10-17","Statement":[{"Action":"*","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}',
        '{"Version":"2012-10-18","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Effect":"Deny"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"nocolon","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"noarn"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NoSuchOperator":{"a:b":"c"}}}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]} and more',
        '{"Version":"2012-10-17","Statement":[{"Sid":"same","Effect":"Allow","Action":"a:b","Resource":"*"},'
        '{"Sid":"same","Effect":"Allow","Action":"a:c","Resource":"*"}]}',
    ],
)
def test_malformed_documents_are_refused(api, name, text):
    called, identity_name = name("policy"), name("user")
    refused(api, "MalformedPolicyDocument", "CreatePolicy", PolicyName=called, PolicyDocument=text)
    api.call("CreateUser", UserName=identity_name)
    refused(api, "MalformedPolicyDocument", "PutUserPolicy", UserName=identity_name, PolicyName="p", PolicyDocument=text)
    assert api.call("ListUserPolicies", UserName=identity_name)["PolicyNames"] == []


def test_sizes_count_without_white_space(api, name):
    def sized(characters):
        text = policy({"Action": "iam:GetUser", "Resource": "RESOURCE"}).replace(" ", "")
        filling = "arn:aws:iam::111122223333:user/" + "x" * (characters - len(text) - 31 + len("RESOURCE"))
        return text.replace("RESOURCE", filling)

    assert len(sized(6144)) == 6144
    new_policy(api, name, sized(6144).replace('":', '" :\n  '))
    refused(api, "LimitExceeded", "CreatePolicy", PolicyName=name("policy"), PolicyDocument=sized(6145))
    identity_name = name("user")
    api.call("CreateUser", UserName=identity_name)
    api.call("PutUserPolicy", UserName=identity_name, PolicyName="a", PolicyDocument=sized(1024))
    api.call("PutUserPolicy", UserName=identity_name, PolicyName="b", PolicyDocument=sized(1024))
    refused(api, "LimitExceeded", "PutUserPolicy", UserName=identity_name, PolicyName="c", PolicyDocument=ALLOW_ALL)
    refused(api, "LimitExceeded", "PutUserPolicy", UserName=identity_name, PolicyName="b", PolicyDocument=sized(1025))
    api.call("DeleteUserPolicy", UserName=identity_name, PolicyName="a")
    api.call("PutUserPolicy", UserName=identity_name, PolicyName="b", PolicyDocument=sized(2048))


@pytest.mark.parametrize("kind", KINDS)
def test_inline_policies(api, name, server, kind):
    identity_name = make(api, name, kind, server.account)
    assert api.call(f"List{kind}Policies", **identity_name)["PolicyNames"] == []
    for called, text in (("zebra", ALLOW_ALL), ("ant", READ_ONLY)):
        api.call(f"Put{kind}Policy", **identity_name, PolicyName=called, PolicyDocument=text)
    assert api.call(f"List{kind}Policies", **identity_name)["PolicyNames"] == ["ant", "zebra"]
    found = api.call(f"Get{kind}Policy", **identity_name, PolicyName="ant")
    assert (found[f"{kind}Name"], found["PolicyName"]) == (identity_name[f"{kind}Name"], "ant")
    assert document(found["PolicyDocument"]) == json.loads(READ_ONLY)
    api.call(f"Put{kind}Policy", **identity_name, PolicyName="ant", PolicyDocument=ALLOW_ALL)
    assert document(api.call(f"Get{kind}Policy", **identity_name, PolicyName="ant")["PolicyDocument"]) == json.loads(ALLOW_ALL)
    api.call(f"Delete{kind}Policy", **identity_name, PolicyName="ant")
    assert api.call(f"List{kind}Policies", **identity_name)["PolicyNames"] == ["zebra"]
    refused(api, "NoSuchEntity", f"Get{kind}Policy", **identity_name, PolicyName="ant")
    error = refused(api, "NoSuchEntity", f"Delete{kind}Policy", **identity_name, PolicyName="ant")
    assert error.message == f"The {kind.lower()} policy with name ant cannot be found."
    missing = {f"{kind}Name": name("none")}
    refused(api, "NoSuchEntity", f"List{kind}Policies", **missing)
    refused(api, "NoSuchEntity", f"Put{kind}Policy", **missing, PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused(api, "NoSuchEntity", f"Get{kind}Policy", **missing, PolicyName="p")


@pytest.mark.parametrize("kind", KINDS)
def test_attachments(api, name, server, kind):
    identity_name = make(api, name, kind, server.account)
    arns = [new_policy(api, name, Path="/here/"), new_policy(api, name, Path="/there/")]
    for arn in arns:
        api.call(f"Attach{kind}Policy", **identity_name, PolicyArn=arn)
        api.call(f"Attach{kind}Policy", **identity_name, PolicyArn=arn)  # again: nothing changes
        assert api.call("GetPolicy", PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    listed = api.call(f"ListAttached{kind}Policies", **identity_name)["AttachedPolicies"]
    assert sorted(p["PolicyArn"] for p in listed) == sorted(arns)
    assert all(p["PolicyArn"].endswith("/" + p["PolicyName"]) for p in listed)
    filtered = api.call(f"ListAttached{kind}Policies", **identity_name, PathPrefix="/here/")["AttachedPolicies"]
    assert [p["PolicyArn"] for p in filtered] == [arns[0]]
    entities = api.call("ListEntitiesForPolicy", PolicyArn=arns[0])
    (found,) = entities[f"Policy{kind}s"]
    assert found[f"{kind}Name"] == identity_name[f"{kind}Name"]
    assert found[f"{kind}Id"].startswith({"User": "AIDA", "Group": "AGPA", "Role": "AROA"}[kind])
    assert [entities[f"Policy{other}s"] for other in KINDS if other != kind] == [[], []]
    filtered = api.call("ListEntitiesForPolicy", PolicyArn=arns[0], EntityFilter=kind)
    assert len(filtered[f"Policy{kind}s"]) == 1
    assert api.call("ListEntitiesForPolicy", PolicyArn=arns[0], PolicyUsageFilter="PermissionsBoundary")[f"Policy{kind}s"] == []
    refused(api, "DeleteConflict", "DeletePolicy", PolicyArn=arns[0])
    attached = api.items("ListPolicies", "Policies", OnlyAttached=True, Scope="Local", PathPrefix="/here/")
    assert arns[0] in [p["Arn"] for p in attached]
    for arn in arns:
        api.call(f"Detach{kind}Policy", **identity_name, PolicyArn=arn)
        refused(api, "NoSuchEntity", f"Detach{kind}Policy", **identity_name, PolicyArn=arn)
    assert api.call(f"ListAttached{kind}Policies", **identity_name)["AttachedPolicies"] == []
    api.call("DeletePolicy", PolicyArn=arns[0])
    refused(api, "NoSuchEntity", f"Attach{kind}Policy", **identity_name, PolicyArn=arns[0])
    refused(api, "NoSuchEntity", f"Attach{kind}Policy", **{f"{kind}Name": name("none")}, PolicyArn=arns[1])
    error = refused(api, "ValidationError", f"Attach{kind}Policy", **identity_name, PolicyArn="nothing-like-an-arn-at-all")
    assert error.message == "ARN nothing-like-an-arn-at-all is not valid."


@pytest.mark.parametrize("kind", KINDS)
def test_ten_attachments_at_most(api, name, server, kind):
    identity_name = make(api, name, kind, server.account)
    arns = [new_policy(api, name) for _ in range(11)]
    for arn in arns[:10]:
        api.call(f"Attach{kind}Policy", **identity_name, PolicyArn=arn)
    error = refused(api, "LimitExceeded", f"Attach{kind}Policy", **identity_name, PolicyArn=arns[10])
    assert error.message == f"Cannot exceed quota for PoliciesPer{kind}: 10"


def test_a_policy_used_as_boundary_is_listed_separately(api, name, server):
    arn = new_policy(api, name)
    user, role = make(api, name, "User", server.account), make(api, name, "Role", server.account)
    api.call("PutUserPermissionsBoundary", **user, PermissionsBoundary=arn)
    api.call("AttachRolePolicy", **role, PolicyArn=arn)
    bounded = api.call("ListEntitiesForPolicy", PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert [u["UserName"] for u in bounded["PolicyUsers"]] == [user["UserName"]]
    assert bounded["PolicyRoles"] == []
    attached = api.call("ListEntitiesForPolicy", PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
    assert [r["RoleName"] for r in attached["PolicyRoles"]] == [role["RoleName"]]
    assert attached["PolicyUsers"] == []
