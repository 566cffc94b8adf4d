"""Ansible's unmodified modules for IAM against the server: present, unchanged, absent.

Needs `ansible-playbook`, the collection `amazon.aws` where Ansible looks for collections, and boto3 beside Ansible:
`cargo xtask test` installs all three in an environment of their own.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.api import AwsApi
from support.expect import refused
from support.server import TARGET, clean_environment

INSTALLED = sorted(TARGET.glob("ansible/*/.complete"), key=lambda path: path.stat().st_mtime)
PLAYBOOK = str(INSTALLED[-1].with_name("bin") / "ansible-playbook") if INSTALLED else shutil.which("ansible-playbook")


def collection_is_there() -> bool:
    if not PLAYBOOK:
        return False
    listed = subprocess.run(
        [Path(PLAYBOOK).with_name("ansible-galaxy"), "collection", "list", "amazon.aws", "--format", "json"],
        capture_output=True,
        text=True,
    )
    return listed.returncode == 0 and "amazon.aws" in listed.stdout


pytestmark = [
    pytest.mark.skipif(not PLAYBOOK, reason="ansible-playbook is not installed"),
    pytest.mark.skipif(bool(PLAYBOOK) and not collection_is_there(), reason="Ansible's collection amazon.aws is not installed"),
]

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

PRESENT = [
    {"amazon.aws.iam_managed_policy": {"name": "read", "policy": READ, "state": "present"}},
    {"amazon.aws.iam_group": {"name": "developers", "managed_policies": [READ_ONLY], "state": "present"}},
    {"amazon.aws.iam_user": {"name": "bob", "managed_policies": [READ_ONLY], "tags": {"team": "a"}, "state": "present"}},
    {"amazon.aws.iam_group": {"name": "developers", "users": ["bob"], "state": "present"}},
    {
        "amazon.aws.iam_policy": {
            "iam_type": "user",
            "iam_name": "bob",
            "policy_name": "inline",
            "policy_json": json.dumps(READ),
            "state": "present",
        }
    },
    {
        "amazon.aws.iam_role": {
            "name": "reader",
            "assume_role_policy_document": TRUST,
            "managed_policies": [READ_ONLY],
            "create_instance_profile": False,
            "tags": {"team": "a"},
            "state": "present",
        }
    },
    {
        "amazon.aws.iam_policy": {
            "iam_type": "group",
            "iam_name": "developers",
            "policy_name": "inline",
            "policy_json": json.dumps(READ),
            "state": "present",
        }
    },
    {"amazon.aws.iam_instance_profile": {"name": "web", "role": "reader", "path": "/", "tags": {"team": "a"}, "state": "present"}},
    {
        "amazon.aws.iam_password_policy": {
            "min_pw_length": 12,
            "require_symbols": True,
            "require_numbers": True,
            "require_uppercase": True,
            "require_lowercase": True,
            "allow_pw_change": True,
            "pw_max_age": 60,
            "pw_reuse_prevent": 5,
            "state": "present",
        }
    },
    {"amazon.aws.iam_policy_info": {"iam_type": "user", "iam_name": "bob"}},
    {"amazon.aws.iam_access_key_info": {"user_name": "bob"}},
    {"amazon.aws.iam_user_info": {"name": "bob"}},
    {"amazon.aws.iam_role_info": {"name": "reader"}},
    {"amazon.aws.iam_instance_profile_info": {}},
    {"amazon.aws.iam_mfa_device_info": {}},
]

ABSENT = [
    {
        "amazon.aws.iam_policy": {
            "iam_type": "user",
            "iam_name": "bob",
            "policy_name": "inline",
            "state": "absent",
        }
    },
    # The module of groups deletes attached policies with the group, and no inline ones.
    {
        "amazon.aws.iam_policy": {
            "iam_type": "group",
            "iam_name": "developers",
            "policy_name": "inline",
            "state": "absent",
        }
    },
    {"amazon.aws.iam_user": {"name": "bob", "state": "absent"}},
    {"amazon.aws.iam_group": {"name": "developers", "state": "absent"}},
    {"amazon.aws.iam_instance_profile": {"name": "web", "state": "absent"}},
    {"amazon.aws.iam_role": {"name": "reader", "state": "absent", "delete_instance_profile": True}},
    {"amazon.aws.iam_password_policy": {"state": "absent"}},
    {"amazon.aws.iam_managed_policy": {"name": "read", "state": "absent"}},
    {"amazon.aws.iam_instance_profile": {"name": "nothing", "state": "absent"}},
]


@pytest.fixture
def play(server, tmp_path):
    """Runs tasks as root of the server's account; returns how many of them changed something."""
    environment = clean_environment() | {
        "AWS_ACCESS_KEY_ID": server.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }

    def run(tasks) -> int:
        book = tmp_path / "book.json"
        book.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]))
        done = subprocess.run(
            [PLAYBOOK, "-i", "localhost,", "-e", "ansible_python_interpreter={{ ansible_playbook_python }}", book],
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        recap = dict(part.split("=") for part in done.stdout.split("PLAY RECAP")[1].split(":", 1)[1].split())
        assert int(recap["ok"]) == len(tasks), done.stdout
        return int(recap["changed"])

    return run


def test_present_unchanged_and_absent(server, play):
    aws = AwsApi(server, server.root)
    assert play(PRESENT) == 9
    assert play(PRESENT) == 0
    assert [user["UserName"] for user in aws.call("GetGroup", GroupName="developers")["Users"]] == ["bob"]
    # Objects that Ansible did not create are deleted with the user too.
    aws.call("CreateAccessKey", UserName="bob")
    assert play(ABSENT) == 8
    # `iam_policy` itself fails if its user or group does not exist.
    assert play(ABSENT[2:]) == 0
    for operation, members in {
        "GetUser": {"UserName": "bob"},
        "GetGroup": {"GroupName": "developers"},
        "GetRole": {"RoleName": "reader"},
        "GetPolicy": {"PolicyArn": f"arn:aws:iam::{server.account}:policy/read"},
        "GetInstanceProfile": {"InstanceProfileName": "web"},
        "GetAccountPasswordPolicy": {},
    }.items():
        refused(aws, "NoSuchEntity", operation, **members)
