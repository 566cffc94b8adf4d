"""`bailiwick import account`: what the AWS CLI prints of an account, loaded into another."""

import copy
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.api import AwsApi
from support.documents import policy
from support.expect import refused
from support.server import BINARY, Credentials, Server, clean_environment, client_environment, run
from support.waiting import until

CLI = Path(sys.executable).with_name("aws")
SOURCE = "999988887777"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
LINKED = "AWSServiceRoleForAutoScaling"
DATE = "2021-03-04T05:06:07+00:00"


def source(resource):
    return f"arn:aws:iam::{SOURCE}:{resource}"


def statement(*actions, effect="Allow", resource="*", **more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": list(actions), "Resource": resource, **more}]}


def trust(**principal):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}


def version(number, document, default=False):
    return {"Document": document, "VersionId": f"v{number}", "IsDefaultVersion": default, "CreateDate": DATE}


def managed(name, *versions, path="/", arn=None):
    return {
        "PolicyName": name, "PolicyId": "ANPA" + "A" * 17, "Arn": arn or source(f"policy{path}{name}"), "Path": path,
        "DefaultVersionId": next(each["VersionId"] for each in versions if each["IsDefaultVersion"]),
        "AttachmentCount": 1, "PermissionsBoundaryUsageCount": 0, "IsAttachable": True, "CreateDate": DATE,
        "UpdateDate": DATE, "PolicyVersionList": list(versions),
    }  # fmt: skip


def attached(arn):
    return {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}


def bounded(arn):
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def account():
    """An account with one of everything, in the form in which the AWS CLI prints it."""
    deploy = {
        "Path": "/ci/", "RoleName": "deploy", "RoleId": "AROA" + "A" * 17, "Arn": source("role/ci/deploy"),
        "CreateDate": DATE,
        # Two roles that trust each other, and a user.
        "AssumeRolePolicyDocument": trust(AWS=[source("role/audit"), source("user/staff/alice")]),
        "InstanceProfileList": [
            {
                "Path": "/ci/", "InstanceProfileName": "runners", "InstanceProfileId": "AIPA" + "A" * 17,
                "Arn": source("instance-profile/ci/runners"), "CreateDate": DATE, "Roles": [],
            }
        ],
        "RolePolicyList": [{"PolicyName": "queue", "PolicyDocument": statement(
            "sqs:SendMessage", resource=f"arn:aws:sqs:eu-west-1:{SOURCE}:jobs",
            Condition={"StringEquals": {"aws:ResourceAccount": SOURCE}},
        )}],
        "AttachedManagedPolicies": [attached(source("policy/app/Developer"))],
        "PermissionsBoundary": bounded(source("policy/Limit")),
        "Tags": [{"Key": "team", "Value": "a"}],
        "RoleLastUsed": {"LastUsedDate": DATE, "Region": "eu-west-1"},
    }  # fmt: skip
    audit = {
        "Path": "/", "RoleName": "audit", "RoleId": "AROA" + "B" * 17, "Arn": source("role/audit"), "CreateDate": DATE,
        "AssumeRolePolicyDocument": trust(AWS=source("role/ci/deploy"), Service="ec2.amazonaws.com"),
        "InstanceProfileList": [], "RolePolicyList": [], "AttachedManagedPolicies": [attached(READ_ONLY)], "Tags": [],
        "RoleLastUsed": {},
    }  # fmt: skip
    linked = {
        "Path": "/aws-service-role/autoscaling.amazonaws.com/", "RoleName": LINKED, "RoleId": "AROA" + "C" * 17,
        "Arn": source(f"role/aws-service-role/autoscaling.amazonaws.com/{LINKED}"), "CreateDate": DATE,
        "AssumeRolePolicyDocument": trust(Service="autoscaling.amazonaws.com"), "InstanceProfileList": [],
        "RolePolicyList": [], "RoleLastUsed": {}, "Tags": [],
        "AttachedManagedPolicies": [attached("arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy")],
    }  # fmt: skip
    alice = {
        "Path": "/staff/", "UserName": "alice", "UserId": "AIDA" + "A" * 17, "Arn": source("user/staff/alice"),
        "CreateDate": DATE, "GroupList": ["developers"], "AttachedManagedPolicies": [],
        "UserPolicyList": [
            # `%3A` in a document stays as it is.
            {"PolicyName": "own", "PolicyDocument": statement("s3:GetObject", resource="arn:aws:s3:::home/%3A/alice")},
            {"PolicyName": "not", "PolicyDocument": statement("s3:DeleteBucket", effect="Deny")},
        ],
        "PermissionsBoundary": bounded(source("policy/Limit")),
        "Tags": [{"Key": "team", "Value": "a"}, {"Key": "floor", "Value": ""}],
    }  # fmt: skip
    developers = {
        "Path": "/", "GroupName": "developers", "GroupId": "AGPA" + "A" * 17, "Arn": source("group/developers"),
        "CreateDate": DATE, "GroupPolicyList": [],
        "AttachedManagedPolicies": [attached(source("policy/app/Developer"))],
    }  # fmt: skip
    versions = [version(number, statement(f"s3:Get{number}*")) for number in (2, 4, 5)]
    versions[1]["IsDefaultVersion"] = True
    return {
        "UserDetailList": [alice],
        "GroupDetailList": [developers],
        "RoleDetailList": [deploy, audit, linked],
        "Policies": [
            managed("Developer", *reversed(versions), path="/app/"),
            managed("Limit", version(1, statement("s3:*", "sqs:*", "sts:*"), default=True)),
        ],
    }


NAMES = {
    f"role/{LINKED}", "policy/Developer", "policy/Limit", "group/developers", "user/alice", "role/deploy", "role/audit",
    "instance-profile/runners",
}  # fmt: skip


@pytest.fixture
def target(tmp_path):
    """A server whose account is empty."""
    folder = tmp_path / "target"
    folder.mkdir()
    server = Server(folder).start()
    yield server
    server.stop()


@pytest.fixture
def load(target, tmp_path):
    """Imports a file, and returns the exit code and the report, by outcome."""

    def load(content, *flags, credentials=None):
        path = tmp_path / "account.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=4))
        environment = client_environment(target, credentials or target.root)
        done = run("import", "account", "--json", *flags, path, environment=environment)
        if done.returncode == 2:
            return 2, done.stderr
        report, outcomes = json.loads(done.stdout), {}
        for each in report["objects"]:
            outcomes.setdefault(each["outcome"], {})[each["object"]] = each["reasons"] or each["steps"]
        load.report = report
        return done.returncode, outcomes

    return load


def exported(server):
    """What the AWS CLI prints of the server's account."""
    environment = clean_environment() | client_environment(server, server.root)
    done = subprocess.run(
        [CLI, "iam", "get-account-authorization-details", "--output", "json"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def plain(text, account):
    """An export without ids, dates, use and the account; versions by their place."""

    def clean(value):
        if isinstance(value, list):
            return sorted((clean(each) for each in value), key=json.dumps)
        if not isinstance(value, dict):
            return value.replace(account, "ACCOUNT") if isinstance(value, str) else value
        if "PolicyVersionList" in value:
            versions = sorted(value["PolicyVersionList"], key=lambda each: int(each["VersionId"][1:]))
            value = value | {"PolicyVersionList": [each | {"VersionId": n} for n, each in enumerate(versions)]}
        gone = ("RoleLastUsed", "DefaultVersionId")
        return {
            key: clean(each)
            for key, each in value.items()
            if key not in gone and not key.endswith("Date") and not (key.endswith("Id") and key != "VersionId")
        }

    return clean(json.loads(text))


def test_everything_is_loaded_once(target, load):
    aws = AwsApi(target, target.root)
    code, outcomes = load(account())
    assert (code, set(outcomes)) == (0, {"created"}) and set(outcomes["created"]) == NAMES
    assert not load.report["applied"] and load.report["sourceAccount"] == SOURCE
    assert aws.items("ListUsers", "Users") == [] and aws.items("ListRoles", "Roles") == []

    code, outcomes = load(account(), "--apply")
    assert (code, set(outcomes["created"])) == (0, NAMES), outcomes
    for flags in (["--apply"], []):
        code, outcomes = load(account(), *flags)
        assert code == 0 and set(outcomes) == {"equal"} and set(outcomes["equal"]) == NAMES, outcomes

    def arn(resource):
        return f"arn:aws:iam::{target.account}:{resource}"

    user = aws.call("GetUser", UserName="alice")["User"]
    assert user["Arn"] == arn("user/staff/alice")
    assert user["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn("policy/Limit")
    assert {tag["Key"]: tag["Value"] for tag in user["Tags"]} == {"team": "a", "floor": ""}
    assert [group["GroupName"] for group in aws.call("ListGroupsForUser", UserName="alice")["Groups"]] == ["developers"]
    own = aws.call("GetUserPolicy", UserName="alice", PolicyName="own")["PolicyDocument"]
    assert own == statement("s3:GetObject", resource="arn:aws:s3:::home/%3A/alice")
    found = aws.call("GetPolicy", PolicyArn=arn("policy/app/Developer"))["Policy"]
    assert (found["DefaultVersionId"], found["AttachmentCount"]) == ("v2", 2)
    role = aws.call("GetRole", RoleName="deploy")["Role"]
    assert role["AssumeRolePolicyDocument"] == trust(AWS=[arn("role/audit"), arn("user/staff/alice")])
    queue = aws.call("GetRolePolicy", RoleName="deploy", PolicyName="queue")["PolicyDocument"]["Statement"][0]
    assert queue["Resource"] == f"arn:aws:sqs:eu-west-1:{target.account}:jobs"
    assert queue["Condition"] == {"StringEquals": {"aws:ResourceAccount": target.account}}
    (profile,) = aws.call("ListInstanceProfilesForRole", RoleName="deploy")["InstanceProfiles"]
    assert profile["Arn"] == arn("instance-profile/ci/runners")


def test_a_changed_file_changes_what_differs(target, load):
    aws = AwsApi(target, target.root)
    assert load(account(), "--apply")[0] == 0
    aws.call("CreateUser", UserName="not-in-the-file")
    changed = account()
    (alice,), (developers,), (deploy, _, _) = (changed[kind + "DetailList"] for kind in ("User", "Group", "Role"))
    alice |= {"Path": "/moved/", "GroupList": [], "Tags": [{"Key": "team", "Value": "b"}], "Arn": source("user/moved/alice")}
    del alice["PermissionsBoundary"]
    alice["UserPolicyList"] = [
        {"PolicyName": "own", "PolicyDocument": statement("s3:PutObject")},
        {"PolicyName": "new", "PolicyDocument": statement("s3:Put*", effect="Deny")},
    ]
    developers["AttachedManagedPolicies"] = [attached(READ_ONLY)]
    deploy["AssumeRolePolicyDocument"] = trust(Service="ec2.amazonaws.com")
    deploy["InstanceProfileList"] = []
    code, outcomes = load(changed, "--keep-existing", "--apply")
    assert code == 0 and set(outcomes["kept"]) == {"user/alice", "group/developers", "role/deploy"}, outcomes
    code, outcomes = load(changed)
    assert code == 0 and set(outcomes) == {"changed", "equal"}, outcomes
    # What narrows comes first, the boundary and what denies go last.
    assert outcomes["changed"]["user/alice"] == [
        "move it from path /staff/ to /moved/",
        "put inline policy new",
        "replace inline policy own",
        "remove the boundary",
        "delete inline policy not",
        "remove it from group/developers",
        "remove the tags floor",
        "set the tags team",
    ]
    assert outcomes["changed"]["role/deploy"] == ["set the trust policy"]
    assert load(changed, "--apply")[0] == 0
    code, outcomes = load(changed, "--apply")
    assert code == 0 and set(outcomes) == {"equal"}, outcomes
    assert len(aws.call("ListUsers")["Users"]) == 2


def documents_of(aws, arn):
    versions = aws.call("ListPolicyVersions", PolicyArn=arn)["Versions"]
    found = {}
    for each in versions:
        shown = aws.call("GetPolicyVersion", PolicyArn=arn, VersionId=each["VersionId"])["PolicyVersion"]
        found[shown["Document"]["Statement"][0]["Action"][0]] = each["IsDefaultVersion"]
    return found


def test_versions_become_those_of_the_file(target, load):
    aws = AwsApi(target, target.root)
    arn = f"arn:aws:iam::{target.account}:policy/p"

    def file(default, *names):
        versions = [version(n, statement(f"s3:{name}"), name == default) for n, name in enumerate(names, 1)]
        return {"Policies": [managed("p", *versions)]}

    for default, names in [
        ("A", "A"), ("B", "AB"), ("A", "AB"), ("C", "ABCDE"), ("F", "ABDEF"), ("A", "AGHIJ"), ("K", "KLMNO"), ("O", "LMNOP"),
        ("L", "L"),
    ]:  # fmt: skip
        code, outcomes = load(file(default, *names), "--apply")
        assert code == 0, outcomes
        assert documents_of(aws, arn) == {f"s3:{name}": name == default for name in names}
        assert set(load(file(default, *names))[1]) == {"equal"}


def test_what_cannot_be_loaded_is_named_and_the_rest_is_loaded(target, load):
    aws = AwsApi(target, target.root)
    content = account()
    missing = "arn:aws:iam::aws:policy/AmazonUnheardOfAccess"
    template = content["UserDetailList"][0]

    def user(name, **members):
        new = copy.deepcopy(template) | {"UserName": name, "Arn": source(f"user/{name}"), "Path": "/"} | members
        content["UserDetailList"].append(new)

    user("missing-policy", AttachedManagedPolicies=[attached(missing)])
    user("missing-group", GroupList=["nobody"])
    user("bad name")
    user("bad-document", UserPolicyList=[{"PolicyName": "x", "PolicyDocument": {"Statement": [{"Effect": "Allowed"}]}}])
    user("unknown-member", Shoe=44)
    user("bad-boundary", PermissionsBoundary=bounded(source("policy/Other")))
    content["Policies"].append(managed("Fine", version(1, statement("s3:*"), default=True), arn=missing))
    own = statement("*")
    content["Policies"].append(managed("ReadOnlyAccess", version(9, own, default=True), arn=READ_ONLY))
    deleted = copy.deepcopy(content["RoleDetailList"][1]) | {"RoleName": "deleted", "Arn": source("role/deleted")}
    deleted["AssumeRolePolicyDocument"] = trust(AWS="AIDA" + "Z" * 17)
    needs = copy.deepcopy(deleted) | {"RoleName": "needs", "Arn": source("role/needs")}
    needs["AssumeRolePolicyDocument"] = trust(AWS=source("user/missing-group"))
    content["RoleDetailList"] += [deleted, needs]
    for flags in ([], ["--apply"]):
        code, outcomes = load(content, *flags)
        assert code == 1 and set(outcomes["created"]) == NAMES | (set() if flags else {"role/deleted"}), outcomes
        cannot = {name: "; ".join(reasons) for name, reasons in outcomes["cannot be loaded"].items()}
        for name, words in {
            "user/missing-policy": f"it needs {missing}, which cannot be loaded",
            missing: "an AWS managed policy that this deployment does not have: load it with `bailiwick import managed-policies`",
            "user/missing-group": "it needs group/nobody, which neither the file nor the account has",
            "user/bad name": "CreateUser: The specified value for userName is invalid.",
            "user/bad-document": "inline policy `x`: ",
            "UserDetailList[5] unknown-member": "unrecognized field name 'Shoe'",
            "user/bad-boundary": "it needs policy/Other, which neither the file nor the account has",
            "role/needs": "it needs user/missing-group, which cannot be loaded",
        }.items():
            assert words in cannot.pop(name), name
        # Only the server knows whom a unique id stands for.
        assert set(cannot) == ({"role/deleted"} if flags else set())
        assert set(outcomes["kept"]) == {READ_ONLY}
    assert "Invalid principal" in outcomes["cannot be loaded"]["role/deleted"][0]
    # What was made of it before is gone.
    refused(aws, "NoSuchEntity", "GetRole", RoleName="deleted")


def test_a_refused_call_takes_back_the_others(target, load, tmp_path):
    aws = AwsApi(target, target.root)
    content = account()
    # Each of them alone fits, together they do not, which only the server finds.
    big = [{"PolicyName": f"p{n}", "PolicyDocument": statement("s3:Get" + "x" * 1200)} for n in range(2)]
    content["UserDetailList"][0]["UserPolicyList"] = big
    code, outcomes = load(content, "--apply")
    assert code == 1 and "LimitExceeded" in outcomes["cannot be loaded"]["user/alice"][0], outcomes
    refused(aws, "NoSuchEntity", "GetUser", UserName="alice")
    assert load(account(), "--apply")[0] == 0
    before = plain(exported(target), target.account)
    code, outcomes = load(content, "--apply")
    assert code == 1 and "LimitExceeded" in outcomes["cannot be loaded"]["user/alice"][0], outcomes
    assert plain(exported(target), target.account) == before


def test_an_import_that_was_killed_is_completed_by_the_next(target, load, tmp_path):
    aws = AwsApi(target, target.root)
    content = account()
    template = content["UserDetailList"][0]
    for n in range(100):
        content["UserDetailList"].append(template | {"UserName": f"u{n}", "Arn": source(f"user/u{n}"), "Path": "/"})
    path = tmp_path / "killed.json"
    path.write_text(json.dumps(content))
    environment = clean_environment() | client_environment(target, target.root)
    process = subprocess.Popen([BINARY, "import", "account", "--apply", path], env=environment, stdout=subprocess.DEVNULL)
    until(lambda: process.poll() is not None or aws.call("ListUsers")["Users"], "no user was imported")
    process.kill()
    process.wait()
    code, outcomes = load(content, "--apply")
    assert code == 0 and set(outcomes) <= {"created", "changed", "equal"}, outcomes
    assert set(load(content)[1]) == {"equal"}


def test_an_import_has_no_rights_of_its_own(target, load):
    aws = AwsApi(target, target.root)
    rights = {
        "nothing": [],
        "reader": ["iam:Get*", "iam:List*"],
        "users": ["iam:Get*", "iam:List*", "iam:CreateUser", "iam:DeleteUser", "iam:TagUser"],
    }
    made = {}
    for name, actions in rights.items():
        aws.call("CreateUser", UserName=name)
        if actions:
            aws.call("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=policy(*actions))
        made[name] = Credentials.of(aws.call("CreateAccessKey", UserName=name)["AccessKey"])
    done = run("import", "account", "-", environment=client_environment(target, made["nothing"]), stdin=json.dumps(account()))
    assert done.returncode == 1 and "AccessDenied" in done.stderr and "nothing was changed" in done.stderr, done
    assert load(account(), credentials=made["reader"])[0] == 0
    for who in ("reader", "users"):
        code, outcomes = load(account(), "--apply", credentials=made[who])
        assert code == 1 and set(outcomes["cannot be loaded"]) == NAMES, outcomes
        # The user's boundary was not created either.
        codes = {name: reasons[0].split(": ")[1] for name, reasons in outcomes["cannot be loaded"].items()}
        denied = dict.fromkeys(NAMES, "AccessDenied")
        assert codes == denied | ({"user/alice": "NoSuchEntity"} if who == "users" else {})
    refused(aws, "NoSuchEntity", "GetUser", UserName="alice")
    # Their own user is not changed by their own command.
    reader = copy.deepcopy(account()["UserDetailList"][0])
    reader |= {"UserName": "reader", "Arn": source("user/reader"), "Path": "/", "GroupList": []}
    del reader["PermissionsBoundary"]
    code, outcomes = load({"UserDetailList": [reader]}, "--apply", credentials=made["reader"])
    assert "the user whose credentials this command uses" in outcomes["cannot be loaded"]["user/reader"][0]


def test_a_bad_file_is_refused_with_file_and_reason(load):
    for content, words in [
        ("{", "account.json: EOF while parsing an object at line 1"),
        ("[]", "account.json: found an array; expected what `aws iam get-account-authorization-details"),
        ({"UserDetailList": [], "IsTruncated": True}, "it is one page of several"),
        ({"Users": []}, "`Users` is not expected"),
    ]:
        code, said = load(content)
        assert code == 2 and words in said and "nothing was imported" in said, said


def test_text_output_says_what_to_do(target, tmp_path):
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account()))
    done = run("import", "account", path, environment=client_environment(target, target.root))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "would be created: policy/Developer" and "would be created: user/alice" in lines
    assert lines[-3:] == [
        "8 would be created, 0 would be changed, 0 equal",
        f"5 values in documents that name account {SOURCE} name {target.account} instead",
        "nothing was changed; --apply makes the changes",
    ]


@pytest.mark.skipif(not CLI.exists(), reason="the AWS CLI is not installed")
def test_round_trip_of_a_thousand_users(target, load, tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    other = Server(folder, account=SOURCE).start()
    try:
        path = tmp_path / "first.json"
        content = account()
        template = content["UserDetailList"][0]
        for n in range(1000):
            name = f"user-{n:04}"
            new = template | {"UserName": name, "Arn": source(f"user/{name}"), "Path": "/"}
            content["UserDetailList"].append(new)
        path.write_text(json.dumps(content))
        done = run("import", "account", "--apply", path, environment=client_environment(other, other.root))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        first = exported(other)
    finally:
        other.stop()
    begun = time.monotonic()
    code, outcomes = load(first, "--apply")
    assert code == 0 and len(outcomes["created"]) == 1000 + len(NAMES), outcomes
    print(f"1,000 users in {time.monotonic() - begun:.1f} s")
    assert set(load(first, "--apply")[1]) == {"equal"}
    assert plain(exported(target), target.account) == plain(first, SOURCE)


def test_names_in_a_file_do_not_control_the_terminal(target, tmp_path):
    """A file of others cannot clear the screen, or add a line to the report or to an error."""
    name = "x\x1b[2J\x9b1A\r\nwould be created: user/admin\u202e"
    user = {"UserName": name, "Path": "/", "Arn": source("user/x"), "UserPolicyList": [{"PolicyName": name, "PolicyDocument": 1}]}
    unread = {"UserDetailList": [user, user | {"UserPolicyList": [], "UserName": "bob", "GroupList": [name]}]}
    path = tmp_path / "account.json"
    texts = [unread, {name: []}, {"UserDetailList": [], "RoleDetailList": name}, {"UserDetailList": [{"Arn": f"arn:aws:iam::{name}:user/x"}, user]}]
    for content in texts:
        path.write_text(json.dumps(content))
        done = run("import", "account", path, environment=client_environment(target, target.root))
        said = done.stdout + done.stderr
        assert done.returncode in (1, 2) and said
        assert not [each for each in said if each in "\x1b\x9b\r\u202e"], said
        assert "\nwould be created: user/admin" not in said, said
