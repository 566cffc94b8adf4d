"""`GeneratePolicy` and `bailiwick audit generate-policy`: the smallest policy for what a principal did."""

import json

import pytest
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials, client_environment, run
from support.waiting import until


def on_record(rpc, arn, event, count=1):
    """Waits until reads of a principal are on record, which takes up to a second."""

    def enough():
        found = rpc.call("SearchEvents", filter={"principalArn": arn, "eventName": event})
        return len(found.get("events", [])) >= count

    until(enough, f"{event} of {arn}")


def generate(rpc, arn, **members):
    """The whole answer."""
    marker = {}
    while True:
        answer = rpc.call("GeneratePolicy", principalArn=arn, **members, **marker)
        if not answer.get("marker"):
            return answer
        marker = {"marker": answer["marker"]}


def session_of(api, role_arn, name="session"):
    return Credentials.of(api.call("AssumeRole", RoleArn=role_arn, RoleSessionName=name)["Credentials"])


def test_the_generated_policy_allows_the_same_calls_and_no_neighbour(server, aws, rpc, new_user, name):
    user, credentials = new_user(ALLOW_ALL)
    made, profile, role = name("made"), name("profile"), name("role")
    role_arn = aws.call("CreateRole", RoleName=role, Path="/r/", AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("CreateInstanceProfile", InstanceProfileName=profile)
    calls = [
        ("CreateUser", {"UserName": made, "Path": "/new/", "Tags": [{"Key": "team", "Value": "x"}]}),
        ("GetUser", {"UserName": made}),
        ("TagUser", {"UserName": made, "Tags": [{"Key": "stage", "Value": "x"}]}),
        ("AddRoleToInstanceProfile", {"InstanceProfileName": profile, "RoleName": role}),
        ("AssumeRole", {"RoleArn": role_arn, "RoleSessionName": "session", "Tags": [{"Key": "team", "Value": "x"}]}),
        ("ListUsers", {"PathPrefix": "/new/"}),
    ]
    undo = [("RemoveRoleFromInstanceProfile", {"InstanceProfileName": profile, "RoleName": role}), ("DeleteUser", {"UserName": made})]

    def play(api):
        for operation, members in calls:
            api.call(operation, **members)
        for operation, members in undo:
            aws.call(operation, **members)

    aws.call("UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=trust(server.account, ["sts:AssumeRole", "sts:TagSession"]))
    own = AwsApi(server, credentials)
    play(own)
    with pytest.raises(ApiError):
        own.call("GetGroup", GroupName=name("missing"))
    on_record(rpc, user["Arn"], "ListUsers")
    on_record(rpc, user["Arn"], "GetGroup")

    done = run("audit", "generate-policy", "--principal", user["Arn"], "--since", "1h", environment=client_environment(server, server.root))
    assert done.returncode == 0 and "6 calls covered, 1 failed call left out" in done.stderr, done.stderr
    statements = json.loads(done.stdout)["Statement"]
    actions = {a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    expected = {"CreateUser", "GetUser", "TagUser", "AddRoleToInstanceProfile", "PassRole", "ListUsers"}
    assert actions == {f"iam:{action}" for action in expected} | {"sts:AssumeRole", "sts:TagSession"}
    passed = [s["Condition"] for s in statements if s["Action"] == "iam:PassRole"]
    assert passed == [{"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}]

    _, fresh = new_user(done.stdout)
    fresh = AwsApi(server, fresh)
    play(fresh)
    for operation, members in [
        ("CreateUser", {"UserName": made}),
        ("CreateUser", {"UserName": made + "-2", "Path": "/new/"}),
        ("DeleteUser", {"UserName": made}),
        ("GetUser", {"UserName": user["UserName"]}),
        ("AssumeRole", {"RoleArn": role_arn + "2", "RoleSessionName": "session"}),
    ]:
        refused(fresh, "AccessDenied", operation, **members)


def test_sessions_of_a_role_count_for_the_role(server, aws, rpc, new_user, name):
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, Path="/ci/", AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="all", PolicyDocument=ALLOW_ALL)
    _, key = new_user(policy("sts:AssumeRole"))
    session = AwsApi(server, session_of(AwsApi(server, key), arn))
    names = [name("u") for _ in range(4)]
    for made in names:
        session.call("CreateUser", UserName=made, Path="/batch/")
    on_record(rpc, arn, "CreateUser", count=4)
    answer = generate(rpc, arn)
    [document] = answer["documents"]
    prefix = f"arn:aws:iam::{server.account}:user/batch/"
    assert json.loads(document)["Statement"] == [{"Effect": "Allow", "Action": "iam:CreateUser", "Resource": sorted(prefix + made for made in names)}]
    answer = generate(rpc, arn, wildcardsAbove=3, sourceIpCondition=True)
    [statement] = json.loads(answer["documents"][0])["Statement"]
    assert statement["Resource"] == prefix + "*" and statement["Condition"] == {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}
    assert int(answer["coveredCalls"]) == 4


def test_who_may_generate_and_of_whom(server, rpc, new_user):
    user, credentials = new_user(policy({"Action": "iam:*"}))
    refused(GrpcApi(server, credentials), "AccessDenied", "GeneratePolicy", principalArn=user["Arn"])
    for arn in [
        "arn:aws:iam::999988887777:user/other",
        f"arn:aws:iam::{server.account}:root",
        f"arn:aws:iam::{server.account}:group/g",
        f"arn:aws:sts::{server.account}:assumed-role/r/s",
        "x" * 20,
    ]:
        refused(rpc, "InvalidInput", "GeneratePolicy", principalArn=arn)
    refused(rpc, "ValidationError", "GeneratePolicy", principalArn=user["Arn"], marker="x")
    on_record(rpc, user["Arn"], "GeneratePolicy")
    for arn, failed in [(user["Arn"], "1 failed call"), (user["Arn"] + "-unknown", "0 failed calls")]:
        done = run("audit", "generate-policy", "--principal", arn, environment=client_environment(server, server.root))
        assert done.returncode == 1 and f"no successful call of {arn} is on record since " in done.stderr, done.stderr
        assert f", when the audit trail begins; {failed} left out\ncheck the ARN and --since\n" in done.stderr, done.stderr
    done = run("audit", "generate-policy", "--principal", "bob")
    assert done.returncode == 2 and "expected the ARN of a user or role, such as arn:aws:iam::" in done.stderr, done.stderr
