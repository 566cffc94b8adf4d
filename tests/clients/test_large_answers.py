"""Answers of many megabytes: of a caller who has authenticated, they have the larger share of memory at once."""

import concurrent.futures

import grpc
import pytest
from support.api import AwsApi, GrpcApi
from support.documents import policy, trust
from support.raw import request, send, signed
from support.server import Server

ROLES = 900
# Nearly all that a role's inline policies may have.
DOCUMENT = policy({"Action": [f"s3:{'a' * 90}{number:03}" for number in range(100)]})
SHARE = 8 * 1024 * 1024
PROXY = "127.0.0.9"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with roles whose details are larger than the share of unauthenticated clients."""
    server = Server(tmp_path_factory.mktemp("server"), arguments=["--trusted-proxy", f"{PROXY}/32"]).start()
    aws = AwsApi(server, server.root)

    def make(number):
        aws.call("CreateRole", RoleName=f"large-{number}", AssumeRolePolicyDocument=trust(server.account))
        aws.call("PutRolePolicy", RoleName=f"large-{number}", PolicyName="inline", PolicyDocument=DOCUMENT)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(make, range(ROLES)))
    yield server
    server.stop()


def test_a_large_answer_to_the_first_request_of_a_connection(server):
    asked = {"Filter": ["Role"], "MaxItems": 1000}
    channel = grpc.insecure_channel(server.target, options=[("grpc.max_receive_message_length", 64 << 20)])
    for new in (AwsApi(server, server.root), GrpcApi(server, server.root, channel=channel)):
        answer = new.call("GetAccountAuthorizationDetails", **asked)
        assert len(answer["RoleDetailList"]) == ROLES
        assert len(str(answer)) > SHARE


def test_a_large_answer_through_a_trusted_proxy(server):
    """The request itself is authenticated, so its answer has the larger share of the client that the proxy names."""
    body = b"Action=GetAccountAuthorizationDetails&Version=2010-05-08&Filter.member.1=Role&MaxItems=1000"
    headers = [*signed(server, server.root, body), ("X-Forwarded-For", "203.0.113.7")]
    answer = send(server, request(server, body, headers=headers), source=PROXY)
    assert answer.status == 200
    assert len(answer.body) > SHARE and answer.body.rstrip().endswith(b"</GetAccountAuthorizationDetailsResponse>")
