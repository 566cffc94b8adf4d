"""GetScopedCredentials: the same session with fewer permissions, for less time, or both; never with more."""

import pytest
from support.api import moment
from support.documents import policy, trust
from support.expect import refused
from support.received import received
from support.server import ACCOUNT, Credentials

USERS = policy("iam:GetUser", "iam:ListUsers", "sts:GetScopedCredentials")
LIST = policy("iam:ListUsers", "sts:GetScopedCredentials")


@pytest.fixture
def session(api, name, new_user):
    """A session of a role that may read users and scope itself down."""
    _, key = new_user(policy("sts:AssumeRole"))
    role = api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(ACCOUNT))["Role"]
    api.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("iam:*", "sts:*"))
    answer = api.signed_by(key).call("AssumeRole", RoleArn=role["Arn"], RoleSessionName="dive", DurationSeconds=900)
    return api.signed_by(Credentials.of(answer["Credentials"])), answer


def scoped(api, **members):
    """The answer, and the front end with the new credentials."""
    answer = api.call("GetScopedCredentials", **members)
    return answer, api.signed_by(Credentials.of(answer["Credentials"]))


def test_layers_narrow_and_the_identity_stays(session):
    mine, assumed = session
    before = mine.call("GetCallerIdentity")
    answer, once = scoped(mine, Policy=USERS)
    assert once.call("GetCallerIdentity") == before
    assert (answer["SessionInfo"]["Arn"], answer["SessionInfo"]["ScopedSessionId"]) == (before["Arn"], before["UserId"])
    assert (answer["ScopedPoliciesCount"], answer["Credentials"]["AccessKeyId"] != assumed["Credentials"]["AccessKeyId"]) == (1, True)
    assert moment(answer["Credentials"]["Expiration"]) == moment(assumed["Credentials"]["Expiration"])
    once.call("ListUsers")
    assert "session policy" in refused(once, "AccessDenied", "ListRoles").message
    mine.call("ListRoles")
    # A wider policy does not widen.
    _, twice = scoped(once, Policy=policy("*"))
    twice.call("ListUsers")
    refused(twice, "AccessDenied", "ListRoles")
    answer, thrice = scoped(twice, Policy=LIST)
    assert answer["ScopedPoliciesCount"] == 3
    thrice.call("ListUsers")
    refused(thrice, "AccessDenied", "GetUser", UserName="nobody")
    refused(thrice, "AccessDenied", "GetScopedCredentials", Policy=LIST)
    answer, last = scoped(thrice, DurationSeconds=60)
    assert answer["ScopedPoliciesCount"] == 3
    last.call("ListUsers")
    refused(last, "AccessDenied", "GetUser", UserName="nobody")


def test_a_layer_must_allow_the_next_one(session):
    _, narrow = scoped(session[0], Policy=policy("iam:ListUsers"))
    narrow.call("ListUsers")
    refused(narrow, "AccessDenied", "GetScopedCredentials", Policy=LIST)
    refused(narrow, "AccessDenied", "GetScopedCredentials", DurationSeconds=60)


def test_refusals(api, session, new_user):
    mine, _ = session
    _, key = new_user(policy("*"))
    for code, caller, members in [
        ("InvalidSubjectCredentials", api, {"Policy": LIST}),
        ("InvalidSubjectCredentials", api.signed_by(key), {"Policy": LIST}),
        ("ValidationError", mine, {}),
        ("ValidationError", mine, {"DurationSeconds": 0}),
        ("ValidationError", mine, {"DurationSeconds": 129_601}),
        ("InsufficientSessionLifetime", mine, {"DurationSeconds": 901}),
        ("InsufficientSessionLifetime", mine, {"DurationSeconds": 129_600, "Policy": LIST}),
        ("MalformedPolicyDocument", mine, {"Policy": "{}"}),
        ("MalformedPolicyDocument", mine, {"Policy": policy({"Principal": "*", "Action": "*"})}),
        ("ValidationError", mine, {"Policy": LIST + " " * 2_048}),
    ]:
        refused(caller, code, "GetScopedCredentials", **members)


def test_services_see_the_scope(session, rpc, new_user):
    """A decision for another service, about a request that scoped credentials signed."""
    _, credentials = new_user(policy("bailiwick:Authorize"))
    service = rpc.signed_by(credentials)
    mine, _ = session
    _, narrow = scoped(mine, Policy=policy("s3:GetObject"))
    everyone = policy({"Principal": "*", "Action": "s3:*", "Resource": "*"})
    for action, expected in [("s3:GetObject", "DECISION_ALLOW"), ("s3:PutObject", "DECISION_IMPLICIT_DENY")]:
        answer = service.call(
            "Authorize", caller={"signedRequest": received(narrow.credentials)}, action=action, resource="arn:aws:s3:::reports/a",
            resourceAccount=ACCOUNT, resourcePolicy=everyone,
        )  # fmt: skip
        assert answer["decision"] == expected


def test_scoped_credentials_end_with_the_role(api, session):
    mine, _ = session
    _, narrow = scoped(mine, Policy=LIST)
    narrow.call("ListUsers")
    role = mine.call("GetCallerIdentity")["Arn"].split("/")[1]
    api.call("DeleteRolePolicy", RoleName=role, PolicyName="p")
    refused(narrow, "AccessDenied", "ListUsers")
    api.call("DeleteRole", RoleName=role)
    refused(narrow, "InvalidClientTokenId", "ListUsers")
