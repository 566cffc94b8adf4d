"""A day of an administrator, with the unmodified AWS CLI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.api import REGION
from support.documents import policy, trust
from support.server import clean_environment

AWS = Path(sys.executable).with_name("aws")


class Cli:
    """The AWS CLI with given credentials; its environment names the server."""

    def __init__(self, server, key, secret, token=None):
        self.server = server
        self.environment = clean_environment() | {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": server.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
        }
        if token:
            self.environment["AWS_SESSION_TOKEN"] = token

    def run(self, *arguments):
        """Runs a command until it exits."""
        return subprocess.run(
            [sys.executable, str(AWS), *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=120
        )

    def __call__(self, *arguments, text=False):
        """The output of a command, parsed as JSON."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"aws {' '.join(map(str, arguments))}\n{done.stderr}"
        if text:
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments):
        """The error of a refused command."""
        done = self.run(*arguments)
        assert done.returncode in (254, 255), (done.returncode, done.stdout, done.stderr)
        return done.stderr.strip()


@pytest.fixture(scope="module")
def root(server):
    """The CLI as the root user."""
    return Cli(server, server.root.access_key_id, server.root.secret_access_key)


def cli_of(server, key):
    """The CLI with an access key or a session's credentials."""
    return Cli(server, key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken"))


def test_a_day(server, root, tmp_path):
    account = server.account
    # The caller's identity.
    assert root("sts", "get-caller-identity") == {
        "UserId": account,
        "Account": account,
        "Arn": f"arn:aws:iam::{account}:root",
    }
    root("iam", "create-account-alias", "--account-alias", "bailiwick-day")
    assert root("iam", "list-account-aliases")["AccountAliases"] == ["bailiwick-day"]

    # An administrator, who replaces root: a user, a group, a built-in policy, a key.
    root("iam", "create-group", "--group-name", "Administrators")
    admin_policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    root("iam", "attach-group-policy", "--group-name", "Administrators", "--policy-arn", admin_policy)
    root("iam", "create-user", "--user-name", "alice", "--tags", "Key=team,Value=blue")
    root("iam", "add-user-to-group", "--group-name", "Administrators", "--user-name", "alice")
    key = root("iam", "create-access-key", "--user-name", "alice")["AccessKey"]
    alice = cli_of(server, key)
    assert alice("iam", "get-user")["User"]["UserName"] == "alice"

    # Alice creates two developers in a group, with a customer managed policy from a file.
    text = policy(
        {"Sid": "OwnKeys", "Action": "iam:*AccessKey*", "Resource": f"arn:aws:iam::{account}:user/staff/${{aws:username}}"},
        {"Sid": "Look", "Action": ["iam:Get*", "iam:List*"]},
        {"Sid": "Work", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{account}:role/deploy-*"},
    )
    (tmp_path / "developer.json").write_text(text)
    made = alice(
        "iam", "create-policy", "--policy-name", "Developer", "--policy-document", f"file://{tmp_path}/developer.json",
        "--description", "what developers may do",
    )  # fmt: skip
    arn = made["Policy"]["Arn"]
    alice("iam", "create-group", "--group-name", "Developers")
    alice("iam", "attach-group-policy", "--group-name", "Developers", "--policy-arn", arn)
    for user_name in ("bob", "carol"):
        alice("iam", "create-user", "--user-name", user_name, "--path", "/staff/")
        alice("iam", "add-user-to-group", "--group-name", "Developers", "--user-name", user_name)
    group = alice("iam", "get-group", "--group-name", "Developers")
    assert [user["UserName"] for user in group["Users"]] == ["bob", "carol"]
    listed = alice("iam", "list-users", "--path-prefix", "/staff/", "--query", "Users[].UserName")
    assert listed == ["bob", "carol"]
    bob = cli_of(server, alice("iam", "create-access-key", "--user-name", "bob")["AccessKey"])

    # Bob reads, and is denied changes.
    assert bob("iam", "get-policy-version", "--policy-arn", arn, "--version-id", "v1")["PolicyVersion"][
        "Document"
    ] == json.loads(text)
    said = bob.refused("iam", "create-user", "--user-name", "mallory")
    assert "An error occurred (AccessDenied) when calling the CreateUser operation" in said
    assert f"User: arn:aws:iam::{account}:user/staff/bob is not authorized to perform: iam:CreateUser" in said
    assert f"on resource: arn:aws:iam::{account}:user/mallory" in said
    assert "because no identity-based policy allows the iam:CreateUser action" in said

    # A role for deployments; Bob assumes it and does what only the role may do.
    (tmp_path / "trust.json").write_text(trust(account))
    role = alice(
        "iam", "create-role", "--role-name", "deploy-web", "--assume-role-policy-document", f"file://{tmp_path}/trust.json",
        "--max-session-duration", "7200",
    )["Role"]  # fmt: skip
    alice(
        "iam", "put-role-policy", "--role-name", "deploy-web", "--policy-name", "tagging", "--policy-document",
        policy({"Action": ["iam:TagRole", "iam:GetRole"], "Resource": role["Arn"]}),
    )  # fmt: skip
    session = bob("sts", "assume-role", "--role-arn", role["Arn"], "--role-session-name", "release-1", "--duration-seconds", "900")
    deploying = cli_of(server, session["Credentials"])
    assert deploying("sts", "get-caller-identity")["Arn"] == f"arn:aws:sts::{account}:assumed-role/deploy-web/release-1"
    deploying("iam", "tag-role", "--role-name", "deploy-web", "--tags", "Key=released,Value=1")
    assert alice("iam", "list-role-tags", "--role-name", "deploy-web")["Tags"] == [{"Key": "released", "Value": "1"}]
    assert "AccessDenied" in deploying.refused("iam", "list-users")
    assert "AccessDenied" in cli_of(server, key).refused(
        "sts", "assume-role", "--role-arn", f"arn:aws:iam::{account}:role/missing", "--role-session-name", "release-1"
    )

    # Bob rotates an access key.
    new = bob("iam", "create-access-key")["AccessKey"]
    bob_again = cli_of(server, new)
    old = bob.environment["AWS_ACCESS_KEY_ID"]
    bob_again("iam", "update-access-key", "--access-key-id", old, "--status", "Inactive")
    assert "InvalidClientTokenId" in bob.refused("iam", "get-user")
    bob_again("iam", "delete-access-key", "--access-key-id", old)
    assert [k["AccessKeyId"] for k in bob_again("iam", "list-access-keys")["AccessKeyMetadata"]] == [new["AccessKeyId"]]

    # A second version of the policy becomes the default, then the first again.
    better = policy("iam:Get*", "iam:*AccessKey*")
    alice("iam", "create-policy-version", "--policy-arn", arn, "--policy-document", better, "--set-as-default")
    assert "AccessDenied" in bob_again.refused("iam", "list-users")
    alice("iam", "set-default-policy-version", "--policy-arn", arn, "--version-id", "v1")
    bob_again("iam", "list-users")
    alice("iam", "delete-policy-version", "--policy-arn", arn, "--version-id", "v2")

    # The content of the account.
    details = alice("iam", "get-account-authorization-details", "--filter", "User", "Group")
    assert {user["UserName"] for user in details["UserDetailList"]} == {"alice", "bob", "carol"}
    summary = alice("iam", "get-account-summary")["SummaryMap"]
    assert (summary["Users"], summary["Groups"], summary["Roles"], summary["Policies"]) == (3, 2, 1, 1)
    assert alice("iam", "list-entities-for-policy", "--policy-arn", arn)["PolicyGroups"][0]["GroupName"] == "Developers"

    # Carol is deleted, after everything that belongs to the user.
    said = alice.refused("iam", "delete-user", "--user-name", "carol")
    assert "(DeleteConflict)" in said and "must remove users from group first" in said
    alice("iam", "remove-user-from-group", "--group-name", "Developers", "--user-name", "carol")
    alice("iam", "delete-user", "--user-name", "carol")
    assert "(NoSuchEntity)" in alice.refused("iam", "get-user", "--user-name", "carol")

    # The error of a mistake is clear.
    said = alice.refused("iam", "create-user", "--user-name", "a b")
    assert "(ValidationError)" in said and "userName" in said
    said = alice.refused("iam", "create-policy", "--policy-name", "Broken", "--policy-document", "{")
    assert "(MalformedPolicyDocument)" in said


def test_pages_of_the_cli(server, root):
    for number in range(5):
        root("iam", "create-group", "--group-name", f"paged-{number}", "--path", "/paged/")
    page = root("iam", "list-groups", "--path-prefix", "/paged/", "--max-items", "2", "--page-size", "2")
    assert len(page["Groups"]) == 2 and page["NextToken"]
    rest = root("iam", "list-groups", "--path-prefix", "/paged/", "--starting-token", page["NextToken"], "--page-size", "2")
    assert [g["GroupName"] for g in page["Groups"] + rest["Groups"]] == [f"paged-{number}" for number in range(5)]


def test_waiters(root):
    root("iam", "create-user", "--user-name", "waited")
    root("iam", "wait", "user-exists", "--user-name", "waited")


def test_text_output(root):
    root("iam", "create-user", "--user-name", "as-text")
    shown = root("iam", "get-user", "--user-name", "as-text", "--query", "User.Arn", "--output", "text", text=True)
    assert shown.strip().endswith(":user/as-text")
