"""IAM Toolbox: the details of denied requests, by boto3 and gRPC. The pinned AWS CLI does not have this service."""

import json

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from support.api import REGION, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import ACCOUNT, Credentials

DETAILS, POLICY = "GetRequestAuthorizationDetails", "GetRequestAuthorizationPolicy"
LIMITS = policy("iam:List*", {"Sid": "NoUsers", "Effect": "Deny", "Action": "iam:CreateUser"})


def value(api, text):
    """A JSON value, which gRPC has as text."""
    return json.loads(text) if api.front == "grpc" else text


@pytest.fixture(scope="module")
def denial(server):
    """A denied call: its id, the credentials of the denied user, and the managed policy that denies it."""
    root = AwsApi(server, server.root)
    arn = root.call("CreatePolicy", PolicyName="limits", PolicyDocument=LIMITS)["Policy"]["Arn"]
    root.call("CreateUser", UserName="eva", Tags=[{"Key": "team", "Value": "blue"}])
    root.call("AttachUserPolicy", UserName="eva", PolicyArn=arn)
    root.call("PutUserPolicy", UserName="eva", PolicyName="rights", PolicyDocument=policy("s3:*"))
    eva = Credentials.of(root.call("CreateAccessKey", UserName="eva")["AccessKey"])
    error = refused(AwsApi(server, eva), "AccessDenied", "CreateUser", UserName="bob", Tags=[{"Key": "a", "Value": "b"}])
    return error.authorization_id, eva, arn


def test_an_administrator_sees_the_details_and_the_policies(api, server, denial, new_user):
    denied, _, arn = denial
    _, credentials = new_user(policy(f"iam:{DETAILS}", f"iam:{POLICY}"))
    for caller in (api, api.signed_by(credentials)):
        shown = caller.call(DETAILS, authorizationId=denied)
        context = {key: value(api, text) for key, text in shown["requestContext"].items()}
        assert context["aws:username"] == "eva" and context["aws:PrincipalTag/team"] == "blue", context
        (evaluation,) = shown["evaluations"]
        assert (evaluation["action"], evaluation["resource"]) == ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/bob")
        assert evaluation["evaluatedEffect"] == "EXPLICIT_DENY"
        assert value(api, evaluation["context"]["aws:TagKeys"]) == ["a"]
        matched = [{"uri": arn, "matchedStatements": [{"sid": "NoUsers", "evaluatedEffect": "DENY"}]}]
        (check,) = evaluation["checks"]
        assert (check["checkType"], check["evaluatedEffect"]) == ("PRINCIPAL", "EXPLICIT_DENY")
        assert check["relevantPolicyTypes"] == ["IDENTITY_BASED_POLICY"]
        assert check["matchedPolicies"] == evaluation["matchedPolicies"] == matched
        policies = {each["uri"]: each for each in shown["policies"]}
        assert len(policies) == 2 and policies[arn]["inline"] is False and "NoUsers" not in str(policies)
        assert policies[arn]["attachedTo"] == [{"arn": f"arn:aws:iam::{ACCOUNT}:user/eva"}]
        documents = {uri: value(api, caller.call(POLICY, authorizationId=denied, policyUri=uri)["policyDocument"]) for uri in policies}
        assert documents.pop(arn) == json.loads(LIMITS)
        assert list(documents.values()) == [json.loads(policy("s3:*"))]


def test_the_policy_is_the_one_of_then(api, new_user):
    user, credentials = new_user(policy("s3:GetObject"))
    own = {"UserName": user["UserName"], "PolicyName": "inline"}
    denied = refused(api.signed_by(credentials), "AccessDenied", "ListUsers").authorization_id
    api.call("PutUserPolicy", **own, PolicyDocument=ALLOW_ALL)
    (shown,) = api.call(DETAILS, authorizationId=denied)["policies"]
    then = api.call(POLICY, authorizationId=denied, policyUri=shown["uri"])["policyDocument"]
    assert value(api, then) == json.loads(policy("s3:GetObject"))
    # Now that the user is allowed everything, they see all of it as well.
    assert api.signed_by(credentials).call(POLICY, authorizationId=denied, policyUri=shown["uri"])["policyDocument"] == then


def test_the_denied_caller_sees_it_in_part(api, server, denial, new_user):
    denied, eva, arn = denial
    eva = api.signed_by(eva)
    shown = eva.call(DETAILS, authorizationId=denied)
    (evaluation,) = shown["evaluations"]
    assert evaluation["evaluatedEffect"] == "EXPLICIT_DENY" and not evaluation.get("context")
    assert evaluation["checks"][0]["matchedPolicies"][0]["uri"] == arn
    refused(eva, "AccessDenied", POLICY, authorizationId=denied, policyUri=arn)
    # No other caller does, whether there is such a denial or not.
    _, other = new_user(policy(f"iam:{POLICY}"))
    said = {refused(api.signed_by(other), "AccessDenied", DETAILS, authorizationId=each).message for each in (denied, "0" * 32, "x")}
    assert len(said) == 1 and DETAILS in said.pop()
    # A statement that denies it holds for one's own denials.
    user, credentials = new_user(policy({"Effect": "Deny", "Action": f"iam:{DETAILS}"}))
    own = refused(api.signed_by(credentials), "AccessDenied", "ListUsers").authorization_id
    assert "explicit deny" in refused(api.signed_by(credentials), "AccessDenied", DETAILS, authorizationId=own).message
    # The details are not enough for the content of the policies, by any operation.
    _, reader = new_user(policy(f"iam:{DETAILS}"))
    refused(api.signed_by(reader), "AccessDenied", POLICY, authorizationId=denied, policyUri=arn)
    refused(GrpcApi(server, reader), "AccessDenied", "ExplainDenial", authorizationId=denied)


def test_a_trust_policy_is_shown_to_administrators_alone(api, name, new_user):
    role = api.call("CreateRole", RoleName=name("closed"), AssumeRolePolicyDocument=trust({"Service": "hidden.example.com"}))["Role"]["Arn"]
    _, credentials = new_user(policy("sts:*"))
    caller = api.signed_by(credentials)
    denied = refused(caller, "AccessDenied", "AssumeRole", RoleArn=role, RoleSessionName="work").authorization_id
    checks = lambda shown: {check["checkType"]: check["evaluatedEffect"] for check in shown["evaluations"][-1]["checks"]}  # noqa: E731
    assert checks(caller.call(DETAILS, authorizationId=denied)) == {"PRINCIPAL": "ALLOW"}
    shown = api.call(DETAILS, authorizationId=denied)
    assert checks(shown) == {"RESOURCE": "IMPLICIT_DENY", "PRINCIPAL": "ALLOW"}
    (uri,) = [each["uri"] for each in shown["policies"] if each["type"] == "RESOURCE_BASED_POLICY"]
    assert "hidden.example.com" in str(api.call(POLICY, authorizationId=denied, policyUri=uri))
    refused(caller, "AccessDenied", POLICY, authorizationId=denied, policyUri=uri)


def test_another_account_finds_nothing(api, server, denial, rpc, new_user):
    denied, _, arn = denial
    _, administrator = new_user(ALLOW_ALL)
    role = rpc.call("CreateAccount", accountName=f"toolbox-{api.front}", email=f"{api.front}@example.com")["roleArn"]
    member = api.signed_by(Credentials.of(AwsApi(server, administrator).call("AssumeRole", RoleArn=role, RoleSessionName="work")["Credentials"]))
    for operation, members in ((DETAILS, {}), (POLICY, {"policyUri": arn})):
        errors = [refused(member, "ResourceNotFoundException", operation, authorizationId=each, **members) for each in (denied, "0" * 32, "z")]
        assert len({error.message for error in errors}) == 1
    # The management account sees the denials of its members.
    own = refused(member, "AccessDenied", "AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/none", RoleSessionName="work").authorization_id
    assert api.call(DETAILS, authorizationId=own)["evaluations"][0]["action"] == "sts:AssumeRole"


def test_unknown_ids_uris_and_tokens_are_refused(api, denial):
    denied, _, arn = denial
    for unknown in ("0", "z" * 256, denied[:-1], denied[::-1]):
        refused(api, "ResourceNotFoundException", DETAILS, authorizationId=unknown)
        refused(api, "ResourceNotFoundException", POLICY, authorizationId=unknown, policyUri=arn)
    for unknown in ("x", arn + "x", "x" * 2_048, "../" * 50, "é", "a b&c=d"):
        refused(api, "ResourceNotFoundException", POLICY, authorizationId=denied, policyUri=unknown)
    refused(api, "ValidationError", POLICY, authorizationId=denied, policyUri="x" * 2_049)
    refused(api, "ValidationError", POLICY, authorizationId=denied, policyUri="")
    for invalid in ("A", "0" * 257, "a b", "é", "a/b", "%2e", "a\0"):
        error = refused(api, "ValidationError", DETAILS, authorizationId=invalid)
        assert "authorizationId" in error.message
    for token in ("", "x", "0" * 5_000):
        refused(api, "ValidationError", DETAILS, authorizationId=denied, nextToken=token)


def test_look_ups_do_not_show_the_details(api, rpc, denial):
    denied, _, arn = denial
    event_id = "-".join((denied[:8], denied[8:12], denied[12:16], denied[16:20], denied[20:]))
    (event,) = api.call("LookupEvents", LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event_id}])["Events"]
    (found,) = rpc.call("SearchEvents", filter={"eventId": event_id})["events"]
    for record in (json.loads(event["CloudTrailEvent"]), json.loads(found["record"])):
        assert record["errorMessage"].endswith(denied)
        assert set(record["additionalEventData"]) == {"decision"}, record
        assert record["additionalEventData"]["decision"]["statement"]["policy"] == arn


def client(server, credentials, **config):
    return boto3.client(
        "iam-toolbox", endpoint_url=server.url, region_name=REGION, aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key, config=Config(retries={"total_max_attempts": 1}, **config),
    )  # fmt: skip


def test_exceptions_and_pages_are_those_of_the_model(server, denial):
    denied, eva, arn = denial
    made = client(server, server.root)
    with pytest.raises(made.exceptions.ResourceNotFoundException):
        made.get_request_authorization_details(authorizationId="0")
    with pytest.raises(made.exceptions.ValidationException):
        made.get_request_authorization_details(authorizationId="A")
    with pytest.raises(made.exceptions.AccessDeniedException):
        client(server, eva).get_request_authorization_policy(authorizationId=denied, policyUri=arn)
    pages = list(made.get_paginator("get_request_authorization_details").paginate(authorizationId=denied))
    assert len(pages) == 1 and len(pages[0]["evaluations"]) == 1
    for credentials, config, code in [
        (Credentials(server.root.access_key_id, "x" * 40), {}, "InvalidSignatureException"),
        (server.root, {"signature_version": UNSIGNED}, "MissingAuthenticationTokenException"),
    ]:
        with pytest.raises(ClientError) as caught:
            client(server, credentials, **config).get_request_authorization_details(authorizationId=denied)
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 403), response
