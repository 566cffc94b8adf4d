"""Requests for AWS services that are not served: each client shows one sentence about it."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from support import audit
from support.api import AwsApi
from support.raw import request, send, signed
from test_administrator import Cli

SENTENCE = (
    "Bailiwick serves IAM, STS and a part of CloudTrail, and this request is for `{}`: set AWS_ENDPOINT_URL_IAM, "
    "AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_CLOUDTRAIL"
)

# Client, operation, parameters, signing name: one or two of each protocol.
CALLS = [
    ("s3", "ListBuckets", {}, "s3"),
    ("s3", "GetObject", {"Bucket": "photos", "Key": "a/b"}, "s3"),
    ("s3", "PutObject", {"Bucket": "photos", "Key": "a", "Body": b"x" * 2_000_000}, "s3"),
    ("ec2", "DescribeInstances", {}, "ec2"),
    ("sns", "ListTopics", {}, "sns"),
    ("rds", "DescribeDBInstances", {}, "rds"),
    # An action that IAM has as well, of another version.
    ("elasticache", "DeleteUser", {"UserId": "bob"}, "elasticache"),
    ("cloudfront", "ListDistributions", {}, "cloudfront"),
    ("route53", "ListHostedZones", {}, "route53"),
    ("dynamodb", "ListTables", {}, "dynamodb"),
    ("sqs", "ListQueues", {}, "sqs"),
    ("kms", "ListKeys", {}, "kms"),
    ("secretsmanager", "ListSecrets", {}, "secretsmanager"),
    ("lambda", "ListFunctions", {}, "lambda"),
    ("eks", "ListClusters", {}, "eks"),
    ("cloudwatch", "ListMetrics", {}, "monitoring"),
]  # fmt: skip


def client(server, service, **more):
    """A boto3 client that sends requests of every service to the server, as with `AWS_ENDPOINT_URL`."""
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id=server.root.access_key_id,
        aws_secret_access_key=server.root.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, inject_host_prefix=False, **more),
    )


@pytest.mark.parametrize(["service", "operation", "parameters", "scope"], CALLS, ids=lambda part: part if isinstance(part, str) else "")
def test_each_client_shows_the_sentence(server, service, operation, parameters, scope):
    with pytest.raises(ClientError) as caught:
        client(server, service)._make_api_call(operation, parameters)
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidAction", caught.value.response
    assert error["Message"].startswith(SENTENCE.format(scope)), error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_unsigned_request_is_recognized_by_its_protocol(server):
    cognito = client(server, "cognito-idp", signature_version=UNSIGNED)
    with pytest.raises(ClientError) as caught:
        cognito.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId="x", AuthParameters={"USERNAME": "bob"})
    assert "this request is for another service" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ["command", "scope"], [(["s3", "ls"], "s3"), (["dynamodb", "list-tables"], "dynamodb"), (["kms", "list-keys"], "kms")]
)
def test_the_aws_cli_prints_the_sentence(server, command, scope):
    done = Cli(server, server.root.access_key_id, server.root.secret_access_key).run(*command)
    assert done.returncode != 0 and SENTENCE.format(scope) in done.stderr, done.stderr


def test_an_operation_of_ours_that_is_signed_for_another_service_stays_a_wrong_signature(server):
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    answer = send(server, request(server, body, headers=signed(server, server.root, body, "s3")))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_they_are_recorded(new_server):
    server = new_server().start()
    AwsApi(server, server.root).call("ListUsers")
    with pytest.raises(ClientError) as caught:
        client(server, "dynamodb").list_tables()
    server.stop()
    record = next(one for one in audit.records(server) if one["eventName"] == "UnroutableRequest")
    assert record["errorCode"] == "InvalidAction" and "`dynamodb`" in record["errorMessage"]
    assert record["additionalEventData"]["request"] == "POST /"
    assert record["requestID"] == caught.value.response["ResponseMetadata"]["RequestId"]
