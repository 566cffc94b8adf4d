"""Simulations and decisions agree: random principals, policies and requests, sent to both."""

import functools
import random

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from support.documents import policy, trust
from support.received import received
from support.server import Credentials

OTHER = "444455556666"
ACTIONS = ["s3:GetObject", "s3:PutObject", "photos:GetAlbum", "photos:PrintAlbum", "iam:GetUser", "KMS:decrypt"]
PHOTOS = """{"catalogue": 1, "services": {"photos": {
    "principals": ["photos.example.com"],
    "keys": {"photos:Size": "Numeric"},
    "resources": {"album": {"arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"]}},
    "actions": {"GetAlbum": {"resources": ["album"], "keys": ["photos:Size"]}, "PrintAlbum": {"resources": ["album"]}}
}}}"""
CONTEXTS = [
    [],
    [("s3:prefix", "string", ["home"]), ("aws:SourceIp", "ip", ["10.1.2.3"]), ("photos:Size", "numeric", ["9.5"])],
    [
        ("aws:TagKeys", "stringList", ["team", "cost"]),
        ("AWS:ResourceTag/Team", "string", ["blue"]),
        ("photos:Size", "numeric", ["7"]),
    ],
    [("aws:TagKeys", "stringList", []), ("aws:SourceIp", "ip", ["2001:db8::1"]), ("S3:Prefix", "stringList", ["home", "x"])],
]
TYPES = {"string": "STRING", "stringList": "STRING_LIST", "ip": "IP", "numeric": "NUMERIC"}
SAID = {"allowed": "ALLOW", "explicitDeny": "EXPLICIT_DENY", "implicitDeny": "IMPLICIT_DENY"}


class Dice:
    """Policies whose statements nearly match every request."""

    def __init__(self, seed, account):
        self.random = random.Random(seed)
        self.resources = [
            "arn:aws:s3:::bank/home/a",
            "arn:aws:s3:::bank/blue",
            f"arn:aws:photos:eu-central-1:{account}:album/blue/1",
            f"arn:aws:iam::{account}:user/blue",
            f"arn:aws:kms:eu-central-1:{account}:key/1",
            f"arn:aws:photos:eu-central-1:{OTHER}:album/blue/1",
            "*",
        ]
        self.patterns = [
            *self.resources, "*", "*", "arn:aws:s3:::bank/*", "arn:aws:s3:::bank/${aws:PrincipalTag/Team}", "arn:aws:photos:*",
            "arn:aws:photos:*:*:album/${aws:principaltag/team, 'blue'}/*", "arn:aws:iam:*:*:user/${aws:PrincipalTag/Team}",
        ]  # fmt: skip
        self.conditions = [
            {"StringEquals": {"s3:prefix": ["home", "${aws:username}"]}},
            {"StringNotLike": {"S3:Prefix": "h*"}},
            {"ForAnyValue:StringEquals": {"s3:prefix": "home"}},
            {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
            {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
            {"StringEqualsIfExists": {"aws:ResourceTag/team": "${aws:PrincipalTag/Team}"}},
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}},
            {"ForAnyValue:StringLike": {"aws:TagKeys": "c*"}},
            {"StringEquals": {"aws:TagKeys": "team"}},
            {"NumericLessThan": {"photos:Size": "8"}, "Null": {"aws:SourceIp": "true"}},
            {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}},
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:*/team/*"}},
            {"StringEquals": {"aws:PrincipalType": "User"}},
            {"Bool": {"aws:PrincipalIsAWSService": "false"}},
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
            {"StringLike": {"aws:PrincipalTag/team": "bl*"}},
            {"StringLike": {"aws:userid": "AIDA*"}},
        ]

    def some(self, of, most=3):
        return self.random.sample(of, self.random.randint(1, most))

    def policy(self, *further, **more):
        return policy(*(self.statement(**more) for _ in range(self.random.randint(1, 3))), *further)

    def statement(self, **more):
        one = self.random.random
        statement = {
            "Effect": "Deny" if one() < 0.15 else "Allow",
            "NotAction" if one() < 0.1 else "Action": self.some([*ACTIONS, "*", "*", "s3:*", "photos:Get*", "iam:*", "kms:*"]),
            "NotResource" if one() < 0.1 else "Resource": self.some(self.patterns),
            **more,
        }
        if one() < 0.4:
            statement["Condition"] = self.random.choice(self.conditions)
        return statement


@pytest.fixture(scope="module")
def photos(rpc):
    rpc.call("PutService", servicePrefix="photos", definition=PHOTOS)


def resources(dice, context):
    """The resources of a context: only simulations accept tags of resources that are stored here."""
    tagged = any("resourcetag" in key.lower() for key, _, _ in context)
    return [arn for arn in dice.resources if not (tagged and arn.startswith("arn:aws:iam:"))]


def live(rpc, caller, dice, context, **more):
    """Decides every action on every resource. `caller` may depend on the prefix of the action's service."""
    of = caller if callable(caller) else lambda prefix: caller
    asked = resources(dice, context)
    context = [{"key": key, "type": f"CONTEXT_TYPE_{TYPES[kind]}", "values": values} for key, kind, values in context]
    items = [
        {"caller": of(action.split(":")[0].lower()), "action": action, "resource": arn, "context": context, **more}
        for action in ACTIONS
        for arn in asked
    ]
    for item in items:
        if item["resource"].startswith("arn:aws:s3"):
            item["resourceAccount"] = rpc.server.account
    results = rpc.call("BatchAuthorize", items=items)["results"]
    assert not any("error" in result for result in results), results
    decisions = [result["decision"].removeprefix("DECISION_") for result in results]
    return {(item["action"], item["resource"]): said for item, said in zip(items, decisions, strict=True)}


def simulated(api, source, dice, context, **more):
    """Simulates every action on every resource."""
    names = "ContextKeyName", "ContextKeyType", "ContextKeyValues"
    arns = resources(dice, context)
    context = [dict(zip(names, entry, strict=True)) for entry in context]
    asked = {"PolicySourceArn": source, "ActionNames": ACTIONS, "ContextEntries": context, **more}
    named = api.items("SimulatePrincipalPolicy", "EvaluationResults", **asked, ResourceArns=arns)
    return {
        (result["EvalActionName"], specific["EvalResourceName"]): SAID[specific["EvalResourceDecision"]]
        for result in named
        for specific in result["ResourceSpecificResults"]
    }


def compare(decided, said):
    """Returns the set of decisions."""
    wrong = {asked: (decided[asked], said[asked]) for asked in decided if decided[asked] != said.get(asked)}
    assert decided.keys() == said.keys() and not wrong, wrong
    return set(decided.values())


def without(decisions, *parts):
    """Removes what is a different question to each."""
    return {asked: said for asked, said in decisions.items() if not any(part in asked[0] + asked[1] for part in parts)}


@pytest.mark.parametrize("seed", range(6))
def test_users(aws, rpc, photos, name, seed):
    account = aws.server.account
    dice = Dice(seed, account)
    user_name, group, bound = name("user"), name("group"), name("bound")
    boundary = aws.call("CreatePolicy", PolicyName=bound, PolicyDocument=dice.policy(Effect="Allow"))["Policy"]["Arn"]
    members = {"PermissionsBoundary": boundary} if seed % 3 == 0 else {}
    tags = [{"Key": "team", "Value": "blue"}] if seed % 2 else []
    path = "/team/" if seed % 2 else "/"
    arn = aws.call("CreateUser", UserName=user_name, Path=path, Tags=tags, **members)["User"]["Arn"]
    aws.call("PutUserPolicy", UserName=user_name, PolicyName="own", PolicyDocument=dice.policy())
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="shared", PolicyDocument=dice.policy())
    aws.call("AddUserToGroup", GroupName=group, UserName=user_name)
    managed = aws.call("CreatePolicy", PolicyName=name("managed"), PolicyDocument=dice.policy())["Policy"]["Arn"]
    aws.call("AttachGroupPolicy" if seed % 2 else "AttachUserPolicy", PolicyArn=managed,
             **({"GroupName": group} if seed % 2 else {"UserName": user_name}))  # fmt: skip
    seen = set()
    for context in CONTEXTS:
        # Without the key's policy a live decision denies; a simulation evaluates the user's own policies.
        pair = live(rpc, {"principalArn": arn}, dice, context), simulated(aws, arn, dice, context)
        seen |= compare(*(without(decisions, "KMS:") for decisions in pair))
        principal = dice.random.choice([{"AWS": arn}, {"AWS": account}, "*", {"AWS": OTHER}])
        # Simulations refuse a resource policy that names no resource of the service.
        given = dice.policy({"Effect": "Deny", "Principal": "*", "Action": "other:Thing", "Resource": "*"}, Principal=principal)
        decided = live(rpc, {"principalArn": arn}, dice, context, resourcePolicy=given)
        seen |= compare(decided, simulated(aws, arn, dice, context, ResourcePolicy=given))
    assert {"ALLOW", "IMPLICIT_DENY"} <= seen


@pytest.mark.parametrize("seed", range(100, 103))
def test_sessions_of_roles(aws, rpc, photos, name, new_user, seed):
    dice = Dice(seed, aws.server.account)
    role = name("role")
    members = {"Tags": [{"Key": "Team", "Value": "blue"}], "Path": "/team/"} if seed % 2 else {}
    made = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(aws.server.account), **members)["Role"]
    for number in range(2):
        aws.call("PutRolePolicy", RoleName=role, PolicyName=f"p{number}", PolicyDocument=dice.policy())
    bound = aws.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=policy("*", dice.statement()))["Policy"]["Arn"]
    aws.call("PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=bound)
    _, credentials = new_user(policy("sts:AssumeRole"))
    session = aws.signed_by(credentials).call("AssumeRole", RoleArn=made["Arn"], RoleSessionName="session")["Credentials"]
    session = Credentials.of(session)

    @functools.cache
    def caller(prefix):
        """A signature is valid for actions of the service that it names."""
        signed = received(session, service=prefix, signer=S3SigV4Auth if prefix == "s3" else SigV4Auth)
        return {"handle": rpc.call("Authenticate", signedRequest=signed)["handle"]}

    for context in CONTEXTS:
        # Only a session has an id of its own: a simulation is of the role.
        asked = [*context, ("aws:userid", "string", [made["RoleId"] + ":session"]), ("aws:MultiFactorAuthPresent", "string", ["false"])]
        pair = live(rpc, caller, dice, context), simulated(aws, made["Arn"], dice, asked)
        compare(*(without(decisions, "KMS:") for decisions in pair))
