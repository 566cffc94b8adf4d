"""Operations whose proof is in the request need no signature; all others do."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from support.api import REGION, AwsApi
from support.audit import records

ROLE = "arn:aws:iam::111122223333:role/deploy"
PROOFS = {
    "assume_role_with_saml": {"RoleArn": ROLE, "PrincipalArn": "arn:aws:iam::111122223333:saml-provider/idp", "SAMLAssertion": "YXNzZXJ0aW9u"},
    "assume_role_with_web_identity": {"RoleArn": ROLE, "RoleSessionName": "web", "WebIdentityToken": "a.b.c"},
}


@pytest.fixture
def unsigned(server):
    """A client without credentials."""
    return boto3.client("sts", endpoint_url=server.url, region_name=REGION, config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))


@pytest.mark.parametrize(("method", "code"), [("assume_role_with_saml", "InvalidIdentityToken"), ("assume_role_with_web_identity", "InvalidIdentityToken")])
def test_a_proof_in_the_request_needs_no_signature(server, unsigned, method, code):
    with pytest.raises(ClientError) as caught:
        getattr(unsigned, method)(**PROOFS[method])
    assert caught.value.response["Error"]["Code"] == code


def test_all_others_need_one(unsigned):
    for method, parameters in (("get_caller_identity", {}), ("assume_role", {"RoleArn": ROLE, "RoleSessionName": "web"})):
        with pytest.raises(ClientError) as caught:
            getattr(unsigned, method)(**parameters)
        assert caught.value.response["Error"]["Code"] == "MissingAuthenticationToken"


def test_the_record_names_an_anonymous_caller(new_server):
    server = new_server().start()
    client = boto3.client("sts", endpoint_url=server.url, region_name=REGION, config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError):
        client.assume_role_with_saml(**PROOFS["assume_role_with_saml"])
    AwsApi(server, server.root).call("ListUsers")
    server.stop()
    [record] = [record for record in records(server) if record["eventName"] == "AssumeRoleWithSAML"]
    assert record["userIdentity"] == {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    assert record["errorCode"] == "InvalidIdentityToken"
    assert "recipientAccountId" not in record
    assert "YXNzZXJ0aW9u" not in str(record)
