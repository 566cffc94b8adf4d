"""A populated account and an administrator, for browsers."""

import pytest
from support.api import AwsApi, GrpcApi
from support.chromium import Browser
from support.documents import ALLOW_ALL, policy, trust

PASSWORD = "heron-In-7-reeds"
# Texts that IAM permits in descriptions, policies and tags, and that a page must show as they are.
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}&lt;"


@pytest.fixture(scope="module")
def account(server):
    """An account with at least one thing of each kind, some with hostile texts. Its administrator is `admin`."""
    aws = AwsApi(server, server.root)
    hostile_policy = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + HOSTILE})
    aws.call("CreateUser", UserName="admin", Tags=[{"Key": "team", "Value": "platform"}])
    aws.call("PutUserPolicy", UserName="admin", PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName="admin", Password=PASSWORD)
    aws.call("CreateUser", UserName="bob", Path="/field/")
    aws.call("CreateLoginProfile", UserName="bob", Password=PASSWORD)
    aws.call("CreateAccessKey", UserName="bob")
    aws.call("PutUserPolicy", UserName="bob", PolicyName="hostile", PolicyDocument=hostile_policy)
    aws.call("CreateGroup", GroupName="developers")
    aws.call("AddUserToGroup", GroupName="developers", UserName="bob")
    aws.call("PutGroupPolicy", GroupName="developers", PolicyName="hostile", PolicyDocument=hostile_policy)
    made = aws.call("CreatePolicy", PolicyName="reader", PolicyDocument=hostile_policy, Description=HOSTILE)["Policy"]
    aws.call("CreatePolicyVersion", PolicyArn=made["Arn"], PolicyDocument=ALLOW_ALL)
    aws.call("AttachGroupPolicy", GroupName="developers", PolicyArn=made["Arn"])
    aws.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust(server.account), Description=HOSTILE)
    aws.call("AttachRolePolicy", RoleName="deploy", PolicyArn=made["Arn"])
    GrpcApi(server, server.root).call("PutRootPassword", password=PASSWORD)
    return server


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser with JavaScript."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A browser that runs no JavaScript."""
    browser = Browser(tmp_path_factory.mktemp("plain"), scripts=False)
    yield browser
    browser.close()
