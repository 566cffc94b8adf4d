"""Roles in the console: who may assume them, what they may do, and their deletion, over plain HTTP."""

import json

import pytest
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused
from support.saml import make_metadata

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
READS = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def role(aws, server, name):
    """A role that the account may assume."""
    role = name("role")
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account), Description="first")
    return role


def statement(aws, role):
    """The one statement of the trust policy."""
    (found,) = aws.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return found


def attached(aws, role):
    return [one["PolicyArn"] for one in aws.call("ListAttachedRolePolicies", RoleName=role)["AttachedPolicies"]]


def create(browser, kind, **members):
    page = browser.open(f"/console/roles/create?trust={kind}")
    return browser.send(page.form(do="create"), **members)


def test_a_role_is_created_with_all_that_it_can_have(aws, server, browser, name):
    role = name("role")
    assert "/console/roles/create" in browser.open("/console/roles").links
    page = create(
        browser, "account", name=role, path="/teams/", mfa="1", arn=READS, boundary=READS, description="for herons",
        duration="7200", tags="team = herons\r\n\r\nempty=",
    )  # fmt: skip
    assert page.status == 200 and page.heads == [role] and f"The role {role} was created." in page.text
    found = aws.call("GetRole", RoleName=role)["Role"]
    assert (found["Path"], found["Description"], found["MaxSessionDuration"]) == ("/teams/", "for herons", 7200)
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == READS and attached(aws, role) == [READS]
    assert sorted((tag["Key"], tag["Value"]) for tag in found["Tags"]) == [("empty", ""), ("team", "herons")]
    assert statement(aws, role) == {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{server.account}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    (link,) = {link for link in page.links if link and link.startswith("/console/switch?")}
    switch = dict(browser.open(link).form(do="switch").members)
    assert (switch["account"], switch["role"]) == (server.account, f"teams/{role}")
    # The members are shown in the order in which they were written.
    assert page.text.index('"Version"') < page.text.index('"Effect"') < page.text.index('"Principal"')


def test_other_accounts_and_services_may_assume_a_role(aws, rpc, browser, name):
    role, prefix = name("role"), name("photos")
    other = rpc.call("CreateAccount", accountName=name("account"), email=f"{name('a')}@example.com")["account"]["accountId"]
    create(browser, "other", name=role, account=other, external_id="heron:7/x")
    assert statement(aws, role)["Principal"] == {"AWS": f"arn:aws:iam::{other}:root"}
    assert statement(aws, role)["Condition"] == {"StringEquals": {"sts:ExternalId": "heron:7/x"}}
    for members, words in (
        ({"account": "*"}, "twelve digits"),
        ({"account": "44445555666x"}, "twelve digits"),
        ({"account": other, "external_id": "${aws:username}"}, "external id"),
    ):
        new = name("role")
        page = create(browser, "other", name=new, **members)
        assert page.status == 400 and words in page.text
        kept = dict(page.form(do="create").members)
        assert kept["name"] == new and {key: kept[key] for key in members} == members
        refused(aws, "NoSuchEntity", "GetRole", RoleName=new)
    definition = json.dumps({"catalogue": 1, "services": {prefix: {"principals": [f"{prefix}.example.com"], "actions": {}}}})
    rpc.call("PutService", servicePrefix=prefix, definition=definition)
    role, second = name("role"), name("role")
    page = create(browser, "service", name=role, service=f"{prefix}.example.com")
    assert statement(aws, role)["Principal"] == {"Service": f"{prefix}.example.com"}, page.text
    create(browser, "service", name=second, service_name="ec2.amazonaws.com")
    assert statement(aws, second)["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert create(browser, "service", name=name("role")).status == 400
    assert create(browser, "service", name=name("role"), service_name=HOSTILE).status == 400


def test_users_of_identity_providers_may_assume_a_role(aws, browser, name, tmp_path):
    issuer = f"{name('issuer')}.example.com"
    provider = aws.call("CreateOpenIDConnectProvider", Url=f"https://{issuer}", ClientIDList=["app"], ThumbprintList=["0" * 40])
    provider = provider["OpenIDConnectProviderArn"]
    role = name("role")
    page = create(browser, "oidc", name=role, provider=provider, audience="app", subject="repo:herons/*")
    assert page.heads == [role], page.text
    assert statement(aws, role) == {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": "app"}, "StringLike": {f"{issuer}:sub": "repo:herons/*"}},
    }
    # Without an audience, all users of the provider could assume the role.
    for audience in ("", " ", "${aws:username}"):
        page = create(browser, "oidc", name=name("role"), provider=provider, audience=audience)
        assert page.status == 400 and "audience" in page.text
    assert create(browser, "saml", name=name("role"), audience="https://iam.example.com/saml").status == 400
    metadata, role = make_metadata(tmp_path), name("role")
    provider = aws.call("CreateSAMLProvider", Name=name("idp"), SAMLMetadataDocument=metadata)["SAMLProviderArn"]
    page = create(browser, "saml", name=role, provider=provider, audience="https://iam.example.com/saml")
    assert page.heads == [role], page.text
    assert statement(aws, role) == {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"SAML:aud": "https://iam.example.com/saml"}},
    }


def test_a_trust_policy_of_ones_own_is_taken_as_it_is(aws, server, browser, name):
    role = name("role")
    document = trust(f"arn:aws:iam::{server.account}:root", Sid="Own")
    page = create(browser, "custom", name=role, document=document.replace(", ", ",\r\n"))
    assert page.heads == [role] and statement(aws, role)["Sid"] == "Own"
    broken = document.replace("Effect", HOSTILE.replace('"', "'"))
    page = create(browser, "custom", name=name("role"), document=broken)
    assert page.status == 400 and "<script>alert" not in page.html
    assert dict(page.form(do="create").members)["document"].strip() == broken
    assert 'class="line marked"' in page.html and "Error" in page.text, page.text
    assert 'class="line marked"' not in create(browser, "account", name="x/y").html


def test_what_was_typed_stays_if_a_role_is_refused(browser, name):
    typed = {"name": name("role"), "path": HOSTILE, "arn": HOSTILE, "boundary": HOSTILE, "description": HOSTILE, "tags": HOSTILE + "=1"}
    page = create(browser, "account", **typed, duration="14400", mfa="1")
    assert page.status == 400 and "<script>alert" not in page.html and page.heads == ["Create a role"]
    kept = {key: value.strip() for key, value in page.form(do="create").members}
    assert {key: kept[key] for key in typed} == typed and kept["duration"] == "14400" and kept["mfa"] == "1"
    page = create(browser, "account", name=name("role"), tags="no value")
    assert page.status == 400 and "is not a tag" in page.text


def test_a_role_is_changed(aws, browser, role):
    page = browser.open(f"/console/roles/role?name={role}")
    page = browser.send(page.form(do="describe"), description="<b>second</b>", duration="43200")
    assert page.status == 200 and "<b>second</b>" in page.text and "<b>second" not in page.html
    found = aws.call("GetRole", RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("<b>second</b>", 43200)
    page = browser.send(page.form(do="attach-policies"), arn=READS)
    assert attached(aws, role) == [READS]
    page = browser.send(page.form(do="detach-policy", arn=READS))
    assert attached(aws, role) == []
    page = browser.send(page.form(do="set-boundary"), arn=READS)
    page = browser.send(page.form(do="remove-boundary"), confirm="x")
    assert page.status == 400 and "PermissionsBoundary" in aws.call("GetRole", RoleName=role)["Role"]
    page = browser.send(page.form(do="remove-boundary"), confirm=role)
    assert "PermissionsBoundary" not in aws.call("GetRole", RoleName=role)["Role"]
    page = browser.send(page.form(do="add-tag"), key="<b>key", value="<i>value")
    assert aws.call("ListRoleTags", RoleName=role)["Tags"] == [{"Key": "<b>key", "Value": "<i>value"}] or page.status == 400
    page = browser.send(page.form(do="add-tag"), key="team", value="herons")
    assert "herons" in page.text
    page = browser.send(page.form(do="remove-tag", key="team"))
    assert "herons" not in page.text and {"Key": "team", "Value": "herons"} not in aws.call("ListRoleTags", RoleName=role)["Tags"]


def test_a_role_is_deleted_with_what_it_has_after_its_name_is_typed(aws, browser, name, role):
    profile = name("profile")
    aws.call("CreateInstanceProfile", InstanceProfileName=profile)
    aws.call("AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName=role)
    aws.call("PutRolePolicy", RoleName=role, PolicyName="own", PolicyDocument=ALLOW_ALL)
    aws.call("AttachRolePolicy", RoleName=role, PolicyArn=READS)
    page = browser.open(f"/console/roles/role?name={role}")
    page = browser.send(page.form(do="delete"), confirm="")
    assert page.status == 400 and attached(aws, role) == [READS]
    page = browser.send(page.form(do="delete"), confirm=role)
    assert page.heads == ["Roles"] and f"The role {role} was deleted." in page.text
    refused(aws, "NoSuchEntity", "GetRole", RoleName=role)
    assert aws.call("GetInstanceProfile", InstanceProfileName=profile)["InstanceProfile"]["Roles"] == []


def test_a_person_without_permission_sees_which_is_missing(aws, signed_in, name, role):
    aws.call("AttachRolePolicy", RoleName=role, PolicyArn=READS)
    aws.call("PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=READS)
    aws.call("TagRole", RoleName=role, Tags=[{"Key": "team", "Value": "herons"}])
    before = aws.call("GetRole", RoleName=role)["Role"]
    browser = signed_in(READ_ONLY)
    page = browser.open(f"/console/roles/role?name={role}")
    for form, more, action in (
        ("attach-policies", {"arn": READS}, "AttachRolePolicy"),
        ("detach-policy", {}, "DetachRolePolicy"),
        ("set-boundary", {"arn": READS}, "PutRolePermissionsBoundary"),
        ("remove-boundary", {"confirm": role}, "DeleteRolePermissionsBoundary"),
        ("describe", {"description": "new"}, "UpdateRole"),
        ("add-tag", {"key": "a", "value": "b"}, "TagRole"),
        ("remove-tag", {}, "UntagRole"),
        ("delete", {"confirm": role}, "DetachRolePolicy"),
    ):
        page = browser.send(page.form(do=form), **more)
        assert page.status == 403 and f"not authorized to perform: iam:{action}" in page.text, (form, page.text)
    page = create(browser, "account", name=name("role"))
    assert page.status == 403 and "iam:CreateRole" in page.text
    assert aws.call("GetRole", RoleName=role)["Role"] == before and attached(aws, role) == [READS]


def test_what_denies_goes_last_when_a_role_is_deleted(aws, signed_in, name, role):
    denies = policy({"Effect": "Deny", "Action": "s3:*"})
    denies = aws.call("CreatePolicy", PolicyName=name("denies"), PolicyDocument=denies)["Policy"]["Arn"]
    aws.call("AttachRolePolicy", RoleName=role, PolicyArn=denies)
    aws.call("PutRolePolicy", RoleName=role, PolicyName="allows", PolicyDocument=ALLOW_ALL)
    browser = signed_in(policy("*", {"Effect": "Deny", "Action": "iam:DeleteRolePolicy"}))
    page = browser.open(f"/console/roles/role?name={role}")
    page = browser.send(page.form(do="delete"), confirm=role)
    assert page.status == 403 and "iam:DeleteRolePolicy" in page.text and attached(aws, role) == [denies]
