"""`sts:AssumeRole` and the permissions of its sessions."""

import datetime
import json
import re

import pytest
from support.api import moment
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused
from support.server import Credentials


@pytest.fixture
def new_role(aws, name, server):
    """Creates a role with a trust policy and an inline policy; returns its ARN."""

    def make(trusted=None, rules=READ_ONLY, **members):
        role = name("role")
        text = trusted or trust(server.account)
        arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=text, **members)["Role"]["Arn"]
        if rules:
            aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=rules)
        return arn

    return make


@pytest.fixture
def assumer(api, new_user):
    """A user that may assume every role that trusts the user, through the front end under test."""
    user, credentials = new_user(policy("sts:*"))
    user_api = api.signed_by(credentials)
    user_api.arn = user["Arn"]
    user_api.user = user
    return user_api


def assume(api, arn, session="session", **members):
    """Assumes a role; returns the same front end for its session."""
    answer = api.call("AssumeRole", RoleArn=arn, RoleSessionName=session, **members)
    return api.signed_by(Credentials.of(answer["Credentials"]))


def test_a_session_is_the_role_with_a_session_name(api, assumer, new_role, server):
    arn = new_role(Path="/p/")
    role = arn.rsplit("/", 1)[1]
    before = datetime.datetime.now(datetime.timezone.utc)
    answer = assumer.call("AssumeRole", RoleArn=arn, RoleSessionName="build-77")
    session_arn = f"arn:aws:sts::{server.account}:assumed-role/{role}/build-77"
    assert answer["AssumedRoleUser"]["Arn"] == session_arn
    assert re.fullmatch(r"AROA[A-Z2-7]{17}:build-77", answer["AssumedRoleUser"]["AssumedRoleId"])
    credentials = answer["Credentials"]
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", credentials["AccessKeyId"])
    assert len(credentials["SessionToken"]) > 100
    lives = (moment(credentials["Expiration"]) - before).total_seconds()
    assert 3595 <= lives <= 3665
    session = api.signed_by(Credentials.of(credentials))
    assert session.call("GetCallerIdentity") == {
        "Arn": session_arn,
        "Account": server.account,
        "UserId": answer["AssumedRoleUser"]["AssumedRoleId"],
    }
    session.call("ListUsers")
    error = refused(session, "AccessDenied", "CreateUser", UserName="other")
    assert error.message.startswith(f"User: {session_arn} is not authorized to perform: iam:CreateUser on resource: ")


def test_both_policies_must_allow_unless_the_trust_policy_names_the_user(api, new_user, new_role, server):
    user, credentials = new_user()
    mine = api.signed_by(credentials)
    error = refused(mine, "AccessDenied", "AssumeRole", RoleArn=new_role(), RoleSessionName="session")
    assert error.message.startswith(f"User: {user['Arn']} is not authorized to perform: sts:AssumeRole on resource: ")
    assume(mine, new_role(trust(user["Arn"]))).call("ListUsers")
    _, other = new_user(policy("sts:*"))
    refused(
        api.signed_by(other), "AccessDenied", "AssumeRole", RoleArn=new_role(trust(user["Arn"])), RoleSessionName="session"
    )


def test_a_missing_role_is_refused_like_one_that_does_not_trust(assumer, new_role, server):
    missing = f"arn:aws:iam::{server.account}:role/none"
    strict = new_role(trust({"Service": "backup.example.com"}))
    messages = {
        refused(assumer, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session").message.replace(arn, "X")
        for arn in (missing, strict)
    }
    assert len(messages) == 1


def test_root_assumes_no_role(api, new_role):
    refused(api, "AccessDenied", "AssumeRole", RoleArn=new_role(), RoleSessionName="session")


def test_an_external_id(assumer, new_role, server):
    condition = {"StringEquals": {"sts:ExternalId": "secret-handshake"}}
    arn = new_role(trust(server.account, Condition=condition))
    refused(assumer, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session")
    refused(assumer, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session", ExternalId="wrong")
    assume(assumer, arn, ExternalId="secret-handshake").call("ListUsers")


def test_a_session_policy_only_narrows(assumer, new_role):
    arn = new_role(rules=READ_ONLY)
    narrowed = assume(assumer, arn, Policy=policy("iam:ListUsers", "iam:CreateUser"))
    narrowed.call("ListUsers")
    error = refused(narrowed, "AccessDenied", "ListGroups")
    assert error.message.endswith("because no session policy allows the iam:ListGroups action")
    refused(narrowed, "AccessDenied", "CreateUser", UserName="other")
    refused(assumer, "MalformedPolicyDocument", "AssumeRole", RoleArn=arn, RoleSessionName="session", Policy="{")


def test_managed_session_policies(aws, assumer, new_role, name):
    arn = new_role(rules=READ_ONLY)
    made = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=policy("iam:ListUsers"))["Policy"]["Arn"]
    session = assume(assumer, arn, PolicyArns=[{"arn": made}])
    session.call("ListUsers")
    refused(session, "AccessDenied", "ListGroups")
    both = assume(assumer, arn, PolicyArns=[{"arn": made}], Policy=policy("iam:ListGroups"))
    both.call("ListUsers")
    both.call("ListGroups")
    refused(both, "AccessDenied", "ListRoles")


def test_durations(assumer, new_role):
    arn = new_role(MaxSessionDuration=7200)
    for bad in (899, 43201):
        refused(assumer, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="session", DurationSeconds=bad)
    error = refused(
        assumer, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="session", DurationSeconds=7201
    )
    assert error.message == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    now = datetime.datetime.now(datetime.timezone.utc)
    for good in (900, 7200):
        answer = assumer.call("AssumeRole", RoleArn=arn, RoleSessionName="session", DurationSeconds=good)
        lives = (moment(answer["Credentials"]["Expiration"]) - now).total_seconds()
        assert good - 5 <= lives <= good + 60


def test_chaining_lasts_an_hour_at_most(assumer, new_role, server):
    first = new_role(rules=policy("sts:AssumeRole"), MaxSessionDuration=43200)
    second = new_role(trusted=trust(first), MaxSessionDuration=43200)
    session = assume(assumer, first)
    assume(session, second).call("ListUsers")
    error = refused(
        session, "ValidationError", "AssumeRole", RoleArn=second, RoleSessionName="session", DurationSeconds=3601
    )
    assert error.message == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    third = new_role(trusted=trust(f"arn:aws:sts::{server.account}:assumed-role/{second.rsplit('/', 1)[1]}/chained"))
    refused(assume(session, second), "AccessDenied", "AssumeRole", RoleArn=third, RoleSessionName="session")


@pytest.mark.parametrize("bad", ["x", "a b", "a/b", "ünï", "x" * 65, ""])
def test_session_names(assumer, new_role, bad):
    refused(assumer, "ValidationError", "AssumeRole", RoleArn=new_role(), RoleSessionName=bad)


@pytest.mark.parametrize("bad", ["arn:aws:iam::111122223333:user/someone", "no-arn-at-all-but-long-enough", "*" * 20])
def test_invalid_roles(assumer, bad):
    refused(assumer, "ValidationError", "AssumeRole", RoleArn=bad, RoleSessionName="session")


def test_session_tags_need_the_trust_to_allow_them(assumer, new_role, server):
    plain = new_role()
    tags = [{"Key": "project", "Value": "x"}]
    refused(assumer, "AccessDenied", "AssumeRole", RoleArn=plain, RoleSessionName="session", Tags=tags)
    tagging = trust(server.account, action=["sts:AssumeRole", "sts:TagSession"])
    rules = policy({"Action": "iam:ListUsers", "Condition": {"StringEquals": {"aws:PrincipalTag/project": "x"}}})
    arn = new_role(trusted=tagging, rules=rules)
    assume(assumer, arn, Tags=tags).call("ListUsers")
    refused(assume(assumer, arn), "AccessDenied", "ListUsers")
    twice = [{"Key": "project", "Value": "x"}, {"Key": "Project", "Value": "y"}]
    refused(assumer, "InvalidParameterValue", "AssumeRole", RoleArn=arn, RoleSessionName="session", Tags=twice)


def test_an_empty_session_tag_is_a_value(aws, assumer, new_role, server):
    """Its text is empty, so that `${aws:PrincipalTag/team}*` is `*`, in an Allow and in a Deny."""
    rules = policy({"Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:PrincipalTag/team}*"})
    arn = new_role(trust(server.account, action=["sts:AssumeRole", "sts:TagSession"]), rules)
    user = assumer.user["UserName"]
    tagged = {value: assume(assumer, arn, Tags=[{"Key": "team", "Value": value}]) for value in (user[:5], "", "other")}
    for value in (user[:5], ""):
        tagged[value].call("GetUser", UserName=user)
    refused(tagged["other"], "AccessDenied", "GetUser", UserName=user)
    refused(assume(assumer, arn), "AccessDenied", "GetUser", UserName=user)
    denied = policy("iam:GetUser", {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::*:user/${aws:PrincipalTag/team}*"})
    aws.call("PutRolePolicy", RoleName=arn.rsplit("/", 1)[1], PolicyName="p", PolicyDocument=denied)
    refused(tagged[""], "AccessDenied", "GetUser", UserName=user)
    tagged["other"].call("GetUser", UserName=user)


def test_transitive_tags_stay_with_the_chain(assumer, new_role, server):
    tagging = ["sts:AssumeRole", "sts:TagSession"]
    first = new_role(trusted=trust(server.account, action=tagging), rules=policy({"Action": tagging}))
    needs = policy({"Action": "iam:ListUsers", "Condition": {"StringEquals": {"aws:PrincipalTag/kept": "x"}}})
    second = new_role(trusted=trust(first, action=tagging), rules=needs)
    tags = [{"Key": "kept", "Value": "x"}, {"Key": "dropped", "Value": "y"}]
    session = assume(assumer, first, Tags=tags, TransitiveTagKeys=["kept"])
    assume(session, second).call("ListUsers")
    session = assume(assumer, first, Tags=tags)
    refused(assume(session, second), "AccessDenied", "ListUsers")


def test_a_source_identity_needs_the_trust_to_allow_it_and_stays(assumer, new_role, server):
    refused(
        assumer, "AccessDenied", "AssumeRole", RoleArn=new_role(), RoleSessionName="session", SourceIdentity="alice"
    )
    setting = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    needs = policy({"Action": "iam:ListUsers", "Condition": {"StringEquals": {"aws:SourceIdentity": "alice"}}})
    arn = new_role(trusted=trust(server.account, action=setting), rules=needs)
    answer = assumer.call("AssumeRole", RoleArn=arn, RoleSessionName="session", SourceIdentity="alice")
    assert answer["SourceIdentity"] == "alice"
    assumer.signed_by(Credentials.of(answer["Credentials"])).call("ListUsers")


def test_a_session_ends_with_its_role(api, aws, assumer, new_role):
    arn = new_role()
    role = arn.rsplit("/", 1)[1]
    session = assume(assumer, arn)
    session.call("ListUsers")
    aws.call("DeleteRolePolicy", RoleName=role, PolicyName="p")
    refused(session, "AccessDenied", "ListUsers")
    aws.call("DeleteRole", RoleName=role)
    refused(session, "InvalidClientTokenId", "GetCallerIdentity")
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(account_of(arn)))
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused(session, "InvalidClientTokenId", "ListUsers")


def account_of(arn):
    """The account that an ARN names."""
    return arn.split(":")[4]


def test_a_token_is_bound_to_its_key_and_whole(api, assumer, new_role):
    one = assumer.call("AssumeRole", RoleArn=new_role(), RoleSessionName="session")["Credentials"]
    two = assumer.call("AssumeRole", RoleArn=new_role(), RoleSessionName="session")["Credentials"]
    token = one["SessionToken"]
    for forged in (
        one | {"SessionToken": two["SessionToken"]},
        one | {"SessionToken": token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")},
        one | {"SessionToken": token[: len(token) // 2]},
        one | {"SessionToken": "x"},
        {key: value for key, value in one.items() if key != "SessionToken"},
    ):
        refused(api.signed_by(Credentials.of(forged)), "InvalidClientTokenId", "GetCallerIdentity")
    wrong = one | {"SecretAccessKey": two["SecretAccessKey"]}
    refused(api.signed_by(Credentials.of(wrong)), "SignatureDoesNotMatch", "GetCallerIdentity")


def test_a_token_beside_a_permanent_key_is_refused(api, assumer, new_role, server):
    session = assumer.call("AssumeRole", RoleArn=new_role(), RoleSessionName="session")["Credentials"]
    mixed = Credentials(server.root.access_key_id, server.root.secret_access_key, session["SessionToken"])
    refused(api.signed_by(mixed), "InvalidClientTokenId", "GetCallerIdentity")


def test_too_many_policies_and_too_long_ones(assumer, new_role):
    arn = new_role()
    long = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:" + "x" * 2040, "Resource": "*"}]})
    refused(assumer, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="session", Policy=long)
    many = [{"arn": f"arn:aws:iam::aws:policy/P{number}"} for number in range(11)]
    refused(assumer, "ValidationError", "AssumeRole", RoleArn=arn, RoleSessionName="session", PolicyArns=many)



def test_packed_sizes(assumer, new_role, server):
    arn = new_role(trusted=trust(server.account, action=["sts:AssumeRole", "sts:TagSession"]))
    asked = {"RoleArn": arn, "RoleSessionName": "session"}
    assert "PackedPolicySize" not in assumer.call("AssumeRole", **asked)
    short = [{"Key": key, "Value": "c"} for key in ("b", "c")]
    assert assumer.call("AssumeRole", **asked, Tags=short)["PackedPolicySize"] == 2
    nine = [{"Key": f"T{number}", "Value": "a" * 250} for number in range(1, 10)]
    error = refused(assumer, "PackedPolicyTooLarge", "AssumeRole", **asked, Tags=nine)
    assert error.message == "Packed size of session tags consumes 498% of allotted space."
    long = policy("iam:" + "x" * 1900)
    full = {"Tags": nine[:1], "Policy": long}
    assert assumer.call("AssumeRole", **asked, **full)["PackedPolicySize"] > 90, "policies and tags are measured apart"
    many = [{"arn": f"arn:aws:iam::aws:policy/ReadOnlyAccess"}] * 8
    error = refused(assumer, "PackedPolicyTooLarge", "AssumeRole", **asked, Policy=long, PolicyArns=many)
    assert error.message == "Packed policy consumes 111% of allotted space, please use smaller policy."
