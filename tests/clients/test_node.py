"""AWS's unmodified SDK for JavaScript, `@aws-sdk/client-iam`, against the server.

Needs `npm`, which installs the pinned packages of `tests/node`.
"""

import json
import shutil
import subprocess
from urllib.parse import unquote

import pytest
from support.documents import policy, trust
from support.server import ROOT, clean_environment, client_environment

pytestmark = pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")

READ = policy("s3:Get*")


@pytest.fixture(scope="module")
def node(server, tmp_path_factory):
    """Makes calls as root, and returns the answers."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "iam.mjs"):
        shutil.copy(ROOT / "tests" / "node" / name, folder)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=folder, check=True, timeout=300)
    environment = clean_environment() | client_environment(server, server.root) | {"AWS_REGION": "eu-central-1"}

    def run(*calls):
        done = subprocess.run(
            ["node", "iam.mjs"], cwd=folder, env=environment, input=json.dumps(calls), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_users_groups_and_keys(node, server):
    bob = {"UserName": "bob"}
    made, got, _, _, key, _, users, groups, keys, last = node(
        ["CreateUser", bob | {"Path": "/staff/", "Tags": [{"Key": "team", "Value": "a"}]}],
        ["GetUser", bob],
        ["CreateGroup", {"GroupName": "developers"}],
        ["AddUserToGroup", bob | {"GroupName": "developers"}],
        ["CreateAccessKey", bob],
        ["UntagUser", bob | {"TagKeys": ["team"]}],
        ["ListUsers", {"PathPrefix": "/staff/"}],
        ["ListGroupsForUser", bob],
        ["ListAccessKeys", bob],
        ["GetAccessKeyLastUsed", {"AccessKeyId": server.root.access_key_id}],
    )
    assert made["User"]["Arn"] == f"arn:aws:iam::{server.account}:user/staff/bob"
    assert got["User"] == made["User"] | {"Tags": [{"Key": "team", "Value": "a"}]}
    # A date of the SDK is a `Date`, which JSON writes with milliseconds.
    assert got["User"]["CreateDate"].endswith(".000Z")
    assert users["Users"] == [{name: each for name, each in made["User"].items() if name != "Tags"}]
    assert users["IsTruncated"] is False
    assert [group["GroupName"] for group in groups["Groups"]] == ["developers"]
    assert len(key["AccessKey"]["SecretAccessKey"]) == 40
    (listed,) = keys["AccessKeyMetadata"]
    assert listed["AccessKeyId"] == key["AccessKey"]["AccessKeyId"] and listed["Status"] == "Active"
    assert last["AccessKeyLastUsed"]["ServiceName"] == "iam"


def test_policies_and_roles(node, server):
    arn = f"arn:aws:iam::{server.account}:policy/read"
    made, version, _, role, got, attached, simulated, summary, versions = node(
        ["CreatePolicy", {"PolicyName": "read", "PolicyDocument": READ}],
        ["GetPolicyVersion", {"PolicyArn": arn, "VersionId": "v1"}],
        ["CreateRole", {"RoleName": "reader", "AssumeRolePolicyDocument": trust(server.account), "MaxSessionDuration": 7200}],
        ["AttachRolePolicy", {"RoleName": "reader", "PolicyArn": arn}],
        ["GetRole", {"RoleName": "reader"}],
        ["ListAttachedRolePolicies", {"RoleName": "reader"}],
        ["SimulatePrincipalPolicy", {"PolicySourceArn": f"arn:aws:iam::{server.account}:role/reader", "ActionNames": ["s3:GetObject"]}],
        ["GetAccountSummary", {}],
        ["ListPolicyVersions", {"PolicyArn": arn}],
    )  # fmt: skip
    assert (made["Policy"]["Arn"], made["Policy"]["DefaultVersionId"]) == (arn, "v1")
    # Percent-encoded, as on AWS.
    assert version["PolicyVersion"]["Document"].startswith("%7B")
    assert unquote(version["PolicyVersion"]["Document"]) == READ
    assert role == {}
    assert got["Role"]["MaxSessionDuration"] == 7200
    assert attached["AttachedPolicies"] == [{"PolicyName": "read", "PolicyArn": arn}]
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
    assert summary["SummaryMap"]["Policies"] == 1
    assert [each["VersionId"] for each in versions["Versions"]] == ["v1"]


def test_pages(node):
    names = [f"page-{n}" for n in range(5)]
    *_, paged = node(
        *(["CreateGroup", {"GroupName": name, "Path": "/pages/"}] for name in names),
        ["paginateListGroups", {"PathPrefix": "/pages/", "MaxItems": 2}],
    )
    pages = [[group["GroupName"] for group in page["Groups"]] for page in paged["pages"]]
    assert pages == [names[:2], names[2:4], names[4:]]


@pytest.mark.parametrize(
    ("call", "name", "type_", "status"),
    [
        (["GetUser", {"UserName": "missing"}], "NoSuchEntityException", "NoSuchEntityException", 404),
        (["CreateUser", {"UserName": "a b"}], "ValidationError", "IAMServiceException", 400),
        (
            ["CreatePolicy", {"PolicyName": "p", "PolicyDocument": "{}"}],
            "MalformedPolicyDocumentException",
            "MalformedPolicyDocumentException",
            400,
        ),
    ],
)
def test_errors(node, call, name, type_, status):
    (answer,) = node(call)
    error = answer["error"]
    assert error["message"] and error["fault"] == "client"
    assert (error["name"], error["type"], error["status"]) == (name, type_, status)
