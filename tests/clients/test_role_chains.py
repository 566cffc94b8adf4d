"""Roles in profiles, chained across two accounts, by the AWS CLI, boto3, Bailiwick's commands and the agent."""

import json
import os
import subprocess
import sys

import boto3
import botocore.session
import pytest
from support.agent import Agent
from support.api import AwsApi
from support.documents import ALLOW_ALL, policy, trust
from support.server import ACCOUNT, BINARY, Credentials, clean_environment, run

from test_profiles import AWS


@pytest.fixture(scope="module")
def chain(server, aws, rpc, tmp_path_factory):
    """A config file with a role of the account (`near`), and with its session a role of another one (`far`)."""
    aws.call("CreateUser", UserName="ann")
    aws.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = aws.call("CreateAccessKey", UserName="ann")["AccessKey"]
    ann = aws.signed_by(Credentials.of(key))
    made = rpc.call("CreateAccount", accountName="other", email="other@example.com")
    other = made["account"]["accountId"]
    administrator = ann.call("AssumeRole", RoleArn=made["roleArn"], RoleSessionName="setup")["Credentials"]
    there = AwsApi(server, Credentials.of(administrator))
    near, far = f"arn:aws:iam::{ACCOUNT}:role/near", f"arn:aws:iam::{other}:role/far"
    aws.call("CreateRole", RoleName="near", AssumeRolePolicyDocument=trust(ACCOUNT))
    aws.call("PutRolePolicy", RoleName="near", PolicyName="p", PolicyDocument=policy({"Action": "sts:AssumeRole", "Resource": far}))
    there.call("CreateRole", RoleName="far", AssumeRolePolicyDocument=trust(near))
    there.call("PutRolePolicy", RoleName="far", PolicyName="p", PolicyDocument=policy("iam:ListRoles"))
    # It trusts the account, and `near` has no permission for it.
    there.call("CreateRole", RoleName="closed", AssumeRolePolicyDocument=trust(ACCOUNT))
    config = tmp_path_factory.mktemp("chain") / "config"
    config.write_text(
        f"[default]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
        f"[profile near]\nrole_arn = {near}\nrole_session_name = one\nsource_profile = default\n"
        f"[profile far]\nrole_arn = {far}\nrole_session_name = two\nsource_profile = near\n"
        f"[profile closed]\nrole_arn = arn:aws:iam::{other}:role/closed\nrole_session_name = two\nsource_profile = near\n"
        f"[profile by-process]\nrole_arn = {far}\nrole_session_name = two\nsource_profile = process\n"
        f"[profile process]\ncredential_process = {BINARY} credential-process --profile near\n"
    )
    # The AWS CLI keeps sessions below the home folder.
    environment = {"HOME": str(config.parent), "AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "eu-central-1"}
    return environment, f"arn:aws:sts::{other}:assumed-role/far/two"


def files(environment):
    return clean_environment() | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull} | environment


@pytest.mark.parametrize("profile", ["far", "by-process"])
def test_the_chain_ends_in_the_other_account(chain, profile):
    environment, expected = chain
    theirs = subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", "--profile", profile], env=files(environment),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert theirs.returncode == 0 and json.loads(theirs.stdout)["Arn"] == expected, theirs.stderr
    ours = run("whoami", "--json", "--profile", profile, environment=environment)
    assert ours.returncode == 0 and json.loads(ours.stdout) == json.loads(theirs.stdout), ours.stderr


def test_boto3(chain, monkeypatch):
    environment, expected = chain
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(profile_name="far", botocore_session=botocore.session.Session())
    assert session.client("sts").get_caller_identity()["Arn"] == expected
    assert "far" in [role["RoleName"] for role in session.client("iam").list_roles()["Roles"]]


def test_the_agent(server, chain, tmp_path):
    environment, expected = chain
    agent = Agent(tmp_path / "agent", environment, "--profile", "far")
    try:
        assert agent.identity(server) == expected
    finally:
        assert agent.stop() == 0


def test_both_accounts_must_allow_it(chain):
    environment, _ = chain
    ours = run("whoami", "--profile", "closed", environment=environment)
    assert ours.returncode == 1 and "AccessDenied" in ours.stderr and "role/closed" in ours.stderr, ours
    theirs = subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", "--profile", "closed"], env=files(environment), capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert theirs.returncode != 0 and "AccessDenied" in theirs.stderr, theirs
