"""Names: which are valid, how they compare, and that text is returned as it was given."""

import json

import pytest
from support.api import document
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused

KINDS = ["User", "Group", "Role"]


def create(api, kind, identity_name, account):
    """Makes an identity of a kind."""
    more = {"AssumeRolePolicyDocument": trust(account)} if kind == "Role" else {}
    return api.call(f"Create{kind}", **{f"{kind}Name": identity_name}, **more)[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_differ_only_by_case_are_the_same_name(api, name, server, kind):
    identity_name = name("MixedCase")
    made = create(api, kind, identity_name, server.account)
    for other in (identity_name.lower(), identity_name.upper(), identity_name.swapcase()):
        more = {"AssumeRolePolicyDocument": trust(server.account)} if kind == "Role" else {}
        refused(api, "EntityAlreadyExists", f"Create{kind}", **{f"{kind}Name": other}, **more)
        found = api.call(f"Get{kind}", **{f"{kind}Name": other})[kind]
        assert found[f"{kind}Name"] == identity_name
        assert found["Arn"] == made["Arn"]
    api.call(f"Delete{kind}", **{f"{kind}Name": identity_name.upper()})
    refused(api, "NoSuchEntity", f"Get{kind}", **{f"{kind}Name": identity_name})


def test_policy_names_differ_by_more_than_case(api, name):
    called = name("Policy")
    api.call("CreatePolicy", PolicyName=called, PolicyDocument=ALLOW_ALL)
    refused(api, "EntityAlreadyExists", "CreatePolicy", PolicyName=called.upper(), PolicyDocument=ALLOW_ALL)


def test_another_case_does_not_pass_a_deny(api, aws, name, new_user, server):
    target = name("Target")
    arn = aws.call("CreateUser", UserName=target)["User"]["Arn"]
    rules = policy("iam:*", {"Effect": "Deny", "Action": "iam:*", "Resource": arn})
    _, credentials = new_user(rules)
    identity_name = api.signed_by(credentials)
    for spelled in (target, target.lower(), target.upper()):
        refused(identity_name, "AccessDenied", "GetUser", UserName=spelled)
        refused(identity_name, "AccessDenied", "TagUser", UserName=spelled, Tags=[{"Key": "a", "Value": "b"}])
        refused(identity_name, "AccessDenied", "DeleteUser", UserName=spelled)


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_of_valid_names(api, name, server, kind):
    identity_name = name("x") + "_+=,.@-Z9"
    made = create(api, kind, identity_name, server.account)
    assert made[f"{kind}Name"] == identity_name
    assert made["Arn"].endswith(f"/{identity_name}")
    assert api.call(f"Get{kind}", **{f"{kind}Name": identity_name})[kind]["Arn"] == made["Arn"]


BAD_NAMES = ["a b", "a/b", "a*b", "a:b", "a%41b", "ünïcode", "名前", "a\u0000b", "a\nb", "a<b", "a&b", "'; --", "${aws:username}"]


@pytest.mark.parametrize("bad", BAD_NAMES)
def test_characters_that_names_cannot_have(api, server, bad):
    for kind in KINDS:
        more = {"AssumeRolePolicyDocument": trust(server.account)} if kind == "Role" else {}
        error = refused(api, "ValidationError", f"Create{kind}", **{f"{kind}Name": bad}, **more)
        assert error.message == (
            f"The specified value for {kind.lower()}Name is invalid. "
            "It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )
        assert refused(api, "ValidationError", f"Get{kind}", **{f"{kind}Name": bad}).message == error.message


def test_lengths(api, name, server):
    longest = name("u").ljust(64, "x")
    assert api.call("CreateUser", UserName=longest)["User"]["UserName"] == longest
    error = refused(api, "ValidationError", "CreateUser", UserName="x" * 65)
    assert error.message == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )
    group = name("g").ljust(128, "x")
    assert api.call("CreateGroup", GroupName=group)["Group"]["GroupName"] == group
    refused(api, "ValidationError", "CreateGroup", GroupName="x" * 129)
    refused(api, "ValidationError", "CreateUser", UserName="")


def test_all_violations_are_reported_at_once(api):
    path = f"/{'p' * 511}/"
    error = refused(api, "ValidationError", "CreateUser", UserName="x" * 65, Path=path, Tags=[{"Key": "k" * 129, "Value": ""}])
    assert error.message.startswith("3 validation errors detected: ")
    for part in ("'userName'", "'path'", "'tags.1.member.key'"):
        assert part in error.message, error.message


def test_a_missing_member(api):
    error = refused(api, "ValidationError", "CreateUser")
    assert error.message == (
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null"
    )


@pytest.mark.parametrize("bad", ["", "x", "/x", "x/", "/a b/", "/ü/"])
def test_invalid_paths(api, name, bad):
    error = refused(api, "ValidationError", "CreateUser", UserName=name("user"), Path=bad)
    assert error.message == (
        "The specified value for path is invalid. "
        "It must begin and end with / and contain only alphanumeric characters and/or / characters."
    )


def test_lengths_of_paths(api, name):
    longest = f"/{'a' * 510}/"
    assert api.call("CreateUser", UserName=name("user"), Path=longest)["User"]["Path"] == longest
    error = refused(api, "ValidationError", "CreateUser", UserName=name("user"), Path=longest + "a/")
    assert error.message == (
        "1 validation error detected: Value at 'path' failed to satisfy constraint: "
        "Member must have length less than or equal to 512"
    )


TEXTS = [
    "plain",
    "two  blanks and trailing ",
    "ünïcode 名前 Ωμέγα",
    "a+b=c/d:e@f-g_h.i",
]


@pytest.mark.parametrize("text", TEXTS)
def test_tag_text_is_returned_unchanged(api, name, text):
    identity_name = name("user")
    api.call("CreateUser", UserName=identity_name, Tags=[{"Key": text, "Value": text}])
    assert api.call("ListUserTags", UserName=identity_name)["Tags"] == [{"Key": text, "Value": text}]
    assert api.call("GetUser", UserName=identity_name)["User"]["Tags"] == [{"Key": text, "Value": text}]
    api.call("UntagUser", UserName=identity_name, TagKeys=[text])
    assert api.call("ListUserTags", UserName=identity_name)["Tags"] == []


DESCRIPTIONS = [
    "<b>&amp;\"quoted\" 'single' ]]> <!-- -->",
    "percent %41 %25 %zz plus + and = & ; ? #",
    "line\nline\r\nline\ttab",
    "ünïcode ÿ £",
    "${aws:username} $(id) `id` ; DROP TABLE users; --",
]


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_descriptions_are_returned_unchanged(api, name, server, text):
    role = name("role")
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account), Description=text)
    assert api.call("GetRole", RoleName=role)["Role"]["Description"] == text
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL, Description=text[:20])
    assert api.call("GetPolicy", PolicyArn=arn["Policy"]["Arn"])["Policy"]["Description"] == text[:20]


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/100%25%3Aünï/<x>&\"y\"/+ +"},
        {"Action": "iam:Get*", "Resource": "arn:aws:iam::*:user/${aws:username}"},
        {"Action": "*", "Condition": {"StringLike": {"aws:PrincipalTag/Ünï": ["*ß*", "a?b", "${*}"]}}},
        {"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/a b": "x\ty"}}},
    ],
)
def test_documents_are_returned_unchanged(api, name, statement):
    text = policy(statement)
    identity_name = name("user")
    api.call("CreateUser", UserName=identity_name)
    api.call("PutUserPolicy", UserName=identity_name, PolicyName="p", PolicyDocument=text)
    assert document(api.call("GetUserPolicy", UserName=identity_name, PolicyName="p")["PolicyDocument"]) == json.loads(text)
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=text)["Policy"]["Arn"]
    version = api.call("GetPolicyVersion", PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert document(version["Document"]) == json.loads(text)


def test_the_text_of_a_document_is_kept(api, name):
    text = READ_ONLY.replace('": ', '" :\n\t')
    identity_name = name("user")
    api.call("CreateUser", UserName=identity_name)
    api.call("PutUserPolicy", UserName=identity_name, PolicyName="p", PolicyDocument=text)
    if api.front == "grpc":
        assert api.call("GetUserPolicy", UserName=identity_name, PolicyName="p")["PolicyDocument"] == text
