"""What is on record of decisions: the deciding statement, and the details of denials, by their authorization id."""

import json
import re

import pytest
from support import audit
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import ACCOUNT, Credentials, client_environment, run

USER = f"arn:aws:iam::{ACCOUNT}:user"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
ALLOW_IAM = policy("iam:*", "sts:*")


def new_user(root, name, document=None, **members):
    """Creates a user with an inline policy; returns its credentials."""
    root.call("CreateUser", UserName=name, **members)
    if document:
        root.call("PutUserPolicy", UserName=name, PolicyName="rights", PolicyDocument=document)
    return Credentials.of(root.call("CreateAccessKey", UserName=name)["AccessKey"])


def assume(api, name, **members):
    answer = api.call("AssumeRole", RoleArn=f"{ROLE}/{name}", RoleSessionName="work", **members)
    return api.signed_by(Credentials.of(answer["Credentials"]))


def on_record(server):
    """The additional data of the records of a stopped server, by event id."""
    return {record["eventID"].replace("-", ""): record for record in audit.records(server)}


def layers(authorization):
    denied = authorization["evaluations"][-1]
    return {check["checkType"]: check["evaluatedEffect"] for check in denied["checks"]}


@pytest.mark.parametrize("front", [AwsApi, GrpcApi])
def test_a_denial_by_each_layer_is_on_record(new_server, front):
    server = new_server().start()
    root = AwsApi(server, server.root)
    bound = root.call("CreatePolicy", PolicyName="bound", PolicyDocument=policy("iam:Get*", "sts:*"))["Policy"]["Arn"]
    deny = policy("iam:*", {"Sid": "NoUsers", "Effect": "Deny", "Action": "iam:CreateUser"})
    limits = root.call("CreatePolicy", PolicyName="limits", PolicyDocument=deny)["Policy"]["Arn"]
    for name in ("closed", "open"):
        root.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{ACCOUNT}:root" if name == "open" else {"Service": "a.example.com"}))
        root.call("PutRolePolicy", RoleName=name, PolicyName="all", PolicyDocument=ALLOW_ALL)
    as_user = {
        "identity": new_user(root, "identity"),
        "deny": new_user(root, "deny"),
        "boundary": new_user(root, "boundary", ALLOW_IAM, PermissionsBoundary=bound),
        "trust": new_user(root, "trust", ALLOW_IAM),
        "session": new_user(root, "session", ALLOW_IAM),
    }
    root.call("AttachUserPolicy", UserName="deny", PolicyArn=limits)
    apis = {name: front(server, credentials) for name, credentials in as_user.items()}
    apis["session"] = assume(apis["session"], "open", Policy=policy("iam:Get*"))
    ids = {}
    for name, api in apis.items():
        members = {"RoleArn": f"{ROLE}/closed", "RoleSessionName": "work"} if name == "trust" else {"UserName": "other"}
        error = refused(api, "AccessDenied", "AssumeRole" if name == "trust" else "CreateUser", **members)
        assert re.fullmatch("[0-9a-f]{32}", error.authorization_id), name
        if front is GrpcApi:
            assert error.details["info"]["authorizationId"] == error.authorization_id
        ids[name] = error.authorization_id
    server.stop()
    records = on_record(server)
    expected = {
        "identity": ("IMPLICIT_DENY", "IDENTITY_POLICY", "IDENTITY_BASED_POLICY", {"PRINCIPAL": "IMPLICIT_DENY"}),
        "deny": ("EXPLICIT_DENY", "EXPLICIT_DENY", "IDENTITY_BASED_POLICY", {"PRINCIPAL": "EXPLICIT_DENY"}),
        "boundary": ("IMPLICIT_DENY", "PERMISSIONS_BOUNDARY", "PERMISSIONS_BOUNDARY", {"PRINCIPAL": "ALLOW", "PERMISSIONS_BOUNDARY": "IMPLICIT_DENY"}),
        "trust": ("IMPLICIT_DENY", "RESOURCE_POLICY", "RESOURCE_BASED_POLICY", {"RESOURCE": "IMPLICIT_DENY", "PRINCIPAL": "ALLOW"}),
        "session": ("IMPLICIT_DENY", "SESSION_POLICY", "SESSION_POLICY", {"PRINCIPAL": "ALLOW", "SESSION": "IMPLICIT_DENY"}),
    }  # fmt: skip
    for name, (outcome, step, kind, checks) in expected.items():
        record = records[ids[name]]
        decision = record["additionalEventData"]["decision"]
        assert (decision["outcome"], decision["step"], decision["policyType"]) == (outcome, step, kind), name
        assert layers(record["additionalEventData"]["authorization"]) == checks, name
        assert record["errorMessage"].endswith(ids[name]), name
    said = records[ids["deny"]]["errorMessage"]
    assert f" with an explicit deny in an identity-based policy: {limits}. For complete details" in said
    statement = records[ids["deny"]]["additionalEventData"]["decision"]["statement"]
    assert statement == {"policy": limits, "attachedTo": f"{USER}/deny", "version": "v1", "sid": "NoUsers", "index": 1}
    policies = records[ids["session"]]["additionalEventData"]["authorization"]["policies"]
    assert [policy["type"] for policy in policies] == ["IDENTITY_BASED_POLICY", "SESSION_POLICY"]
    assert all(len(policy["sha256"]) == 64 for policy in policies)


def test_the_statement_that_allowed_is_on_record(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    eva = AwsApi(server, new_user(root, "eva", policy("sts:*", {"Sid": "Read", "Action": ["iam:Get*", "iam:CreateUser"]})))
    eva.call("GetUser")
    eva.call("CreateUser", UserName="bob")
    eva.call("GetCallerIdentity")
    server.stop()
    hers = {record["eventName"]: record for record in audit.records(server) if record["userIdentity"].get("userName") == "eva"}
    for name in ("GetUser", "CreateUser"):
        decision = hers[name]["additionalEventData"]["decision"]
        assert (decision["outcome"], decision["step"], decision["action"]) == ("ALLOW", "IDENTITY_POLICY", f"iam:{name}")
        assert decision["statement"] == {"policy": "rights", "attachedTo": f"{USER}/eva", "sid": "Read", "index": 1}
    decision = hers["GetCallerIdentity"]["additionalEventData"]["decision"]
    checks = [{"action": "sts:GetCallerIdentity", "resourceAccount": ACCOUNT}]
    assert decision == {"outcome": "ALLOW", "step": "EXCEPTION", "action": "sts:GetCallerIdentity", "checks": checks}
    roots = [record for record in audit.records(server) if record["userIdentity"].get("type") == "Root"]
    assert {record["additionalEventData"]["decision"]["step"] for record in roots} == {"ROOT"}


def test_a_flood_of_denials_costs_bounded_disk(new_server):
    """Denials beyond the rate of records have neither an id nor details; the documents of policies are written once."""
    server = new_server().start()
    root = AwsApi(server, server.root)
    eva = GrpcApi(server, new_user(root, "eva", policy(*[{"Sid": f"S{number}", "Action": f"s3:Get{number}"} for number in range(30)])))
    ids = [refused(eva, "AccessDenied", "ListUsers").authorization_id for _ in range(200)]
    given = [found for found in ids if found]
    assert 1 <= len(given) <= 60 and len(set(given)) == len(given)
    server.stop()
    folder = server.data / "audit" / "policies"
    assert folder.stat().st_mode & 0o777 == 0o700
    documents = [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]
    assert len(documents) <= 2, "one for each day"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20_000
    assert set(given) <= set(on_record(server))


def explain(server, credentials, *arguments):
    return run("explain", *arguments, environment=client_environment(server, credentials))


def test_a_denial_is_explained_after_a_restart_with_the_policies_of_then(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    rights = policy({"Sid": "ThenAllowed", "Action": "iam:Get*"})
    eva = new_user(root, "eva", rights)
    limits = root.call("CreatePolicy", PolicyName="limits", PolicyDocument=policy("iam:*", {"Sid": "Then", "Effect": "Deny", "Action": ["iam:DeleteUser", "iam:CreateLoginProfile"]}))
    limits = limits["Policy"]["Arn"]
    root.call("AttachUserPolicy", UserName="eva", PolicyArn=limits)
    admin, other = new_user(root, "admin", ALLOW_IAM), new_user(root, "other", policy("iam:ListUsers"))
    hush = "Spoonbill-17-mud"
    ids = [refused(AwsApi(server, eva), "AccessDenied", "DeleteUser", UserName="x").authorization_id]
    ids.append(refused(GrpcApi(server, eva), "AccessDenied", "CreateLoginProfile", UserName="x", Password=hush).authorization_id)
    assert None not in ids
    # The policies change, and the server restarts.
    root.call("CreatePolicyVersion", PolicyArn=limits, PolicyDocument=policy("s3:*"), SetAsDefault=True)
    root.call("PutUserPolicy", UserName="eva", PolicyName="rights", PolicyDocument=policy({"Sid": "Now", "Action": "*"}))
    server.stop()
    server.start()
    root = AwsApi(server, server.root)
    told = GrpcApi(server, admin).call("ExplainDenial", authorizationId=ids[0])
    assert (told["operation"], told["principalArn"]) == ("DeleteUser", f"{USER}/eva")
    assert "`Then`" in told["text"] and "aws:username = eva" in told["text"], told["text"]
    documents = {document["uri"]: document for document in told["documents"]}
    assert json.loads(documents[limits]["document"])["Statement"][1]["Sid"] == "Then" and documents[limits]["version"] == "v1"
    assert documents[f"inline:{USER}/eva:policy/rights"]["document"] == rights
    details = json.loads(told["details"])
    assert layers(details) == {"PRINCIPAL": "EXPLICIT_DENY"}
    missed = GrpcApi(server, admin).call("ExplainDenial", authorizationId=ids[1])
    assert hush not in str(missed)
    # The command, for the administrator.
    done = explain(server, admin, "--request", ids[0])
    assert done.returncode == 1 and "`Then`" in done.stdout and '"ThenAllowed"' in done.stdout and done.stderr == "", done
    assert json.loads(explain(server, admin, "--request", ids[0], "--json").stdout)["operation"] == "DeleteUser"
    # The caller, who is denied the details, gets what each layer said.
    root.call("PutUserPolicy", UserName="eva", PolicyName="rights", PolicyDocument=policy("iam:ListUsers"))
    done = explain(server, eva, "--request", ids[0])
    assert done.returncode == 1 and f"identity-based policies: deny: Then of {limits}" in done.stdout, done
    assert "ThenAllowed" not in done.stdout and "iam:Get" not in done.stdout
    summary = GrpcApi(server, eva).call("ExplainDenial", authorizationId=ids[0], summaryOnly=True)
    assert not summary.get("documents") and "sha256" not in summary["details"]
    # Others without the permission, and ids that there are not.
    refused(GrpcApi(server, other), "AccessDenied", "ExplainDenial", authorizationId=ids[0])
    refused(GrpcApi(server, other), "AccessDenied", "ExplainDenial", authorizationId="0" * 32)
    refused(GrpcApi(server, other), "ResourceNotFoundException", "ExplainDenial", authorizationId=ids[0], summaryOnly=True)
    for unknown in ("0" * 32, "x", ids[0][:-1], "z" * 256):
        for summary_only in (False, True):
            refused(GrpcApi(server, admin), "ResourceNotFoundException", "ExplainDenial", authorizationId=unknown, summaryOnly=summary_only)
    refused(GrpcApi(server, admin), "ValidationError", "ExplainDenial", authorizationId="A B")
    refused(GrpcApi(server, admin), "ValidationError", "ExplainDenial")
    done = explain(server, other, "--request", ids[0])
    assert done.returncode == 2 and "AccessDenied" in done.stderr, done
    done = explain(server, admin, "--request", ids[0], "iam:GetUser")
    assert done.returncode == 2 and "cannot be used with" in done.stderr, done
    assert explain(server, admin).returncode == 2


def test_another_account_sees_nothing_of_a_denial(new_server):
    server = new_server().start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    administrator = AwsApi(server, new_user(root, "administrator", ALLOW_ALL))

    def new_account(name):
        made = rpc.call("CreateAccount", accountName=name, email=f"{name}@example.com")
        answer = administrator.call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="work")
        return made["account"]["accountId"], AwsApi(server, Credentials.of(answer["Credentials"]))

    number, inside = new_account("member")
    member = new_user(inside, "member", ALLOW_ALL)
    # A role of the member account that does not trust the other account's user.
    hidden = trust({"Service": "hidden.example.com"})
    inside.call("CreateRole", RoleName="closed", AssumeRolePolicyDocument=hidden, Tags=[{"Key": "hidden", "Value": "hidden"}])
    _, second = new_account("second")
    eve = new_user(second, "eve", ALLOW_ALL)
    denied = refused(AwsApi(server, eve), "AccessDenied", "AssumeRole", RoleArn=f"arn:aws:iam::{number}:role/closed", RoleSessionName="work")
    told = GrpcApi(server, eve).call("ExplainDenial", authorizationId=denied.authorization_id)
    assert layers(json.loads(told["details"])) == {"RESOURCE": "IMPLICIT_DENY", "PRINCIPAL": "ALLOW"}
    assert "hidden" not in str(told)
    # The record belongs to the account of the principal; the management account sees all.
    refused(GrpcApi(server, member), "ResourceNotFoundException", "ExplainDenial", authorizationId=denied.authorization_id)
    assert rpc.call("ExplainDenial", authorizationId=denied.authorization_id)["principalArn"].endswith("user/eve")
    own = refused(AwsApi(server, new_user(root, "plain")), "AccessDenied", "ListUsers").authorization_id
    refused(GrpcApi(server, eve), "ResourceNotFoundException", "ExplainDenial", authorizationId=own)


@pytest.mark.parametrize("which", ["none", "denied", "sampled:3", "all"])
def test_decisions_for_other_services_are_recorded_by_a_setting(new_server, which):
    server = new_server(arguments=["--audit-decisions", which]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    new_user(root, "eva", policy({"Sid": "Read", "Action": "s3:GetObject"}))
    caller = {"principalArn": f"{USER}/eva"}
    resource = {"resource": "arn:aws:s3:::birds/a", "resourceAccount": ACCOUNT}
    for action in ("s3:GetObject", "s3:PutObject"):
        rpc.call("Authorize", caller=caller, action=action, **resource)
    items = [{"action": action, **resource} for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "not an action")]
    rpc.call("BatchAuthorize", caller=caller, items=items)
    server.stop()
    seen = [record for record in audit.records(server) if record["eventCategory"] == "Decision"]
    decisions = [(record["eventName"], record["additionalEventData"]["decision"]) for record in seen]
    shown = [(name, decision["outcome"], decision["action"]) for name, decision in decisions]
    every = [
        ("Authorize", "ALLOW", "s3:GetObject"),
        ("Authorize", "IMPLICIT_DENY", "s3:PutObject"),
        ("BatchAuthorize", "ALLOW", "s3:GetObject"),
        ("BatchAuthorize", "IMPLICIT_DENY", "s3:PutObject"),
        ("BatchAuthorize", "IMPLICIT_DENY", "s3:DeleteObject"),
    ]
    expected = {"none": [], "denied": [every[1], *every[3:]], "sampled:3": [every[0], every[3]], "all": every}
    assert shown == expected[which]
    for record, (_, decision) in zip(seen, decisions):
        assert decision["principal"] == f"{USER}/eva" and decision["resource"] == "arn:aws:s3:::birds/a"
        assert record["userIdentity"]["type"] == "Root" and record["readOnly"] and not record["managementEvent"]
        if decision["outcome"] == "ALLOW":
            assert decision["statement"] == {"policy": "rights", "attachedTo": f"{USER}/eva", "sid": "Read", "index": 0}
    of_batch = {record["requestID"] for record in seen if record["eventName"] == "BatchAuthorize"}
    assert len(of_batch) == (0 if which == "none" else 1), "the decisions of a batch are of one request"


def test_an_unknown_choice_of_decisions_is_refused(new_server):
    server = new_server(arguments=["--audit-decisions", "some"])
    server.spawn()
    assert server.wait() == 2 and "`sampled:N`" in server.output
