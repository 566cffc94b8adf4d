"""Switches of an account: properties, the version of tokens, outbound federation, and features of the organization."""

import re

import pytest
from support.api import service_of
from support.documents import ALLOW_ALL
from support.expect import refused
from support.server import Credentials

FEATURES = {
    "RootCredentialsManagement": "OrganizationsRootCredentialsManagement",
    "RootSessions": "OrganizationsRootSessions",
}


@pytest.fixture
def knows_properties(api):
    if api.front == "aws" and not service_of("GetAccountProperties"):
        pytest.skip("this botocore does not know account properties")


@pytest.mark.usefixtures("knows_properties")
def test_properties(api):
    for value in ("true", "false"):
        api.call("PutAccountProperties", Properties={"RoleManager/Enabled": value})
        assert api.call("GetAccountProperties")["Properties"] == {"RoleManager/Enabled": value}
    for properties in ({"RoleManager/Enabled": "1"}, {"Enabled": "true"}, {"RoleManager/Enabled": "true", "Other/Enabled": "true"}, {"A/B": "true"}):
        refused(api, "InvalidInput", "PutAccountProperties", Properties=properties)
    error = refused(api, "ValidationError", "PutAccountProperties", Properties={"9/B": "true"})
    assert "failed to satisfy constraint" in error.message
    assert api.call("GetAccountProperties")["Properties"] == {"RoleManager/Enabled": "false"}


def test_the_version_of_tokens(api):
    for version in (2, 1):
        api.call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion=f"v{version}Token")
        assert api.call("GetAccountSummary")["SummaryMap"]["GlobalEndpointTokenVersion"] == version
    error = refused(api, "ValidationError", "SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion="v3Token")
    assert "Member must satisfy enum value set: [v1Token, v2Token]" in error.message or "enum value set" in error.message


def test_outbound_federation(api):
    for operation in ("GetOutboundWebIdentityFederationInfo", "DisableOutboundWebIdentityFederation"):
        refused(api, "FeatureDisabled", operation)
    issuer = api.call("EnableOutboundWebIdentityFederation")["IssuerIdentifier"]
    refused(api, "FeatureEnabled", "EnableOutboundWebIdentityFederation")
    info = api.call("GetOutboundWebIdentityFederationInfo")
    assert info == {"IssuerIdentifier": issuer, "JwtVendingEnabled": True}
    api.call("DisableOutboundWebIdentityFederation")
    refused(api, "FeatureDisabled", "GetOutboundWebIdentityFederationInfo")


def test_features_of_the_organization(api):
    organization = api.call("ListOrganizationsFeatures")["OrganizationId"]
    assert re.fullmatch(r"o-[a-z0-9]{10,32}", organization)
    on = []
    for feature, operation in FEATURES.items():
        on.append(feature)
        assert api.call(f"Enable{operation}") == {"OrganizationId": organization, "EnabledFeatures": on}
    assert api.call("ListOrganizationsFeatures") == {"OrganizationId": organization, "EnabledFeatures": on}
    for feature, operation in FEATURES.items():
        on.remove(feature)
        assert api.call(f"Disable{operation}").get("EnabledFeatures", []) == on
    assert api.call("ListOrganizationsFeatures").get("EnabledFeatures", []) == []


def test_member_accounts_cannot_switch_features(api, new_user, rpc, name):
    account = rpc.call("CreateAccount", accountName="member", email=f"{name()}@example.com")
    _, credentials = new_user(ALLOW_ALL)
    answer = api.signed_by(credentials).call("AssumeRole", RoleArn=account["roleArn"], RoleSessionName="session")
    member = api.signed_by(Credentials.of(answer["Credentials"]))
    for operation in FEATURES.values():
        refused(member, "CallerIsNotManagementAccountException", f"Enable{operation}")
        refused(member, "AccountNotManagementOrDelegatedAdministratorException", f"Disable{operation}")
    refused(member, "AccountNotManagementOrDelegatedAdministratorException", "ListOrganizationsFeatures")
    # The other switches are the member's own.
    member.call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion="v2Token")
    assert member.call("GetAccountSummary")["SummaryMap"]["GlobalEndpointTokenVersion"] == 2
    assert api.call("GetAccountSummary")["SummaryMap"]["GlobalEndpointTokenVersion"] == 1
    member.call("EnableOutboundWebIdentityFederation")


@pytest.mark.parametrize(
    "operation",
    [
        "SetSecurityTokenServicePreferences", "EnableOutboundWebIdentityFederation", "DisableOutboundWebIdentityFederation",
        "GetOutboundWebIdentityFederationInfo", "ListOrganizationsFeatures", *(f"{verb}{each}" for verb in ("Enable", "Disable") for each in FEATURES.values()),
    ],
)  # fmt: skip
def test_each_switch_needs_its_permission(api, new_user, operation):
    members = {"GlobalEndpointTokenVersion": "v2Token"} if "Preferences" in operation else {}
    refused(api.signed_by(new_user()[1]), "AccessDenied", operation, **members)
