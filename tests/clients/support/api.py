"""One way to call an operation, whichever front end it goes through.

`AwsApi` is boto3; `GrpcApi` is grpcio over the descriptors of `proto/`, whose JSON names are AWS's member names. So a
test is written once, in AWS's words, and runs through both.
"""

import base64
import datetime
import functools
import hashlib
import json
import re
import threading
from urllib.parse import unquote

import boto3
import botocore.session
import grpc
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

REGION = "eu-central-1"


# The end of the message of a denial that is on record.
AUTHORIZATION_ID = re.compile(
    r"\. For complete details, call the GetRequestAuthorizationDetails API with the following authorization id: ([0-9a-f]{32})$"
)


class ApiError(Exception):
    """An operation's error: AWS's code and message, and the status of the front end that it came through."""

    def __init__(self, operation, code, message, status, details=None):
        super().__init__(f"{operation}: {code} ({status}): {message}")
        self.operation = operation
        self.code = code
        # Denials differ in their ids. Tests compare the rest.
        ended = AUTHORIZATION_ID.search(message or "")
        self.message = message[: ended.start()] if ended else message
        self.authorization_id = ended and ended[1]
        self.status = status
        self.details = details or {}


# The operations that are served of the services in AWS's JSON protocols. Some others have names that operations of Bailiwick
# have.
SERVED = {
    "cloudtrail": {"DescribeTrails", "GetEventSelectors", "GetTrail", "GetTrailStatus", "ListTrails", "LookupEvents"},
    "iam-toolbox": {"GetRequestAuthorizationDetails", "GetRequestAuthorizationPolicy"},
}

# Common errors by the names that they have in AWS's JSON protocols.
JSON_CODES = {
    "AccessDeniedException": "AccessDenied",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "SerializationException": "MalformedInput",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ValidationException": "ValidationError",
}


# Reading the models of AWS's services takes longer than most tests: one session reads each of them once.
_session = boto3.session.Session(botocore_session=botocore.session.get_session())
# A session makes one client at a time.
_session_lock = threading.Lock()


def _client(service, **settings):
    with _session_lock:
        return _session.client(service, **settings)


@functools.cache
def _models():
    return {name: _session._session.get_service_model(name) for name in ("iam", "sts", *SERVED)}


def service_of(operation):
    """The AWS service of an operation, or none if Bailiwick serves no such operation of AWS."""
    served = (name for name, model in _models().items() if operation in SERVED.get(name, model.operation_names))
    return next(served, None)


# Operations that succeeded, by front end; checked after all tests.
ANSWERED = {"aws": set(), "grpc": set()}


class Api:
    """The common part of both front ends."""

    front = ""

    def __init__(self, server, credentials):
        self.server = server
        self.credentials = credentials

    def signed_by(self, credentials):
        """The same front end with other credentials."""
        return type(self)(self.server, credentials)

    def call(self, operation, **members):
        """Calls an operation by AWS's names; an error is an `ApiError`."""
        answer = self._call(operation, members)
        ANSWERED[self.front].add(operation)
        return answer

    def pages(self, operation, **members):
        """All pages of a list, following the marker."""
        pages, marker = [], {}
        while True:
            page = self.call(operation, **members, **marker)
            pages.append(page)
            # ListDelegationRequests alone spells it in lower case.
            if not (page.get("IsTruncated") or page.get("isTruncated")):
                assert not page.get("Marker"), f"{operation}: a marker on the last page"
                return pages
            marker = {"Marker": page["Marker"]}

    def items(self, operation, key, **members):
        """All items of a list, over all pages."""
        return [item for page in self.pages(operation, **members) for item in page[key]]


class AwsApi(Api):
    """boto3, without its own validation, so that the server sees what a careless client sends."""

    front = "aws"

    def __init__(self, server, credentials, region=REGION, **config):
        super().__init__(server, credentials)
        self.region = region
        self.config = config
        self._clients = {}

    def client(self, service):
        """The boto3 client of a service."""
        if service not in self._clients:
            self._clients[service] = _client(
                service,
                region_name=self.region,
                endpoint_url=self.server.url,
                aws_access_key_id=self.credentials.access_key_id,
                aws_secret_access_key=self.credentials.secret_access_key,
                aws_session_token=self.credentials.session_token,
                config=Config(
                    parameter_validation=False,
                    retries={"total_max_attempts": 1},
                    max_pool_connections=64,
                    read_timeout=60,
                    **self.config,
                ),
            )
        return self._clients[service]

    def _call(self, operation, members):
        service = service_of(operation)
        assert service, f"AWS has no operation {operation}"
        try:
            answer = self.client(service)._make_api_call(operation, members)
        except ClientError as error:
            said = error.response["Error"]
            metadata = error.response["ResponseMetadata"]
            details = {"request_id": metadata.get("RequestId"), "explained": metadata["HTTPHeaders"].get("x-bailiwick-error-detail", "")}
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code = JSON_CODES.get(said["Code"], said["Code"]) if service in SERVED else said["Code"]
            raise ApiError(operation, code, said.get("Message", ""), status, details) from None
        metadata = answer.pop("ResponseMetadata")
        self.last_headers = metadata["HTTPHeaders"]
        assert metadata["RequestId"] == metadata["HTTPHeaders"].get("x-amzn-requestid")
        return answer


class GrpcApi(Api):
    """grpcio, signed with SigV4 in metadata or with a bearer token."""

    front = "grpc"
    descriptors = None  # set once per test run

    def __init__(self, server, credentials, region=REGION, hash_body=False, channel=None):
        super().__init__(server, credentials)
        self.region = region
        self.hash_body = hash_body
        self.channel = channel or _channel(server.target)

    def _call(self, operation, members):
        method = self.descriptors.method(operation)
        request = json_format.ParseDict(_plain(members), method.input())
        return self.exchange(method, request)

    def exchange(self, method, request, extra=()):
        """Sends a message and returns the response as a dictionary."""
        body = request.SerializeToString()
        call = self.channel.unary_unary(method.path, lambda _: body, method.output.FromString)
        metadata = [*self.authorization(method.path, body), *extra]
        try:
            answer, done = call.with_call(request, metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            raise grpc_error(method.name, error) from None
        self.last_headers = dict(done.initial_metadata())
        return json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)

    def authorization(self, path, body):
        """The metadata that authenticates the caller."""
        if self.credentials is None:
            return []
        if self.credentials.bearer:
            return [("authorization", f"Bearer {self.credentials.bearer}")]
        payload = hashlib.sha256(body).hexdigest() if self.hash_body else "UNSIGNED-PAYLOAD"
        return sign_metadata(self.credentials, self.server.target, path, payload, self.region)


def sign_metadata(credentials, authority, path, payload="UNSIGNED-PAYLOAD", region=REGION, service="bailiwick", headers=()):
    """SigV4 in gRPC metadata, made by botocore's own signer."""
    request = AWSRequest("POST", f"https://{authority}{path}", headers={"X-Amz-Content-SHA256": payload, **dict(headers)})
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    SigV4Auth(keys, service, region).add_auth(request)
    return [(name.lower(), value) for name, value in request.headers.items() if name.lower() != "host"]


_channels = {}
_channels_lock = threading.Lock()


def _channel(target):
    with _channels_lock:
        if target not in _channels:
            _channels[target] = grpc.insecure_channel(target, [("grpc.enable_retries", 0)])
        return _channels[target]


def grpc_error(operation, error):
    """AWS's error code of a gRPC status."""
    details = {"metadata": dict(error.trailing_metadata() or ()), "violations": []}
    code, explained = None, []
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if packed.Unpack(info):
            assert info.domain == "bailiwick", info
            code = info.reason
            details["request_id"] = info.metadata.get("request_id") or info.metadata.get("requestId")
            details["info"] = dict(info.metadata)
            explained += [info.metadata["detail"]] if "detail" in info.metadata else []
        elif packed.Unpack(bad):
            details["violations"] = [violation.field for violation in bad.field_violations]
            explained += [f"{violation.field}: {violation.description}" for violation in bad.field_violations]
        elif packed.Unpack(retry):
            details["retry"] = retry.retry_delay
    details["explained"] = "; ".join(explained)
    return ApiError(operation, code, error.details(), error.code().name, details)


def _plain(value):
    """Members as JSON values."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def document(value):
    """A policy document as a dictionary, from the form of either front end."""
    if isinstance(value, dict):
        return value
    return json.loads(unquote(value) if value.lstrip().startswith("%7B") else value)


def moment(value):
    """A point in time, from the form of either front end."""
    if isinstance(value, datetime.datetime):
        return value
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
