"""Simulation of policies: the four operations, through both front ends."""

import pytest
from support.api import AwsApi
from support.documents import policy, trust
from support.expect import refused

BUCKET = "arn:aws:s3:::bank"
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


def simulate(api, source=None, **members):
    """All results of either operation."""
    if source:
        return api.items("SimulatePrincipalPolicy", "EvaluationResults", PolicySourceArn=source, **members)
    return api.items("SimulateCustomPolicy", "EvaluationResults", **members)


def decisions(results):
    """Every decision on a resource."""
    return [
        (each["EvalActionName"], specific["EvalResourceName"], specific["EvalResourceDecision"])
        for each in results
        for specific in each["ResourceSpecificResults"]
    ]


def together(results):
    return [(each["EvalActionName"], each["EvalResourceName"], each["EvalDecision"]) for each in results]


def sources(result):
    return [(each["SourcePolicyId"], each["SourcePolicyType"]) for each in result["MatchedStatements"]]


def test_given_policies(api):
    policies = [
        policy({"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{BUCKET}/*"}),
        policy({"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/vault"}),
    ]
    resources = [f"{BUCKET}/letter", f"{BUCKET}/vault"]
    results = simulate(api, PolicyInputList=policies, ActionNames=ACTIONS, ResourceArns=resources)
    assert decisions(results) == [
        ("s3:GetObject", f"{BUCKET}/letter", "allowed"),
        ("s3:GetObject", f"{BUCKET}/vault", "explicitDeny"),
        ("s3:PutObject", f"{BUCKET}/letter", "allowed"),
        ("s3:PutObject", f"{BUCKET}/vault", "explicitDeny"),
        ("s3:DeleteObject", f"{BUCKET}/letter", "implicitDeny"),
        ("s3:DeleteObject", f"{BUCKET}/vault", "explicitDeny"),
    ]
    # Of an action on several resources the most restrictive decision counts.
    objects = "arn:aws:s3:::${BucketName}/${KeyName}"
    assert together(results) == [(action, objects, "explicitDeny") for action in ACTIONS]
    assert [sources(each) for each in results] == [[("PolicyInputList.2", "IAM Policy")]] * 3
    assert sources(results[0]["ResourceSpecificResults"][0]) == [("PolicyInputList.1", "IAM Policy")]
    assert sources(results[2]["ResourceSpecificResults"][0]) == []
    paged = simulate(api, PolicyInputList=policies, ActionNames=ACTIONS, ResourceArns=resources, MaxItems=2)
    assert paged == results
    [alone] = simulate(api, PolicyInputList=policies, ActionNames=ACTIONS[:1], ResourceArns=resources[:1])
    assert together([alone]) == decisions([alone]) == [("s3:GetObject", f"{BUCKET}/letter", "allowed")]


def test_a_marker_is_valid_for_its_own_simulation(api):
    asked = {"PolicyInputList": [policy("s3:*")], "ActionNames": ACTIONS}
    marker = api.call("SimulateCustomPolicy", **asked, MaxItems=1)["Marker"]
    rest = api.call("SimulateCustomPolicy", **asked, Marker=marker)
    assert [each["EvalActionName"] for each in rest["EvaluationResults"]] == ACTIONS[1:]
    for other in ({"ActionNames": ACTIONS[:2]}, {"ResourceArns": [BUCKET]}, {"PolicyInputList": [policy("sqs:*")]}):
        refused(api, "InvalidInput", "SimulateCustomPolicy", **(asked | other), Marker=marker)


def test_existing_empty_objects(aws):
    asked = {"PolicyInputList": [policy("s3:*")], "ActionNames": ["s3:GetObject"]}
    [anywhere] = simulate(aws, **asked)
    assert (anywhere["MissingContextValues"], "EvalDecisionDetails" in anywhere) == ([], False)
    assert "ResourceSpecificResults" not in anywhere and "PermissionsBoundaryDecisionDetail" not in anywhere
    [somewhere] = simulate(aws, **asked, ResourceArns=[f"{BUCKET}/a"])
    assert somewhere["EvalDecisionDetails"] == {}
    [specific] = somewhere["ResourceSpecificResults"]
    assert (specific["MissingContextValues"], "EvalDecisionDetails" in specific) == ([], False)


def test_where_the_statement_stands(api):
    text = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
  ]
}"""
    [result] = simulate(api, PolicyInputList=[text], ActionNames=["sqs:SendMessage"])
    assert result["EvalResourceName"] == "*"
    assert positions(result) == [((3, 17), (4, 60))]
    assert not result.get("ResourceSpecificResults")


def positions(result):
    place = lambda position: (position["Line"], position["Column"])
    return [(place(each["StartPosition"]), place(each["EndPosition"])) for each in result["MatchedStatements"]]


def test_positions_of_stored_policies_are_those_of_the_text(api, name):
    """As in AWS's examples: a statement starts directly after the bracket or comma before it, or after its own brace."""
    user = name("user")
    arn = api.call("CreateUser", UserName=user)["User"]["Arn"]
    single = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}'
    tabs = """{
\t"Version": "2012-10-17",
\t"Statement": [
\t\t{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
\t\t{
\t\t\t"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::ä*"
\t\t}, {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::x*"}
\t]
}"""
    api.call("PutUserPolicy", UserName=user, PolicyName="single", PolicyDocument=single)
    api.call("PutUserPolicy", UserName=user, PolicyName="tabs", PolicyDocument=tabs)
    for action, resource, expected in [
        ("sqs:SendMessage", "*", ((1, 38), (1, 87))),
        ("s3:GetObject", "*", ((3, 16), (4, 57))),
        ("s3:PutObject", "arn:aws:s3:::äb", ((4, 58), (7, 4))),
        ("s3:PutObject", "arn:aws:s3:::xb", ((7, 5), (7, 81))),
    ]:
        [result] = simulate(api, arn, ActionNames=[action], ResourceArns=[resource])
        assert positions(result) == [expected], (action, resource)
    attached = name("user")
    arn = api.call("CreateUser", UserName=attached)["User"]["Arn"]
    api.call("AttachUserPolicy", UserName=attached, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    [result] = simulate(api, arn, ActionNames=["s3:GetObject"])
    assert positions(result) == [((3, 17), (9, 6))]


def test_several_resources_of_one_type_are_named_by_its_format(api):
    asked = {"PolicyInputList": [policy("*")]}
    [result] = simulate(api, **asked, ActionNames=["s3:GetObject"], ResourceArns=[f"{BUCKET}/a", f"{BUCKET}/b"])
    assert result["EvalResourceName"] == "arn:aws:s3:::${BucketName}/${KeyName}"
    users = [f"arn:aws:iam::111122223333:user/{user}" for user in ("a", "team/b")]
    [result] = simulate(api, **asked, ActionNames=["iam:GetUser"], ResourceArns=users)
    assert result["EvalResourceName"] == "arn:aws:iam::${Account}:user/${UserNameWithPath}"
    assert [each["EvalResourceName"] for each in result["ResourceSpecificResults"]] == users


def test_context_decides_and_missing_keys_are_reported(api):
    document = policy({"Action": "s3:*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})
    asked = {"PolicyInputList": [document], "ActionNames": ["s3:ListAllMyBuckets"]}
    assert api.call("GetContextKeysForCustomPolicy", PolicyInputList=[document])["ContextKeyNames"] == ["aws:SourceIp"]
    [result] = simulate(api, **asked)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:SourceIp"])
    for address, expected in [("192.0.2.7", "allowed"), ("198.51.100.7", "implicitDeny")]:
        entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": [address]}
        [result] = simulate(api, **asked, ContextEntries=[entry])
        assert (result["EvalDecision"], result["MissingContextValues"]) == (expected, [])


def test_context_keys_come_as_the_policy_names_them(api):
    table = "arn:aws:dynamodb:us-west-2:111122223333:table/${aws:username}"
    after = {"DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"}}
    documents = [policy({"Action": "dynamodb:*", "Resource": table, "Condition": after}), trust("111122223333", Condition=after)]
    keys = api.call("GetContextKeysForCustomPolicy", PolicyInputList=documents)["ContextKeyNames"]
    assert keys == ["aws:username", "aws:CurrentTime"]


def test_a_user_has_their_own_policies_and_those_of_their_groups(api, name):
    user_name, group, managed = name("user"), name("group"), name("policy")
    user = api.call("CreateUser", UserName=user_name, Tags=[{"Key": "team", "Value": "reeds"}])["User"]
    api.call("CreateGroup", GroupName=group)
    api.call("AddUserToGroup", GroupName=group, UserName=user_name)
    tagged = {"Action": "s3:GetObject", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "reeds"}}}
    api.call("PutUserPolicy", UserName=user_name, PolicyName="own", PolicyDocument=policy(tagged))
    api.call("PutGroupPolicy", GroupName=group, PolicyName="shared", PolicyDocument=policy("s3:PutObject"))
    made = api.call("CreatePolicy", PolicyName=managed, PolicyDocument=policy("s3:DeleteObject"))["Policy"]
    api.call("AttachUserPolicy", UserName=user_name, PolicyArn=made["Arn"])
    results = simulate(api, user["Arn"], ActionNames=[*ACTIONS, "s3:CreateBucket"])
    assert [each["EvalDecision"] for each in results] == ["allowed", "allowed", "allowed", "implicitDeny"]
    assert [sources(each) for each in results[:3]] == [
        [(f"user_{user_name}_own", "IAM Policy")],
        [(f"group_{group}_shared", "IAM Policy")],
        [(managed, "IAM Policy")],
    ]
    added = policy({"Effect": "Deny", "Action": "s3:GetObject", "Condition": {"Null": {"s3:signatureversion": "true"}}})
    [result] = simulate(api, user["Arn"], ActionNames=["s3:GetObject"], PolicyInputList=[added])
    assert (result["EvalDecision"], sources(result)) == ("explicitDeny", [("PolicyInputList.1", "IAM Policy")])
    keys = api.call("GetContextKeysForPrincipalPolicy", PolicySourceArn=user["Arn"], PolicyInputList=[added])
    assert keys["ContextKeyNames"] == ["aws:PrincipalTag/team", "s3:signatureversion"]
    of_group = f"arn:aws:iam::{api.server.account}:group/{group}"
    assert [each["EvalDecision"] for each in simulate(api, of_group, ActionNames=ACTIONS)] == [
        "implicitDeny",
        "allowed",
        "implicitDeny",
    ]
    assert api.call("GetContextKeysForPrincipalPolicy", PolicySourceArn=of_group)["ContextKeyNames"] == []


def test_a_stored_boundary_applies(api, name):
    user_name, managed = name("user"), name("policy")
    boundary = api.call("CreatePolicy", PolicyName=managed, PolicyDocument=policy("s3:GetObject"))["Policy"]["Arn"]
    user = api.call("CreateUser", UserName=user_name, PermissionsBoundary=boundary)["User"]
    api.call("PutUserPolicy", UserName=user_name, PolicyName="own", PolicyDocument=policy("s3:*"))

    def bounded(**members):
        results = simulate(api, user["Arn"], ActionNames=ACTIONS[:2], **members)
        detail = "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"
        return [(each["EvalDecision"], each[detail[0]][detail[1]]) for each in results]

    assert bounded() == [("allowed", True), ("implicitDeny", False)]
    # A given boundary replaces it.
    given = bounded(PermissionsBoundaryPolicyInputList=[policy("s3:PutObject")])
    assert given == [("implicitDeny", False), ("allowed", True)]


def test_a_bucket_s_policy_across_accounts(api, name):
    caller = f"arn:aws:iam::{api.server.account}:user/{name('user')}"
    bucket = policy({"Principal": {"AWS": caller}, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    asked = {
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [f"{BUCKET}/a"],
        "CallerArn": caller,
        "ResourcePolicy": bucket,
    }
    [own] = simulate(api, PolicyInputList=[policy("sqs:*")], **asked)
    assert (own["EvalDecision"], sources(own)) == ("allowed", [("ResourcePolicy", "Resource Policy")])
    elsewhere = {**asked, "ResourceOwner": "arn:aws:iam::444455556666:root"}
    [result] = simulate(api, PolicyInputList=[policy("sqs:*")], **elsewhere)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    [result] = simulate(api, PolicyInputList=[policy("s3:GetObject")], **elsewhere)
    assert result["EvalDecision"] == "allowed"


def test_simulations_agree_with_real_calls(server, api, name, new_user):
    """The same policies, simulated and in real calls."""
    other = name("user")
    api.call("CreateUser", UserName=other, Path="/team/")
    arn = f"arn:aws:iam::{server.account}:user/team/{other}"
    statements = [
        {"Action": ["iam:GetUser", "iam:ListUserTags"], "Resource": f"arn:aws:iam::{server.account}:user/team/*"},
        {"Effect": "Deny", "Action": "iam:ListUserTags", "Resource": arn},
    ]
    user, credentials = new_user(policy(*statements))
    calls = ["GetUser", "ListUserTags", "ListAccessKeys", "ListGroupsForUser"]
    results = simulate(api, user["Arn"], ActionNames=[f"iam:{call}" for call in calls], ResourceArns=[arn])
    for call, result in zip(calls, results, strict=True):
        if result["EvalDecision"] == "allowed":
            api.signed_by(credentials).call(call, UserName=other)
        else:
            refused(api.signed_by(credentials), "AccessDenied", call, UserName=other)
    assert [each["EvalDecision"] for each in results] == ["allowed", "explicitDeny", "implicitDeny", "implicitDeny"]


def test_roles_are_simulated_without_their_trust(api, name):
    role = name("role")
    made = api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(api.server.account))["Role"]
    document = policy({"Action": "sts:AssumeRole", "Resource": made["Arn"]})
    api.call("PutRolePolicy", RoleName=role, PolicyName="own", PolicyDocument=document)
    [result] = simulate(api, made["Arn"], ActionNames=["sts:AssumeRole"], ResourceArns=[made["Arn"]])
    assert (result["EvalDecision"], sources(result)) == ("allowed", [(f"role_{role}_own", "IAM Policy")])


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"PolicyInputList": ["{"]}, "PolicyInputList.1: line 1, column 2"),
        ({"ActionNames": ["s3:*"]}, "Invalid action"),
        ({"ResourceArns": ["bank"]}, "ResourceNames are not in a valid ARN format: bank."),
        ({"CallerArn": "arn:aws:iam::111122223333:role/x"}, "Invalid CallerArn"),
        ({"ResourceOwner": "somebody"}, "Invalid ResourceOwner"),
        ({"ResourcePolicy": trust("111122223333", "s3:GetObject")}, "CallerArn must name"),
        ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "needs a resource of type"),
        ({"PermissionsBoundaryPolicyInputList": [policy("s3:*"), policy("s3:*")]}, "cannot exceed 1 items."),
        ({"ContextEntries": [{"ContextKeyName": "s3:from", "ContextKeyType": "ip", "ContextKeyValues": ["x"]}]}, "expected IP address."),
    ],
)
def test_invalid_simulations_are_refused(api, members, part):
    asked = {"PolicyInputList": [policy("s3:*")], "ActionNames": ["s3:GetObject"], **members}
    assert part in refused(api, "InvalidInput", "SimulateCustomPolicy", **asked).message


def test_unknown_principals(api, server, name):
    missing, simulating = name("user"), {"ActionNames": ["s3:GetObject"]}
    for operation, more in [("SimulatePrincipalPolicy", simulating), ("GetContextKeysForPrincipalPolicy", {})]:
        arn = f"arn:aws:iam::{server.account}:user/{missing}"
        error = refused(api, "NoSuchEntity", operation, PolicySourceArn=arn, **more)
        assert error.message == f"The user with name {missing} cannot be found."
        root = f"arn:aws:iam::{server.account}:root"
        refused(api, "InvalidInput", operation, PolicySourceArn=root, **more)
    refused(api, "ValidationError", "SimulatePrincipalPolicy", PolicySourceArn=arn)
    refused(api, "ValidationError", "SimulateCustomPolicy", ActionNames=["s3:GetObject"])


def test_simulating_needs_permission(api, server, name, new_user):
    subject, _ = new_user()
    actions = ["iam:SimulatePrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy"]
    _, credentials = new_user(policy({"Action": actions, "Resource": subject["Arn"]}))
    clerk = api.signed_by(credentials)
    simulate(clerk, subject["Arn"], ActionNames=["s3:GetObject"])
    clerk.call("GetContextKeysForPrincipalPolicy", PolicySourceArn=subject["Arn"])
    # Whether others exist is not revealed.
    for other in (f"arn:aws:iam::{server.account}:user/{name('user')}", "arn:aws:iam::444455556666:user/x"):
        refused(clerk, "AccessDenied", "SimulatePrincipalPolicy", PolicySourceArn=other, ActionNames=["s3:GetObject"])
        refused(clerk, "AccessDenied", "GetContextKeysForPrincipalPolicy", PolicySourceArn=other)
    inputs = {"PolicyInputList": [policy("s3:*")]}
    refused(clerk, "AccessDenied", "SimulateCustomPolicy", ActionNames=["s3:GetObject"], **inputs)
    refused(clerk, "AccessDenied", "GetContextKeysForCustomPolicy", **inputs)


def test_boto3_s_own_paginator(server, aws):
    client = AwsApi(server, aws.credentials).client("iam")
    pages = client.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[policy("s3:Get*")],
        ActionNames=[f"s3:Get{number}" for number in range(25)],
        PaginationConfig={"PageSize": 10},
    )
    pages = [page["EvaluationResults"] for page in pages]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert {each["EvalDecision"] for page in pages for each in page} == {"allowed"}
    assert pages[0][0]["EvalActionName"] == "s3:Get0"
