"""Role templates, and roles acquired from them."""

from support.api import document
from support.documents import policy
from support.expect import refused

AUDITOR = "arn:aws:iam::aws:role-template/IdentityAuditor"
DECISIONS = "arn:aws:iam::aws:role-template/DecisionService"
READ = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"


def values(**members):
    """Replacement values."""
    return {name: {"Values": value if isinstance(value, list) else [value]} for name, value in members.items()}


def test_a_template_is_shown(api):
    shown = api.call("GetRoleTemplateVersion", TemplateArn=AUDITOR)["RoleTemplateVersion"]
    assert (shown["TemplateName"], shown["MajorVersion"], shown["MinorVersion"], shown["DefaultMinorVersion"]) == ("IdentityAuditor", 1, 1, 1)
    assert (shown["Enabled"], shown["VersionEnabled"], shown["ManagedByType"], shown["ManagedByValue"]) == (True, True, "Service", "bailiwick")
    assert (shown["ManagedPolicyArns"], shown["PermissionBoundaryArn"]) == ([READ], READ)
    assert {each["Name"]: each["IsRequired"] for each in shown["ParametersDefinition"]} == {"RoleName": False, "TrustedArns": True}
    assert document(shown["AssumeRolePolicyDocumentTemplate"])["Statement"]["Principal"] == {"AWS": ["@{TrustedArns}"]}
    assert api.call("GetRoleTemplateVersion", TemplateArn=AUDITOR, MinorVersion=1)["RoleTemplateVersion"] == shown
    missing = refused(api, "NoSuchEntity", "GetRoleTemplateVersion", TemplateArn=AUDITOR + "s")
    assert missing.message == f"The role template {AUDITOR}s cannot be found."
    refused(api, "NoSuchEntity", "GetRoleTemplateVersion", TemplateArn=AUDITOR, MinorVersion=2)


def test_a_role_is_acquired(api, name, server):
    called = name("role")
    root = f"arn:aws:iam::{server.account}:root"
    given = values(RoleName=called, TrustedArns=root, ServicePrefix="photos")
    role = api.call("AcquireRole", TemplateArn=DECISIONS, ReplacementValues=given)["Role"]
    assert role["Arn"] == f"arn:aws:iam::{server.account}:role/decisions/{called}"
    assert (role["Tags"], role["MaxSessionDuration"]) == ([{"Key": "service", "Value": "photos"}], 3600)
    assert api.call("GetRole", RoleName=called)["Role"]["RoleId"] == role["RoleId"]
    inline = document(api.call("GetRolePolicy", RoleName=called, PolicyName="decisions")["PolicyDocument"])
    assert inline["Statement"]["Resource"] == "arn:*:bailiwick::*:service/photos"
    again = refused(api, "NameConflict", "AcquireRole", TemplateArn=DECISIONS, ReplacementValues=given)
    assert again.message == f"The role name {called} conflicts with an existing role in the account."
    for wrong in (
        values(RoleName=name(), TrustedArns=root),
        values(RoleName=name(), TrustedArns="*", ServicePrefix="photos"),
        values(RoleName=name(), TrustedArns=root, ServicePrefix="*"),
        values(RoleName=name(), TrustedArns=root, ServicePrefix="photos", More="x"),
        values(RoleName=[name(), name()], TrustedArns=root, ServicePrefix="photos"),
    ):
        refused(api, "InvalidInput", "AcquireRole", TemplateArn=DECISIONS, ReplacementValues=wrong)
    nobody = values(RoleName=name(), TrustedArns=f"arn:aws:iam::{server.account}:user/nobody-here", ServicePrefix="photos")
    refused(api, "MalformedPolicyDocument", "AcquireRole", TemplateArn=DECISIONS, ReplacementValues=nobody)
    refused(api, "NoSuchEntity", "AcquireRole", TemplateArn=DECISIONS, TemplateMinorVersion=9, ReplacementValues=given)


def test_a_template_gives_no_more_rights_than_the_caller_has(api, name, new_user, server):
    """Each part of the role needs the permission to make it by hand."""
    root = f"arn:aws:iam::{server.account}:root"
    parts = ["iam:AcquireRole", "iam:CreateRole", "iam:AttachRolePolicy"]
    request = lambda: {"TemplateArn": AUDITOR, "ReplacementValues": values(RoleName=name("role"), TrustedArns=root)}  # noqa: E731
    for missing in parts:
        _, credentials = new_user(policy({"Action": [part for part in parts if part != missing]}))
        refused(api.signed_by(credentials), "AccessDenied", "AcquireRole", **request())
    for condition in (
        {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/SecurityAudit"}},
        {"StringNotEquals": {"iam:PermissionsBoundary": READ}},
    ):
        _, credentials = new_user(policy({"Action": parts, "Condition": condition}))
        refused(api.signed_by(credentials), "AccessDenied", "AcquireRole", **request())
    attaching = {"Action": "iam:AttachRolePolicy", "Condition": {"ArnEquals": {"iam:PolicyARN": READ}}}
    bounded = {"Action": ["iam:AcquireRole", "iam:CreateRole"], "Resource": f"arn:aws:iam::{server.account}:role/audit/*"}
    _, credentials = new_user(policy(bounded, attaching))
    api.signed_by(credentials).call("AcquireRole", **request())
    # Not outside of the path that the policy allows.
    outside = values(RoleName=name(), TrustedArns=root, ServicePrefix="photos")
    refused(api.signed_by(credentials), "AccessDenied", "AcquireRole", TemplateArn=DECISIONS, ReplacementValues=outside)
    # A boundary holds the caller.
    boundary = api.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=policy("iam:AcquireRole"))["Policy"]["Arn"]
    _, credentials = new_user(policy("iam:*"), PermissionsBoundary=boundary)
    refused(api.signed_by(credentials), "AccessDenied", "AcquireRole", **request())
