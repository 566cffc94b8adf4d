"""OpenID Connect providers."""

import pytest
from support.documents import policy, trust
from support.expect import refused
from test_administrator import Cli

THUMBPRINT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def url(name):
    """The URL of an issuer."""
    return f"https://id.example.com/{name('realm')}"


@pytest.fixture
def arn(url, server):
    """The ARN that the provider of the URL has."""
    return f"arn:aws:iam::{server.account}:oidc-provider/{url.removeprefix('https://')}"


def test_a_provider_is_created_changed_and_deleted(api, url, arn):
    tags = [{"Key": "a", "Value": "b"}]
    made = api.call("CreateOpenIDConnectProvider", Url=url, ClientIDList=["web"], ThumbprintList=[THUMBPRINT], Tags=tags)
    assert (made["OpenIDConnectProviderArn"], made["Tags"]) == (arn, tags)
    provider = {"OpenIDConnectProviderArn": arn}
    shown = api.call("GetOpenIDConnectProvider", **provider)
    assert (shown["Url"], shown["ClientIDList"]) == (url.removeprefix("https://"), ["web"])
    assert (shown["ThumbprintList"], shown["Tags"]) == ([THUMBPRINT], tags)
    assert arn in [each["Arn"] for each in api.call("ListOpenIDConnectProviders")["OpenIDConnectProviderList"]]
    for _ in range(2):
        api.call("AddClientIDToOpenIDConnectProvider", **provider, ClientID="app")
        assert api.call("GetOpenIDConnectProvider", **provider)["ClientIDList"] == ["web", "app"]
    for _ in range(2):
        api.call("RemoveClientIDFromOpenIDConnectProvider", **provider, ClientID="web")
        assert api.call("GetOpenIDConnectProvider", **provider)["ClientIDList"] == ["app"]
    api.call("UpdateOpenIDConnectProviderThumbprint", **provider, ThumbprintList=[THUMBPRINT[::-1].upper()])
    assert api.call("GetOpenIDConnectProvider", **provider)["ThumbprintList"] == [THUMBPRINT[::-1]]
    api.call("TagOpenIDConnectProvider", **provider, Tags=[{"Key": "c", "Value": "d"}])
    api.call("UntagOpenIDConnectProvider", **provider, TagKeys=["a"])
    assert api.items("ListOpenIDConnectProviderTags", "Tags", **provider) == [{"Key": "c", "Value": "d"}]
    api.call("UpdateOpenIDConnectProvider", **provider, RemoveContextProvider=True)
    api.call("DeleteOpenIDConnectProvider", **provider)
    missing = refused(api, "NoSuchEntity", "GetOpenIDConnectProvider", **provider)
    assert missing.message == f"OpenIDConnect Provider not found for arn {arn}"
    gone = refused(api, "NoSuchEntity", "DeleteOpenIDConnectProvider", **provider)
    assert gone.message == f"OpenId connect Provider {arn} cannot be found."


def test_a_provider_without_lists_has_empty_ones(api, url, arn):
    """The server of the provider is not contacted, so there are no thumbprints but those of the request."""
    api.call("CreateOpenIDConnectProvider", Url=url)
    shown = api.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    assert (shown["ClientIDList"], shown["ThumbprintList"]) == ([], [])
    taken = refused(api, "EntityAlreadyExists", "CreateOpenIDConnectProvider", Url=url)
    assert taken.message == f"Provider with url {url} already exists."


def test_malformed_requests_are_refused(api, url):
    for bad in ("http://id.example.com", "https://id.example.com:8443", "x"):
        error = refused(api, "ValidationError", "CreateOpenIDConnectProvider", Url=bad)
        assert error.message == "Invalid Open ID Connect Provider URL"
    error = refused(api, "InvalidInput", "CreateOpenIDConnectProvider", Url="https://id.example.com/?a=b")
    # AWS answers without a message.
    assert bool(error.message) == (api.front == "grpc")
    refused(api, "InvalidInput", "CreateOpenIDConnectProvider", Url=url, ThumbprintList=[THUMBPRINT] * 6)
    refused(api, "ValidationError", "CreateOpenIDConnectProvider", Url=url, ThumbprintList=["short"])
    ids = [f"client-{number}" for number in range(101)]
    refused(api, "LimitExceeded", "CreateOpenIDConnectProvider", Url=url, ClientIDList=ids)
    refused(api, "InvalidInput", "CreateOpenIDConnectProvider", Url=url, ContextProvider={"SubjectSourceKey": "sub"})


def test_permissions_are_asked_on_the_provider(api, new_user, url, arn):
    _, credentials = new_user(policy({"Action": "iam:*OpenIDConnectProvider*", "Resource": arn + "-other"}))
    other = api.signed_by(credentials)
    refused(other, "AccessDenied", "CreateOpenIDConnectProvider", Url=url)
    refused(other, "AccessDenied", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    refused(other, "AccessDenied", "ListOpenIDConnectProviders")
    other.call("CreateOpenIDConnectProvider", Url=url + "-other")


def test_a_role_trusts_a_provider_that_does_not_exist(api, name, arn):
    document = trust({"Federated": arn}, "sts:AssumeRoleWithWebIdentity")
    api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=document)


def test_the_aws_cli_shows_a_provider(server, url, arn):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    made = cli.run("iam", "create-open-id-connect-provider", "--url", url, "--client-id-list", "web", "--output", "text")
    assert made.stdout.strip() == arn, made.stderr
    shown = cli.run("iam", "get-open-id-connect-provider", "--open-id-connect-provider-arn", arn, "--query", "[Url,ClientIDList]")
    assert url.removeprefix("https://") in shown.stdout and '"web"' in shown.stdout
