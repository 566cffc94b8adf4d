"""Delegated access: the token of an accepted delegation request, and the sessions that it is exchanged for."""

import uuid

import pytest
from support.api import moment
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.received import received
from support.server import Credentials

INVALID = "Invalid trade-in token"
ENDED = "The delegation has ended: it was revoked, or its approver may no longer act."


def session_of(api, answer):
    return api.signed_by(Credentials.of(answer["Credentials"]))


@pytest.fixture
def partner(rpc, api, name, new_user):
    """An administrator of another account, which makes requests, through the front end under test."""
    called = name("partner")
    account = rpc.call("CreateAccount", accountName=called, email=f"{called}@example.com")["account"]
    _, key = new_user(policy("sts:AssumeRole"))
    role = f"arn:aws:iam::{account['accountId']}:role/OrganizationAccountAccessRole"
    owner = session_of(api, api.signed_by(key).call("AssumeRole", RoleArn=role, RoleSessionName="owner"))
    user = {"UserName": "partner"}
    owner.call("CreateUser", **user)
    owner.call("PutUserPolicy", **user, PolicyName="p", PolicyDocument=ALLOW_ALL)
    partner = api.signed_by(Credentials.of(owner.call("CreateAccessKey", **user)["AccessKey"]))
    partner.account, partner.owner, partner.key = account["accountId"], owner, partner.credentials
    return partner


@pytest.fixture
def ask(partner, rpc, server):
    """The partner asks the main account for access; `approver` accepts and sends the token. Returns the id of the request."""

    def ask(approver, template="IdentityReview", send=True, seconds=3600, parameters=()):
        named = partner.call(
            "CreateDelegationRequest",
            OwnerAccountId=server.account,
            Description="Sets photos up",
            Permissions={"PolicyTemplateArn": f"arn:aws:iam:::delegation-template/{template}", "Parameters": list(parameters)},
            RequestorWorkflowId=uuid.uuid4().hex,
            NotificationChannel=f"arn:aws:sns:eu-central-1:{partner.account}:delegations",
            SessionDuration=seconds,
        )
        named = {"DelegationRequestId": named["DelegationRequestId"]}
        for operation in ("AssociateDelegationRequest", "AcceptDelegationRequest", *(["SendDelegationToken"] if send else [])):
            approver.call(operation, **named)
        return named["DelegationRequestId"]

    return ask


@pytest.fixture
def token(partner, rpc):
    """The trade-in token of a request."""
    return lambda id: {"TradeInToken": rpc.signed_by(partner.key).call("GetDelegationToken", delegationRequestId=id)["tradeInToken"]}


@pytest.fixture
def ana(api, new_user):
    user, credentials = new_user(ALLOW_ALL)
    ana = api.signed_by(credentials)
    ana.user, ana.key = user, credentials
    return ana


def test_the_requestor_acts_as_the_approver_within_the_policy(api, rpc, partner, ana, ask, token, server):
    id = ask(ana)
    for _ in range(2):
        answer = partner.call("GetDelegatedAccessToken", **token(id))
        assert answer["AssumedPrincipal"] == ana.user["Arn"]
        sent = moment(api.call("GetDelegationRequest", DelegationRequestId=id)["DelegationRequest"]["UpdatedTime"])
        assert (moment(answer["Credentials"]["Expiration"]) - sent).total_seconds() == 3600
        lent = session_of(api, answer)
        assert lent.call("GetCallerIdentity")["Arn"] == ana.user["Arn"]
        assert lent.call("GetUser", UserName=ana.user["UserName"])["User"]["Arn"] == ana.user["Arn"]
        # The approver may do everything; the request asks for reading alone.
        error = refused(lent, "AccessDenied", "CreateUser", UserName="more")
        assert "no session policy allows" in error.message
    for operation, members in (
        ("AcceptDelegationRequest", {"DelegationRequestId": id}),
        ("CreateAccessKey", {"UserName": ana.user["UserName"]}),
        ("PutUserPolicy", {"UserName": ana.user["UserName"], "PolicyName": "p", "PolicyDocument": ALLOW_ALL}),
        ("GetSessionToken", {}),
        ("GetFederationToken", {"Name": "guest"}),
        ("AssumeRole", {"RoleArn": f"arn:aws:iam::{server.account}:role/any", "RoleSessionName": "session"}),
        ("GetDelegatedAccessToken", token(id)),
    ):
        refused(lent, "AccessDenied", operation, **members)
    # Nor by way of a bearer token, which no policy of the request allows.
    refused(rpc.signed_by(Credentials.of(answer["Credentials"])), "AccessDenied", "CreateToken")


def test_the_approvers_own_permissions_limit_at_each_decision(api, aws, partner, new_user, ask, token):
    user, credentials = new_user(policy("iam:*DelegationRequest", "iam:SendDelegationToken", "iam:GetUser"))
    named = {"UserName": user["UserName"]}
    lent = session_of(api, partner.call("GetDelegatedAccessToken", **token(ask(api.signed_by(credentials)))))
    lent.call("GetUser", **named)
    assert "no identity-based policy allows" in refused(lent, "AccessDenied", "ListUsers").message
    aws.call("PutUserPolicy", **named, PolicyName="more", PolicyDocument=policy("iam:List*"))
    lent.call("ListUsers")
    aws.call("PutUserPolicy", **named, PolicyName="inline", PolicyDocument=policy("s3:*"))
    refused(lent, "AccessDenied", "GetUser", **named)


def test_a_policy_that_names_the_approver_does_not_widen_it(api, rpc, partner, ana, ask, token, server):
    """A resource policy that names a session's principal allows beyond its session policies; not beyond the request's."""
    resource = f"arn:aws:s3:::{uuid.uuid4().hex}/reports"
    question = {"action": "s3:GetObject", "resource": resource, "resourceAccount": server.account}
    rpc.call("PutResourcePolicy", resourceArn=resource, policy=trust(ana.user["Arn"], "s3:GetObject", Resource="*"))
    lent = Credentials.of(partner.call("GetDelegatedAccessToken", **token(ask(ana)))["Credentials"])
    decisions = [rpc.call("Authorize", caller={"signedRequest": received(key)}, **question)["decision"] for key in (ana.key, lent)]
    assert decisions == ["DECISION_ALLOW", "DECISION_IMPLICIT_DENY"]


def test_only_the_requestor_and_only_after_it_was_sent(api, rpc, partner, ana, ask, token, new_user):
    id = ask(ana, send=False)
    mine = rpc.signed_by(partner.key)
    named = {"delegationRequestId": id}
    assert "was not sent" in refused(mine, "InvalidInput", "GetDelegationToken", **named).message
    # Neither the owner's account nor a principal of the requestor without permission.
    for other in (rpc, rpc.signed_by(ana.key)):
        refused(other, "NoSuchEntity", "GetDelegationToken", **named)
    ana.call("SendDelegationToken", DelegationRequestId=id)
    for other in (rpc, rpc.signed_by(ana.key)):
        refused(other, "NoSuchEntity", "GetDelegationToken", **named)
    _, powerless = new_user()
    refused(rpc.signed_by(powerless), "AccessDenied", "GetDelegationToken", **named)
    good = token(id)
    assert refused(ana, "ValidationError", "GetDelegatedAccessToken", **good).message == INVALID
    assert refused(api, "ValidationError", "GetDelegatedAccessToken", **good).message == INVALID
    refused(api.signed_by(powerless), "AccessDenied", "GetDelegatedAccessToken", **good)
    user = {"UserName": "weak"}
    partner.owner.call("CreateUser", **user)
    weak = Credentials.of(partner.owner.call("CreateAccessKey", **user)["AccessKey"])
    refused(api.signed_by(weak), "AccessDenied", "GetDelegatedAccessToken", **good)
    refused(rpc.signed_by(weak), "AccessDenied", "GetDelegationToken", **named)
    partner.call("GetDelegatedAccessToken", **good)


def test_a_rejected_request_gives_no_token(rpc, partner, ana, ask):
    id = ask(ana, send=False)
    ana.call("RejectDelegationRequest", DelegationRequestId=id)
    refused(ana, "InvalidInput", "SendDelegationToken", DelegationRequestId=id)
    refused(rpc.signed_by(partner.key), "InvalidInput", "GetDelegationToken", delegationRequestId=id)


def test_altered_and_foreign_tokens_are_refused(partner, ana, ask, token):
    good = token(ask(ana))["TradeInToken"]
    session = ana.call("GetSessionToken")["Credentials"]["SessionToken"]
    others = [good[:-1], good + "A", good[:40] + ("B" if good[40] != "B" else "C") + good[41:], good[::-1], "x", session, "A" * 60_000]
    for token in others:
        assert refused(partner, "ValidationError", "GetDelegatedAccessToken", TradeInToken=token).message == INVALID


@pytest.mark.parametrize("how", ["user deleted", "key deactivated", "user", "key", "request", "account of the partner", "partner's key"])
def test_what_ends_a_delegation(api, aws, rpc, partner, ana, ask, token, how):
    id = ask(ana)
    good = token(id)
    lent = session_of(api, partner.call("GetDelegatedAccessToken", **good))
    lent.call("GetCallerIdentity")
    user = {"UserName": ana.user["UserName"]}
    again, code = ENDED, "ExpiredToken"
    if how == "user deleted":
        aws.call("DeleteUserPolicy", **user, PolicyName="inline")
        aws.call("DeleteAccessKey", **user, AccessKeyId=ana.key.access_key_id)
        aws.call("DeleteUser", **user)
        code = "InvalidClientTokenId"
    elif how == "key deactivated":
        aws.call("UpdateAccessKey", **user, AccessKeyId=ana.key.access_key_id, Status="Inactive")
        code = "InvalidClientTokenId"
    elif how == "user":
        rpc.call("RevokeSessions", userName=user["UserName"])
    elif how == "key":
        rpc.call("RevokeSessions", accessKeyId=ana.key.access_key_id)
    elif how == "request":
        refused(rpc.signed_by(partner.key), "NoSuchEntity", "RevokeSessions", delegationRequestId=id)
        rpc.call("RevokeSessions", delegationRequestId=id)
    elif how == "account of the partner":
        rpc.call("SuspendAccount", accountId=partner.account)
        again, code = None, "InvalidClientTokenId"
    else:
        rpc.signed_by(partner.key).call("RevokeSessions", accessKeyId=partner.key.access_key_id)
    refused(lent, code, "GetCallerIdentity")
    if again:
        assert refused(partner, "AccessDenied", "GetDelegatedAccessToken", **good).message == ENDED


def test_a_role_that_approves_is_lent_with_its_tags(api, aws, rpc, partner, ana, name, ask, token, server):
    called = name("role")
    document = trust(server.account)
    arn = aws.call("CreateRole", RoleName=called, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    aws.call("UpdateAssumeRolePolicy", RoleName=called, PolicyDocument=document.replace("sts:AssumeRole", "sts:*"))
    tagged = {"Action": "iam:ListUsers", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "reeds"}}}
    denied = {"Effect": "Deny", "Action": "iam:ListRoles", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "reeds"}}}
    rules = policy("iam:*DelegationRequest", "iam:SendDelegationToken", "iam:ListRoles", tagged, denied)
    aws.call("PutRolePolicy", RoleName=called, PolicyName="p", PolicyDocument=rules)
    answer = ana.call("AssumeRole", RoleArn=arn, RoleSessionName="swim", Tags=[{"Key": "team", "Value": "reeds"}])
    approver = session_of(api, answer)
    good = token(ask(approver))
    issued = partner.call("GetDelegatedAccessToken", **good)
    lent = session_of(api, issued)
    assert lent.call("GetCallerIdentity")["Arn"] == issued["AssumedPrincipal"] == answer["AssumedRoleUser"]["Arn"]
    lent.call("ListUsers")
    refused(lent, "AccessDenied", "ListRoles")
    # Revoking the session that approved, or the role's, ends it.
    rpc.call("RevokeSessions", accessKeyId=answer["Credentials"]["AccessKeyId"])
    refused(lent, "ExpiredToken", "GetCallerIdentity")
    assert refused(partner, "AccessDenied", "GetDelegatedAccessToken", **good).message == ENDED


def test_root_approves_up_to_four_hours(api, partner, ask, token, server):
    issued = partner.call("GetDelegatedAccessToken", **token(ask(api, seconds=4 * 3600)))
    assert issued["AssumedPrincipal"] == f"arn:aws:iam::{server.account}:root"
    lent = session_of(api, issued)
    lent.call("ListUsers")
    refused(lent, "AccessDenied", "CreateUser", UserName="more")
