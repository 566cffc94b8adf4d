"""Member accounts, and access between accounts."""

import pytest
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials


@pytest.fixture
def new_account(rpc, name):
    """Creates an account; returns it and the ARN of the role that administers it."""

    def make(**members):
        called = name("account")
        answer = rpc.call("CreateAccount", accountName=called, email=f"{called}@example.com", **members)
        return answer["account"], answer["roleArn"]

    return make


@pytest.fixture
def administrator(api, new_user):
    """An administrator of the management account."""
    user, credentials = new_user(ALLOW_ALL)
    user_api = api.signed_by(credentials)
    user_api.user = user
    return user_api


def assume(api, arn, session="session", **members):
    """Assumes a role; returns the same front end for its session."""
    answer = api.call("AssumeRole", RoleArn=arn, RoleSessionName=session, **members)
    return api.signed_by(Credentials.of(answer["Credentials"]))


def test_an_account_is_created_described_and_listed(rpc, new_account, server):
    account, role = new_account()
    number = account["accountId"]
    assert len(number) == 12 and number.isdigit() and number != server.account
    assert account["arn"] == f"arn:aws:bailiwick::{server.account}:account/{number}"
    assert account["status"] == "ACCOUNT_STATUS_ACTIVE" and not account["management"]
    assert role == f"arn:aws:iam::{number}:role/OrganizationAccountAccessRole"
    assert rpc.call("DescribeAccount", accountId=number)["account"] == account
    listed, marker = [], {}
    while True:
        page = rpc.call("ListAccounts", maxItems=1, **marker)
        listed += page["accounts"]
        if not page["isTruncated"]:
            break
        marker = {"marker": page["marker"]}
    numbers = [each["accountId"] for each in listed]
    assert numbers == sorted(numbers) and {number, server.account} <= set(numbers)
    assert [each["accountId"] for each in listed if each["management"]] == [server.account]
    refused(rpc, "NoSuchEntity", "DescribeAccount", accountId="999999999999")
    refused(rpc, "EntityAlreadyExists", "CreateAccount", accountName="x", email=account["email"].upper())


def test_the_role_has_the_requested_name(new_account):
    account, role = new_account(roleName="Steward")
    assert role == f"arn:aws:iam::{account['accountId']}:role/Steward"


def test_the_management_account_administers_it(api, administrator, new_account):
    account, role = new_account()
    inside = assume(administrator, role)
    assert inside.call("GetCallerIdentity")["Account"] == account["accountId"]
    made = inside.call("CreateUser", UserName="alice")["User"]
    assert made["Arn"] == f"arn:aws:iam::{account['accountId']}:user/alice"
    assert [user["UserName"] for user in inside.call("ListUsers")["Users"]] == ["alice"]
    assert "alice" not in [user["UserName"] for user in api.items("ListUsers", "Users")]
    refused(api, "NoSuchEntity", "GetUser", UserName="alice")


def test_access_between_accounts_needs_both_sides(api, administrator, new_account, name):
    (account_a, role_a), (account_b, role_b) = new_account(), new_account()
    in_a, in_b = assume(administrator, role_a), assume(administrator, role_b)
    user = in_a.call("CreateUser", UserName="worker")["User"]
    worker = api.signed_by(Credentials.of(in_a.call("CreateAccessKey", UserName="worker")["AccessKey"]))

    def role_in_b(trusted):
        called = name("role")
        arn = in_b.call("CreateRole", RoleName=called, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        in_b.call("PutRolePolicy", RoleName=called, PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
        return arn

    open_to_a, open_to_worker = role_in_b(trust(account_a["accountId"])), role_in_b(trust(user["Arn"]))
    closed = role_in_b(trust(account_b["accountId"]))
    for arn in (open_to_a, open_to_worker, closed):  # the user's own account has not allowed it
        refused(worker, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session")
    in_a.call("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    for arn in (open_to_a, open_to_worker):
        session = assume(worker, arn)
        assert session.call("GetCallerIdentity")["Account"] == account_b["accountId"]
        session.call("ListUsers")
    refused(worker, "AccessDenied", "AssumeRole", RoleArn=closed, RoleSessionName="session")


def test_objects_of_another_account_cannot_be_accessed(administrator, new_account, api):
    (account_a, role_a), (_, role_b) = new_account(), new_account()
    in_a, in_b = assume(administrator, role_a), assume(administrator, role_b)
    arn = in_a.call("CreatePolicy", PolicyName="own", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    in_b.call("CreateUser", UserName="bob")
    refused(in_b, "AccessDenied", "GetPolicy", PolicyArn=arn)
    refused(in_b, "AccessDenied", "DeletePolicy", PolicyArn=arn)
    assert arn.split(":")[4] == account_a["accountId"]


def test_a_suspended_account_can_be_reactivated_and_a_closed_one_cannot(api, rpc, administrator, new_account):
    account, role = new_account()
    number = account["accountId"]
    inside = assume(administrator, role)
    inside.call("CreateUser", UserName="alice")
    inside.call("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=ALLOW_ALL)
    alice = api.signed_by(Credentials.of(inside.call("CreateAccessKey", UserName="alice")["AccessKey"]))
    alice.call("ListUsers")
    assert rpc.call("SuspendAccount", accountId=number)["account"]["status"] == "ACCOUNT_STATUS_SUSPENDED"
    for user_api in (alice, inside):
        refused(user_api, "InvalidClientTokenId", "ListUsers")
    refused(administrator, "AccessDenied", "AssumeRole", RoleArn=role, RoleSessionName="session")
    assert rpc.call("ResumeAccount", accountId=number)["account"]["status"] == "ACCOUNT_STATUS_ACTIVE"
    alice.call("ListUsers")
    assert rpc.call("CloseAccount", accountId=number)["account"]["status"] == "ACCOUNT_STATUS_CLOSED"
    refused(alice, "InvalidClientTokenId", "ListUsers")
    refused(rpc, "UnmodifiableEntity", "ResumeAccount", accountId=number)
    assert rpc.call("DescribeAccount", accountId=number)["account"]["status"] == "ACCOUNT_STATUS_CLOSED"


def test_the_management_account_is_neither_suspended_nor_closed(rpc, server):
    refused(rpc, "UnmodifiableEntity", "SuspendAccount", accountId=server.account)
    refused(rpc, "UnmodifiableEntity", "CloseAccount", accountId=server.account)


def test_other_accounts_administer_no_accounts(rpc, new_user, new_account):
    account, role = new_account()
    _, credentials = new_user(ALLOW_ALL)
    inside = assume(rpc.signed_by(credentials), role)
    refused(inside, "AccessDenied", "CreateAccount", accountName="x", email="x@example.com")
    refused(inside, "AccessDenied", "ListAccounts")
    refused(inside, "AccessDenied", "CloseAccount", accountId=account["accountId"])


def test_invalid_accounts(rpc):
    refused(rpc, "ValidationError", "CreateAccount", accountName="x", email="nothing")
    refused(rpc, "ValidationError", "CreateAccount", email="a@example.com")
    refused(rpc, "ValidationError", "DescribeAccount", accountId="12345")


def test_quotas_of_an_account(rpc, aws, new_account, administrator, name, server):
    account, role = new_account()
    number = account["accountId"]
    default = rpc.call("GetAccountQuotas", accountId=number)["quotas"]
    assert default["users"] == 5000 and default["groupsPerUser"] == 10
    quotas = rpc.call("PutAccountQuotas", accountId=number, quotas={"users": 1})["quotas"]
    assert quotas == default | {"users": 1}
    member = assume(administrator, role)
    member.call("CreateUser", UserName="first")
    error = refused(member, "LimitExceeded", "CreateUser", UserName="second")
    assert error.message == "Cannot exceed quota for UsersPerAccount: 1"
    assert member.call("GetAccountSummary")["SummaryMap"]["UsersQuota"] == 1
    aws.call("CreateUser", UserName=name("user"))
    # The account itself cannot raise them.
    inside = rpc.signed_by(member.credentials)
    for operation in ("PutAccountQuotas", "GetAccountQuotas"):
        refused(inside, "AccessDenied", operation, accountId=number)
    refused(rpc, "ValidationError", "PutAccountQuotas", accountId=number, quotas={"users": -1})
    refused(rpc, "NoSuchEntity", "GetAccountQuotas", accountId="999999999999")
    assert rpc.call("PutAccountQuotas", accountId=number)["quotas"] == default
    member.call("CreateUser", UserName="second")
