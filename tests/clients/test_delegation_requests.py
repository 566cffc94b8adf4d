"""Delegation requests: their life, and who may take part in it."""

import json
import uuid

import pytest
from support.api import moment
from support.documents import ALLOW_ALL, policy
from support.expect import refused
from support.server import Credentials

REVIEW = {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/IdentityReview"}


def request(server, **members):
    """The members of a request."""
    return {
        "Description": "Sets photos up",
        "Permissions": REVIEW,
        "RequestorWorkflowId": uuid.uuid4().hex,
        "NotificationChannel": f"arn:aws:sns:eu-central-1:{server.account}:delegations",
        "SessionDuration": 3600,
    } | members


@pytest.fixture
def create(api, server):
    """Creates a request as root; returns its id."""
    return lambda **members: api.call("CreateDelegationRequest", **request(server, **members))["DelegationRequestId"]


@pytest.fixture
def other(rpc, api, server, name, new_user):
    """An administrator of a new member account."""
    account = rpc.call("CreateAccount", accountName=name("account"), email=f"{uuid.uuid4().hex}@example.com")
    _, key = new_user(policy("sts:AssumeRole"))
    session = api.signed_by(key).call("AssumeRole", RoleArn=account["roleArn"], RoleSessionName="session")
    return api.signed_by(Credentials.of(session["Credentials"]))


def get(api, id):
    return api.call("GetDelegationRequest", DelegationRequestId=id)["DelegationRequest"]


def test_a_request_goes_through_its_life(api, create, new_user, server):
    user, credentials = new_user(ALLOW_ALL)
    mine = api.signed_by(credentials)
    id = create(OwnerAccountId=server.account, RequestMessage="Please", RedirectUrl="https://photos.example.com/back")
    named = {"DelegationRequestId": id}
    shown = get(api, id)
    assert (shown["State"], shown["OwnerAccountId"], shown["RequestorId"]) == ("UNASSIGNED", server.account, server.account)
    assert (shown["SessionDuration"], shown["OnlySendByOwner"], shown["RequestMessage"]) == (3600, False, "Please")
    assert json.loads(shown["PermissionPolicy"])["Statement"]["Effect"] == "Allow"
    assert (moment(shown["ExpirationTime"]) - moment(shown["CreateDate"])).total_seconds() == 24 * 3600
    for operation in ("AcceptDelegationRequest", "UpdateDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"):
        refused(api, "NoSuchEntity", operation, **named)
    mine.call("AssociateDelegationRequest", **named)
    assert (get(api, id)["State"], get(api, id)["OwnerId"]) == ("ASSIGNED", user["Arn"])
    mine.call("UpdateDelegationRequest", **named, Notes="for the launch")
    assert (get(api, id)["State"], get(api, id)["Notes"]) == ("PENDING_APPROVAL", "for the launch")
    refused(mine, "InvalidInput", "SendDelegationToken", **named)
    api.call("AcceptDelegationRequest", **named)
    assert (get(api, id)["State"], get(api, id)["ApproverId"]) == ("ACCEPTED", f"arn:aws:iam::{server.account}:root")
    mine.call("SendDelegationToken", **named)
    assert get(api, id)["State"] == "FINALIZED"
    for operation in ("AssociateDelegationRequest", "AcceptDelegationRequest", "UpdateDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"):
        assert "is in the state FINALIZED" in refused(api, "InvalidInput", operation, **named).message
    listed = api.items("ListDelegationRequests", "DelegationRequests", OwnerId=user["Arn"], MaxItems=1)
    assert [each["DelegationRequestId"] for each in listed] == [id]


def test_policies_can_depend_on_the_owner(api, create, new_user):
    """Owners have no permission by default, as they have on AWS; `iam:DelegationRequestOwner` gives it to them."""
    condition = {"StringEquals": {"iam:DelegationRequestOwner": "${aws:PrincipalArn}"}}
    rules = policy("iam:AssociateDelegationRequest", {"Action": ["iam:GetDelegationRequest", "iam:AcceptDelegationRequest"], "Condition": condition})
    (_, mine), (_, theirs) = new_user(rules), new_user(rules)
    mine, theirs = api.signed_by(mine), api.signed_by(theirs)
    id = create()
    refused(mine, "AccessDenied", "GetDelegationRequest", DelegationRequestId=id)
    mine.call("AssociateDelegationRequest", DelegationRequestId=id)
    assert get(mine, id)["State"] == "ASSIGNED"
    refused(theirs, "AccessDenied", "GetDelegationRequest", DelegationRequestId=id)
    refused(theirs, "AccessDenied", "AcceptDelegationRequest", DelegationRequestId=id)
    mine.call("AcceptDelegationRequest", DelegationRequestId=id)
    refused(mine, "AccessDenied", "GetDelegationRequest", DelegationRequestId=str(uuid.uuid4()))


def test_lists_have_pages(api, create):
    ids = [create() for _ in range(3)]
    for id in ids:
        api.call("AssociateDelegationRequest", DelegationRequestId=id)
    unowned = create()
    listed = [each["DelegationRequestId"] for each in api.items("ListDelegationRequests", "DelegationRequests", MaxItems=2)]
    assert [id for id in listed if id in ids] == ids and unowned not in listed
    refused(api, "ValidationError", "ListDelegationRequests", Marker="x")


def test_a_rejection_is_final(api, create):
    named = {"DelegationRequestId": create()}
    api.call("AssociateDelegationRequest", **named)
    api.call("AcceptDelegationRequest", **named)
    api.call("RejectDelegationRequest", **named, Notes="too much")
    shown = get(api, named["DelegationRequestId"])
    assert (shown["State"], shown["RejectionReason"], shown.get("ApproverId")) == ("REJECTED", "too much", None)
    for operation in ("AcceptDelegationRequest", "UpdateDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"):
        refused(api, "InvalidInput", operation, **named)


def test_approving_needs_its_permission(api, create, new_user):
    """The requester cannot approve, update, reject or send with the permissions to create and associate alone."""
    steps = ["iam:CreateDelegationRequest", "iam:AssociateDelegationRequest", "iam:GetDelegationRequest"]
    _, credentials = new_user(policy({"Action": steps}))
    mine = api.signed_by(credentials)
    named = {"DelegationRequestId": mine.call("CreateDelegationRequest", **request(api.server))["DelegationRequestId"]}
    mine.call("AssociateDelegationRequest", **named)
    for operation in ("AcceptDelegationRequest", "UpdateDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"):
        refused(mine, "AccessDenied", operation, **named)
    refused(mine, "AccessDenied", "ListDelegationRequests")
    _, credentials = new_user(policy("iam:*", {"Effect": "Deny", "Action": "iam:AcceptDelegationRequest"}))
    refused(api.signed_by(credentials), "AccessDenied", "AcceptDelegationRequest", **named)


def test_an_accepted_request_gives_no_rights(api, create, new_user):
    """Before its token is exchanged, no principal can do more than before, and exchanging it needs a permission."""
    user, credentials = new_user(policy({"Action": "iam:*DelegationRequest"}))
    mine = api.signed_by(credentials)
    named = {"DelegationRequestId": mine.call("CreateDelegationRequest", **request(api.server))["DelegationRequestId"]}
    mine.call("AssociateDelegationRequest", **named)
    api.call("AcceptDelegationRequest", **named)
    api.call("SendDelegationToken", **named)
    refused(mine, "AccessDenied", "GetUser", UserName=user["UserName"])
    refused(mine, "AccessDenied", "GetDelegatedAccessToken", TradeInToken="x" * 20)


def test_other_accounts_do_not_take_part(api, create, other, server):
    account = other.call("GetCallerIdentity")["Account"]
    named = {"DelegationRequestId": create(OwnerAccountId=account)}
    refused(api, "NoSuchEntity", "AssociateDelegationRequest", **named)
    other.call("AssociateDelegationRequest", **named)
    assert get(api, named["DelegationRequestId"])["OwnerAccountId"] == account
    for operation in ("AcceptDelegationRequest", "UpdateDelegationRequest", "RejectDelegationRequest", "SendDelegationToken"):
        refused(api, "NoSuchEntity", operation, **named)
    other.call("AcceptDelegationRequest", **named)
    refused(api, "NoSuchEntity", "SendDelegationToken", **named)
    # A request of theirs for their own account is not visible here.
    hidden = request(server, OwnerAccountId=account, NotificationChannel=f"arn:aws:sns:eu-central-1:{account}:t")
    hidden = {"DelegationRequestId": other.call("CreateDelegationRequest", **hidden)["DelegationRequestId"]}
    for operation in ("GetDelegationRequest", "AssociateDelegationRequest"):
        refused(api, "NoSuchEntity", operation, **hidden)
    refused(api, "NoSuchEntity", "GetHumanReadableSummary", EntityArn=f"arn:aws:iam::{account}:delegation-request/{hidden['DelegationRequestId']}")


def test_channels_of_other_accounts_are_refused(api, server):
    """A channel of another account is refused, since it would be notified of this account's requests."""
    for channel in ("mail", "arn:aws:sns:eu-central-1:999999999999:topic", f"arn:aws:sqs:eu-central-1:{server.account}:queue"):
        refused(api, "InvalidInput", "CreateDelegationRequest", **request(server, NotificationChannel=channel))


def test_conditions_limit_what_is_asked_for(api, server, new_user):
    condition = {"StringEquals": {"iam:TemplateArn": REVIEW["PolicyTemplateArn"]}, "NumericLessThanEquals": {"iam:DelegationDuration": "3600"}}
    _, credentials = new_user(policy({"Action": "iam:CreateDelegationRequest", "Condition": condition}))
    mine = api.signed_by(credentials)
    mine.call("CreateDelegationRequest", **request(server))
    refused(mine, "AccessDenied", "CreateDelegationRequest", **request(server, SessionDuration=3601))
    other = {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/RoleSetup"}
    refused(mine, "AccessDenied", "CreateDelegationRequest", **request(server, Permissions=other))


def test_a_workflow_is_asked_for_once(api, server, create):
    workflow = uuid.uuid4().hex
    create(RequestorWorkflowId=workflow)
    refused(api, "EntityAlreadyExists", "CreateDelegationRequest", **request(server, RequestorWorkflowId=workflow))
    unknown = {"PolicyTemplateArn": "arn:aws:iam:::delegation-template/Everything"}
    refused(api, "InvalidInput", "CreateDelegationRequest", **request(server, Permissions=unknown))
    refused(api, "ValidationError", "CreateDelegationRequest", **request(server, SessionDuration=10))
    refused(api, "NoSuchEntity", "GetDelegationRequest", DelegationRequestId=str(uuid.uuid4()))


def test_a_summary_is_in_words(api, create, server):
    id = create()
    arn = f"arn:aws:iam::{server.account}:delegation-request/{id}"
    summary = api.call("GetHumanReadableSummary", EntityArn=arn, Locale="en")
    assert (summary["SummaryState"], summary["Locale"]) == ("AVAILABLE", "en")
    assert "Allows iam:Get*, iam:List*, iam:GenerateCredentialReport on all resources." in summary["SummaryContent"]
    assert summary == api.call("GetHumanReadableSummary", EntityArn=arn)
    assert api.call("GetHumanReadableSummary", EntityArn=arn, Locale="fr")["SummaryState"] == "NOT_SUPPORTED"
    refused(api, "InvalidInput", "GetHumanReadableSummary", EntityArn=f"arn:aws:iam::{server.account}:user/bob")
    checked = api.call("GetDelegationRequest", DelegationRequestId=id, DelegationPermissionCheck=True)
    assert (checked["PermissionCheckStatus"], checked["PermissionCheckResult"]) == ("COMPLETE", "ALLOWED")
