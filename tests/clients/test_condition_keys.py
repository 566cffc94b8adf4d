"""The condition keys of IAM's operations, as AWS's service authorization reference lists them: a Deny on each holds."""

import uuid

import pytest
from attacks.helpers import outcome
from support.documents import ALLOW_ALL, policy, trust

TEMPLATE = "arn:aws:iam:::delegation-template/IdentityReview"
TAGS = {"Tags": [{"Key": "team", "Value": "blue"}]}
ROLE, USER = {"RoleName": "{role}"}, {"UserName": "{user}"}
CREDENTIAL = USER | {"ServiceSpecificCredentialId": "{credential}"}
GIT = "codecommit.amazonaws.com"

# operation, members, action if it is another one, condition key, its value
KEYS = [
    ("GetRole", ROLE, None, "iam:PermissionsBoundary", "{edge}"),
    ("UpdateRole", ROLE, None, "iam:PermissionsBoundary", "{edge}"),
    ("UpdateRoleDescription", ROLE | {"Description": "text"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("UpdateAssumeRolePolicy", ROLE | {"PolicyDocument": trust("111122223333")}, None, "iam:PermissionsBoundary", "{edge}"),
    ("PutRolePolicy", ROLE | {"PolicyName": "p", "PolicyDocument": ALLOW_ALL}, None, "iam:PermissionsBoundary", "{edge}"),
    ("DeleteRolePolicy", ROLE | {"PolicyName": "p"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("AttachRolePolicy", ROLE | {"PolicyArn": "{policy}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("AttachRolePolicy", ROLE | {"PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("DetachRolePolicy", ROLE | {"PolicyArn": "{policy}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("DetachRolePolicy", ROLE | {"PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("PutRolePermissionsBoundary", ROLE | {"PermissionsBoundary": "{policy}"}, None, "iam:PermissionsBoundary", "{policy}"),
    ("DeleteRolePermissionsBoundary", ROLE, None, "iam:PermissionsBoundary", "{edge}"),
    ("DeleteRole", ROLE, None, "iam:PermissionsBoundary", "{edge}"),
    ("PutUserPolicy", USER | {"PolicyName": "p", "PolicyDocument": ALLOW_ALL}, None, "iam:PermissionsBoundary", "{edge}"),
    ("DeleteUserPolicy", USER | {"PolicyName": "p"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("AttachUserPolicy", USER | {"PolicyArn": "{policy}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("AttachUserPolicy", USER | {"PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("DetachUserPolicy", USER | {"PolicyArn": "{policy}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("DetachUserPolicy", USER | {"PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("PutUserPermissionsBoundary", USER | {"PermissionsBoundary": "{policy}"}, None, "iam:PermissionsBoundary", "{policy}"),
    ("DeleteUserPermissionsBoundary", USER, None, "iam:PermissionsBoundary", "{edge}"),
    ("AttachGroupPolicy", {"GroupName": "{group}", "PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("DetachGroupPolicy", {"GroupName": "{group}", "PolicyArn": "{policy}"}, None, "iam:PolicyARN", "{policy}"),
    ("CreateUser", {"UserName": "{new}", "PermissionsBoundary": "{edge}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("CreateUser", {"UserName": "{new}"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateUser", {"UserName": "{new}"} | TAGS, "TagUser", "aws:RequestTag/team", "blue"),
    ("TagUser", USER | TAGS, None, "aws:RequestTag/team", "blue"),
    ("TagRole", ROLE | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreatePolicy", {"PolicyName": "{new}", "PolicyDocument": ALLOW_ALL} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("TagPolicy", {"PolicyArn": "{policy}"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateInstanceProfile", {"InstanceProfileName": "{new}"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("TagInstanceProfile", {"InstanceProfileName": "{profile}"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateVirtualMFADevice", {"VirtualMFADeviceName": "{new}"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateOpenIDConnectProvider", {"Url": "https://{new}.example.com"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateSAMLProvider", {"Name": "{new}", "SAMLMetadataDocument": "x" * 1000} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("UploadServerCertificate", {"ServerCertificateName": "{new}", "CertificateBody": "x", "PrivateKey": "x"} | TAGS, None, "aws:RequestTag/team", "blue"),
    ("CreateRole", {"RoleName": "{new}", "AssumeRolePolicyDocument": ALLOW_ALL, "PermissionsBoundary": "{edge}"}, None, "iam:PermissionsBoundary", "{edge}"),
    ("GetUser", USER, None, "iam:ResourceTag/team", "red"),
    ("GetRole", ROLE, None, "aws:ResourceTag/team", "red"),
    ("CreateServiceSpecificCredential", USER | {"ServiceName": GIT}, None, "iam:ServiceSpecificCredentialServiceName", GIT),
    ("ResetServiceSpecificCredential", CREDENTIAL, None, "iam:ServiceSpecificCredentialServiceName", GIT),
    ("UpdateServiceSpecificCredential", CREDENTIAL | {"Status": "Inactive"}, None, "iam:ServiceSpecificCredentialServiceName", GIT),
    ("DeleteServiceSpecificCredential", CREDENTIAL, None, "iam:ServiceSpecificCredentialServiceName", GIT),
    ("CreateServiceLinkedRole", {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "{new}"}, None, "iam:AWSServiceName", "autoscaling.amazonaws.com"),
    ("AddRoleToInstanceProfile", ROLE | {"InstanceProfileName": "{profile}"}, "PassRole", "iam:PassedToService", "ec2.amazonaws.com"),
    ("AddRoleToInstanceProfile", ROLE | {"InstanceProfileName": "{profile}"}, "PassRole", "iam:AssociatedResourceArn", "arn:aws:ec2:*:111122223333:instance/*"),
    ("ListDelegationRequests", {"OwnerId": "arn:aws:iam::111122223333:user/Ann"}, None, "iam:DelegationRequestOwner", "arn:aws:iam::111122223333:user/Ann"),
    ("CreateDelegationRequest", {}, None, "iam:TemplateArn", TEMPLATE),
    ("CreateDelegationRequest", {}, None, "iam:NotificationChannel", "arn:aws:sns:eu-central-1:111122223333:topic"),
    ("GenerateOrganizationsAccessReport", {"EntityPath": "o-0000000000/r-0000/", "OrganizationsPolicyId": "p-abcdefgh"}, None, "iam:OrganizationsPolicyId", "p-abcdefgh"),
]  # fmt: skip


def filled(value, names):
    """A value with the names of the test's objects in place of `{kind}`."""
    if isinstance(value, str) and not value.startswith('{"'):
        return value.format(**names)
    return value


@pytest.fixture
def names(api, server, name):
    """The names of one object of each kind; the role and the user have tags and a boundary."""
    edge, other = (
        api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"] for _ in range(2)
    )
    names = {kind: name(kind) for kind in ("role", "user", "group", "profile", "new")} | {"edge": edge, "policy": other}
    bound = {"PermissionsBoundary": edge, "Tags": [{"Key": "team", "Value": "red"}]}
    api.call("CreateRole", RoleName=names["role"], AssumeRolePolicyDocument=trust(server.account), **bound)
    api.call("CreateUser", UserName=names["user"], **bound)
    api.call("CreateGroup", GroupName=names["group"])
    api.call("CreateInstanceProfile", InstanceProfileName=names["profile"])
    made = api.call("CreateServiceSpecificCredential", UserName=names["user"], ServiceName=GIT)
    return names | {"credential": made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]}


@pytest.mark.parametrize("row", KEYS, ids=[f"{row[0]}-{row[3]}" for row in KEYS])
def test_a_deny_on_a_condition_key_holds(api, new_user, names, row):
    operation, members, action, key, value = row
    members = {member: filled(given, names) for member, given in members.items()}
    if operation == "CreateDelegationRequest":
        members = {
            "Description": "text", "Permissions": {"PolicyTemplateArn": TEMPLATE}, "RequestorWorkflowId": uuid.uuid4().hex,
            "NotificationChannel": "arn:aws:sns:eu-central-1:111122223333:topic", "SessionDuration": 3600,
        }  # fmt: skip
    denied = {"Effect": "Deny", "Action": f"iam:{action or operation}"}
    # `*` in the value of a string condition is a letter as any other for StringEquals.
    for given, expected in ((filled(value, names), True), ("arn:aws:iam::111122223333:policy/none", False)):
        _, credentials = new_user(policy("*", denied | {"Condition": {"StringEquals": {key: given}}}))
        code = outcome(api.signed_by(credentials), operation, **members)
        assert (code == "AccessDenied") == expected, (given, code)


def test_a_delegation_request_is_the_resource_of_its_summary(api, new_user, server):
    """AWS names a delegation request as the resource of creating and describing it."""
    rights = {"Action": ["iam:CreateDelegationRequest", "iam:GetHumanReadableSummary"]}
    _, credentials = new_user(policy(rights | {"Resource": f"arn:aws:iam::{server.account}:delegation-request/*"}))
    mine = api.signed_by(credentials)
    request = {
        "Description": "text", "Permissions": {"PolicyTemplateArn": TEMPLATE}, "RequestorWorkflowId": uuid.uuid4().hex,
        "NotificationChannel": f"arn:aws:sns:eu-central-1:{server.account}:topic", "SessionDuration": 3600,
    }  # fmt: skip
    id = mine.call("CreateDelegationRequest", **request)["DelegationRequestId"]
    arn = f"arn:aws:iam::{server.account}:delegation-request/{id}"
    assert mine.call("GetHumanReadableSummary", EntityArn=arn)["SummaryState"] == "AVAILABLE"
    _, credentials = new_user(policy(rights | {"Resource": f"arn:aws:iam::{server.account}:user/*"}))
    theirs = api.signed_by(credentials)
    assert outcome(theirs, "CreateDelegationRequest", **request | {"RequestorWorkflowId": "other"}) == "AccessDenied"
    assert outcome(theirs, "GetHumanReadableSummary", EntityArn=arn) == "AccessDenied"
