"""Helpers of the attack tests: accounts, sessions, expected outcomes."""

import itertools

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.api import REGION, ApiError
from support.documents import ALLOW_ALL
from support.server import Credentials

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def accounts(rpc, aws, new_user):
    """Creates a member account; returns its id and an administrator's session in it."""
    numbers = itertools.count()
    _, admin = new_user(ALLOW_ALL)

    def make():
        address = f"a{next(numbers)}-{admin.access_key_id.lower()}@example.com"
        answer = rpc.call("CreateAccount", accountName="account", email=address)
        return answer["account"]["accountId"], assumed(aws.signed_by(admin), answer["roleArn"])

    return make


def assumed(api, arn, session="session", **members):
    """The same front end for a session of a role."""
    answer = api.call("AssumeRole", RoleArn=arn, RoleSessionName=session, **members)["Credentials"]
    return api.signed_by(Credentials.of(answer))


def outcome(api, operation, **members):
    """The error code of a call, or none."""
    try:
        api.call(operation, **members)
        return None
    except ApiError as error:
        return error.code


def dead(api, operation="GetCallerIdentity", **members):
    assert outcome(api, operation, **members) in ("InvalidClientTokenId", "ExpiredToken")


def received(credentials, service="s3", url="https://s3.example.com/a"):
    """A signed request as a service would receive it."""
    made = AWSRequest("GET", url, headers={"Host": url.split("/")[2]})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token), service, REGION).add_auth(made)
    headers = [{"name": name, "value": value} for name, value in made.headers.items()]
    return {"httpRequest": {"method": "GET", "target": "/a", "headers": headers, "body": ""}, "service": service}


def ssh_line():
    """A new public key, as OpenSSH writes it."""
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return rsa.generate_private_key(65537, 2048).public_key().public_bytes(*form).decode()
