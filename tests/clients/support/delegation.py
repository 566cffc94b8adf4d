"""Delegation requests whose token was sent."""

import uuid

from .api import GrpcApi


def trade_in_token(server):
    """The token of a request of root for the own account, which root accepted."""
    root = GrpcApi(server, server.root)
    request = root.call(
        "CreateDelegationRequest",
        OwnerAccountId=server.account,
        Description="Reads",
        Permissions={"PolicyTemplateArn": "arn:aws:iam:::delegation-template/IdentityReview"},
        RequestorWorkflowId=uuid.uuid4().hex,
        NotificationChannel=f"arn:aws:sns:eu-central-1:{server.account}:delegations",
        SessionDuration=3600,
    )
    named = {"DelegationRequestId": request["DelegationRequestId"]}
    root.call("AssociateDelegationRequest", **named)
    root.call("UpdateDelegationRequest", **named, Notes="please")
    root.call("AcceptDelegationRequest", **named)
    root.call("SendDelegationToken", **named)
    return root.call("GetDelegationToken", delegationRequestId=named["DelegationRequestId"])["tradeInToken"]
