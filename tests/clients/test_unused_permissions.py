"""`ListUnusedPermissions` and `bailiwick unused-permissions`: what policies allow and was not used."""

import json

from support.api import AwsApi, GrpcApi
from support.documents import policy, trust
from support.expect import refused
from support.server import client_environment, run


def test_used_and_unused_actions(server, aws, rpc, new_user, name):
    user, credentials = new_user(policy("iam:*Role*", {"Effect": "Allow", "Action": "iam:AddRoleToInstanceProfile"}, "photos:*"))
    role, profile = name("role"), name("profile")
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    aws.call("CreateInstanceProfile", InstanceProfileName=profile)
    own = AwsApi(server, credentials)
    own.call("GetRole", RoleName=role)
    # It needs iam:PassRole as well.
    own.call("AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName=role)
    aws.call("RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName=role)
    answer = rpc.call("ListUnusedPermissions", principalArn=user["Arn"])
    [iam] = answer["services"]
    assert iam["service"] == "iam" and iam["usedActions"] == ["AddRoleToInstanceProfile", "GetRole", "PassRole"]
    assert "DeleteRole" in iam["unusedActions"] and "GetUser" not in iam["unusedActions"] and iam["lastUsedTime"]
    environment = client_environment(server, server.root)
    done = run("unused-permissions", "--principal", user["Arn"], "--all", environment=environment)
    assert done.returncode == 1 and "allowed actions used: AddRoleToInstanceProfile, GetRole, PassRole" in done.stdout
    assert "unused: " in done.stdout and "DeleteRole" in done.stdout
    done = run("unused-permissions", "--principal", user["Arn"], "--json", environment=environment)
    assert json.loads(done.stdout)["services"][0]["usedActions"] == iam["usedActions"]
    # The report on last access has the same action.
    job = aws.call("GenerateServiceLastAccessedDetails", Arn=user["Arn"], Granularity="ACTION_LEVEL")["JobId"]
    [service] = [s for s in aws.call("GetServiceLastAccessedDetails", JobId=job)["ServicesLastAccessed"] if s["ServiceNamespace"] == "iam"]
    passed = [action for action in service["TrackedActionsLastAccessed"] if action["ActionName"] == "PassRole"]
    assert passed[0]["LastAccessedEntity"] == user["Arn"]


def test_what_is_refused(server, rpc, new_user):
    user, credentials = new_user(policy("iam:*"))
    refused(GrpcApi(server, credentials), "AccessDenied", "ListUnusedPermissions", principalArn=user["Arn"])
    refused(rpc, "NoSuchEntity", "ListUnusedPermissions", principalArn=user["Arn"] + "x")
    for arn in [f"arn:aws:iam::{server.account}:root", "arn:aws:iam::999988887777:user/other", f"arn:aws:iam::{server.account}:policy/p"]:
        refused(rpc, "InvalidInput", "ListUnusedPermissions", principalArn=arn)
