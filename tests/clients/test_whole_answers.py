"""Whole answers as AWS gives them: the members that are there and those that are not, their order, and errors to the letter."""

import json

import pytest
from botocore.exceptions import ClientError
from support.api import AwsApi
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
