"""Administrators cannot lock themselves out by mistake, and can recover access."""

import re

import boto3
from botocore.config import Config
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL
from support.expect import refused
from support.server import ACCOUNT, Credentials, run

HEADER = "x-bailiwick-allow-lockout"


def force(server, credentials, operation, **members):
    """Calls with the header, by an unmodified boto3."""
    client = boto3.client(
        "iam", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key, config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    client.meta.events.register("before-sign.iam", lambda request, **_: request.headers.add_header(HEADER, "true"))
    return getattr(client, operation)(**members)


def test_the_last_key_is_kept_by_both_front_ends(new_server):
    server = new_server().start()
    key = server.root.access_key_id
    for api in (AwsApi(server, server.root), GrpcApi(server, server.root)):
        error = refused(api, "UnmodifiableEntity", "DeleteAccessKey", AccessKeyId=key)
        assert key in str(error) and "AdministratorAccess" in str(error) and HEADER in str(error)
        refused(api, "UnmodifiableEntity", "UpdateAccessKey", AccessKeyId=key, Status="Inactive")
        assert api.call("ListAccessKeys")["AccessKeyMetadata"][0]["Status"] == "Active"


def test_the_solution_that_the_refusal_names(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("AttachUserPolicy", UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    refused(root, "UnmodifiableEntity", "DeleteAccessKey", AccessKeyId=server.root.access_key_id)
    alice = Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"])
    root.call("DeleteAccessKey", AccessKeyId=server.root.access_key_id)
    refused(root, "InvalidClientTokenId", "GetCallerIdentity")
    refused(AwsApi(server, alice), "UnmodifiableEntity", "DeleteAccessKey", AccessKeyId=alice.access_key_id)


def test_the_header_deletes_the_last_key_and_recover_root_restores_root(new_server):
    server = new_server().start()
    AwsApi(server, server.root).call("CreateUser", UserName="alice")
    force(server, server.root, "delete_access_key", AccessKeyId=server.root.access_key_id)
    assert server.wait_for("last administrator's access key")
    refused(AwsApi(server, server.root), "InvalidClientTokenId", "GetCallerIdentity")
    server.stop()
    done = run("recover-root", "--data-dir", server.data)
    assert done.returncode == 0, done.stderr
    exports = dict(re.findall(r"export (\w+)=(\S+)", server.data.with_name("data.root-credentials").read_text()))
    server.start()
    back = AwsApi(server, Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]))
    assert back.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert back.call("GetUser", UserName="alice")


def test_a_member_account_may_lose_its_last_key(new_server):
    """The management account can assume the role that was created with the account."""
    server = new_server().start()
    member = GrpcApi(server, server.root).call("CreateAccount", accountName="member", email="member@example.com")
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("PutUserPolicy", UserName="alice", PolicyName="all", PolicyDocument=ALLOW_ALL)
    alice = AwsApi(server, Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"]))
    session = alice.call("AssumeRole", RoleArn=member["roleArn"], RoleSessionName="in")["Credentials"]
    inside = AwsApi(server, Credentials.of(session))
    inside.call("CreateUser", UserName="last")
    inside.call("PutUserPolicy", UserName="last", PolicyName="all", PolicyDocument=ALLOW_ALL)
    key = Credentials.of(inside.call("CreateAccessKey", UserName="last")["AccessKey"])
    AwsApi(server, key).call("DeleteAccessKey", AccessKeyId=key.access_key_id)
