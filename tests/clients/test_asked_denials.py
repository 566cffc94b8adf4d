"""Denials of requests to other services, which ask with `Authorize`: their authorization ids, and who sees the details."""

import json
import re

import pytest
from support import audit
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.received import received
from support.server import ACCOUNT, Credentials, client_environment, run

DETAILS, POLICY = "GetRequestAuthorizationDetails", "GetRequestAuthorizationPolicy"
BUCKET = "arn:aws:s3:::birds"
ENDS = re.compile(r"\. For complete details, call the GetRequestAuthorizationDetails API with the following authorization id: ([0-9a-f]{32})$")


def new_user(api, name, document=None):
    """Creates a user with an inline policy; returns its credentials."""
    api.call("CreateUser", UserName=name)
    if document:
        api.call("PutUserPolicy", UserName=name, PolicyName="rights", PolicyDocument=document)
    return Credentials.of(api.call("CreateAccessKey", UserName=name)["AccessKey"])


def new_account(root, rpc, name):
    """Creates an account; returns its number, and an administrator's API in it."""
    made = rpc.call("CreateAccount", accountName=name, email=f"{name}@example.com")
    helper = AwsApi(root.server, new_user(root, f"for-{name}", ALLOW_ALL))
    answer = helper.call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="work")
    return made["account"]["accountId"], AwsApi(root.server, Credentials.of(answer["Credentials"]))


def layers(details):
    return {check["checkType"]: check["evaluatedEffect"] for check in details["evaluations"][-1]["checks"]}


def explained(server, credentials, denied, **members):
    answer = GrpcApi(server, credentials).call("ExplainDenial", authorizationId=denied, **members)
    return answer, json.loads(answer["details"])


@pytest.mark.parametrize("which", ["none", "denied", "sampled:3", "all"])
def test_the_setting_says_which_denials_have_an_id(new_server, which):
    """A denial has an id exactly if it has a record: with `none`, the default, no denial of another service."""
    server = new_server(arguments=["--audit-decisions", which]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    eva = new_user(root, "eva", policy("s3:GetObject"))
    question = {"caller": {"signedRequest": received(eva)}, "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT}
    allowed = rpc.call("Authorize", **question, action="s3:GetObject")
    assert allowed["decision"] == "DECISION_ALLOW" and "authorizationId" not in allowed
    answers = [rpc.call("Authorize", **question, action="s3:PutObject") for _ in range(5)]
    ids = [answer.get("authorizationId") for answer in answers]
    for answer, denied in zip(answers, ids):
        ended = ENDS.search(answer["message"])
        assert (ended and ended[1]) == denied, answer
    has_id = {"none": [0, 0, 0, 0, 0], "denied": [1, 1, 1, 1, 1], "sampled:3": [0, 0, 1, 0, 0], "all": [1, 1, 1, 1, 1]}[which]
    assert [bool(denied) for denied in ids] == [bool(has) for has in has_id]
    # The denials of the server's own operations always have one.
    assert refused(AwsApi(server, eva), "AccessDenied", "ListUsers").authorization_id
    server.stop()
    records = {record["eventID"].replace("-", "") for record in audit.records(server) if "authorization" in record.get("additionalEventData", {})}
    assert {denied for denied in ids if denied} <= records


def test_a_denial_of_another_service_is_explained(new_server):
    server = new_server(arguments=["--audit-decisions", "denied"]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    rights = policy("s3:GetObject", {"Sid": "NoWrites", "Effect": "Deny", "Action": "s3:Put*"})
    eva, other = new_user(root, "eva", rights), new_user(root, "other", policy("s3:*"))
    admin = new_user(root, "admin", policy("iam:*"))
    context = [{"key": "s3:prefix", "values": ["nest"]}, {"key": "aws:SourceIp", "values": ["192.0.2.9"]}]
    question = {"action": "s3:PutObject", "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT, "context": context}
    signed = {"signedRequest": received(eva)}
    one = rpc.call("Authorize", caller=signed, **question)["authorizationId"]
    handle = {"handle": rpc.call("Authenticate", signedRequest=received(eva))["handle"]}
    items = [{"action": action, "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT} for action in ("s3:GetObject", "s3:PutObject", "none")]
    batch = rpc.call("BatchAuthorize", caller=handle, items=items)["results"]
    assert [("authorizationId" in result, "error" in result) for result in batch] == [(False, False), (True, False), (False, True)]
    root.call("CreateRole", RoleName="worker", AssumeRolePolicyDocument=trust({"Service": "photos.example.com"}))
    role = f"arn:aws:iam::{ACCOUNT}:role/worker"
    pass_role = rpc.call("AuthorizePassRole", caller={"principalArn": f"arn:aws:iam::{ACCOUNT}:user/eva"}, roleArn=role, servicePrincipal="photos.example.com")
    assert ENDS.search(pass_role["message"])[1] == pass_role["passRole"]["authorizationId"] and "authorizationId" not in pass_role["trust"]
    # The policies change.
    root.call("PutUserPolicy", UserName="eva", PolicyName="rights", PolicyDocument=policy("s3:ListBucket"))
    for denied in (one, batch[1]["authorizationId"]):
        answer, details = explained(server, admin, denied)
        assert (answer["operation"], answer["principalArn"]) == ("s3:PutObject", f"arn:aws:iam::{ACCOUNT}:user/eva")
        assert "`NoWrites`" in answer["text"] and ENDS.search(answer["message"])[1] == denied
        assert layers(details) == {"PRINCIPAL": "EXPLICIT_DENY"} and details["requestContext"]["aws:username"] == "eva"
        assert [document["document"] for document in answer["documents"]] == [rights], "as it was"
        shown = AwsApi(server, admin).call(DETAILS, authorizationId=denied)
        assert shown["evaluations"][0]["action"] == "s3:PutObject"
        assert AwsApi(server, admin).call(POLICY, authorizationId=denied, policyUri=shown["policies"][0]["uri"])["policyDocument"] == json.loads(rights)
    _, details = explained(server, admin, one)
    assert details["requestContext"]["aws:SourceIp"] == "192.0.2.9" and details["evaluations"][0]["context"]["s3:prefix"] == "nest"
    answer, details = explained(server, admin, pass_role["passRole"]["authorizationId"])
    assert answer["operation"] == "iam:PassRole" and details["evaluations"][0]["context"]["iam:PassedToService"] == "photos.example.com"
    # The principal sees what each layer of its own policies said, and nothing of the request's resource.
    answer, details = explained(server, eva, one, summaryOnly=True)
    assert layers(details) == {"PRINCIPAL": "EXPLICIT_DENY"} and not answer.get("documents") and "s3:prefix" not in str(details)
    assert AwsApi(server, eva).call(DETAILS, authorizationId=one)["evaluations"][0]["evaluatedEffect"] == "EXPLICIT_DENY"
    refused(AwsApi(server, eva), "AccessDenied", POLICY, authorizationId=one, policyUri="x")
    refused(GrpcApi(server, other), "ResourceNotFoundException", "ExplainDenial", authorizationId=one, summaryOnly=True)
    refused(AwsApi(server, other), "AccessDenied", DETAILS, authorizationId=one)
    # The command.
    done = run("explain", "--request", one, environment=client_environment(server, admin))
    assert done.returncode == 1 and "`NoWrites`" in done.stdout and "s3:prefix = nest" in done.stdout, done


def test_sessions_see_only_their_own_denials(new_server):
    """Sessions of one name may be of different people."""
    server = new_server(arguments=["--audit-decisions", "denied"]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    helper = AwsApi(server, new_user(root, "helper", policy("sts:AssumeRole")))
    root.call("CreateRole", RoleName="diver", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{ACCOUNT}:root"))

    def session():
        answer = helper.call("AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/diver", RoleSessionName="work", Policy=policy({"Sid": "Less", "Action": "s3:Get*"}))
        return Credentials.of(answer["Credentials"])

    one, two = session(), session()
    question = {"action": "s3:PutObject", "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT}
    denied = rpc.call("Authorize", caller={"signedRequest": received(one)}, **question)["authorizationId"]
    _, details = explained(server, one, denied, summaryOnly=True)
    assert layers(details) == {"PRINCIPAL": "IMPLICIT_DENY", "SESSION": "IMPLICIT_DENY"}
    refused(GrpcApi(server, two), "ResourceNotFoundException", "ExplainDenial", authorizationId=denied, summaryOnly=True)
    # Neither anonymous callers nor services have an account that could see details.
    for caller in ({"anonymous": {}}, {"servicePrincipal": "birds.example.com"}):
        answer = rpc.call("Authorize", caller=caller, **question)
        assert answer["decision"] == "DECISION_IMPLICIT_DENY" and "authorizationId" not in answer


def test_no_account_sees_what_belongs_to_another_one(new_server):
    """The service, its resources and the principal are of three accounts."""
    server = new_server(arguments=["--audit-decisions", "all"]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    _, people = new_account(root, rpc, "people")
    serving, service_side = new_account(root, rpc, "serving")
    owning, owner_side = new_account(root, rpc, "owning")
    rights = policy("s3:GetObject", {"Sid": "Plumage", "Effect": "Deny", "Action": "s3:Delete*"}, "iam:ListUsers")
    eva = new_user(people, "eva", rights)
    service = GrpcApi(server, new_user(service_side, "service", policy("bailiwick:Authorize", "cloudtrail:LookupEvents", "iam:*")))
    owner_admin = new_user(owner_side, "admin", ALLOW_ALL)
    people_admin = new_user(people, "admin", ALLOW_ALL)
    # What is stored of a resource belongs to its account.
    queue = f"arn:aws:birds:us-east-1:{owning}:queue/one"
    hidden = policy({"Sid": "HiddenStatement", "Effect": "Deny", "Principal": "*", "Action": "birds:Send", "Resource": queue})
    owner = GrpcApi(server, owner_admin)
    owner.call("PutResourcePolicy", resourceArn=queue, policy=hidden)
    owner.call("TagResource", resourceArn=queue, tags=[{"key": "HiddenTag", "value": "HiddenValue"}])
    given = policy({"Sid": "GivenStatement", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    asked = {
        "deny": {"action": "s3:DeleteObject", "resource": f"{BUCKET}/a", "resourceAccount": serving, "resourcePolicy": given},
        "given": {"action": "s3:GetObject", "resource": f"{BUCKET}/a", "resourceAccount": serving, "resourcePolicy": given},
        "tagged": {"action": "s3:GetObject", "resource": f"{BUCKET}/a", "resourceAccount": serving, "context": [{"key": "s3:ExistingObjectTag/HiddenTag", "values": ["HiddenValue"]}]},
        "stored": {"action": "birds:Send", "resource": queue},
    }  # fmt: skip
    ids = {}
    for name, question in asked.items():
        signing = received(eva, service=question["action"].split(":")[0])
        answer = service.call("Authorize", caller={"signedRequest": signing}, **question)
        assert answer["decision"] != "DECISION_ALLOW" and "Plumage" not in str(answer), (name, answer)
        ids[name] = answer["authorizationId"]
    for name, denied in ids.items():
        # The principal's administrators see their own side alone.
        answer, details = explained(server, people_admin, denied)
        seen = str(answer)
        assert "Hidden" not in seen and "GivenStatement" not in seen and "resource-policy" not in seen, (name, seen)
        assert {document["document"] for document in answer.get("documents", [])} == {rights}
        assert (layers(details).get("PRINCIPAL") == "EXPLICIT_DENY") == (name == "deny"), (name, details)
        answer, details = explained(server, eva, denied, summaryOnly=True)
        assert "Hidden" not in str(answer) and "GivenStatement" not in str(answer), answer
        # Neither the service nor the owner of the resource sees the details. The record is the service's.
        for api in (service, owner):
            refused(api, "ResourceNotFoundException", "ExplainDenial", authorizationId=denied)
            refused(api, "ResourceNotFoundException", DETAILS, authorizationId=denied)
            refused(api, "ResourceNotFoundException", POLICY, authorizationId=denied, policyUri="x")
        found = service.call("SearchEvents", filter={"eventId": denied})["events"]
        assert len(found) == 1 and "Plumage" not in str(found) and '"authorization"' not in str(found), found
        assert rpc.call("ExplainDenial", authorizationId=denied)["principalArn"].endswith(":user/eva"), "the management account sees all"


def test_a_flood_of_denials_has_few_details(new_server):
    """Twenty in a minute, for each principal; every denial has a record."""
    server = new_server(arguments=["--audit-decisions", "denied"]).start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    new_user(root, "eva", policy("s3:GetObject"))
    new_user(root, "bob", policy("s3:GetObject"))
    item = {"action": "s3:PutObject", "resource": f"{BUCKET}/a", "resourceAccount": ACCOUNT}
    given = 0
    for name in ("eva", "bob"):
        results = rpc.call("BatchAuthorize", caller={"principalArn": f"arn:aws:iam::{ACCOUNT}:user/{name}"}, items=[item] * 200)["results"]
        given = sum("authorizationId" in result for result in results)
        assert 20 <= given <= 40, "a new minute may begin"
    server.stop()
    decisions = [record for record in audit.records(server) if record["eventCategory"] == "Decision"]
    assert len(decisions) == 400
