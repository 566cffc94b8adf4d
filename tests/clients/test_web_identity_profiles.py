"""Web identity without keys: `web_identity_token_file` in profiles and variables, Terraform's `assume_role_with_web_identity`."""

import json
import os
import signal
import subprocess
import sys

import boto3
import botocore.session
import pytest
from support.agent import Agent
from support.api import AwsApi
from support.documents import policy, trust
from support.issuer import AUDIENCE, Issuer, Key, claims
from support.server import ACCOUNT, Credentials, Server, clean_environment, run
from support.terraform import NOT_INSTALLED, Terraform
from support.waiting import until

from test_profiles import AWS

HOST = "profiles.issuer.test"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/ses"


@pytest.fixture(scope="module")
def key():
    return Key("RS256")


@pytest.fixture(scope="module")
def server(tmp_path_factory, key):
    """A server that trusts an issuer, and a role for its tokens."""
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    issuer.publish(HOST, key)
    server = Server(tmp_path_factory.mktemp("server"), arguments=issuer.arguments(HOST)).start()
    aws = AwsApi(server, server.root)
    aws.call("CreateOpenIDConnectProvider", Url=f"https://{HOST}", ClientIDList=[AUDIENCE])
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"}
    subject = {"StringEquals": {f"{HOST}:sub": "repo:reeds/heron"}}
    document = trust(provider, action="sts:AssumeRoleWithWebIdentity", Condition=subject)
    aws.call("CreateRole", RoleName="web", AssumeRolePolicyDocument=document)
    aws.call("PutRolePolicy", RoleName="web", PolicyName="p", PolicyDocument=policy("iam:*User*", "iam:ListGroupsForUser"))
    yield server
    server.stop()
    issuer.close()


@pytest.fixture
def environment(server, key, tmp_path):
    """The variables of a client with a token in a file and no keys."""
    (tmp_path / "token").write_text(key.token(claims(HOST)))
    (tmp_path / "config").write_text(
        f"[profile web]\nrole_arn = {ROLE}\nrole_session_name = ses\nweb_identity_token_file = {tmp_path / 'token'}\n"
    )
    return {
        "HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "eu-central-1",
    }  # fmt: skip


def by_cli(environment, *arguments):
    return subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", *arguments], env=clean_environment() | environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def in_variables(tmp_path):
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": "ses"}


def test_the_aws_cli(environment, tmp_path):
    for done in (by_cli(environment, "--profile", "web"), by_cli(environment | in_variables(tmp_path))):
        assert done.returncode == 0 and json.loads(done.stdout)["Arn"] == SESSION, done.stderr


@pytest.mark.parametrize("kind", ["a profile", "variables"])
def test_bailiwicks_commands(server, environment, key, tmp_path, kind):
    of_kind = in_variables(tmp_path) if kind == "variables" else {"AWS_PROFILE": "web"}
    done = run("whoami", "--json", environment=environment | of_kind)
    assert done.returncode == 0 and json.loads(done.stdout)["Arn"] == SESSION, done.stderr
    made = run("credential-process", environment=environment | of_kind)
    credentials = Credentials.of(json.loads(made.stdout))
    assert AwsApi(server, credentials).call("GetCallerIdentity")["Arn"] == SESSION
    agent = Agent(tmp_path / "agent", environment | of_kind)
    try:
        assert agent.identity(server) == SESSION
        # The token is read again for the next session, and a wrong one leaves the session that there is.
        (tmp_path / "token").write_text("not-a-token")
        agent.process.send_signal(signal.SIGHUP)
        until(lambda: "InvalidIdentityToken" in agent.said(), agent.said)
        assert agent.identity(server) == SESSION and "not-a-token" not in agent.said()
    finally:
        assert agent.stop() == 0
    (tmp_path / "token").write_text(key.token(claims(HOST, sub="repo:reeds/other")))
    refused = run("whoami", environment=environment | of_kind)
    assert refused.returncode == 1 and "AccessDenied" in refused.stderr and ROLE in refused.stderr, refused
    (tmp_path / "token").unlink()
    missing = run("whoami", environment=environment | of_kind)
    assert missing.returncode == 2 and "cannot read" in missing.stderr, missing


@pytest.mark.parametrize("kind", ["a profile", "variables"])
def test_a_token_is_not_sent_in_clear_text(environment, tmp_path, kind):
    """The address is for documentation (RFC 5737): a token that is sent there is not answered in time."""
    of_kind = in_variables(tmp_path) if kind == "variables" else {"AWS_PROFILE": "web"}
    for command in ("whoami", "credential-process", "agent"):
        clear = run(command, environment=environment | of_kind | {"AWS_ENDPOINT_URL": "http://192.0.2.1:7470", "XDG_RUNTIME_DIR": str(tmp_path)})
        assert clear.returncode == 2 and "refusing to send a web identity token to http://192.0.2.1:7470" in clear.stderr, clear
        assert "--insecure-allow-clear" in clear.stderr
    # Loopback is not a network.
    assert run("whoami", environment=environment | of_kind).returncode == 0
    name = environment["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
    assert run("whoami", "--insecure-allow-clear", environment=environment | of_kind | {"AWS_ENDPOINT_URL": name}).returncode == 0


@pytest.mark.parametrize("kind", ["a profile", "variables"])
def test_boto3(environment, tmp_path, monkeypatch, kind):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (environment | (in_variables(tmp_path) if kind == "variables" else {"AWS_PROFILE": "web"})).items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(botocore_session=botocore.session.Session())
    assert session.client("sts").get_caller_identity()["Arn"] == SESSION
    assert session.client("iam").list_users()["Users"] == []


def test_another_subject_is_refused(environment, key, tmp_path):
    (tmp_path / "token").write_text(key.token(claims(HOST, sub="repo:reeds/other")))
    done = by_cli(environment, "--profile", "web")
    assert done.returncode != 0 and "AccessDenied" in done.stderr, done


PROVIDER = """
provider "aws" {
  alias                  = "web"
  region                 = "eu-central-1"
  skip_region_validation = true
  endpoints {
    iam = "%(url)s"
    sts = "%(url)s"
  }
  assume_role_with_web_identity {
    role_arn                = "%(role)s"
    session_name            = "ses"
    web_identity_token_file = "%(token)s"
  }
}
data "aws_caller_identity" "me" { provider = aws.web }
output "arn" { value = data.aws_caller_identity.me.arn }
resource "aws_iam_user" "made" {
  provider = aws.web
  name     = "by-web-identity"
}
"""


@pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")
def test_terraform(server, environment, tmp_path):
    terraform = Terraform(server, tmp_path)
    del terraform.environment["AWS_ACCESS_KEY_ID"], terraform.environment["AWS_SECRET_ACCESS_KEY"]
    terraform.environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    terraform.write(PROVIDER, role=ROLE, token=tmp_path / "token")
    terraform("init")
    terraform("apply", "-auto-approve")
    assert json.loads(terraform("output", "-json").stdout)["arn"]["value"] == SESSION
    terraform("destroy", "-auto-approve")
