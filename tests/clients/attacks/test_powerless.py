"""A user without permissions is denied everywhere, learns nothing about existing objects, and changes nothing."""

import functools
import itertools
import re

import pytest
from attacks.watch import everything, well
from support.api import ApiError, AwsApi, GrpcApi, service_of
from support.documents import ALLOW_ALL, policy, trust
from support.proto import descriptors
from support.server import ROOT, Credentials

# Operations that succeed whatever policies say.
OPEN = {"GetCallerIdentity", "GetSessionToken"}
# Operations that refuse an invalid proof in the request with another code.
PROOF = {"AssumeRoleWithSAML": "InvalidIdentityToken", "AssumeRoleWithWebIdentity": "InvalidIdentityToken", "GetSigninToken": "InvalidClientTokenId", "SignInWithToken": "InvalidClientTokenId"}


@pytest.fixture(scope="module")
def house(server):
    """An account with one object of each kind, with paths and letter case of their own, and a second account."""
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    root.call("CreateUser", UserName="There", Path="/hidden/", Tags=[{"Key": "team", "Value": "red"}])
    key = root.call("CreateAccessKey", UserName="There")["AccessKey"]["AccessKeyId"]
    root.call("CreateGroup", GroupName="There", Path="/hidden/")
    root.call("CreateRole", RoleName="There", Path="/hidden/", AssumeRolePolicyDocument=trust(server.account))
    root.call("CreatePolicy", PolicyName="There", Path="/hidden/", PolicyDocument=ALLOW_ALL)
    root.call("PutUserPolicy", UserName="There", PolicyName="There", PolicyDocument=policy("s3:GetObject"))
    root.call("CreateUser", UserName="powerless")
    keys = [Credentials.of(root.call("CreateAccessKey", UserName="powerless")["AccessKey"])]
    member = rpc.call("CreateAccount", accountName="Member", email="member@example.com")["account"]["accountId"]
    return {"key": key, "powerless": keys[0], "member": member}


def members_of(operation):
    """The members of an operation, by AWS's names."""
    method = descriptors().method(operation)
    return [field.json_name for field in method.input.DESCRIPTOR.fields]


def request(server, house, operation, name, account, key):
    """A well-formed request about objects of this name."""
    arn = f"arn:aws:iam::{server.account}:"
    values = {
        "UserName": name, "GroupName": name, "RoleName": name, "PolicyName": name,
        "PolicyArn": f"{arn}policy/hidden/{name}", "PermissionsBoundary": f"{arn}policy/hidden/{name}",
        "PolicyDocument": ALLOW_ALL, "AssumeRolePolicyDocument": trust(server.account), "AccessKeyId": key, "Status": "Inactive", "VersionId": "v1",
        "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"], "AccountAlias": name.lower() + "-alias", "Description": "text",
        "RoleArn": f"{arn}role/hidden/{name}", "RoleSessionName": "session", "PrincipalArn": f"{arn}saml-provider/{name}", "SAMLAssertion": "YXNzZXJ0aW9u", "accountId": account, "accountName": "x", "email": "x@example.com",
        "action": "s3:GetObject", "resource": "arn:aws:s3:::bucket/key", "resourceAccount": server.account,
        "NewUserName": "renamed", "NewGroupName": "renamed", "ActionNames": ["s3:GetObject"], "PolicyInputList": [ALLOW_ALL],
        "PolicySourceArn": f"{arn}user/hidden/{name}", "resourceArn": f"arn:aws:photos:::{name}", "policy": policy({"Principal": "*", "Action": "*"}),
        "servicePrefix": name.lower(), "definition": "{}", "tags": [{"key": "a", "value": "b"}], "tagKeys": ["a"],
        "policyDocument": ALLOW_ALL, "policyType": "IDENTITY_POLICY",
        "OpenIDConnectProviderArn": f"{arn}oidc-provider/id.example.com/{name}", "ClientID": "app", "Url": f"https://id.example.com/{name}",
        "ThumbprintList": ["a" * 40], "InstanceProfileName": name, "SerialNumber": f"{arn}mfa/{name}", "VirtualMFADeviceName": name,
        "authenticationCode1": "123456", "authenticationCode2": "654321", "serialNumber": f"{arn}mfa/{name}",
        "AuthenticationCode1": "123456", "AuthenticationCode2": "654321", "Password": "Spoonbill-17-mud", "OldPassword": "Spoonbill-17-mud",
        "NewPassword": "Spoonbill-18-mud", "AWSServiceName": "elasticbeanstalk.amazonaws.com", "ServiceNamespaces": ["s3"],
        "ServiceName": "codecommit.amazonaws.com", "ServiceSpecificCredentialId": "ACCAAAAAAAAAAAAAAAAAA",
        "ServerCertificateName": name, "PrivateKey": "x", "NewServerCertificateName": "renamed",
        "SSHPublicKeyBody": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC" + "B" * 341, "SSHPublicKeyId": "APKAAAAAAAAAAAAAAAAAA", "Encoding": "SSH",
        "SAMLProviderArn": f"{arn}saml-provider/{name}", "SAMLMetadataDocument": "<a/>" * 250, "Name": name,
        "CertificateBody": "x", "CertificateId": "C" * 24, "Arn": f"{arn}user/hidden/{name}", "GlobalEndpointTokenVersion": "v2Token", "DeletionTaskId": f"task/aws-service-role/a.amazonaws.com/{name}/0",
        "TemplateArn": "arn:aws:iam::aws:role-template/IdentityAuditor", "ReplacementValues": {"TrustedArns": {"Values": [f"{arn}root"]}},
        "delegationRequestId": "00000000-0000-4000-8000-000000000000", "TradeInToken": "x" * 80,
        "DelegationRequestId": "00000000-0000-4000-8000-000000000000", "RequestorWorkflowId": name + "-workflow", "SessionDuration": 3600,
        "Permissions": {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/IdentityReview"},
        "NotificationChannel": f"arn:aws:sns:eu-central-1:{server.account}:topic",
        "EntityArn": f"{arn}delegation-request/00000000-0000-4000-8000-000000000000",
        "TargetPrincipal": account, "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"},
        "account": account, "userName": name, "password": "Spoonbill-17-mud", "newPassword": "Spoonbill-18-mud",
        "accessKeyId": key, "secretAccessKey": "x" * 40, "sessionToken": "x" * 40, "sessionIds": ["ASIAIOSFODNN7EXAMPLE"],
        "label": "key", "link": "A" * 100, "signinToken": "A" * 100, "clientData": "e30", "attestationObject": "oA",
        "EncodedMessage": "x" * 80, "authorizationId": "0" * 32, "Audience": ["a"], "SigningAlgorithm": "ES384", "Policy": ALLOW_ALL,
        "WebIdentityToken": "a.b.c", "JobId": "00000000-0000-4000-8000-000000000000", "ServiceNamespace": "s3", "EntityPath": "o-0000000000/r-0000/", "TrailName": name, "policyUri": "x", "principalArn": f"{arn}user/hidden/{name}",
        "changes": [{"deletePermissionsBoundary": {"identityArn": f"{arn}user/hidden/{name}"}}],
    }  # fmt: skip
    members = {member: values[member] for member in members_of(operation) if member in values}
    if operation in ("CreateUser", "CreateRole"):
        members.pop("PermissionsBoundary")
    if operation == "GetSessionToken":
        members.pop("SerialNumber")
    if operation == "AssumeRole":
        members.pop("SerialNumber")
        members.pop("Tags")
    if operation == "CreatePolicyVersion":
        members["SetAsDefault"] = True
    if operation in ("Authorize", "Explain"):
        question = {"caller": {"principalArn": f"{arn}user/hidden/{name}"}, "action": "iam:GetUser", "resource": f"{arn}user/{name}"}
        members = question if operation == "Authorize" else {"request": question}
    if operation == "BatchAuthorize":
        members = {"caller": {"principalArn": f"{arn}user/hidden/{name}"}, "items": [{"action": "s3:GetObject", "resource": f"{arn}user/{name}"}]}
    if operation == "AuthorizePassRole":
        members = {"caller": {"principalArn": f"{arn}user/hidden/{name}"}, "roleArn": f"{arn}role/hidden/{name}", "servicePrincipal": "a.example.com"}
    if operation == "Authenticate":
        lines = [{"name": "host", "value": "a"}]
        members = {"signedRequest": {"service": "s3", "httpRequest": {"method": "GET", "target": "/", "headers": lines}}}
    if operation == "RevokeSessions":
        members = {"roleName": name}
    if operation == "PutAccountProperties":
        members = {"Properties": {"RoleManager/Enabled": "true"}}
    if operation == "ImportManagedPolicies":
        members = {"policies": [{"policyName": name, "policyDocument": ALLOW_ALL, "version": 1}]}
    return members


def asked(api, operation, members):
    """The code and message of a refused call; none if it succeeds."""
    try:
        api.call(operation, **members)
    except ApiError as error:
        return error.code, error.message
    return None


def test_every_operation_is_denied_alike_for_existing_and_missing_objects(server, house):
    before = everything(server)
    denied = set()
    fronts = [front(server, house["powerless"]) for front in (GrpcApi, AwsApi)]
    for api, operation in itertools.product(fronts, sorted(descriptors().methods)):
        if api.front == "aws" and service_of(operation) is None:
            continue
        there = request(server, house, operation, "There", house["member"], house["key"])
        absent = request(server, house, operation, "Other", "999988887777", house["key"][:-1] + ("A" if house["key"][-1] != "A" else "B"))
        outcome, control = asked(api, operation, there), asked(api, operation, absent)
        if operation in OPEN:
            assert outcome is None
            continue
        assert outcome and control, (operation, "was answered")
        if operation not in coverage():
            assert outcome[0] in ("NotImplemented", "ValidationError", "MissingAuthenticationToken", "AccessDenied"), (operation, outcome)
            continue
        assert outcome[0] == control[0] == PROOF.get(operation, "AccessDenied"), (operation, outcome, control)
        said = outcome[1]
        for name, value in there.items():
            if isinstance(value, str) and isinstance(absent.get(name), str):
                said = said.replace(value, absent[name])
        said = said.replace("There", "Other").replace(house["member"], "999988887777").replace(house["key"], absent.get("AccessKeyId", ""))
        assert said == control[1], operation
        denied.add(operation)
    assert everything(server) == before
    well(server)
    assert len(denied) >= 80, sorted(denied)
    assert coverage() - denied - OPEN == set()


@functools.cache
def coverage():
    """The operations that have a handler, as the README lists them."""
    table = re.search(r"<!-- coverage: .*?-->(.*?)<!-- coverage ends -->", (ROOT / "README.md").read_text(), re.S)[1]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    return {name for row in rows if len(row) >= 3 and row[0].startswith("`") for name in row[2].split(", ") if name}


@pytest.mark.parametrize("spelled", ["there", "THERE", "tHeRe"])
def test_a_denial_reveals_neither_path_nor_case(server, house, spelled):
    api = AwsApi(server, house["powerless"])
    for operation, member in {"GetUser": "UserName", "GetRole": "RoleName", "GetGroup": "GroupName", "DeleteUser": "UserName", "TagRole": "RoleName"}.items():
        members = {member: spelled} | ({"Tags": [{"Key": "a", "Value": "b"}]} if operation == "TagRole" else {})
        code, message = asked(api, operation, members)
        assert code == "AccessDenied" and "There" not in message and "hidden" not in message, message
    code, message = asked(api, "GetAccessKeyLastUsed", {"AccessKeyId": house["key"]})
    assert code == "AccessDenied" and "There" not in message, message


def test_a_caller_is_denied_requests_about_themselves(server, house):
    api = AwsApi(server, house["powerless"])
    for operation, members in {
        "GetUser": {}, "ListAccessKeys": {}, "CreateAccessKey": {}, "ListUserTags": {"UserName": "powerless"},
        "UpdateAccessKey": {"AccessKeyId": house["powerless"].access_key_id, "Status": "Inactive"},
        "DeleteAccessKey": {"AccessKeyId": house["powerless"].access_key_id}, "ListGroupsForUser": {"UserName": "powerless"},
        "PutUserPolicy": {"UserName": "powerless", "PolicyName": "p", "PolicyDocument": ALLOW_ALL},
        "AttachUserPolicy": {"UserName": "powerless", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    }.items():  # fmt: skip
        assert asked(api, operation, members)[0] == "AccessDenied", operation
    assert asked(GrpcApi(server, house["powerless"]), "CreateToken", {})[0] == "AccessDenied"
