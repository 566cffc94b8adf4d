"""Answers of many megabytes: of a caller who has authenticated, they have the larger share of memory at once."""

import concurrent.futures

import grpc
from support.api import AwsApi, GrpcApi
from support.documents import policy, trust

ROLES = 900
# Nearly all that a role's inline policies may have.
DOCUMENT = policy({"Action": [f"s3:{'a' * 90}{number:03}" for number in range(100)]})


def test_a_large_answer_to_the_first_request_of_a_connection(server):
    aws = AwsApi(server, server.root)

    def make(number):
        aws.call("CreateRole", RoleName=f"large-{number}", AssumeRolePolicyDocument=trust(server.account))
        aws.call("PutRolePolicy", RoleName=f"large-{number}", PolicyName="inline", PolicyDocument=DOCUMENT)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(make, range(ROLES)))
    asked = {"Filter": ["Role"], "MaxItems": 1000}
    channel = grpc.insecure_channel(server.target, options=[("grpc.max_receive_message_length", 64 << 20)])
    for new in (AwsApi(server, server.root), GrpcApi(server, server.root, channel=channel)):
        answer = new.call("GetAccountAuthorizationDetails", **asked)
        assert len(answer["RoleDetailList"]) == ROLES
        assert len(str(answer)) > 8 * 1024 * 1024
