"""`Replay` and `bailiwick replay`: recorded decisions with a proposed change of policies."""

import json

from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials, client_environment, run
from test_generated_policies import on_record


def replay(rpc, changes, **members):
    """All differences, and the sums of the counts."""
    marker, differences, counts, failed = {}, [], {}, {}
    while True:
        page = rpc.call("Replay", changes=changes, **members, **marker)
        differences += page.get("differences", [])
        for name in ("replayed", "notConcerned", "changedSince"):
            counts[name] = counts.get(name, 0) + int(page.get(name, 0))
        for one in page.get("notReplayable", []):
            failed[one["reason"].removeprefix("NOT_REPLAYABLE_REASON_")] = int(one["decisions"])
        if not page.get("marker"):
            return differences, counts, failed
        marker = {"marker": page["marker"]}


def found(differences):
    return {(one["action"], one["resource"], one["before"]["outcome"], one["after"]["outcome"]) for one in differences}


def put(arn, document, name="inline"):
    return {"putInlinePolicy": {"identityArn": arn, "policyName": name, "policyDocument": document}}


def test_what_a_narrower_and_a_wider_policy_change(server, aws, rpc, new_user, name, tmp_path):
    user, credentials = new_user(policy("iam:CreateUser", "iam:GetUser"))
    own, made, arn = AwsApi(server, credentials), name("made"), user["Arn"]
    target = f"arn:aws:iam::{server.account}:user/{made}"
    own.call("CreateUser", UserName=made)
    own.call("GetUser", UserName=made)
    refused(own, "AccessDenied", "TagUser", UserName=made, Tags=[{"Key": "a", "Value": "b"}])
    on_record(rpc, arn, "GetUser")
    on_record(rpc, arn, "TagUser")

    narrower = policy({"Action": ["iam:GetUser", "iam:TagUser"], "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}})
    differences, counts, failed = replay(rpc, [put(arn, narrower)], principalArn=arn)
    assert found(differences) == {
        ("iam:CreateUser", target, "ALLOW", "IMPLICIT_DENY"),
        ("iam:TagUser", target, "IMPLICIT_DENY", "ALLOW"),
    }
    assert (counts["replayed"], counts["changedSince"], failed) == (3, 0, {})
    [created] = [one for one in differences if one["action"] == "iam:CreateUser"]
    assert created["before"]["policy"] == "inline" and created["eventName"] == "CreateUser"
    # The recorded address and tags are those of the conditions.
    for condition in [
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"StringEquals": {"aws:RequestTag/a": "c"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ]:
        deny = policy({"Effect": "Deny", "Action": "iam:TagUser", "Condition": condition}, "iam:*")
        assert ("iam:TagUser", target, "IMPLICIT_DENY", "ALLOW") in found(replay(rpc, [put(arn, deny)], principalArn=arn)[0])
    deny = policy({"Effect": "Deny", "Action": "iam:*", "Condition": {"StringEquals": {"aws:RequestTag/a": "b"}}}, "iam:*")
    assert ("iam:TagUser", target, "IMPLICIT_DENY", "EXPLICIT_DENY") in found(replay(rpc, [put(arn, deny)], principalArn=arn)[0])

    file = tmp_path / "narrower.json"
    file.write_text(narrower)
    environment = client_environment(server, server.root)
    done = run("replay", "--principal", arn, "--policy", file, "--policy-name", "inline", "--since", "1h", environment=environment)
    assert done.returncode == 1, done.stderr
    assert "denied" in done.stdout and "allowed" in done.stdout and "ALLOW (statement 0 of inline) -> IMPLICIT_DENY" in done.stdout
    assert "2 of 3 replayed decisions differ" in done.stderr
    # The same once more beside the stored policy: nothing is denied that was allowed.
    done = run("replay", "--principal", arn, "--policy", file, "--json", environment=environment)
    assert [one["action"] for one in json.loads(done.stdout)["differences"]] == ["iam:TagUser"]
    # Nothing was changed.
    refused(own, "AccessDenied", "TagUser", UserName=made, Tags=[{"Key": "a", "Value": "b"}])


def test_groups_managed_policies_boundaries_and_roles(server, aws, rpc, new_user, name):
    group, managed, role = name("group"), name("policy"), name("role")
    wide = aws.call("CreatePolicy", PolicyName=managed, PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    group_arn = aws.call("CreateGroup", GroupName=group)["Group"]["Arn"]
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=wide)
    user, credentials = new_user()
    aws.call("AddUserToGroup", GroupName=group, UserName=user["UserName"])
    role_arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("AttachRolePolicy", RoleName=role, PolicyArn=wide)
    own = AwsApi(server, credentials)
    own.call("GetGroup", GroupName=group)
    session = Credentials.of(own.call("AssumeRole", RoleArn=role_arn, RoleSessionName="session")["Credentials"])
    AwsApi(server, session).call("GetRole", RoleName=role)
    limited = own.call("AssumeRole", RoleArn=role_arn, RoleSessionName="limited", Policy=ALLOW_ALL)
    AwsApi(server, Credentials.of(limited["Credentials"])).call("GetRole", RoleName=role)
    on_record(rpc, role_arn, "GetRole", count=2)
    on_record(rpc, user["Arn"], "AssumeRole", count=2)

    detach = {"detachPolicy": {"identityArn": group_arn, "policyArn": wide}}
    differences, _, _ = replay(rpc, [detach])
    of_group = {("iam:GetGroup", group_arn, "ALLOW", "IMPLICIT_DENY"), ("sts:AssumeRole", role_arn, "ALLOW", "IMPLICIT_DENY")}
    assert found(differences) == of_group and {one["principalArn"] for one in differences} == {user["Arn"]}
    assert replay(rpc, [detach], principalArn=role_arn)[0] == []
    # A new version is that of the group and of the role. Session policies are not recorded.
    version = {"newPolicyVersion": {"policyArn": wide, "policyDocument": policy("s3:*")}}
    differences, _, failed = replay(rpc, [version])
    assert found(differences) == of_group | {("iam:GetRole", role_arn, "ALLOW", "IMPLICIT_DENY")}
    assert failed.get("SESSION_POLICIES", 0) >= 1
    # A boundary, and its end.
    none = aws.call("CreatePolicy", PolicyName=name("none"), PolicyDocument=policy("s3:*"))["Policy"]["Arn"]
    boundary = {"putPermissionsBoundary": {"identityArn": role_arn, "policyArn": none}}
    [difference] = replay(rpc, [boundary], principalArn=role_arn)[0]
    assert difference["after"]["outcome"] == "IMPLICIT_DENY" and difference["after"]["policyType"] == "PERMISSIONS_BOUNDARY"
    aws.call("PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=none)
    end = {"deletePermissionsBoundary": {"identityArn": role_arn}}
    differences, counts, _ = replay(rpc, [end], principalArn=role_arn)
    assert found(differences) == {("iam:GetRole", role_arn, "IMPLICIT_DENY", "ALLOW")} and counts["changedSince"] == 1


def test_what_is_refused(server, rpc, new_user):
    user, credentials = new_user(policy("iam:*"))
    arn, change = user["Arn"], [put(user["Arn"], ALLOW_ALL)]
    refused(GrpcApi(server, credentials), "AccessDenied", "Replay", changes=change)
    refused(rpc, "ValidationError", "Replay", changes=[])
    refused(rpc, "InvalidInput", "Replay", changes=[{}])
    refused(rpc, "MalformedPolicyDocument", "Replay", changes=[put(arn, "{}")])
    refused(rpc, "InvalidInput", "Replay", changes=[put("arn:aws:iam::999988887777:user/x", ALLOW_ALL)])
    refused(rpc, "InvalidInput", "Replay", changes=change, principalArn=f"arn:aws:iam::{server.account}:root")
    refused(rpc, "NoSuchEntity", "Replay", changes=[put(arn + "x", ALLOW_ALL)])
    refused(rpc, "NoSuchEntity", "Replay", changes=[{"deleteInlinePolicy": {"identityArn": arn, "policyName": "missing"}}])
    wide = "arn:aws:iam::aws:policy/AdministratorAccess"
    refused(rpc, "NoSuchEntity", "Replay", changes=[{"detachPolicy": {"identityArn": arn, "policyArn": wide}}])
    refused(rpc, "InvalidInput", "Replay", changes=[{"newPolicyVersion": {"policyArn": wide, "policyDocument": ALLOW_ALL}}])
    environment = client_environment(server, server.root)
    assert run("replay", "--principal", arn, environment=environment).returncode == 2
