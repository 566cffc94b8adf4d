"""Whole answers as AWS gives them: the members that are there and those that are not, their order, and errors to the letter."""

import json

import pytest
from botocore.exceptions import ClientError
from support.api import AUTHORIZATION_ID, AwsApi
from support.documents import ALLOW_ALL, trust
from support.server import Credentials

READS = {"Effect": "Allow", "Action": "photos:Read", "Resource": "*"}


def document(*statements, version="2012-10-17"):
    return json.dumps(({"Version": version} if version else {}) | {"Statement": list(statements)})


@pytest.fixture
def aws(server, aws, name):
    """A user who is allowed everything: root is not AWS's usual caller."""
    aws.call("CreateUser", UserName=(user := name("admin")))
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    return AwsApi(server, Credentials.of(aws.call("CreateAccessKey", UserName=user)["AccessKey"]))


def error(aws, operation, **members):
    """The status, the whole `Error` and the header that explains it."""
    with pytest.raises(ClientError) as caught:
        aws.client("iam")._make_api_call(operation, members)
    response = caught.value.response
    assert set(response) == {"Error", "ResponseMetadata"}, response
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"], headers.get("x-bailiwick-error-detail", "")


SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
VERSION = "Policy document must be version 2012-10-17 or greater."
RESOURCES = "Policy statement must contain resources."
ACTIONS = "Policy statement must contain actions."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("no policy", SYNTAX, "line 1, column 1"),
        (document({"Effect": "Allow", "Action": "none", "Resource": {}}), SYNTAX, "Statement[0].Resource"),
        (document(READS, version=None), VERSION, "line 1, column 1"),
        (document(READS | {"Effect": "allow"}, version="2008-10-17"), VERSION, "in Version"),
        (document({"Effect": "allow", "Resource": "bucket"}), LEGACY, "Statement[0].Effect"),
        (document({"Effect": "Allow", "Resource": "arn:aws:photos::album"}), LEGACY, "Statement[0].Resource"),
        (document({"Effect": "Allow", "Action": "none"}), RESOURCES, "Statement[0]"),
        (document({"Effect": "Allow", "Resource": "album"}), ACTIONS, "Statement[0]"),
        (document(READS | {"Action": "Read", "Resource": "album"}), 'Resource album must be in ARN format or "*".', "Resource"),
        (document(READS | {"Action": "Read"}), VENDOR, "Statement[0].Action"),
        (document(READS | {"Resource": "aws:photos:::a"}), 'Partition "photos" is not valid for resource "arn:photos:::a:*".', "Resource"),
        (document(READS | {"Condition": {"DateEquals": {"day": "someday"}}}), LEGACY, "Condition"),
    ],
)
def test_the_message_of_a_refused_policy_is_the_one_of_aws_alone(aws, name, text, message, place):
    expected = {"Type": "Sender", "Code": "MalformedPolicyDocument", "Message": message}
    status, said, detail = error(aws, "CreatePolicy", PolicyName=name("policy"), PolicyDocument=text)
    assert (status, said) == (400, expected)
    assert detail.startswith("PolicyDocument: line 1, column") and place in detail
    assert len(detail) <= 1024 and detail.isascii()


@pytest.mark.parametrize(
    ("operation", "members", "status", "code", "message"),
    [
        ("ListEntitiesForPolicy", {"PolicyArn": "{policy}s"}, 404, "NoSuchEntity", "Policy {policy}s does not exist or is not attachable."),
        ("GetPolicy", {"PolicyArn": "{policy}s"}, 404, "NoSuchEntity", "Policy {policy}s was not found."),
        ("AttachRolePolicy", {"RoleName": "{role}", "PolicyArn": "not-the-arn-of-a-policy"}, 400, "ValidationError", "ARN not-the-arn-of-a-policy is not valid."),
        ("AttachRolePolicy", {"RoleName": "{role}", "PolicyArn": "arn:aws:iam::aws:policy/None"}, 404, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable."),
        ("DetachRolePolicy", {"RoleName": "{role}", "PolicyArn": "arn:aws:iam::aws:policy/None"}, 404, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/None was not found."),
        ("RemoveRoleFromInstanceProfile", {"InstanceProfileName": "{profile}", "RoleName": "{role}"}, 404, "NoSuchEntity", "Role {role} in Instance Profile {profile} cannot be found."),
        ("RemoveRoleFromInstanceProfile", {"InstanceProfileName": "{profile}", "RoleName": "nobody"}, 404, "NoSuchEntity", "The role with name nobody cannot be found."),
        ("RemoveUserFromGroup", {"GroupName": "no-group", "UserName": "nobody"}, 404, "NoSuchEntity", "The user with name nobody cannot be found."),
        ("UpdateAccessKey", {"UserName": "{user}", "AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "Status": "Inactive"}, 404, "NoSuchEntity", "The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found."),
        ("GetAccessKeyLastUsed", {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA"}, 403, "AccessDenied", "User: {me} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAAAAAAAAAAAAAAAAA"),
    ],
)  # fmt: skip
def test_errors_are_those_of_aws_to_the_letter(aws, server, name, operation, members, status, code, message):
    names = {kind: name(kind) for kind in ("role", "profile", "user", "policy")}
    aws.call("CreateRole", RoleName=names["role"], AssumeRolePolicyDocument=trust(server.account))
    aws.call("CreateInstanceProfile", InstanceProfileName=names["profile"])
    aws.call("CreateUser", UserName=names["user"])
    names["policy"] = aws.call("CreatePolicy", PolicyName=names["policy"], PolicyDocument=document(READS))["Policy"]["Arn"]
    names["me"] = aws.call("GetCallerIdentity")["Arn"]
    said = error(aws, operation, **{member: value.format(**names) for member, value in members.items()})
    assert said[:2] == (status, {"Type": "Sender", "Code": code, "Message": message.format(**names)})


NAMED = {
    "CreateUser": ({"UserName": "ann", "Path": "/team/"}, "arn:aws:iam::{account}:user/team/ann"),
    "GetUser": ({"UserName": "Nemo"}, "user Nemo"),
    "ListUserPolicies": ({"UserName": "Nemo"}, "user Nemo"),
    "ListAccessKeys": ({}, "user {name}"),
    "ListMFADevices": ({"UserName": "Nemo"}, "user Nemo"),
    "ListUsers": ({"PathPrefix": "/team/"}, "arn:aws:iam::{account}:user/team/"),
    "CreateGroup": ({"GroupName": "staff"}, "arn:aws:iam::{account}:group/staff"),
    "AddUserToGroup": ({"GroupName": "staff", "UserName": "Nemo"}, "group staff"),
    "ListGroups": ({}, "arn:aws:iam::{account}:group/"),
    "CreateRole": ({"RoleName": "web", "AssumeRolePolicyDocument": trust("111122223333")}, "arn:aws:iam::{account}:role/web"),
    "GetRole": ({"RoleName": "web"}, "role web"),
    "UpdateAssumeRolePolicy": ({"RoleName": "web", "PolicyDocument": trust("111122223333")}, "role web"),
    "ListRoles": ({}, "arn:aws:iam::{account}:role/"),
    "CreatePolicy": ({"PolicyName": "reads", "PolicyDocument": ALLOW_ALL, "Path": "/team/"}, "policy reads"),
    "GetPolicy": ({"PolicyArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}, "policy arn:aws:iam::aws:policy/IAMReadOnlyAccess"),
    "ListPolicies": ({}, "policy path /"),
    "GetInstanceProfile": ({"InstanceProfileName": "web"}, "instance profile web"),
    "ListInstanceProfiles": ({"PathPrefix": "/a/"}, "arn:aws:iam::{account}:instance-profile/a/"),
    "DeleteServerCertificate": ({"ServerCertificateName": "site"}, "server certificate site"),
    "CreateVirtualMFADevice": ({"VirtualMFADeviceName": "phone"}, "arn:aws:iam::{account}:mfa/phone"),
    "ListVirtualMFADevices": ({}, "arn:aws:iam::{account}:mfa/"),
    "SimulatePrincipalPolicy": ({"PolicySourceArn": "arn:aws:iam::111122223333:user/Nemo", "ActionNames": ["s3:GetObject"]}, "arn:aws:iam::{account}:user/Nemo"),
    "GetAccountSummary": ({}, "*"),
    "ListAccountAliases": ({}, "*"),
}  # fmt: skip


@pytest.mark.parametrize("operation", NAMED)
def test_a_denial_names_the_resource_as_iam_does(server, new_user, operation):
    """Creations and lists by ARN, policies by ARN behind the type, other objects by type and name."""
    user, credentials = new_user(path="/staff/")
    members, resource = NAMED[operation]
    status, said, _ = error(AwsApi(server, credentials), operation, **members)
    resource = resource.format(account=server.account, name=user["UserName"])
    expected = (
        f"User: {user['Arn']} is not authorized to perform: iam:{operation} on resource: {resource} "
        f"because no identity-based policy allows the iam:{operation} action"
    )
    assert status == 403 and said["Code"] == "AccessDenied"
    assert AUTHORIZATION_ID.sub("", said["Message"]) == expected


def test_a_denial_of_sts_names_no_resource_that_is_all(server, new_user):
    user, credentials = new_user()
    with pytest.raises(ClientError) as caught:
        AwsApi(server, credentials).client("sts").decode_authorization_message(EncodedMessage="x")
    expected = (
        f"User: {user['Arn']} is not authorized to perform: sts:DecodeAuthorizationMessage "
        "because no identity-based policy allows the sts:DecodeAuthorizationMessage action"
    )
    assert AUTHORIZATION_ID.sub("", caught.value.response["Error"]["Message"]) == expected


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("CreatePolicyVersion", {"PolicyDocument": ALLOW_ALL, "SetAsDefault": True}),
        ("DeletePolicyVersion", {"VersionId": "v1"}),
        ("SetDefaultPolicyVersion", {"VersionId": "v1"}),
        ("DeletePolicy", {}),
        ("TagPolicy", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("UntagPolicy", {"TagKeys": ["a"]}),
    ],
)
def test_no_caller_changes_a_policy_that_aws_manages(server, aws, operation, members):
    """Root included: such policies belong to no account."""
    managed = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    before = aws.call("GetPolicy", PolicyArn=managed), aws.call("ListPolicyVersions", PolicyArn=managed)
    for caller in (aws, AwsApi(server, server.root)):
        status, said, _ = error(caller, operation, PolicyArn=managed, **members)
        assert (status, said) == (403, {"Type": "Sender", "Code": "AccessDenied", "Message": "Policy is outside your own account."})
    assert (aws.call("GetPolicy", PolicyArn=managed), aws.call("ListPolicyVersions", PolicyArn=managed)) == before


def test_a_creation_answers_with_the_tags_in_the_order_of_the_request(aws, server, name):
    tags = [{"Key": key, "Value": ""} for key in ("zone", "ab", "Zone", "y")]
    made = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=document(READS), Tags=tags)["Policy"]
    assert made["Tags"] == tags
    listed = aws.call("ListPolicyTags", PolicyArn=made["Arn"])["Tags"]
    assert [tag["Key"] for tag in listed] == ["y", "ab", "Zone", "zone"]
    assert aws.call("GetPolicy", PolicyArn=made["Arn"])["Policy"]["Tags"] == listed
    pages = aws.pages("ListPolicyTags", PolicyArn=made["Arn"], MaxItems=1)
    assert [tag for page in pages for tag in page["Tags"]] == listed
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(server.account), Tags=tags[:2])["Role"]
    assert role["Tags"] == tags[:2]


@pytest.mark.parametrize(
    "statement",
    [
        READS | {"Resource": "arn:aws:photos"},
        READS | {"Action": "photos:Read all"},
        READS | {"Condition": {"StringEquals": {"day": "monday"}, "Unheard": {}}},
        READS | {"Condition": {"DateLessThan": {"day": []}}},
    ],
)
def test_documents_that_aws_stores_are_stored(aws, name, statement):
    made = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=document(statement))["Policy"]
    stored = aws.call("GetPolicyVersion", PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]["Document"]
    assert stored == json.loads(document(statement))
