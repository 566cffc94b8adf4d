"""Roles and sessions with a second factor: `mfa_serial` in profiles, by the AWS CLI, boto3 and Bailiwick's commands."""

import json
import os
import stat
import subprocess
import sys

import boto3
import botocore.session
import pytest
from botocore.credentials import AssumeRoleProvider
from support.agent import Agent
from support.api import AwsApi
from support.documents import policy, trust
from support.server import ACCOUNT, BINARY, Credentials, clean_environment, run
from support.terminal import on_terminal
from support.totp import Authenticator
from support.waiting import until

from test_profiles import AWS

ROLE = f"arn:aws:iam::{ACCOUNT}:role/careful"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/careful/ses"


@pytest.fixture(scope="module", autouse=True)
def role(aws):
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    aws.call("CreateRole", RoleName="careful", AssumeRolePolicyDocument=trust(ACCOUNT, Condition=condition))


@pytest.fixture
def ann(server, aws, name, tmp_path):
    """A user with a device, as device and variables: profiles `plain` with the keys, `mfa` with role and device."""
    user_name = name("ann")
    aws.call("CreateUser", UserName=user_name)
    aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    device = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=user_name)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=user_name, SerialNumber=device.serial, **device.pair(-1))
    key = aws.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    config = tmp_path / "config"
    of_role = f"role_arn = {ROLE}\nrole_session_name = ses\nsource_profile = plain\n"
    config.write_text(
        f"[profile plain]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
        f"[profile mfa]\n{of_role}mfa_serial = {device.serial}\n[profile without]\n{of_role}"
    )
    environment = {
        "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "eu-central-1",
    }  # fmt: skip
    return device, environment


def test_bailiwicks_commands_ask_for_the_code(ann):
    device, environment = ann
    question = f"MFA code of {device.serial}: "
    code = device.code(0)
    out, err, shown = on_terminal(["whoami", "--json", "--profile", "mfa"], environment, [(question, f"{code}\r")])
    assert json.loads(out)["Arn"] == SESSION and code not in out + err + shown
    # A code is good for one session.
    _, err, _ = on_terminal(["whoami", "--profile", "mfa"], environment, [(question, f"{code}\r")], expected=1)
    assert "cannot assume" in err, err
    done = run("whoami", "--profile", "without", environment=environment)
    assert done.returncode == 1 and "AccessDenied" in done.stderr, done


def test_the_aws_cli_asks_for_the_code(ann):
    device, environment = ann
    arguments = ["sts", "get-caller-identity", "--profile", "mfa"]
    answers = [(f"Enter MFA code for {device.serial}: ", f"{device.code(0)}\n")]
    out, _, _ = on_terminal(arguments, environment, answers, program=(sys.executable, AWS))
    assert json.loads(out)["Arn"] == SESSION


def test_boto3(ann, monkeypatch):
    device, environment = ann
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session = botocore.session.Session(profile="mfa")
    providers = session.get_component("credential_provider").providers
    (provider,) = [provider for provider in providers if isinstance(provider, AssumeRoleProvider)]
    monkeypatch.setattr(provider, "_prompter", lambda question: device.code(0))
    assert boto3.Session(botocore_session=session).client("sts").get_caller_identity()["Arn"] == SESSION


def printed(out, server):
    made = json.loads(out)
    return made, AwsApi(server, Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))


def test_credential_process_for_a_role_is_cached(server, ann, tmp_path):
    device, environment = ann
    flags = ["credential-process", "--profile", "plain", "--role-arn", ROLE, "--session-name", "ses", "--mfa-serial", device.serial, "--cache"]
    out, _, _ = on_terminal(flags, environment, [(f"MFA code of {device.serial}: ", f"{device.code(0)}\r")])
    assert printed(out, server)[1].call("GetCallerIdentity")["Arn"] == SESSION
    # The next one asks nothing, so that programs without a terminal can run it.
    profile = f"\n[profile by-process]\ncredential_process = {BINARY} {' '.join(flags)}\n"
    with open(environment["AWS_CONFIG_FILE"], "a") as config:
        config.write(profile)
    done = subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", "--profile", "by-process"], env=clean_environment() | environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout)["Arn"] == SESSION, done.stderr
    (file,) = (tmp_path / ".aws" / "bailiwick" / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_credential_process_for_a_session_of_the_user(server, ann):
    device, environment = ann
    flags = ["credential-process", "--profile", "plain", "--mfa-serial", device.serial, "--duration", "900"]
    out, _, _ = on_terminal(flags, environment, [(f"MFA code of {device.serial}: ", f"{device.code(0)}\r")])
    _, session = printed(out, server)
    # The session has the second factor, so that it can assume the role without a code.
    answer = session.call("AssumeRole", RoleArn=ROLE, RoleSessionName="ses")
    assert answer["AssumedRoleUser"]["Arn"] == SESSION


@pytest.mark.parametrize("arguments", [["--profile", "mfa"], ["--profile", "plain", "--role-arn", ROLE, "--session-name", "ses", "--mfa-serial"]])
def test_the_agent_asks_once(server, ann, tmp_path, arguments):
    device, environment = ann
    arguments = [*arguments, device.serial] if arguments[-1] == "--mfa-serial" else arguments
    answers = [(f"MFA code of {device.serial}: ", f"{device.code(0)}\r")]
    agent = Agent(tmp_path / "agent", environment, *arguments, answers=answers)
    try:
        assert agent.identity(server) == SESSION
        # It renews without a code.
        agent.process.send_signal(1)
        until(lambda: agent.said().count("credentials obtained") == 2, agent.said)
    finally:
        assert agent.stop() == 0


def test_the_agent_serves_a_session_of_the_user(server, ann, tmp_path):
    _, environment = ann
    agent = Agent(tmp_path / "agent", environment, "--profile", "plain")
    try:
        assert "credentials obtained" in agent.said() and ":user/ann" in agent.said()
    finally:
        assert agent.stop() == 0
