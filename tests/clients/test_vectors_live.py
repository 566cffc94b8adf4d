"""The decision vectors, sent to a running server and to `bailiwick evaluate`: with the same policies and the same context both
decide the same, and so does a simulation.

A server determines the caller itself, so the principal of each vector is created with its policies, boundary, groups, tags and session,
and what the server fills in (user id, time and so on) is given to `evaluate`. Where that changes nothing that the vector says, the
decision is the one that the vector expects. A change takes one of four vectors; `cargo xtask nightly` takes all.
"""

import collections
import datetime
import itertools
import json
import os

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from support.api import ApiError
from support.documents import policy, trust
from support.received import received
from support.server import ACCOUNT, ROOT, Credentials, run

EVERY = int(os.environ.get("BAILIWICK_VECTORS_EVERY", "4"))
VECTORS = sorted((ROOT / "tests" / "vectors" / "policy").glob("*.jsonl"))
SAID = {"DECISION_ALLOW": "allowed", "DECISION_EXPLICIT_DENY": "explicitDeny", "DECISION_IMPLICIT_DENY": "implicitDeny"}
TYPES = {
    f"{name}{many}": f"CONTEXT_TYPE_{name.upper()}{'_LIST' if many else ''}"
    for name in ("string", "numeric", "boolean", "ip", "binary", "date")
    for many in ("", "List")
}
# Context keys that the server sets, and refuses in requests.
RESERVED = {
    "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principalisawsservice", "aws:principalservicename",
    "aws:principalservicenameslist", "aws:principalorgid", "aws:principalorgpaths", "aws:userid", "aws:username", "aws:tokenissuetime",
    "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:sourceidentity", "aws:federatedprovider", "aws:currenttime",
    "aws:epochtime", "aws:resourceaccount",
}  # fmt: skip
TAG = "aws:principaltag/"
# No vector of these files can be sent to a server, or few: federated users and organizations do not exist yet, endpoint policies
# are not part of requests, and trust policies decide only AssumeRole, which has its own test below.
FEW = {"endpoint", "exception", "federated-user", "organization", "provider", "trust"}


class Unfit(Exception):
    """The reason why a vector cannot be sent to a server."""


class World:
    """The principals of the vectors, created on a server."""

    def __init__(self, aws, rpc):
        self.aws, self.rpc = aws, rpc
        self.made = {}
        self.state = {}
        self.numbers = itertools.count()
        aws.call("CreateUser", UserName="the-assumer")
        aws.call("PutUserPolicy", UserName="the-assumer", PolicyName="p", PolicyDocument=policy("sts:*"))
        self.assumer = Credentials.of(aws.call("CreateAccessKey", UserName="the-assumer")["AccessKey"])
        aws.call("CreateGroup", GroupName="the-group")

    def once(self, key, wanted, make):
        """Creates or changes an object, unless it has the wanted content already."""
        if self.state.get(key) != wanted:
            make()
            self.state[key] = wanted

    def principal(self, vector):
        """The caller of the request, their context, and the ARN that can be simulated."""
        arn = vector["request"]["principal"]
        fields = {field for field in ("sessionPolicies", "groupPolicies", "boundary", "identityPolicies") if vector.get(field)}
        now = str(int(datetime.datetime.now().timestamp()))
        context = {"aws:CurrentTime": ("date", now), "aws:EpochTime": ("numeric", now)}
        if arn == "*":
            return {"anonymous": {}}, context | {"aws:PrincipalType": ("string", "Anonymous")}, None
        if not arn.startswith("arn:"):
            if not arn.endswith(".amazonaws.com"):
                raise Unfit("no identity providers")
            more = {"Type": ("string", "Service"), "IsAWSService": ("boolean", "true"), "ServiceName": ("string", arn)}
            return {"servicePrincipal": arn}, context | {f"aws:Principal{key}": value for key, value in more.items()}, None
        account, resource = arn.split(":")[4], arn.split(":", 5)[5]
        if account != ACCOUNT:
            raise Unfit("another account's principal")
        context |= {"aws:PrincipalAccount": ("string", account), "aws:PrincipalIsAWSService": ("boolean", "false")}
        if resource == "root":
            if fields:
                raise Unfit("root with policies")
            context |= {"aws:PrincipalArn": ("string", arn), "aws:PrincipalType": ("string", "Account"), "aws:userid": ("string", account)}
            return {"principalArn": arn}, context, None
        kind, rest = resource.split("/", 1)
        if kind == "user":
            if "sessionPolicies" in fields:
                raise Unfit("no sessions of users")
            return self.user(vector, arn, rest, context)
        if kind == "assumed-role":
            if "groupPolicies" in fields:
                raise Unfit("a session with groups")
            return self.session(vector, arn, rest, context)
        raise Unfit(f"no {kind}")

    def entity(self, noun, name, path, make, vector):
        """A user or role with the identity policies, boundary and tags of a vector; returns its id and its tags."""
        member = {f"{noun}Name": name}
        # A name is unique whatever its path.
        old = self.made.get((noun, name))
        if old and old[0] != path:
            if self.state.get((noun, name, "boundary")):
                self.aws.call(f"Delete{noun}PermissionsBoundary", **member)
            for number in range(self.state.get((noun, name, "policies"), (0,))[0]):
                self.aws.call(f"Delete{noun}Policy", **member, PolicyName=f"p{number}")
            if self.state.get((noun, name, "group")):
                self.aws.call("RemoveUserFromGroup", UserName=name, GroupName="the-group")
            keys = self.aws.call("ListAccessKeys", **member)["AccessKeyMetadata"] if noun == "User" else []
            for key in keys:
                self.aws.call("DeleteAccessKey", **member, AccessKeyId=key["AccessKeyId"])
            self.aws.call(f"Delete{noun}", **member)
            self.state = {key: value for key, value in self.state.items() if key[:2] != (noun, name)}
            old = None
        if not old:
            self.made[noun, name] = old = path, make(**member, Path=path)[noun]
        policies = [json.dumps(document) for document in vector.get("identityPolicies") or []]

        def put():
            before = self.state.get((noun, name, "policies"), (0,))[0]
            for number, document in enumerate(policies):
                self.aws.call(f"Put{noun}Policy", **member, PolicyName=f"p{number}", PolicyDocument=document)
            for number in range(len(policies), before):
                self.aws.call(f"Delete{noun}Policy", **member, PolicyName=f"p{number}")

        try:
            self.once((noun, name, "policies"), (len(policies), *policies), put)
        except ApiError:
            # A part of it may exist.
            self.state[noun, name, "policies"] = (max(len(policies), self.state.get((noun, name, "policies"), (0,))[0]), None)
            for number in range(self.state[noun, name, "policies"][0]):
                self.aws.call(f"Put{noun}Policy", **member, PolicyName=f"p{number}", PolicyDocument=policy("none:Nothing"))
            raise
        boundary = json.dumps(vector["boundary"]) if vector.get("boundary") else None

        def bound():
            if boundary is None:
                return self.aws.call(f"Delete{noun}PermissionsBoundary", **member)
            return self.aws.call(f"Put{noun}PermissionsBoundary", **member, PermissionsBoundary=self.managed(boundary))

        self.once((noun, name, "boundary"), boundary, bound)
        return old[1], self.tags(noun, member, name, vector)

    def managed(self, document):
        """The ARN of a managed policy with this document."""
        if document not in self.made:
            made = self.aws.call("CreatePolicy", PolicyName=f"bound{next(self.numbers)}", PolicyDocument=document)
            self.made[document] = made["Policy"]["Arn"]
        return self.made[document]

    def tags(self, noun, member, name, vector):
        """The tags of the principal that are valid tags."""
        wanted = {}
        for key, value in vector["request"]["context"].items():
            if key.lower().startswith(TAG) and len(value["values"]) == 1:
                wanted[key[len(TAG) :]] = value["values"][0]
        given = self.state.setdefault((noun, name, "tags"), {})
        for key in [key for key in given if key not in wanted]:
            self.aws.call(f"Untag{noun}", **member, TagKeys=[key])
            del given[key]
        for key, value in wanted.items():
            if given.get(key) != value:
                try:
                    self.aws.call(f"Tag{noun}", **member, Tags=[{"Key": key, "Value": value}])
                    given[key] = value
                except ApiError:
                    if key in given:
                        self.aws.call(f"Untag{noun}", **member, TagKeys=[key])
                        del given[key]
        return {f"aws:PrincipalTag/{key}": ("string", value) for key, value in given.items()}

    def caller(self, vector):
        """The credentials of a vector's principal."""
        arn = vector["request"]["principal"]
        self.principal(vector)
        kind, name = arn.split(":", 5)[5].split("/", 1)
        if kind == "assumed-role":
            return self.credentials
        user_name = name.rsplit("/", 1)[-1]
        made = self.made["User", user_name][1]["UserId"]
        if made not in self.made:
            self.made[made] = Credentials.of(self.aws.call("CreateAccessKey", UserName=user_name)["AccessKey"])
        return self.made[made]

    def user(self, vector, arn, rest, context):
        path, _, name = f"/{rest}".rpartition("/")
        user, tags = self.entity("User", name, f"{path}/", lambda **member: self.aws.call("CreateUser", **member), vector)
        groups = [json.dumps(document) for document in vector.get("groupPolicies") or []]

        def join():
            self.aws.call("AddUserToGroup" if groups else "RemoveUserFromGroup", UserName=name, GroupName="the-group")

        def put():
            for number in range(2):
                document = groups[number] if number < len(groups) else policy("none:Nothing")
                self.aws.call("PutGroupPolicy", GroupName="the-group", PolicyName=f"g{number}", PolicyDocument=document)

        if len(groups) > 2:
            raise Unfit("many groups")
        if groups:
            self.once(("the-group",), groups, put)
        if bool(groups) != bool(self.state.get(("User", name, "group"))):
            self.once(("User", name, "group"), bool(groups), join)
        context |= tags | {
            "aws:username": ("string", name), "aws:userid": ("string", user["UserId"]), "aws:PrincipalArn": ("string", arn),
            "aws:PrincipalType": ("string", "User"),
        }  # fmt: skip
        return {"principalArn": arn}, context, arn

    def session(self, vector, arn, rest, context):
        name, session = rest.split("/")
        given = {key.lower(): value["values"][0] for key, value in vector["request"]["context"].items() if value["values"]}
        role_arn = given.get("aws:principalarn", f"arn:aws:iam::{ACCOUNT}:role/{name}")
        path, _, own = f"/{role_arn.split(':role/', 1)[-1]}".rpartition("/")
        if own != name or ":role/" not in role_arn:
            raise Unfit("a session of no role")
        trusting = trust(ACCOUNT)
        role, tags = self.entity(
            "Role", name, f"{path}/", lambda **member: self.aws.call("CreateRole", AssumeRolePolicyDocument=trusting, **member), vector
        )
        policies = vector.get("sessionPolicies") or []
        if len(policies) > 1:
            raise Unfit("several session policies")
        members = {"Policy": json.dumps(policies[0])} if policies else {}
        assumer = self.aws.signed_by(self.assumer)
        made = assumer.call("AssumeRole", RoleArn=role["Arn"], RoleSessionName=session, **members)["Credentials"]
        service = vector["request"]["action"].split(":")[0].lower()
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        self.credentials = Credentials.of(made)
        caller = {"signedRequest": received(self.credentials, signer=signer, service=service)}
        now = str(int(datetime.datetime.now().timestamp()))
        context |= tags | {
            "aws:userid": ("string", f"{role['RoleId']}:{session}"), "aws:PrincipalArn": ("string", role["Arn"]),
            "aws:PrincipalType": ("string", "AssumedRole"), "aws:TokenIssueTime": ("date", now),
            "aws:MultiFactorAuthPresent": ("boolean", "false"),
        }  # fmt: skip
        return caller, context, None


def put(world, vector):
    """The vector as a case with the server's context, the decision of the server, and that of a simulation if possible."""
    for field in ("scps", "rcps", "endpointPolicy", "trust"):
        if vector.get(field):
            raise Unfit(f"no {field}")
    request = vector["request"]
    try:
        caller, own, source = world.principal(vector)
    except ApiError as error:
        if error.code not in ("MalformedPolicyDocument", "LimitExceeded", "ValidationError"):
            raise
        # Some documents can be decided but not saved: an old version, another partition, too long.
        raise Unfit(f"not saved: {error.code}") from None
    brought = {
        key: value for key, value in request["context"].items() if key.lower() not in RESERVED and not key.lower().startswith(TAG)
    }
    owner = request.get("resourceAccount", ACCOUNT)
    question = {
        "caller": caller, "action": request["action"], "resource": request["resource"], "resourceAccount": owner,
        "context": [{"key": key, "type": TYPES[value["type"]], "values": value["values"]} for key, value in brought.items()],
    }  # fmt: skip
    if vector.get("resourcePolicy"):
        question["resourcePolicy"] = json.dumps(vector["resourcePolicy"])
    try:
        answer = world.rpc.call("Authorize", **question)
    except ApiError as error:
        if error.code not in ("ValidationError", "MalformedPolicyDocument", "InvalidInput"):
            raise
        raise Unfit(f"not asked: {error.code}") from None
    own |= {"aws:ResourceAccount": ("string", owner)}
    context = brought | {key: {"type": kind, "values": [value]} for key, (kind, value) in own.items()}
    case = vector | {"request": request | {"context": context}}
    lower = {key.lower(): value["values"] for key, value in context.items()}
    clocks = ("aws:currenttime", "aws:epochtime", "aws:tokenissuetime")
    same = all(lower.get(key.lower()) == value["values"] for key, value in request["context"].items() if key.lower() not in clocks)
    # The server must not add a key that a policy names and the vector leaves out.
    given, text = {key.lower() for key in request["context"]}, json.dumps(vector).lower()
    same = same and not given & set(clocks) and not any(key.lower() in text for key in own if key.lower() not in given)
    # A simulation gets the time as context, and treats KMS keys and roles differently.
    simulated = None
    if source and not vector.get("resourcePolicy") and owner == ACCOUNT and not request["action"].lower().startswith(("kms:", "sts:")):
        clock = {key: {"type": own[key][0], "values": [own[key][1]]} for key in ("aws:CurrentTime", "aws:EpochTime")}
        simulated = simulate(world, source, request, brought | clock)
    return case, SAID[answer["decision"]], simulated, same


def simulate(world, source, request, brought):
    entries = [
        {"ContextKeyName": key, "ContextKeyType": value["type"], "ContextKeyValues": value["values"]} for key, value in brought.items()
    ]
    try:
        answer = world.aws.call(
            "SimulatePrincipalPolicy", PolicySourceArn=source, ActionNames=[request["action"]], ResourceArns=[request["resource"]],
            ContextEntries=entries,
        )  # fmt: skip
    except ApiError as error:
        assert error.code in ("ValidationError", "InvalidInput"), error
        return None
    return answer["EvaluationResults"][0]["EvalDecision"]


def read(path):
    """The vectors of a file that this run uses."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()][::EVERY]


@pytest.fixture(scope="module")
def world(aws, rpc):
    return World(aws, rpc)


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_a_server_decides_as_evaluate_does(world, path):
    vectors = read(path)
    # Principals with the same policies follow one another, which saves most writes.
    vectors.sort(key=lambda vector: (vector["request"]["principal"], json.dumps(vector.get("identityPolicies"))))
    unfit, cases, decided, simulations, expected = collections.Counter(), [], [], {}, {}
    for vector in vectors:
        try:
            case, decision, simulated, same = put(world, vector)
        except Unfit as why:
            unfit[str(why)] += 1
            continue
        cases.append(case)
        decided.append(decision)
        if simulated:
            simulations[vector["id"]] = simulated
        if same:
            expected[vector["id"]] = vector["expected"]
    done = run("evaluate", stdin="\n".join(json.dumps(case) for case in cases))
    offline = {answer["id"]: answer.get("decision", answer) for answer in map(json.loads, done.stdout.splitlines())}
    live = {case["id"]: decision for case, decision in zip(cases, decided, strict=True)}
    wrong = {each: (live[each], offline[each]) for each in live if live[each] != offline[each]}
    assert not wrong, f"live and evaluated: {wrong}"
    wrong = {each: (live[each], simulations[each]) for each in simulations if live[each] != simulations[each]}
    assert not wrong, f"live and simulated: {wrong}"
    wrong = {each: (live[each], expected[each]) for each in expected if live[each] != expected[each]}
    assert not wrong, f"live and expected: {wrong}"
    print(f"{path.stem}: {len(vectors)} vectors, {len(cases)} decided, {len(simulations)} simulated, {len(expected)} as expected; {dict(unfit)}")
    assert path.stem in FEW or len(cases) * 3 > len(vectors), unfit


def test_roles_are_assumed_as_evaluate_decides(world):
    """Trust policies decide AssumeRole, together with the caller's permissions."""
    unfit, cases, live, roles = collections.Counter(), [], {}, {}
    for vector in sorted(read(ROOT / "tests" / "vectors" / "policy" / "trust.jsonl"), key=lambda each: each["request"]["principal"]):
        request = vector["request"]
        named = json.dumps(vector.get("trust", {}))
        arn, action = request["principal"], request["action"]
        plain = "Condition" not in json.dumps(vector) and not any(vector.get(field) for field in ("scps", "rcps", "endpointPolicy"))
        if action != "sts:AssumeRole" or not plain or ":user/" not in arn and ":assumed-role/" not in arn or ":role/" not in request["resource"]:
            unfit["another question"] += 1
            continue
        try:
            credentials = world.caller(vector)
            resource = request["resource"].split(":role/")[1]
            if resource not in roles:
                # Names also differ by a number, since some differ only by case.
                path, _, name = f"/{resource}".rpartition("/")
                asked = {"RoleName": f"{name}-{len(roles)}", "Path": f"{path}/", "AssumeRolePolicyDocument": trust(ACCOUNT)}
                roles[resource] = world.aws.call("CreateRole", **asked)["Role"]
            name, arn_of_role = roles[resource]["RoleName"], roles[resource]["Arn"]
            world.aws.call("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=named)
        except Unfit as why:
            unfit[str(why)] += 1
            continue
        except ApiError as error:
            assert error.code in ("MalformedPolicyDocument", "ValidationError"), error
            unfit[error.message[:60]] += 1
            continue
        try:
            world.aws.signed_by(credentials).call("AssumeRole", RoleArn=arn_of_role, RoleSessionName="again")
            live[vector["id"]] = "allowed"
        except ApiError as error:
            assert error.code == "AccessDenied", error
            live[vector["id"]] = "explicitDeny" if "with an explicit deny" in error.message else "implicitDeny"
        cases.append(vector | {"request": request | {"resource": arn_of_role}})
    done = run("evaluate", stdin="\n".join(json.dumps(case) for case in cases))
    offline = {answer["id"]: answer.get("decision", answer) for answer in map(json.loads, done.stdout.splitlines())}
    wrong = {each: (live[each], offline[each]) for each in live if live[each] != offline[each]}
    assert not wrong, wrong
    print(f"{len(cases)} decided; {dict(unfit)}")
    assert len(cases) > 60 // EVERY, unfit
