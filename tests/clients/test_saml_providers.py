"""SAML providers."""

import datetime
import re

import pytest
from support.api import ApiError
from support.certificates import make_certificate
from support.documents import policy, trust
from support.expect import refused
from support.saml import make_metadata, make_private_key
from test_administrator import Cli


@pytest.fixture
def metadata(tmp_path):
    """The metadata of a provider."""
    return make_metadata(tmp_path)


@pytest.fixture
def named(name, server):
    """The name that a provider will have, and its ARN."""
    text = name("idp")
    return text, {"SAMLProviderArn": f"arn:aws:iam::{server.account}:saml-provider/{text}"}


@pytest.fixture
def provider(api, named, metadata):
    """A provider, as a request names it."""
    api.call("CreateSAMLProvider", Name=named[0], SAMLMetadataDocument=metadata)
    return named[1]


def test_a_provider_is_created_changed_and_deleted(api, named, metadata, tmp_path):
    name, provider = named
    made = api.call("CreateSAMLProvider", Name=name, SAMLMetadataDocument=metadata)
    assert made["SAMLProviderArn"] == provider["SAMLProviderArn"]
    shown = api.call("GetSAMLProvider", **provider)
    assert (shown["SAMLMetadataDocument"], shown["AssertionEncryptionMode"]) == (metadata, "Allowed")
    assert (shown["Tags"], shown["PrivateKeyList"]) == ([], [])
    assert re.fullmatch("SAMLSP[A-Z2-7]{16}", shown["SAMLProviderUUID"])
    year = lambda date: date.year if isinstance(date, datetime.datetime) else int(str(date)[:4])
    assert year(shown["ValidUntil"]) == year(shown["CreateDate"]) + 100
    entry = provider["SAMLProviderArn"], shown["ValidUntil"], shown["CreateDate"]
    listed = api.call("ListSAMLProviders")["SAMLProviderList"]
    assert entry in [(each["Arn"], each["ValidUntil"], each["CreateDate"]) for each in listed]
    other = make_metadata(tmp_path, "urn:other", 'validUntil="2041-02-03T04:05:06.789Z"')
    assert api.call("UpdateSAMLProvider", **provider, SAMLMetadataDocument=other) == provider
    after = api.call("GetSAMLProvider", **provider)
    assert (after["SAMLMetadataDocument"], after["SAMLProviderUUID"]) == (other, shown["SAMLProviderUUID"])
    assert str(after["ValidUntil"]).replace("T", " ").startswith("2041-02-03 04:05:06")
    taken = refused(api, "EntityAlreadyExists", "CreateSAMLProvider", Name=name, SAMLMetadataDocument=metadata)
    assert taken.message == f"Provider with name {name} already exists."
    assert api.call("DeleteSAMLProvider", **provider) == {}
    for operation in ("GetSAMLProvider", "DeleteSAMLProvider", "ListSAMLProviderTags"):
        gone = refused(api, "NoSuchEntity", operation, **provider)
        assert gone.message == f"Manifest not found for arn {provider['SAMLProviderArn']}"


def test_tags(api, named, metadata):
    tags = [{"Key": "a", "Value": "b"}]
    made = api.call("CreateSAMLProvider", Name=named[0], SAMLMetadataDocument=metadata, Tags=tags)
    assert made == named[1] | {"Tags": tags}
    api.call("TagSAMLProvider", **named[1], Tags=[{"Key": "c", "Value": "d"}])
    assert api.items("ListSAMLProviderTags", "Tags", **named[1], MaxItems=1) == tags + [{"Key": "c", "Value": "d"}]
    api.call("UntagSAMLProvider", **named[1], TagKeys=["a", "missing"])
    assert api.call("GetSAMLProvider", **named[1])["Tags"] == [{"Key": "c", "Value": "d"}]


def test_private_keys_never_come_back(api, provider):
    refused(api, "InvalidInput", "UpdateSAMLProvider", **provider, AssertionEncryptionMode="Required")
    keys = [make_private_key() for _ in range(2)]
    api.call("UpdateSAMLProvider", **provider, AssertionEncryptionMode="Required", AddPrivateKey=keys[0])
    api.call("UpdateSAMLProvider", **provider, AddPrivateKey=keys[1])
    shown = api.call("GetSAMLProvider", **provider)
    assert shown["AssertionEncryptionMode"] == "Required"
    assert all(set(key) == {"KeyId", "Timestamp"} and key["KeyId"].startswith("SAMLPK") for key in shown["PrivateKeyList"])
    assert "PRIVATE" not in str(shown) and keys[0].splitlines()[1] not in str(shown)
    full = refused(api, "LimitExceeded", "UpdateSAMLProvider", **provider, AddPrivateKey=keys[0])
    assert full.message == "Private key limit of 2 is reached."
    first, second = (key["KeyId"] for key in shown["PrivateKeyList"])
    refused(api, "NoSuchEntity", "UpdateSAMLProvider", **provider, RemovePrivateKey="K" * 32)
    api.call("UpdateSAMLProvider", **provider, RemovePrivateKey=first)
    held = refused(api, "InvalidInput", "UpdateSAMLProvider", **provider, RemovePrivateKey=second)
    assert held.message == "Failed to remove private key."
    api.call("UpdateSAMLProvider", **provider, RemovePrivateKey=second, AssertionEncryptionMode="Allowed")
    assert api.call("GetSAMLProvider", **provider)["PrivateKeyList"] == []


def test_malformed_requests_are_refused(api, named, metadata, provider, tmp_path):
    def says(code, text, **members):
        updated = refused(api, code, "UpdateSAMLProvider", **provider, **{"SAMLMetadataDocument": text} | members)
        created = refused(api, code, "CreateSAMLProvider", Name=named[0] + "-new", **{"SAMLMetadataDocument": text} | members)
        assert updated.message == created.message
        return created.message

    assert "length greater than or equal to 1000" in says("ValidationError", "short")
    assert says("InvalidInput", "x" * 1000) == "Could not parse metadata"
    entities = '<!DOCTYPE a [<!ENTITY b "bbbb">]>' + metadata.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
    other = metadata.replace("IDPSSODescriptor", "SPSSODescriptor")
    for bad in (entities, other, make_metadata(tmp_path, attributes='validUntil="soon"')):
        assert says("InvalidInput", bad) == "Could not parse metadata"
    says("InvalidInput", metadata, AddPrivateKey="text")
    says("InvalidInput", metadata, AddPrivateKey=make_certificate(tmp_path)[1].read_text())
    says("InvalidInput", metadata, ContextProvider={"SubjectSourceKey": "sub"})
    says("ValidationError", metadata, AssertionEncryptionMode="Sometimes")
    nothing = refused(api, "ValidationError", "UpdateSAMLProvider", **provider)
    assert nothing.message.startswith("Unable to update identity provider. No updates are defined")
    refused(api, "InvalidInput", "GetSAMLProvider", SAMLProviderArn=provider["SAMLProviderArn"].replace("saml-", "oidc-"))
    refused(api, "ValidationError", "CreateSAMLProvider", Name="a b", SAMLMetadataDocument=metadata)


@pytest.mark.parametrize("size", [600_000, 1_040_000, 3_000_000])
def test_large_metadata_comes_back_whole(api, named, tmp_path, size):
    """Metadata is stored in parts of 512 KiB; only requests with metadata or certificates may have more than 1 MiB."""
    large = make_metadata(tmp_path, size=size)
    api.call("CreateSAMLProvider", Name=named[0], SAMLMetadataDocument=large)
    assert api.call("GetSAMLProvider", **named[1])["SAMLMetadataDocument"] == large


def test_permissions_are_asked_on_the_provider(api, new_user, named, metadata, provider):
    other = provider["SAMLProviderArn"] + "-other"
    _, credentials = new_user(policy({"Action": "iam:*SAMLProvider*", "Resource": other}))
    own = api.signed_by(credentials)
    refused(own, "AccessDenied", "CreateSAMLProvider", Name=named[0] + "-third", SAMLMetadataDocument=metadata)
    for operation in ("GetSAMLProvider", "UpdateSAMLProvider", "DeleteSAMLProvider"):
        refused(own, "AccessDenied", operation, **provider)
    refused(own, "AccessDenied", "ListSAMLProviders")
    own.call("CreateSAMLProvider", Name=named[0] + "-other", SAMLMetadataDocument=metadata)
    # Tags of a new provider need a permission of their own.
    _, credentials = new_user(policy("iam:CreateSAMLProvider"))
    tagged = {"Name": named[0] + "-fourth", "SAMLMetadataDocument": metadata, "Tags": [{"Key": "a", "Value": "b"}]}
    refused(api.signed_by(credentials), "AccessDenied", "CreateSAMLProvider", **tagged)


def test_a_role_trusts_a_provider(api, name, provider):
    document = trust({"Federated": provider["SAMLProviderArn"]}, "sts:AssumeRoleWithSAML")
    api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=document)
    # As in AWS the trust policy does not keep the provider from being deleted.
    api.call("DeleteSAMLProvider", **provider)


def test_the_aws_cli_shows_a_provider(server, named, metadata, tmp_path):
    name, provider = named
    arn = provider["SAMLProviderArn"]
    (tmp_path / "metadata.xml").write_text(metadata)
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    file = f"file://{tmp_path / 'metadata.xml'}"
    made = cli.run("iam", "create-saml-provider", "--name", name, "--saml-metadata-document", file, "--tags", "Key=a,Value=b", "--output", "text")
    assert made.stdout.split() == [arn, "TAGS", "a", "b"], made.stderr
    updated = cli.run("iam", "update-saml-provider", "--saml-provider-arn", arn, "--saml-metadata-document", file, "--output", "text")
    assert updated.stdout.strip() == arn, updated.stderr
    query = "[AssertionEncryptionMode,length(PrivateKeyList),Tags[0].Key]"
    shown = cli.run("iam", "get-saml-provider", "--saml-provider-arn", arn, "--query", query, "--output", "text")
    assert shown.stdout.split() == ["Allowed", "0", "a"], shown.stderr
    listed = cli.run("iam", "list-saml-providers", "--query", "SAMLProviderList[].Arn", "--output", "text")
    assert arn in listed.stdout.split()
    tags = cli.run("iam", "list-saml-provider-tags", "--saml-provider-arn", arn, "--query", "Tags[].[Key,Value]", "--output", "text")
    assert tags.stdout.split() == ["a", "b"]
    for words in (["tag-saml-provider", "--tags", "Key=c,Value=d"], ["untag-saml-provider", "--tag-keys", "a"], ["delete-saml-provider"]):
        done = cli.run("iam", words[0], "--saml-provider-arn", arn, *words[1:])
        assert (done.stdout, done.stderr) == ("", "")


def test_large_metadata(server, aws, rpc, name, tmp_path, new_user):
    """Up to ten million characters, as on AWS; no other request may be as large."""
    plain = make_metadata(tmp_path)
    most = 10_000_000

    def padded(size):
        return plain.replace("<md:IDPSSODescriptor", f"<!--{'x' * (size - len(plain) - 7)}--><md:IDPSSODescriptor", 1)

    for front in (aws, rpc):
        provider = front.call("CreateSAMLProvider", Name=name("provider"), SAMLMetadataDocument=padded(2_000_000))["SAMLProviderArn"]
        front.call("UpdateSAMLProvider", SAMLProviderArn=provider, SAMLMetadataDocument=padded(most))
        error = refused(front, "ValidationError", "CreateSAMLProvider", Name=name("provider"), SAMLMetadataDocument=padded(most + 1))
        assert "Member must have length less than or equal to 10000000" in error.message
        refused(front, "RequestEntityTooLarge", "CreateSAMLProvider", Name=name("provider"), SAMLMetadataDocument="x" * 17_000_000)
        refused(front, "RequestEntityTooLarge", "CreatePolicy", PolicyName=name("policy"), PolicyDocument="x" * 1_500_000)
    stored = aws.call("GetSAMLProvider", SAMLProviderArn=provider)["SAMLMetadataDocument"]
    assert stored == padded(most)
    # The rights are those of every other call.
    _, keys = new_user()
    refused(aws.signed_by(keys), "AccessDenied", "UpdateSAMLProvider", SAMLProviderArn=provider, SAMLMetadataDocument=padded(2_000_000))
