"""Both front ends return the same answers and errors: one corpus of requests, sent to two servers, one by each.

The corpus has a valid request for each handled operation, in an order in which they succeed, and for each the variants made by
removing a member or setting it to a value that the model does not allow.
"""

import collections
import datetime
import json
import re

import botocore.session
import pytest
from support.api import ApiError, AwsApi, GrpcApi, document, service_of
from support.coverage import handled_operations
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.report import rows
from support.server import ACCOUNT, Credentials
from support.waiting import until

ARN = f"arn:aws:iam::{ACCOUNT}:"
DEVELOPER = f"{ARN}policy/Developer"
TAGS = [{"Key": "team", "Value": "blue"}, {"Key": "cost", "Value": ""}]

GOOD = [
    ("GetCallerIdentity", {}),
    ("CreateUser", {"UserName": "Ann", "Path": "/dev/", "Tags": TAGS}),
    ("CreateUser", {"UserName": "ben"}),
    ("GetUser", {"UserName": "ANN"}),
    ("GetUser", {}),
    ("TagUser", {"UserName": "ben", "Tags": TAGS}),
    ("ListUserTags", {"UserName": "ben"}),
    ("UntagUser", {"UserName": "ben", "TagKeys": ["team"]}),
    ("UpdateUser", {"UserName": "ben", "NewUserName": "benny", "NewPath": "/ops/"}),
    ("ListUsers", {"PathPrefix": "/dev/", "MaxItems": 10}),
    ("CreateAccessKey", {"UserName": "Ann"}),
    ("ListAccessKeys", {"UserName": "Ann"}),
    ("CreateGroup", {"GroupName": "developers", "Path": "/x/"}),
    ("AddUserToGroup", {"GroupName": "developers", "UserName": "Ann"}),
    ("GetGroup", {"GroupName": "developers"}),
    ("ListGroups", {}),
    ("ListGroupsForUser", {"UserName": "Ann"}),
    ("UpdateGroup", {"GroupName": "developers", "NewGroupName": "Developers2", "NewPath": "/y/"}),
    ("CreatePolicy", {"PolicyName": "Developer", "PolicyDocument": READ_ONLY, "Description": "d", "Tags": TAGS}),
    ("GetPolicy", {"PolicyArn": DEVELOPER}),
    ("CreatePolicyVersion", {"PolicyArn": DEVELOPER, "PolicyDocument": ALLOW_ALL, "SetAsDefault": True}),
    ("GetPolicyVersion", {"PolicyArn": DEVELOPER, "VersionId": "v1"}),
    ("ListPolicyVersions", {"PolicyArn": DEVELOPER}),
    ("SetDefaultPolicyVersion", {"PolicyArn": DEVELOPER, "VersionId": "v1"}),
    ("DeletePolicyVersion", {"PolicyArn": DEVELOPER, "VersionId": "v2"}),
    ("TagPolicy", {"PolicyArn": DEVELOPER, "Tags": TAGS}),
    ("ListPolicyTags", {"PolicyArn": DEVELOPER}),
    ("UntagPolicy", {"PolicyArn": DEVELOPER, "TagKeys": ["cost"]}),
    ("ListPolicies", {"Scope": "Local", "OnlyAttached": False, "PathPrefix": "/", "PolicyUsageFilter": "PermissionsPolicy"}),
    ("AttachUserPolicy", {"UserName": "Ann", "PolicyArn": DEVELOPER}),
    ("AttachGroupPolicy", {"GroupName": "Developers2", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ("ListAttachedUserPolicies", {"UserName": "Ann"}),
    ("ListAttachedGroupPolicies", {"GroupName": "Developers2"}),
    ("ListEntitiesForPolicy", {"PolicyArn": DEVELOPER, "EntityFilter": "User"}),
    ("PutUserPolicy", {"UserName": "Ann", "PolicyName": "own", "PolicyDocument": policy("sts:*")}),
    ("PutUserPolicy", {"UserName": "benny", "PolicyName": "own", "PolicyDocument": policy("sts:*")}),
    ("GetUserPolicy", {"UserName": "Ann", "PolicyName": "own"}),
    ("ListUserPolicies", {"UserName": "Ann"}),
    ("PutGroupPolicy", {"GroupName": "Developers2", "PolicyName": "own", "PolicyDocument": READ_ONLY}),
    ("GetGroupPolicy", {"GroupName": "Developers2", "PolicyName": "own"}),
    ("ListGroupPolicies", {"GroupName": "Developers2"}),
    ("CreateRole", {"RoleName": "Deploy", "AssumeRolePolicyDocument": trust(ACCOUNT), "MaxSessionDuration": 7200, "Description": "d"}),
    ("GetRole", {"RoleName": "Deploy"}),
    ("ListRoles", {}),
    ("TagRole", {"RoleName": "Deploy", "Tags": TAGS}),
    ("ListRoleTags", {"RoleName": "Deploy"}),
    ("UntagRole", {"RoleName": "Deploy", "TagKeys": ["team"]}),
    ("UpdateRole", {"RoleName": "Deploy", "Description": "e", "MaxSessionDuration": 3600}),
    ("UpdateRoleDescription", {"RoleName": "Deploy", "Description": "f"}),
    ("UpdateAssumeRolePolicy", {"RoleName": "Deploy", "PolicyDocument": trust(f"{ARN}user/ops/benny", ["sts:AssumeRole", "sts:TagSession"])}),
    ("AttachRolePolicy", {"RoleName": "Deploy", "PolicyArn": DEVELOPER}),
    ("ListAttachedRolePolicies", {"RoleName": "Deploy"}),
    ("PutRolePolicy", {"RoleName": "Deploy", "PolicyName": "own", "PolicyDocument": READ_ONLY}),
    ("GetRolePolicy", {"RoleName": "Deploy", "PolicyName": "own"}),
    ("ListRolePolicies", {"RoleName": "Deploy"}),
    ("PutRolePermissionsBoundary", {"RoleName": "Deploy", "PermissionsBoundary": DEVELOPER}),
    ("AssumeRole", {"RoleArn": f"{ARN}role/Deploy", "RoleSessionName": "s1", "DurationSeconds": 900, "Policy": READ_ONLY, "Tags": TAGS}),
    ("GetSessionToken", {"DurationSeconds": 900}),
    ("GetFederationToken", {"Name": "guest", "DurationSeconds": 900, "Policy": READ_ONLY, "Tags": TAGS}),
    ("GetAccessKeyInfo", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
    ("EnableOutboundWebIdentityFederation", {}),
    ("GetWebIdentityToken", {"Audience": ["reeds"], "SigningAlgorithm": "ES384", "DurationSeconds": 300, "Tags": TAGS[:1]}),
    ("GetScopedCredentials", {"Policy": READ_ONLY, "DurationSeconds": 900}),
    ("PutUserPermissionsBoundary", {"UserName": "Ann", "PermissionsBoundary": DEVELOPER}),
    ("GetContextKeysForCustomPolicy", {"PolicyInputList": [policy({"Action": "a:b", "Condition": {"Bool": {"aws:x": "true"}}})]}),
    ("GetContextKeysForPrincipalPolicy", {"PolicySourceArn": f"{ARN}user/dev/Ann"}),
    ("SimulateCustomPolicy", {"PolicyInputList": [READ_ONLY], "ActionNames": ["iam:GetUser", "s3:GetObject"], "ResourceArns": ["*"]}),
    ("SimulatePrincipalPolicy", {"PolicySourceArn": f"{ARN}user/dev/Ann", "ActionNames": ["iam:GetUser"]}),
    ("CreateAccountAlias", {"AccountAlias": "my-company"}),
    ("ListAccountAliases", {}),
    ("GetAccountSummary", {}),
    ("GetAccountAuthorizationDetails", {"Filter": ["User", "Role"]}),
    ("DeleteAccountAlias", {"AccountAlias": "my-company"}),
    ("DeleteRolePermissionsBoundary", {"RoleName": "Deploy"}),
    ("DeleteUserPermissionsBoundary", {"UserName": "Ann"}),
    ("DetachRolePolicy", {"RoleName": "Deploy", "PolicyArn": DEVELOPER}),
    ("DeleteRolePolicy", {"RoleName": "Deploy", "PolicyName": "own"}),
    ("DeleteRole", {"RoleName": "Deploy"}),
    ("DeleteGroupPolicy", {"GroupName": "Developers2", "PolicyName": "own"}),
    ("DetachGroupPolicy", {"GroupName": "Developers2", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ("RemoveUserFromGroup", {"GroupName": "Developers2", "UserName": "Ann"}),
    ("DeleteGroup", {"GroupName": "Developers2"}),
    ("DeleteUserPolicy", {"UserName": "Ann", "PolicyName": "own"}),
    ("DetachUserPolicy", {"UserName": "Ann", "PolicyArn": DEVELOPER}),
    ("DeletePolicy", {"PolicyArn": DEVELOPER}),
    ("CreateUser", {"UserName": "cid"}),
    ("DeleteUser", {"UserName": "cid"}),
]  # fmt: skip
# Sealed under a key of the server, so it differs on each.
WITH_KEY = [
    ("UpdateAccessKey", {"UserName": "Ann", "Status": "Inactive"}),
    ("GetAccessKeyLastUsed", {}),
    ("DeleteAccessKey", {"UserName": "Ann"}),
]

def shape_of(operation):
    """The shape of the operation's input in the model."""
    model = botocore.session.get_session().get_service_model(service_of(operation))
    return model.operation_model(operation).input_shape


def in_path(operation):
    """The members that are in the path of a URL."""
    shape = shape_of(operation)
    return [name for name, member in shape.members.items() if member.serialization.get("location") == "uri"] if shape else []


def bad_values(shape):
    """Values that the model does not allow, or that match no object."""
    limits = shape.metadata
    if shape.type_name == "string":
        yield from ("", "no such thing", "no-such-thing", "a b/c?", "é", "'\"<&>", "x" * (limits.get("max", 2_000) + 1), "*", "a\u0000b")
        yield from ("a" * (limits["min"] - 1),) if limits.get("min", 0) > 1 else ()
        yield from ("arn:aws:iam::999999999999:user/x", "arn:aws:iam::aws:policy/None", "{", '{"Version": "2012-10-17"}')
    elif shape.type_name in ("integer", "long"):
        yield from (0, -1, 1, 10_000_000)
    elif shape.type_name == "boolean":
        yield from (True, False)
    elif shape.type_name == "list":
        yield []
        # A form cannot represent an empty member of a list.
        inner = [value for value in bad_values(shape.member) if value not in ([], {})]
        yield from ([value] for value in inner)
        yield [inner[1]] * 2
        yield [inner[1]] * 51
    elif shape.type_name == "structure":
        good = {name: "good" for name, member in shape.members.items() if member.type_name == "string"}
        for name, member in shape.members.items():
            # Nor can it represent an empty structure.
            rest = {other: value for other, value in good.items() if other != name}
            yield from (rest,) if rest else ()
            yield from (good | {name: value} for value in bad_values(member))


def spoilt(operation, good):
    """The request with one member left out or another value in its place."""
    shape = shape_of(operation)
    for name, member in (shape.members if shape else {}).items():
        if name in good:
            yield {key: value for key, value in good.items() if key != name}
        for value in bad_values(member):
            yield good | {name: value}


ID = re.compile(r"\b(AIDA|AGPA|AIPA|AROA|ANPA|ACCA|APKA|ASCA|AKIA|ASIA)[A-Z0-9]{12,17}\b")


def plain(value, key=""):
    """An answer without parts that always differ: ids, times, secrets, and the representation of absent values."""
    if key == "Events":
        # Each server has its own.
        return "events"
    if isinstance(value, dict):
        if "Statement" in value:
            return json.dumps(value, sort_keys=True)
        items = {name: plain(item, name) for name, item in value.items()}
        return {name: item for name, item in items.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [plain(item, key) for item in value]
    if isinstance(value, datetime.datetime) or re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(value)):
        return "a time"
    if key == "Content":
        # Uses of access keys differ: the front ends sign for services of different names.
        columns = ("user", "arn", "password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active", "cert_1_active")
        return [[row[column] for column in columns] for row in rows({"Content": value}).values()]
    if key in ("SecretAccessKey", "SessionToken", "Marker", "NextToken", "Base32StringSeed", "QRCodePNG", "OrganizationId", "IssuerIdentifier", "WebIdentityToken"):
        return "a secret"
    if isinstance(value, str) and key in ("PolicyDocument", "AssumeRolePolicyDocument", "Document"):
        return json.dumps(document(value), sort_keys=True)
    if isinstance(value, bool):
        return value
    return ID.sub(r"\1", str(value))


class Pair:
    """The same server twice, one behind each front end."""

    def __init__(self, aws, grpc):
        self.aws, self.grpc = aws, grpc
        self.differences = collections.OrderedDict()
        self.asked = 0
        self.codes = collections.Counter()

    @staticmethod
    def outcome(api, operation, members):
        """The answer, or the code and message of an error."""
        try:
            return "answer", plain(api.call(operation, **members))
        except ApiError as error:
            # XML cannot represent this character.
            return error.code, ID.sub(r"\1", error.message or "").replace("\0", "\ufffd")

    def ask(self, operation, members, own=({}, {})):
        """Sends a request to both, and records differences."""
        by_aws = self.outcome(self.aws, operation, members | own[0])
        by_grpc = self.outcome(self.grpc, operation, members | own[1])
        self.asked += 1
        self.codes[by_aws[0]] += 1
        code, said = by_grpc
        # A gRPC status is limited to a shorter message.
        if code == by_aws[0] != "answer" and said.endswith("...") and len(said) > 1_000:
            by_grpc = code, by_aws[1] if by_aws[1].startswith(said[:-3]) else said
        # Each front end counts its own bytes.
        if code == by_aws[0] == "RequestEntityTooLarge":
            by_grpc = by_aws
        if by_aws != by_grpc:
            self.differences[f"{operation} {str(members)[:300]}"] = (by_aws, by_grpc)
        return by_aws[0]


@pytest.fixture
def pair(new_server):
    one, other = new_server("one").start(), new_server("other").start()
    return Pair(AwsApi(one, one.root), GrpcApi(other, other.root))


class Callers:
    """The callers of operations that root does not call: a user with permissions for all of STS, and a session of the user."""

    def __init__(self, pair):
        self.pair = pair
        self.known = {}

    def of(self, operation):
        """Both front ends with the credentials for an operation."""
        kind = {"AssumeRole": "user", "GetWebIdentityToken": "user", "GetScopedCredentials": "session"}.get(operation)
        if kind and kind not in self.known:
            self.known[kind] = self.made(kind)
        return self.known.get(kind, self.pair)

    def made(self, kind):
        """New credentials on both servers."""
        clients = []
        for api in (self.pair.aws, self.pair.grpc):
            client = api.signed_by(Credentials.of(api.call("CreateAccessKey", UserName="benny")["AccessKey"]))
            if kind == "session":
                client = api.signed_by(Credentials.of(client.call("GetSessionToken")["Credentials"]))
            clients.append(client)
        both = Pair(*clients)
        both.differences = self.pair.differences
        return both


def release_policy(pair):
    """Removes the versions and attachments that the variants have added to the policy."""
    versions = pair.aws.call("ListPolicyVersions", PolicyArn=DEVELOPER)["Versions"]
    for version in versions:
        if not version["IsDefaultVersion"]:
            pair.ask("DeletePolicyVersion", {"PolicyArn": DEVELOPER, "VersionId": version["VersionId"]})
    holders = pair.aws.call("ListEntitiesForPolicy", PolicyArn=DEVELOPER)
    for noun in ("User", "Group", "Role"):
        for holder in holders[f"Policy{noun}s"]:
            name = {f"{noun}Name": holder[f"{noun}Name"]}
            pair.ask(f"Detach{noun}Policy", {**name, "PolicyArn": DEVELOPER})


def test_the_same_requests_have_the_same_outcome(pair):
    seen, callers = set(), Callers(pair)
    for operation, members in GOOD:
        both = callers.of(operation)
        if operation == "DeletePolicy":
            release_policy(pair)
        assert both.ask(operation, members) == "answer", (operation, members)
        # Some variants are valid, and change both servers.
        for bad in spoilt(operation, members) if operation not in seen else ():
            both.ask(operation, bad)
        # Once more, since the next requests depend on the valid one.
        both.ask(operation, members)
        seen.add(operation)
    for both in callers.known.values():
        pair.asked += both.asked
        pair.codes += both.codes
    keys = [api.call("ListAccessKeys", UserName="Ann")["AccessKeyMetadata"][0]["AccessKeyId"] for api in (pair.aws, pair.grpc)]
    for operation, members in WITH_KEY:
        for bad in spoilt(operation, members | {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}):
            pair.ask(operation, bad)
        own = tuple({"AccessKeyId": key} for key in keys)
        assert pair.ask(operation, members, own) == "answer", operation
        seen.add(operation)
    for api in (pair.aws, pair.grpc):
        until(lambda: api.call("GenerateCredentialReport")["State"] == "COMPLETE", "the report is complete")
    # Handled operations without a request above are called as well.
    for operation in handled_operations():
        if service_of(operation) and operation not in seen:
            # No request can be without the members in its path.
            good = dict.fromkeys(in_path(operation), "0" * 32)
            for bad in [good, *spoilt(operation, good)]:
                if all(bad.get(name) for name in good):
                    pair.ask(operation, bad)
    assert not pair.differences, "\n".join(f"{asked}\n  Query {ours}\n  gRPC  {theirs}" for asked, (ours, theirs) in pair.differences.items())
    assert pair.asked > 2_000 and len(pair.codes) > 8, (pair.asked, pair.codes)
