"""Terraform's AWS provider with credentials of roles: `assume_role`, container credentials of the agent."""

import json

import pytest
from support.agent import Agent
from support.documents import policy, trust
from support.server import ACCOUNT, client_environment
from support.terraform import NOT_INSTALLED, Terraform

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
OUTPUT = """
data "aws_caller_identity" "me" { %(provider)s }
output "arn" { value = data.aws_caller_identity.me.arn }
resource "aws_iam_user" "made" {
  %(provider)s
  name = "%(user)s"
}
"""
ASSUMED = """
provider "aws" {
  alias                  = "assumed"
  region                 = "eu-central-1"
  skip_region_validation = true
  endpoints {
    iam = "%(url)s"
    sts = "%(url)s"
  }
  assume_role {
    role_arn     = "%(role)s"
    session_name = "terraform"
    external_id  = "%(external_id)s"
    duration     = "15m"
  }
}
"""


@pytest.fixture(scope="module")
def keys(aws):
    """The keys of a user who may do nothing but assume roles, as variables."""
    aws.call("CreateUser", UserName="ann")
    aws.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    external = {"StringEquals": {"sts:ExternalId": "42"}}
    aws.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust(ACCOUNT, Condition=external))
    aws.call("PutRolePolicy", RoleName="deploy", PolicyName="p", PolicyDocument=policy("iam:*User*", "iam:ListGroupsForUser"))
    key = aws.call("CreateAccessKey", UserName="ann")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@pytest.fixture
def terraform(server, tmp_path, keys):
    made = Terraform(server, tmp_path)
    made.environment |= keys
    return made


def arn(terraform):
    return json.loads(terraform("output", "-json").stdout)["arn"]["value"]


def test_assume_role(aws, terraform):
    values = {"role": ROLE, "external_id": "42", "provider": "provider = aws.assumed", "user": "by-role"}
    terraform.write(ASSUMED + OUTPUT, **values)
    terraform("init")
    terraform("apply", "-auto-approve")
    assert arn(terraform) == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/terraform"
    assert aws.call("GetUser", UserName="by-role")["User"]["UserName"] == "by-role"
    terraform("plan", "-detailed-exitcode")
    terraform("destroy", "-auto-approve")
    # Another external id, and no role at all.
    terraform.write(ASSUMED + OUTPUT, **values | {"external_id": "43"})
    assert "AccessDenied" in terraform("plan", expected=(1,)).stderr
    terraform.write(OUTPUT, **values | {"provider": ""})
    assert "AccessDenied" in terraform("apply", "-auto-approve", expected=(1,)).stderr


def test_the_agent(server, terraform, keys, tmp_path):
    agent = Agent(tmp_path / "agent", client_environment(server, server.root) | keys, "--role-arn", ROLE, "--external-id", "42",
                  "--session-name", "by-agent")  # fmt: skip
    try:
        for name in keys:
            del terraform.environment[name]
        terraform.environment |= agent.variables
        terraform.write(OUTPUT, provider="", user="by-agent")
        terraform("init")
        terraform("apply", "-auto-approve")
        assert arn(terraform) == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/by-agent"
        terraform("destroy", "-auto-approve")
    finally:
        assert agent.stop() == 0
