"""The account in the console: settings, identity providers, other accounts, reports, and switching to a role."""

import time

import pytest
from support.browser import Browser
from support.documents import policy as document, trust
from support.expect import refused as is_refused

PASSWORD = "heron-In-7-reeds"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"


@pytest.fixture
def reader(aws, server, name):
    """A browser of a person who may only read."""
    user = name("reader")
    aws.call("CreateUser", UserName=user)
    aws.call("AttachUserPolicy", UserName=user, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    browser = Browser(server)
    browser.sign_in(user, PASSWORD)
    return browser


def test_the_alias_and_the_password_policy_change(aws, browser, reader):
    page = browser.open("/console/settings")
    refused = browser.send(page.form(do="set-alias"), alias="No")
    assert refused.status == 400 and refused.form(do="set-alias").has(alias="No")
    page = browser.send(refused.form(do="set-alias"), alias="reeds-and-rushes")
    assert aws.call("ListAccountAliases")["AccountAliases"] == ["reeds-and-rushes"]
    page = browser.send(page.form(do="set-policy"), length="14", age="90", reuse="5", numbers="1", change="1")
    policy = aws.call("GetAccountPasswordPolicy")["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["MaxPasswordAge"], policy["PasswordReusePrevention"]) == (14, 90, 5)
    assert policy["RequireNumbers"] and policy["AllowUsersToChangePassword"] and not policy["RequireSymbols"]
    for members in ({"length": "fourteen"}, {"length": "5"}, {"age": HOSTILE}):
        browser.page = page
        assert browser.send(page.form(do="set-policy"), members).status == 400, members
    form = reader.open("/console/settings").form(do="set-policy")
    assert form.has(length="14", age="90", numbers="1")
    denied = reader.send(form, length="6")
    assert denied.status == 403 and "iam:UpdateAccountPasswordPolicy" in denied.text
    assert aws.call("GetAccountPasswordPolicy")["PasswordPolicy"] == policy
    account = page.form(do="delete-policy")
    assert browser.send(account, confirm="1").status == 400
    browser.send(browser.open("/console/settings").form(do="delete-policy"), confirm=browser.server.account)
    is_refused(aws, "NoSuchEntity", "GetAccountPasswordPolicy")
    page = browser.open("/console/settings")
    browser.send(page.form(do="remove-alias", alias="reeds-and-rushes"))
    assert aws.call("ListAccountAliases")["AccountAliases"] == []


def test_an_issuer_is_added_changed_and_deleted(aws, name, browser, reader):
    issuer = f"id.example.com/{name('tenant')}"
    page = browser.open("/console/providers")
    refused = browser.send(page.form(do="create-oidc"), url="ftp://" + issuer, client="app")
    assert refused.status == 400 and refused.form(do="create-oidc").has(client="app")
    page = browser.send(refused.form(do="create-oidc"), url="https://" + issuer)
    (address,) = [link for link in page.links if "providers/oidc" in link and issuer.split("/")[1] in link]
    page = browser.open(address)
    assert page.heads == [issuer]
    page = browser.send(page.form(do="add-client"), client="other")
    page = browser.send(page.form(do="remove-client", client="app"))
    (arn,) = [one["Arn"] for one in aws.call("ListOpenIDConnectProviders")["OpenIDConnectProviderList"] if one["Arn"].endswith(issuer)]
    assert aws.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)["ClientIDList"] == ["other"]
    denied = reader.send(reader.open(address).form(do="delete"), confirm=issuer)
    assert denied.status == 403 and "iam:DeleteOpenIDConnectProvider" in denied.text
    assert browser.send(page.form(do="delete"), confirm="id.example.com").status == 400
    browser.send(browser.open(address).form(do="delete"), confirm=issuer)
    is_refused(aws, "NoSuchEntity", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)


def test_saml_metadata_must_be_metadata(browser, name):
    page = browser.open("/console/providers")
    refused = browser.send(page.form(do="create-saml"), name=name("saml"), metadata=HOSTILE * 50)
    assert refused.status == 400 and "<script>alert" not in refused.html
    assert refused.form(do="create-saml").has(metadata=HOSTILE * 50)


def test_accounts_are_made_and_suspended(rpc, name, browser):
    page = browser.open("/console/accounts")
    page = browser.send(page.form(do="create"), name=name("member"), email="member@example.com")
    assert "was created" in page.text
    (member,) = [one for one in rpc.call("ListAccounts")["accounts"] if not one.get("management")]
    account = member["accountId"]
    assert f"/console/switch?account={account}&role=OrganizationAccountAccessRole" in page.links
    page = browser.send(page.form(do="suspend"), account=account)
    assert rpc.call("DescribeAccount", accountId=account)["account"]["status"].endswith("SUSPENDED")
    page = browser.send(page.form(do="resume", account=account))
    assert rpc.call("DescribeAccount", accountId=account)["account"]["status"].endswith("ACTIVE")
    page = browser.open(f"/console/switch?account={account}&role=OrganizationAccountAccessRole")
    page = browser.send(page.form(do="switch"))
    assert page.heads == ["Home"] and account in page.text
    browser.send(browser.open("/console/users/create").form(do="create"), name="insider")
    page = browser.send(browser.open("/console").form(do="return"))
    assert "act as yourself" in page.text


def test_the_credential_report_is_made_and_saved(person, browser):
    page = browser.open("/console/reports")
    page = browser.send(page.form(do="generate"))
    for _ in range(50):
        if any(form.has(do="save") for form in page.forms):
            break
        time.sleep(0.2)
        page = browser.open("/console/reports")
    saved = browser.send(page.form(do="save"))
    assert saved.headers["content-disposition"] == 'attachment; filename="credential-report.csv"'
    head, *lines = saved.html.splitlines()
    assert head.startswith("user,arn,") and any(line.startswith(person + ",") for line in lines)


def test_a_person_switches_to_a_role_and_returns(aws, server, name, person, browser):
    role = name("deploy")
    aws.call("CreateRole", RoleName=role, Path="/teams/", AssumeRolePolicyDocument=trust(server.account))
    aws.call("PutRolePolicy", RoleName=role, PolicyName="users", PolicyDocument=document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}))
    page = browser.open(f"/console/switch?account={server.account}&role=teams/{role}")
    page = browser.send(page.form(do="switch"))
    arn = f"arn:aws:iam::{server.account}:role/teams/{role}"
    assert f"You act as {arn} now." in page.text, page.text
    assert f"{person} as {arn}" in page.text
    assert person in browser.open("/console/users").text
    denied = browser.open("/console/groups")
    assert "iam:ListGroups" in denied.text
    assert browser.open("/console/profile").address == "/console"
    # The session of the role ends, that of the person does not.
    aws.call("DeleteRolePolicy", RoleName=role, PolicyName="users")
    aws.call("DeleteRole", RoleName=role)
    page = browser.open("/console/users")
    assert page.address == "/console" and "has ended" in page.text, page.text
    assert browser.open("/console/profile").heads == ["Your profile"]


def test_a_role_that_does_not_trust_the_person_is_refused(aws, server, name, browser):
    for account, role in ((server.account, "nowhere"), ("222233334444", "deploy"), ("x", "deploy"), (server.account, HOSTILE)):
        page = browser.open("/console/switch")
        refused = browser.send(page.form(do="switch"), account=account, role=role)
        assert refused.status in (400, 403) and refused.form(do="switch").has(role=role), (account, role)
        assert "Return" not in refused.text
