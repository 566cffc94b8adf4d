"""Terraform's unmodified AWS provider against the server: apply, an empty second plan, change, import, destroy.

Every resource and data source of the provider whose name begins with `aws_iam_` is in one of the configurations below, or
in `LATER` with the reason. Needs `terraform` and a mirror of the provider: see `support/terraform.py`.
"""

import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.api import AwsApi
from support.certificates import make_certificate
from support.coverage import handled_operations
from support.expect import refused
from support.saml import make_metadata
from support.server import Credentials
from support.terraform import NOT_INSTALLED, Terraform

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

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
  # An import cannot know how the password was made.
  lifecycle { ignore_changes = [password_length, password_reset_required] }
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

REST = """
data "aws_caller_identity" "me" {}
data "aws_iam_session_context" "me" { arn = data.aws_caller_identity.me.arn }
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["%(action)s"]
    resources = ["*"]
  }
}
resource "aws_iam_account_alias" "here" { account_alias = "rest-%(team)s" }
data "aws_iam_account_alias" "here" { depends_on = [aws_iam_account_alias.here] }
resource "aws_iam_policy" "read" {
  name   = "rest-read"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_user" "bob" { name = "rest-bob" }
resource "aws_iam_user_policy" "bob" {
  user   = aws_iam_user.bob.name
  name   = "inline-%(team)s"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_user_policies_exclusive" "bob" {
  user_name    = aws_iam_user.bob.name
  policy_names = [aws_iam_user_policy.bob.name]
}
resource "aws_iam_user_policy_attachment" "bob_managed" {
  user       = aws_iam_user.bob.name
  policy_arn = "arn:aws:iam::aws:policy/%(managed)s"
}
resource "aws_iam_user_policy_attachments_exclusive" "bob" {
  user_name   = aws_iam_user.bob.name
  policy_arns = [aws_iam_user_policy_attachment.bob_managed.policy_arn]
}
resource "aws_iam_access_key" "bob" { user = aws_iam_user.bob.name }
data "aws_iam_access_keys" "bob" {
  user       = aws_iam_user.bob.name
  depends_on = [aws_iam_access_key.bob]
}
resource "aws_iam_group" "developers" { name = "rest-developers" }
resource "aws_iam_group" "others" { name = "rest-others" }
resource "aws_iam_user_group_membership" "bob" {
  user   = aws_iam_user.bob.name
  groups = %(groups)s
}
resource "aws_iam_group_policy" "developers" {
  group  = aws_iam_group.developers.name
  name   = "inline"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_group_policies_exclusive" "developers" {
  group_name   = aws_iam_group.developers.name
  policy_names = [aws_iam_group_policy.developers.name]
}
resource "aws_iam_group_policy_attachment" "developers_managed" {
  group      = aws_iam_group.developers.name
  policy_arn = "arn:aws:iam::aws:policy/%(managed)s"
}
resource "aws_iam_group_policy_attachments_exclusive" "developers" {
  group_name  = aws_iam_group.developers.name
  policy_arns = [aws_iam_group_policy_attachment.developers_managed.policy_arn]
}
data "aws_iam_group" "developers" {
  group_name = aws_iam_group.developers.name
  depends_on = [aws_iam_user_group_membership.bob]
}
resource "aws_iam_role" "reader" {
  name               = "rest-reader"
  description        = "%(team)s"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = aws_iam_user.bob.arn } }]
  })
}
resource "aws_iam_role_policy" "reader" {
  role   = aws_iam_role.reader.name
  name   = "inline"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policies_exclusive" "reader" {
  role_name    = aws_iam_role.reader.name
  policy_names = [aws_iam_role_policy.reader.name]
}
resource "aws_iam_role_policy_attachment" "reader_managed" {
  role       = aws_iam_role.reader.name
  policy_arn = "arn:aws:iam::aws:policy/%(managed)s"
}
resource "aws_iam_role_policy_attachments_exclusive" "reader" {
  role_name   = aws_iam_role.reader.name
  policy_arns = [aws_iam_role_policy_attachment.reader_managed.policy_arn]
}
data "aws_iam_role" "reader" { name = aws_iam_role.reader.name }
resource "aws_iam_role" "other" {
  name               = "rest-other"
  assume_role_policy = aws_iam_role.reader.assume_role_policy
}
resource "aws_iam_policy_attachment" "read" {
  name       = "read"
  roles      = [aws_iam_role.other.name]
  policy_arn = aws_iam_policy.read.arn
}
resource "aws_iam_instance_profile" "reader" {
  name = "rest-reader"
  role = aws_iam_role.reader.name
}
data "aws_iam_instance_profiles" "reader" {
  role_name  = aws_iam_role.reader.name
  depends_on = [aws_iam_instance_profile.reader]
}
resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
  custom_suffix    = "rest"
  description      = "%(team)s"
}
resource "aws_iam_openid_connect_provider" "issuer" {
  url            = "https://rest.example.com"
  client_id_list = ["%(team)s"]
}
data "aws_iam_openid_connect_provider" "issuer" { arn = aws_iam_openid_connect_provider.issuer.arn }
resource "aws_iam_user_ssh_key" "bob" {
  username   = aws_iam_user.bob.name
  encoding   = "SSH"
  public_key = "%(ssh)s"
  status     = "%(status)s"
}
data "aws_iam_user_ssh_key" "bob" {
  username          = aws_iam_user.bob.name
  encoding          = "SSH"
  ssh_public_key_id = aws_iam_user_ssh_key.bob.ssh_public_key_id
}
resource "aws_iam_server_certificate" "web" {
  name             = "rest-web"
  tags             = { team = "%(team)s" }
  certificate_body = <<-END
%(certificate)sEND
  private_key      = <<-END
%(private_key)sEND
}
data "aws_iam_server_certificate" "web" { name = aws_iam_server_certificate.web.name }
resource "aws_iam_signing_certificate" "bob" {
  user_name        = aws_iam_user.bob.name
  status           = "%(status)s"
  certificate_body = <<-END
%(certificate)sEND
}
resource "aws_iam_service_specific_credential" "bob" {
  user_name    = aws_iam_user.bob.name
  service_name = "codecommit.amazonaws.com"
  status       = "%(status)s"
}
resource "aws_iam_saml_provider" "issuer" {
  name                   = "rest-issuer"
  tags                   = { team = "%(team)s" }
  saml_metadata_document = <<-END
%(metadata)s
END
}
data "aws_iam_saml_provider" "issuer" { arn = aws_iam_saml_provider.issuer.arn }
data "aws_iam_users" "all" { depends_on = [aws_iam_user.bob] }
data "aws_iam_principal_policy_simulation" "bob" {
  policy_source_arn = aws_iam_user.bob.arn
  action_names      = ["%(action)s"]
  depends_on        = [aws_iam_user_policy.bob]
}
"""

# The ids under which resources are imported, by address, and the types that the provider does not import.
IMPORTED = {
    "aws_iam_account_alias.here": "rest-b",
    "aws_iam_policy.read": "arn:aws:iam::{account}:policy/rest-read",
    "aws_iam_user.bob": "rest-bob",
    "aws_iam_user_policy.bob": "rest-bob:inline-b",
    "aws_iam_user_policies_exclusive.bob": "rest-bob",
    "aws_iam_user_policy_attachment.bob_managed": "rest-bob/arn:aws:iam::aws:policy/SecurityAudit",
    "aws_iam_user_policy_attachments_exclusive.bob": "rest-bob",
    "aws_iam_access_key.bob": "{key}",
    "aws_iam_user_ssh_key.bob": "rest-bob:{ssh}:SSH",
    "aws_iam_signing_certificate.bob": "{certificate}:rest-bob",
    "aws_iam_service_specific_credential.bob": "codecommit.amazonaws.com:rest-bob:{credential}",
    "aws_iam_group.developers": "rest-developers",
    "aws_iam_group.others": "rest-others",
    "aws_iam_user_group_membership.bob": "rest-bob/rest-others",
    "aws_iam_group_policy.developers": "rest-developers:inline",
    "aws_iam_group_policies_exclusive.developers": "rest-developers",
    "aws_iam_group_policy_attachment.developers_managed": "rest-developers/arn:aws:iam::aws:policy/SecurityAudit",
    "aws_iam_group_policy_attachments_exclusive.developers": "rest-developers",
    "aws_iam_role.reader": "rest-reader",
    "aws_iam_role_policy.reader": "rest-reader:inline",
    "aws_iam_role_policies_exclusive.reader": "rest-reader",
    "aws_iam_role_policy_attachment.reader_managed": "rest-reader/arn:aws:iam::aws:policy/SecurityAudit",
    "aws_iam_role_policy_attachments_exclusive.reader": "rest-reader",
    "aws_iam_role.other": "rest-other",
    "aws_iam_instance_profile.reader": "rest-reader",
    "aws_iam_service_linked_role.scaling": "arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/"
    "AWSServiceRoleForAutoScaling_rest",
    "aws_iam_openid_connect_provider.issuer": "arn:aws:iam::{account}:oidc-provider/rest.example.com",
    "aws_iam_saml_provider.issuer": "arn:aws:iam::{account}:saml-provider/rest-issuer",
}
# A server certificate is imported on its own: Terraform would replace it, since its private key is not returned.
NOT_IMPORTED = {"aws_iam_policy_attachment", "aws_iam_server_certificate"}

# The same for resources of `EVERYTHING` that the rest does not have. The provider cannot import
# `aws_iam_security_token_service_preferences` and `aws_iam_group_membership`.
IMPORTED_FIRST = {
    "aws_iam_account_password_policy.strict": "iam-account-password-policy",
    "aws_iam_organizations_features.root": "{organization}",
    "aws_iam_user_login_profile.bob": "bob",
    "aws_iam_virtual_mfa_device.phone": "arn:aws:iam::{account}:mfa/phone",
}

# Resources and data sources that no configuration has yet, with the operation that they need and that is not handled.
LATER = {"resource": {}, "data": {}}


@pytest.fixture
def terraform(server, tmp_path):
    """Terraform in a folder of its own, as root of the server's account."""
    return Terraform(server, tmp_path)


def configured(kind):
    """The types in the configurations."""
    return set(re.findall(rf'^{kind} "(aws_iam_\w+)"', EVERYTHING + REST, re.M))


def test_every_type_of_the_provider_is_configured_or_listed(terraform):
    terraform.write("")
    terraform("init")
    schemas = terraform.json("providers", "schema")["provider_schemas"]["registry.terraform.io/hashicorp/aws"]
    for kind in ("resource", "data"):
        named = "data_source_schemas" if kind == "data" else "resource_schemas"
        has = {name for name in schemas[named] if name.startswith("aws_iam_")}
        assert has == configured(kind) | set(LATER[kind]), kind
        assert not configured(kind) & set(LATER[kind]), kind
        assert not set(LATER[kind].values()) & set(handled_operations()), kind


def test_apply_plan_change_and_destroy(server, terraform):
    aws = AwsApi(server, server.root)
    aws.call("CreateUser", UserName="made-before", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])
    terraform.write(EVERYTHING, path="/", team="a")
    terraform("init")
    terraform("apply", "-auto-approve")
    # 0: there is nothing to change; 2 would be a difference.
    terraform("plan", "-detailed-exitcode")
    assert aws.call("GetRole", RoleName="reader")["Role"]["MaxSessionDuration"] == 7200
    key = terraform.attributes("aws_iam_access_key")
    bob = aws.signed_by(Credentials(key["id"], key["secret"]))
    assert bob.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{server.account}:user/bob"
    bob.call("ListUsers")
    organization = terraform.attributes("aws_iam_organizations_features")["id"]
    terraform("state", "rm", *IMPORTED_FIRST)
    for address, number in IMPORTED_FIRST.items():
        terraform("import", address, number.format(account=server.account, organization=organization))
    terraform("plan", "-detailed-exitcode")

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


def values(team, action, managed, group, status):
    return {
        "team": team, "action": action, "managed": managed, "groups": f"[aws_iam_group.{group}.name]", "status": status,
    }  # fmt: skip


def test_the_rest_with_imports(server, terraform, tmp_path):
    aws = AwsApi(server, server.root)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    certificate, private_key = [path.read_text() for path in make_certificate(tmp_path / "certificate")]
    own = {"ssh": public.decode(), "certificate": certificate, "private_key": private_key}
    metadata = [make_metadata(tmp_path, entity) for entity in ("urn:a", "urn:b")]
    first = own | {"metadata": metadata[0]} | values("a", "s3:GetObject", "ReadOnlyAccess", "developers", "Active")
    second = own | {"metadata": metadata[1]} | values("b", "s3:PutObject", "SecurityAudit", "others", "Inactive")
    terraform.write("")
    terraform("init")
    for each in (first, second):
        terraform.write(REST, **each)
        terraform("apply", "-auto-approve")
        terraform("plan", "-detailed-exitcode")
    attached = aws.call("ListAttachedUserPolicies", UserName="rest-bob")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["SecurityAudit"]
    simulated = terraform.attributes("aws_iam_principal_policy_simulation", "data")
    assert simulated["all_allowed"] is True
    assert terraform.attributes("aws_iam_group", "data")["users"] == []
    assert terraform.attributes("aws_iam_account_alias", "data")["account_alias"] == "rest-b"

    # All resources are forgotten and imported again; nothing is created, replaced or destroyed.
    ids = {
        "account": server.account,
        "key": terraform.attributes("aws_iam_access_key")["id"],
        "ssh": terraform.attributes("aws_iam_user_ssh_key")["ssh_public_key_id"],
        "credential": terraform.attributes("aws_iam_service_specific_credential")["service_specific_credential_id"],
        "certificate": terraform.attributes("aws_iam_signing_certificate")["certificate_id"],
    }
    addresses = re.findall(r'^resource "(\w+)" "(\w+)"', REST, re.M)
    left = {f"{kind}.{name}" for kind, name in addresses if kind not in NOT_IMPORTED}
    assert left == set(IMPORTED)
    terraform("state", "rm", *IMPORTED)
    blocks = "".join(
        f'import {{\n  to = {address}\n  id = "{name.format(**ids)}"\n}}\n'
        for address, name in IMPORTED.items()
    )
    terraform.write(REST + blocks, **second)
    changes = terraform.plan()
    assert {change["address"] for change in changes if change["change"].get("importing")} == left
    for change in changes:
        assert change["change"]["actions"] in (["no-op"], ["read"], ["update"]), change
    terraform("apply", "-auto-approve")
    terraform("plan", "-detailed-exitcode")
    assert terraform.attributes("aws_iam_access_key")["id"] == ids["key"]
    terraform("state", "rm", "aws_iam_server_certificate.web")
    terraform("import", "aws_iam_server_certificate.web", "rest-web")
    assert terraform.attributes("aws_iam_server_certificate")["certificate_body"].strip() == certificate.strip()

    terraform("destroy", "-auto-approve")
    for operation, members in {
        "GetUser": {"UserName": "rest-bob"},
        "GetServerCertificate": {"ServerCertificateName": "rest-web"},
        "GetGroup": {"GroupName": "rest-developers"},
        "GetRole": {"RoleName": "AWSServiceRoleForAutoScaling_rest"},
        "GetInstanceProfile": {"InstanceProfileName": "rest-reader"},
        "GetSAMLProvider": {"SAMLProviderArn": f"arn:aws:iam::{server.account}:saml-provider/rest-issuer"},
    }.items():
        refused(aws, "NoSuchEntity", operation, **members)
    assert aws.call("ListAccountAliases")["AccountAliases"] == []
