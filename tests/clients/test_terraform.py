"""Terraform's unmodified AWS provider against the server: apply, an empty second plan, destroy.

Needs `terraform` and a mirror of the provider, since tests load nothing from the network: a folder with
`registry.terraform.io/hashicorp/aws`, in one of the places below.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.api import AwsApi
from support.expect import refused
from support.server import Credentials, clean_environment

PLACES = [os.environ.get("TERRAFORM_PLUGIN_MIRROR"), "/usr/local/share/terraform/plugins", "/opt/tf-plugins"]
MIRROR = next((Path(place) for place in PLACES if place and (Path(place) / "registry.terraform.io/hashicorp/aws").is_dir()), None)

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed"),
    pytest.mark.skipif(MIRROR is None, reason="there is no mirror of Terraform's AWS provider"),
]

PROVIDER = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                 = "eu-central-1"
  skip_region_validation = true
  endpoints {
    iam = "%(url)s"
    sts = "%(url)s"
  }
}
"""

EVERYTHING = """
data "aws_caller_identity" "me" {}

resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = 14
  require_symbols                = true
  allow_users_to_change_password = true
  max_password_age               = 90
  password_reuse_prevention      = 5
}
resource "aws_iam_user" "bob" {
  name          = "bob"
  path          = "%(path)s"
  force_destroy = true
  tags          = { team = "%(team)s" }
}
resource "aws_iam_access_key" "bob" { user = aws_iam_user.bob.name }
resource "aws_iam_security_token_service_preferences" "tokens" {
  global_endpoint_token_version = "v2Token"
}
resource "aws_iam_organizations_features" "root" { enabled_features = ["RootCredentialsManagement"] }
resource "aws_iam_user_login_profile" "bob" {
  user                    = aws_iam_user.bob.name
  password_reset_required = true
  depends_on              = [aws_iam_account_password_policy.strict]
}
resource "aws_iam_user_policy" "bob" {
  user   = aws_iam_user.bob.name
  name   = "inline"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_virtual_mfa_device" "phone" {
  virtual_mfa_device_name = "phone"
  path                    = "%(path)s"
  tags                    = { team = "%(team)s" }
}
resource "aws_iam_group" "developers" { name = "developers" }
resource "aws_iam_group_membership" "developers" {
  name  = "developers"
  group = aws_iam_group.developers.name
  users = [aws_iam_user.bob.name]
}
data "aws_iam_policy" "managed" { name = "ReadOnlyAccess" }
data "aws_iam_policy" "lambda" { arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" }
resource "aws_iam_group_policy_attachment" "developers" {
  group      = aws_iam_group.developers.name
  policy_arn = data.aws_iam_policy.managed.arn
}
data "aws_iam_user" "before" { user_name = "made-before" }
data "aws_iam_roles" "all" {}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["*"]
  }
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.me.account_id]
    }
  }
}
resource "aws_iam_policy" "read" {
  name        = "read"
  description = "Reads"
  policy      = data.aws_iam_policy_document.read.json
  tags        = { team = "%(team)s" }
}
resource "aws_iam_user_policy_attachment" "bob" {
  user       = aws_iam_user.bob.name
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_role" "reader" {
  name                 = "reader"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = aws_iam_policy.read.arn
  max_session_duration = 7200
  tags                 = { team = "%(team)s" }
}
resource "aws_iam_role_policy" "reader" {
  role   = aws_iam_role.reader.name
  name   = "inline"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy_attachment" "reader" {
  role       = aws_iam_role.reader.name
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_instance_profile" "reader" {
  name = "reader"
  path = "%(path)s"
  role = aws_iam_role.reader.name
  tags = { team = "%(team)s" }
}
resource "aws_iam_openid_connect_provider" "issuer" {
  url            = "https://id.example.com/main"
  client_id_list = ["%(team)s"]
  tags           = { team = "%(team)s" }
}
data "aws_iam_instance_profile" "reader" { name = aws_iam_instance_profile.reader.name }
"""


@pytest.fixture
def terraform(server, tmp_path):
    """Runs terraform in a folder of its own, as root of the server's account."""
    configuration = tmp_path / "terraformrc"
    configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')
    folder = tmp_path / "work"
    folder.mkdir()
    environment = clean_environment() | {
        "TF_CLI_CONFIG_FILE": str(configuration),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "AWS_ACCESS_KEY_ID": server.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments, expected=(0,)):
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
        )
        assert done.returncode in expected, done.stdout + done.stderr
        return done

    run.write = lambda text, **values: (folder / "main.tf").write_text((PROVIDER + text) % {"url": server.url, **values})
    run.state = lambda: json.loads((folder / "terraform.tfstate").read_text())["resources"]
    return run


def test_apply_plan_change_and_destroy(server, terraform):
    aws = AwsApi(server, server.root)
    aws.call("CreateUser", UserName="made-before", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])
    terraform.write(EVERYTHING, path="/", team="a")
    terraform("init")
    terraform("apply", "-auto-approve")
    # 0: there is nothing to change; 2 would be a difference.
    terraform("plan", "-detailed-exitcode")
    assert aws.call("GetRole", RoleName="reader")["Role"]["MaxSessionDuration"] == 7200
    (key,) = [one["instances"][0]["attributes"] for one in terraform.state() if one["type"] == "aws_iam_access_key"]
    bob = aws.signed_by(Credentials(key["id"], key["secret"]))
    assert bob.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{server.account}:user/bob"
    bob.call("ListUsers")

    # Another path, other tags, and a replaced inline policy.
    other = EVERYTHING.replace('"aws_iam_role_policy" "reader"', '"aws_iam_role_policy" "other"')
    terraform.write(other, path="/moved/", team="b")
    terraform("apply", "-auto-approve")
    terraform("plan", "-detailed-exitcode")
    assert aws.call("GetUser", UserName="bob")["User"]["Path"] == "/moved/"

    # Objects that Terraform did not create are deleted with the user, because of `force_destroy`.
    aws.call("CreateAccessKey", UserName="bob")
    terraform("destroy", "-auto-approve")
    for operation, members in {
        "GetUser": {"UserName": "bob"},
        "GetGroup": {"GroupName": "developers"},
        "GetRole": {"RoleName": "reader"},
        "GetPolicy": {"PolicyArn": f"arn:aws:iam::{server.account}:policy/read"},
        "GetAccountPasswordPolicy": {},
    }.items():
        refused(aws, "NoSuchEntity", operation, **members)
