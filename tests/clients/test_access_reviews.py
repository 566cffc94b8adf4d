"""`WhoCan` and `WhatCan`: who may perform an action, and what a principal may do."""

import json
import re

import pytest
from support.api import GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import client_environment, run

ALBUM = "arn:aws:gallery:eu-central-1:{}:album/{}"


@pytest.fixture
def album(server, name):
    """An album of this test alone."""
    return ALBUM.format(server.account, name("album"))


def everyone(rpc, action, resource, **members):
    """The allowed principals with their grants, and the partly allowed ones, over all pages."""
    allowed, partly, marker = {}, {}, {}
    while True:
        page = rpc.call("WhoCan", action=action, resource=resource, **members, **marker)
        allowed |= {one["principalArn"]: one["grant"] for one in page.get("allowed", [])}
        partly |= {one["principalArn"]: one["grant"] for one in page.get("partlyAllowed", [])}
        assert not page.get("undecided")
        if not page.get("isTruncated"):
            return allowed, partly
        marker = {"marker": page["marker"]}


def everything(rpc, arn, **members):
    """The allowed actions with their grants, and the partly allowed ones, over all pages."""
    allowed, partly, marker = {}, {}, {}
    while True:
        page = rpc.call("WhatCan", principalArn=arn, **members, **marker)
        for service in page.get("services", []):
            allowed |= {one["action"]: one["grant"] for one in service.get("allowed", [])}
            partly |= {one["action"]: one["grant"] for one in service.get("partlyAllowed", [])}
        if not page.get("isTruncated"):
            return allowed, partly
        marker = {"marker": page["marker"]}


def test_every_layer_takes_part(server, aws, rpc, new_user, name, album):
    bound = aws.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=policy("gallery:List*"))["Policy"]["Arn"]
    own, _ = new_user(policy({"Sid": "Own", "Action": "gallery:GetAlbum", "Resource": album}))
    bounded, _ = new_user(policy("gallery:*"), PermissionsBoundary=bound)
    grouped, _ = new_user(None)
    denied, _ = new_user(policy("gallery:*", {"Effect": "Deny", "Action": "gallery:Get*"}))
    conditional, _ = new_user(policy({"Action": "gallery:*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}))
    named, _ = new_user(None)
    group = name("group")
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="albums", PolicyDocument=policy("gallery:*"))
    aws.call("AddUserToGroup", GroupName=group, UserName=grouped["UserName"])
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(own["Arn"]))["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="all", PolicyDocument=ALLOW_ALL)
    shared = policy({"Sid": "Shared", "Principal": {"AWS": named["Arn"]}, "Action": "gallery:GetAlbum", "Resource": "*"})
    rpc.call("PutResourcePolicy", resourceArn=album, policy=shared)

    allowed, partly = everyone(rpc, "gallery:GetAlbum", album)
    mine = {one["Arn"] for one in (own, bounded, grouped, denied, conditional, named, role)}
    expected = {one["Arn"] for one in (own, grouped, named, role)}
    assert allowed.keys() & mine == expected
    assert f"arn:aws:iam::{server.account}:root" in allowed
    assert {arn for arn in partly if arn in mine} == {conditional["Arn"]}
    assert partly[conditional["Arn"]]["contextKeys"] == ["aws:SourceIp"]
    statement = allowed[own["Arn"]]["statement"]
    assert (statement["policy"], statement["attachedTo"], statement["sid"], statement.get("index", 0)) == ("inline", own["Arn"], "Own", 0)
    assert allowed[grouped["Arn"]]["statement"]["attachedTo"].endswith(f":group/{group}")
    assert allowed[named["Arn"]]["step"] == "STEP_RESOURCE_POLICY"
    # The same in small pages, and with the context that the condition needs.
    context = [{"key": "aws:SourceIp", "type": "CONTEXT_TYPE_IP", "values": ["10.1.2.3"]}]
    allowed, _ = everyone(rpc, "gallery:GetAlbum", album, context=context, maxItems=2)
    assert allowed.keys() & mine == expected | {conditional["Arn"]}
    assert allowed[conditional["Arn"]]["contextKeys"] == ["aws:SourceIp"] and allowed[conditional["Arn"]]["conditional"]
    assert not allowed[own["Arn"]].get("conditional")
    # Each is what Explain says of one of them.
    for user in (own, bounded, grouped, denied, conditional, named):
        question = {"caller": {"principalArn": user["Arn"]}, "action": "gallery:GetAlbum", "resource": album, "context": context}
        result = rpc.call("Explain", request=question)["result"]
        assert (result["decision"] == "DECISION_ALLOW") == (user["Arn"] in allowed), user
    # A trust policy must allow as well.
    allowed, _ = everyone(rpc, "sts:AssumeRole", role["Arn"])
    assert set(allowed) == {own["Arn"]}


def test_what_a_user_and_a_role_may_do(aws, rpc, new_user, name):
    user, _ = new_user(policy("iam:ListUsers", {"Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:username}"}))
    allowed, partly = everything(rpc, user["Arn"])
    # What needs no permission, and what the policy allows.
    free = {"bailiwick:ExplainDenial", "bailiwick:GetSignInCredentials", "bailiwick:SignOut", "sts:GetCallerIdentity", "sts:GetSessionToken"}
    assert set(allowed) == free | {"iam:ListUsers"}
    assert "statement" not in allowed["sts:GetCallerIdentity"] and allowed["sts:GetCallerIdentity"]["step"] == "STEP_EXCEPTION"
    assert set(partly) == {"iam:GetUser"}
    assert partly["iam:GetUser"]["resources"] == [f"arn:aws:iam::*:user/{user['UserName']}"]
    allowed, _ = everything(rpc, user["Arn"], resource=user["Arn"], servicePrefix="iam")
    assert set(allowed) == {"iam:GetUser"}
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(user["Arn"]))["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("bailiwick:*"))
    whole, _ = everything(rpc, role["Arn"], servicePrefix="bailiwick")
    paged, _ = everything(rpc, role["Arn"], servicePrefix="bailiwick", maxItems=3)
    assert whole == paged and "bailiwick:WhoCan" in whole and "bailiwick:WhatCan" in whole


def test_who_may_ask(server, rpc, new_user, album):
    own, credentials = new_user(policy("iam:*", "bailiwick:Explain"))
    caller = GrpcApi(server, credentials)
    refused(caller, "AccessDenied", "WhoCan", action="gallery:GetAlbum", resource=album)
    refused(caller, "AccessDenied", "WhatCan", principalArn=own["Arn"])
    refused(caller, "AccessDenied", "WhatCan", principalArn=own["Arn"] + "x")
    service = f"arn:aws:bailiwick::{server.account}:service/gallery"
    _, credentials = new_user(policy({"Action": "bailiwick:WhoCan", "Resource": service}, {"Action": "bailiwick:WhatCan", "Resource": own["Arn"]}))
    caller = GrpcApi(server, credentials)
    assert caller.call("WhoCan", action="gallery:GetAlbum", resource=album)["examined"]
    assert caller.call("WhatCan", principalArn=own["Arn"])["examined"]
    refused(caller, "AccessDenied", "WhoCan", action="iam:GetUser", resource=own["Arn"])
    refused(caller, "AccessDenied", "WhatCan", principalArn=f"arn:aws:iam::{server.account}:root")


def test_invalid_questions(server, rpc, new_user, album):
    user, _ = new_user(None)
    for members in (
        {"action": "gallery", "resource": album},
        {"action": "gallery:*", "resource": album},
        {"action": "gallery:GetAlbum", "resource": "album"},
        {"action": "gallery:GetAlbum"},
        {"action": "gallery:GetAlbum", "resource": album, "marker": "x"},
        {"action": "gallery:GetAlbum", "resource": album, "context": [{"key": "aws:PrincipalArn", "values": ["x"]}]},
    ):
        refused(rpc, "ValidationError", "WhoCan", **members)
    refused(rpc, "MalformedPolicyDocument", "WhoCan", action="gallery:GetAlbum", resource=album, resourcePolicy="{}")
    refused(rpc, "NoSuchEntity", "WhatCan", principalArn=user["Arn"] + "x")
    for arn in ("x" * 20, f"arn:aws:iam::{server.account}:group/x", f"arn:aws:sts::{server.account}:assumed-role/a/b"):
        refused(rpc, "ValidationError", "WhatCan", principalArn=arn)
    refused(rpc, "ValidationError", "WhatCan", principalArn=user["Arn"], resource="album")


def test_the_commands(server, new_user, name, tmp_path, album):
    bucket = f"arn:aws:s3:::{name('bucket')}/a"
    own = ["--resource-account", server.account]
    reader, _ = new_user(policy({"Sid": "Read", "Action": "s3:GetObject", "Resource": bucket}))
    inside, _ = new_user(policy({"Action": "s3:GetObject", "Resource": bucket, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}))
    environment = client_environment(server, server.root)
    done = run("who-can", "s3:GetObject", bucket, *own, environment=environment)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert f"allowed  {reader['Arn']}  by statement 1 (Read) of `inline` of {reader['Arn']}" in lines
    assert f"in part  {inside['Arn']}  by statement 1 of `inline` of {inside['Arn']}; if the conditions hold on aws:SourceIp" in lines
    assert re.fullmatch(r"\d+ of \d+ principals allowed", lines[-1])
    done = run("who-can", "s3:GetObject", bucket, *own, "--context", "aws:SourceIp=10.1.2.3,ip", environment=environment)
    assert f"allowed  {inside['Arn']}  by statement 1 of `inline` of {inside['Arn']}; depends on aws:SourceIp" in done.stdout.splitlines()
    shared = tmp_path / "shared.json"
    shared.write_text(policy({"Sid": "Gift", "Principal": {"AWS": inside["Arn"]}, "Action": "s3:PutObject", "Resource": "*"}))
    done = run("who-can", "s3:PutObject", bucket, *own, "--json", "--resource-policy", shared, environment=environment)
    [grant] = [one["grant"] for one in json.loads(done.stdout)["allowed"] if one["principalArn"] == inside["Arn"]]
    assert grant["statement"]["sid"] == "Gift"
    absent = f"arn:aws:iam::{server.account}:role/{name('absent')}"
    done = run("who-can", "sts:AssumeRole", absent, environment=environment)
    assert (done.returncode, re.sub(r"\d+", "N", done.stdout)) == (1, "N of N principals allowed\n")

    user, credentials = new_user(policy({"Sid": "Own", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:username}"}))
    done = run("what-can", user["Arn"], "--service", "iam", environment=environment)
    assert done.returncode == 1 and "in part  iam:GetUser  by statement 1 (Own)" in done.stdout, done.stdout
    assert f"; on arn:aws:iam::*:user/{user['UserName']}" in done.stdout
    done = run("what-can", user["Arn"], user["Arn"], environment=environment)
    assert done.returncode == 0 and f"allowed  iam:GetUser  by statement 1 (Own) of `inline` of {user['Arn']}" in done.stdout, done.stdout
    done = run("what-can", f"arn:aws:iam::{server.account}:root", "--json", environment=environment)
    services = [service["servicePrefix"] for service in json.loads(done.stdout)["services"]]
    assert done.returncode == 0 and services == sorted(set(services)) and {"bailiwick", "iam", "sts"} <= set(services)
    for refusal in (
        run("what-can", user["Arn"], environment=client_environment(server, credentials)),
        run("who-can", "s3:GetObject", bucket, environment=environment),
        run("who-can", "s3:GetObject", bucket, "--context", "nonsense", environment=environment),
        run("what-can", album, environment=environment),
    ):
        assert refusal.returncode == 2 and refusal.stderr and not refusal.stdout, refusal
