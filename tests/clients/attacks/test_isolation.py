"""Misuse of markers, handles, questions and accounts: what one caller receives is useless to another."""

import base64

import pytest
from attacks.helpers import ADMINISTRATOR, accounts, assumed, dead, outcome, received
from attacks.watch import well
from support.api import REGION, ApiError, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials

__all__ = ["accounts"]  # a fixture


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


# Markers and handles.


def test_markers_and_tokens_are_bound_to_their_use(aws, server, name, new_user, accounts):
    for _ in range(3):
        aws.call("CreateUser", UserName=name())
        aws.call("CreateGroup", GroupName=name())
        aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trust(server.account))
    _, inside = accounts()
    for _ in range(3):
        inside.call("CreateUser", UserName=name())
    users = aws.call("ListUsers", MaxItems=1)["Marker"]
    groups = aws.call("ListGroups", MaxItems=1)["Marker"]
    theirs = inside.call("ListUsers", MaxItems=1)["Marker"]
    _, credentials = new_user(ALLOW_ALL)
    rpc = GrpcApi(server, credentials)
    token = rpc.call("CreateToken")["token"]
    session = assumed(aws.signed_by(credentials), aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]).credentials
    middle = len(users) // 2
    flipped = users[:middle] + ("A" if users[middle] != "A" else "B") + users[middle + 1 :]
    for marker in (groups, theirs, token, session.session_token, flipped, users[:-2], users + "AA", users + "=", "A" * 320, "a b", "\0", "../"):
        assert outcome(aws, "ListUsers", Marker=marker) == "ValidationError", marker
        assert outcome(rpc, "ListUsers", Marker=marker) == "ValidationError", marker
    assert outcome(aws, "ListUsers", Marker=users) is None
    for wrong in (users, theirs, session.session_token, session.secret_access_key):
        dead(rpc.signed_by(Credentials(bearer=wrong)))
    dead(aws.signed_by(Credentials(session.access_key_id, session.secret_access_key, token)))
    dead(aws.signed_by(Credentials(session.access_key_id, session.secret_access_key, users)))


def question(caller, **more):
    return {"caller": caller, "action": "ec2:DescribeInstances", "resource": "*", **more}


def test_a_calling_service_is_limited_to_prefix_and_account(aws, server, name, new_user, accounts):
    """A service that may ask for s3 about users of its own account can do exactly that, with every form of request."""
    _, inside = accounts()
    inside.call("CreateUser", UserName="worker")
    foreign = Credentials.of(inside.call("CreateAccessKey", UserName="worker")["AccessKey"])
    local, credentials = new_user(ALLOW_ALL)
    on = f"arn:aws:bailiwick::{server.account}:service/s3"
    own = {"StringEquals": {"bailiwick:PrincipalAccount": server.account}}
    _, asker = new_user(policy({"Action": ["bailiwick:Authorize", "bailiwick:Authenticate", "bailiwick:Explain"], "Resource": on, "Condition": own}))
    service = GrpcApi(server, asker)
    handle = service.call("Authenticate", signedRequest=received(credentials))["handle"]
    s3 = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/a", "resourceAccount": server.account}
    assert service.call("Authorize", caller={"handle": handle}, **s3)["decision"] == "DECISION_ALLOW"
    for refusal in (
        outcome(service, "Authenticate", signedRequest=received(foreign)),
        outcome(service, "Authenticate", signedRequest=received(credentials, "ec2")),
        outcome(service, "Authenticate", signedRequest=received(credentials, "iam")),
        outcome(service, "Authorize", **question({"handle": handle})),
        outcome(service, "Authorize", caller={"signedRequest": received(foreign)}, **s3),
        outcome(service, "Authorize", caller={"anonymous": {}}, **s3),
        outcome(service, "Authorize", caller={"servicePrincipal": "logs.amazonaws.com"}, **s3),
        outcome(service, "Authorize", caller={"principalArn": local["Arn"]}, **s3),
        outcome(service, "Authorize", caller={"principalArn": local["Arn"].upper()}, **s3),
        outcome(service, "Authorize", caller={"principalArn": f"arn:aws:iam::{server.account}:root"}, **s3),
        outcome(service, "Explain", request=question({"handle": handle})),
        outcome(service, "BatchAuthorize", caller={"handle": handle}, items=[{"action": "ec2:RunInstances", "resource": "*"}]),
        outcome(service, "BatchAuthorize", caller={"handle": handle}, items=[s3, {"action": "ec2:RunInstances", "resource": "*"}]),
        outcome(service, "BatchAuthorize", caller={"handle": handle}, items=[s3, s3 | {"caller": {"signedRequest": received(foreign)}}]),
        outcome(service, "BatchAuthorize", caller={"handle": handle}, items=[s3, s3 | {"caller": {"principalArn": local["Arn"]}}]),
    ):
        assert refusal == "AccessDenied", refusal
    # The handle is useless to callers of another account, and after a change of its bytes.
    inside.call("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=ALLOW_ALL)
    elsewhere = GrpcApi(server, foreign)
    assert outcome(elsewhere, "Authorize", caller={"handle": handle}, **s3) == "InvalidClientTokenId"
    whole = base64.b64decode(handle)
    for tampered in (b"", b"\1", whole[:-1], whole[1:], whole + b"\0", whole[:40] + bytes([whole[40] ^ 1]) + whole[41:], whole[:4] + b"\xff" + whole[5:]):
        forged = base64.b64encode(tampered).decode()
        assert outcome(service, "Authorize", caller={"handle": forged}, **s3) in ("InvalidClientTokenId", "AccessDenied", "ValidationError"), forged
    token = GrpcApi(server, credentials).call("CreateToken")["token"]
    padded = token.replace("-", "+").replace("_", "/") + "=" * (-len(token) % 4)
    assert outcome(service, "Authorize", caller={"handle": padded}, **s3) in ("InvalidClientTokenId", "AccessDenied")


def test_a_caller_cannot_set_principal_keys(server, new_user):
    user, credentials = new_user(policy({"Action": "s3:*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}))
    _, asker = new_user(policy("bailiwick:*"))
    service = GrpcApi(server, asker)
    s3 = {"caller": {"principalArn": user["Arn"]}, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/a", "resourceAccount": server.account}
    assert service.call("Authorize", **s3)["decision"] == "DECISION_IMPLICIT_DENY"
    for key in ("aws:PrincipalTag/team", "AWS:principaltag/TEAM", "aws:PrincipalArn", "aws:userid", "aws:username", "aws:MultiFactorAuthPresent",
                "aws:multifactorauthage", "aws:TokenIssueTime", "aws:SourceIdentity", "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount",
                "aws:PrincipalOrgID", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName", "aws:FederatedProvider", "aws:AssumedRoot", "aws:PrincipalType"):  # fmt: skip
        assert outcome(service, "Authorize", **s3, context=[{"key": key, "values": ["red"]}]) == "ValidationError", key
    for key in ("aws:Principal\u212aTag/team", " aws:PrincipalTag/team", "aws:PrincipalTag/team ", "aws :PrincipalTag/team", "aws:PrincipalTag//team",
                "aws:PrincipalTag", "aws:PrincipalTag/", "\u0430ws:PrincipalTag/team", "aws:principaltag/tea\u1d0d"):  # fmt: skip
        try:
            answer = service.call("Authorize", **s3, context=[{"key": key, "values": ["red"]}])
        except ApiError as error:
            assert error.code == "ValidationError", error
        else:
            assert answer["decision"] == "DECISION_IMPLICIT_DENY", key
    for other in ("aws:To\u212aenIssueTime", "aws:User\u017fame"):  # letters that are K and S but for case
        guarded, _ = new_user(policy({"Action": "s3:*", "Condition": {"Null": {"aws:TokenIssueTime": "false"}}}))
        asked = s3 | {"caller": {"principalArn": guarded["Arn"]}}
        try:
            assert service.call("Authorize", **asked, context=[{"key": other, "values": ["2026-01-01T00:00:00Z"]}])["decision"] == "DECISION_IMPLICIT_DENY"
        except ApiError as error:
            assert error.code == "ValidationError", error


def test_values_of_a_request_are_not_patterns(server, new_user):
    """The value of a policy variable is text: stars and braces in it have no special meaning."""
    user, _ = new_user(
        policy(
            {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${s3:prefix}"},
            {"Action": "s3:PutObject", "Condition": {"StringLike": {"s3:name": "${s3:prefix}"}}},
            {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/${s3:prefix}*"},
        )
    )
    _, asker = new_user(policy("bailiwick:*"))
    service = GrpcApi(server, asker)

    def decided(action, resource, **context):
        keys = [{"key": f"s3:{key}", "values": [value]} for key, value in context.items()]
        ask = {"caller": {"principalArn": user["Arn"]}, "action": f"s3:{action}", "resource": resource, "resourceAccount": server.account}
        return service.call("Authorize", **ask, context=keys)["decision"] == "DECISION_ALLOW"

    assert decided("GetObject", "arn:aws:s3:::b/mine", prefix="mine")
    for value in ("*", "?" * 6, "${*}", "${s3:name}", "${aws:username}", "s*", "secret\0", "", "SECRET"):
        assert not decided("GetObject", "arn:aws:s3:::b/secret", prefix=value, name="secret"), value
        assert not decided("PutObject", "arn:aws:s3:::b/secret", prefix=value, name="secret"), value
    assert decided("GetObject", "arn:aws:s3:::b/*", prefix="*")
    assert decided("ListBucket", "arn:aws:s3:::b/secret", prefix="sec")
    assert not decided("ListBucket", "arn:aws:s3:::b/secret", prefix="*")


# Accounts.


def test_both_accounts_have_to_agree(aws, server, name, accounts, new_user):
    number_a, a = accounts()
    number_b, b = accounts()
    a.call("CreateUser", UserName="worker")
    worker = a.signed_by(Credentials.of(a.call("CreateAccessKey", UserName="worker")["AccessKey"]))
    untrusting = b.call("CreateRole", RoleName="untrusting", AssumeRolePolicyDocument=trust(number_b))["Role"]["Arn"]
    trusting = b.call("CreateRole", RoleName="trusting", AssumeRolePolicyDocument=trust(number_a))["Role"]["Arn"]
    ask = {"RoleSessionName": "session"}
    for arn in (untrusting, trusting, trusting.replace("trusting", "absent"), trusting.replace(number_b, "999988887777")):
        refusal = refused(worker, "AccessDenied", "AssumeRole", RoleArn=arn, **ask)
        assert refusal.message.endswith(arn), refusal.message  # the same message, whether the role exists or trusts or not
    a.call("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused(worker, "AccessDenied", "AssumeRole", RoleArn=untrusting, **ask)
    session = assumed(worker, trusting)
    # Permissions of one account have no effect in another: no request can name another account's objects.
    assert outcome(session, "ListUsers") == "AccessDenied"
    made = b.call("CreatePolicy", PolicyName="theirs", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    for operation, members in {
        "GetPolicy": {}, "DeletePolicy": {}, "GetPolicyVersion": {"VersionId": "v1"}, "CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL}, "ListEntitiesForPolicy": {},
        "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
    }.items():  # fmt: skip
        assert outcome(worker, operation, PolicyArn=made, **members) in ("AccessDenied", "NoSuchEntity"), operation
    assert outcome(worker, "AttachUserPolicy", UserName="worker", PolicyArn=made) in ("AccessDenied", "NoSuchEntity", "InvalidInput")
    assert outcome(worker, "PutUserPermissionsBoundary", UserName="worker", PermissionsBoundary=made) in ("AccessDenied", "NoSuchEntity", "InvalidInput")
    # Administrators of a member account administer neither accounts nor what all accounts share.
    rpc = GrpcApi(server, a.credentials)
    for operation, members in {
        "CreateAccount": {"accountName": "x", "email": "x@example.com"}, "ListAccounts": {}, "DescribeAccount": {"accountId": number_b},
        "SuspendAccount": {"accountId": number_b}, "CloseAccount": {"accountId": number_a}, "ResumeAccount": {"accountId": number_b},
        "ImportManagedPolicies": {"policies": [{"policyName": "AdministratorAccess", "policyDocument": ALLOW_ALL, "version": 99}], "replaceBuiltIn": True},
    }.items():  # fmt: skip
        assert outcome(rpc, operation, **members) == "AccessDenied", operation
    for operation, members in {"CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL}, "DeletePolicy": {}, "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
                               "SetDefaultPolicyVersion": {"VersionId": "v1"}}.items():  # fmt: skip
        assert outcome(a, operation, PolicyArn=ADMINISTRATOR, **members) == "AccessDenied", operation


def test_calls_of_a_suspended_account_are_refused(aws, rpc, server, accounts, new_user):
    number, inside = accounts()
    inside.call("CreateUser", UserName="worker")
    inside.call("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=ALLOW_ALL)
    key = Credentials.of(inside.call("CreateAccessKey", UserName="worker")["AccessKey"])
    worker = GrpcApi(server, key)
    bearer = worker.signed_by(Credentials(bearer=worker.call("CreateToken")["token"]))
    handle = worker.call("Authenticate", signedRequest=received(key))["handle"]
    _, admin = new_user(ALLOW_ALL)
    role = f"arn:aws:iam::{number}:role/OrganizationAccountAccessRole"
    asker = GrpcApi(server, admin)
    outside = asker.call("Authenticate", signedRequest=received(key))["handle"]
    s3 = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/a", "resourceAccount": number}
    assert worker.call("Authorize", caller={"handle": handle}, **s3)["decision"] == "DECISION_ALLOW"
    rpc.call("SuspendAccount", accountId=number)
    for each in (worker, bearer, inside, aws.signed_by(key)):
        dead(each)
    assert outcome(aws.signed_by(admin), "AssumeRole", RoleArn=role, RoleSessionName="session") == "AccessDenied"
    assert outcome(asker, "Authenticate", signedRequest=received(key)) == "InvalidClientTokenId"
    assert outcome(asker, "Authorize", caller={"handle": outside}, **s3) == "InvalidClientTokenId"
    assert outcome(asker, "Authorize", caller={"principalArn": f"arn:aws:iam::{number}:root"}, **s3)
    rpc.call("ResumeAccount", accountId=number)
    for each in (worker, bearer, inside):
        each.call("GetCallerIdentity")
    rpc.call("CloseAccount", accountId=number)
    for each in (worker, bearer, inside):
        dead(each)
    assert outcome(rpc, "ResumeAccount", accountId=number) == "UnmodifiableEntity"


def test_an_explanation_shows_nothing_of_another_accounts_trust(server, accounts, new_user):
    """Conditions of a trust policy, such as an external id, are not revealed to other accounts."""
    number_a, a = accounts()
    number_b, b = accounts()
    condition = {"StringEquals": {"sts:ExternalId": "only-between-us"}}
    role = b.call("CreateRole", RoleName="partner", AssumeRolePolicyDocument=trust(number_a, Condition=condition))["Role"]["Arn"]
    a.call("CreateUser", UserName="spy")
    a.call("PutUserPolicy", UserName="spy", PolicyName="p", PolicyDocument=ALLOW_ALL)
    spy = GrpcApi(server, Credentials.of(a.call("CreateAccessKey", UserName="spy")["AccessKey"]))
    ask = {"caller": {"principalArn": f"arn:aws:iam::{number_a}:user/spy"}, "action": "sts:AssumeRole", "resource": role}
    try:
        shown = str(spy.call("Explain", request=ask))
    except ApiError as error:
        assert error.code == "AccessDenied", error
    else:
        assert "only-between-us" not in shown and "ExternalId" not in shown, shown
    decided = spy.call("Authorize", **ask)
    assert decided["decision"] == "DECISION_IMPLICIT_DENY" and "only-between-us" not in str(decided)
    inside = GrpcApi(server, b.credentials)
    assert outcome(inside, "Explain", request=ask | {"caller": {"principalArn": f"arn:aws:iam::{number_a}:user/spy"}}) == "AccessDenied"


def test_stored_data_of_another_accounts_resources_is_not_revealed(server, accounts):
    """A stored policy applies to other accounts, which cannot read it, replace it or tag its resource."""
    number_a, a = accounts()
    number_b, b = accounts()
    album = f"arn:aws:photos:{REGION}:{number_b}:album/private"
    nameless = "arn:aws:photos:::album/private"
    condition = {"StringEquals": {"aws:UserAgent": "only-between-us"}}
    owner = GrpcApi(server, b.credentials)
    for arn in (album, nameless):
        document = policy({"Sid": "OnlyBetweenUs", "Principal": {"AWS": number_a}, "Action": "photos:*", "Resource": "*", "Condition": condition})
        owner.call("PutResourcePolicy", resourceArn=arn, policy=document)
        owner.call("TagResource", resourceArn=arn, tags=[{"key": "between", "value": "us"}])
    a.call("CreateUser", UserName="spy")
    a.call("PutUserPolicy", UserName="spy", PolicyName="p", PolicyDocument=ALLOW_ALL)
    spy = GrpcApi(server, Credentials.of(a.call("CreateAccessKey", UserName="spy")["AccessKey"]))
    for arn in (album, nameless):
        ask = {"caller": {"principalArn": f"arn:aws:iam::{number_a}:user/spy"}, "action": "photos:Get", "resource": arn, "resourceAccount": number_b}
        assert outcome(spy, "Explain", request=ask) == "AccessDenied"
        answers = [spy.call("Authorize", **ask), spy.call("BatchAuthorize", items=[ask])]
        answers.append(spy.call("Authorize", **ask, context=[{"key": "aws:UserAgent", "values": ["only-between-us"]}]))
        assert answers[0]["decision"] == "DECISION_IMPLICIT_DENY" and answers[2]["decision"] == "DECISION_ALLOW"
        assert "between" not in str(answers).lower(), answers
    assert outcome(spy, "PutResourcePolicy", resourceArn=album, policy=policy({"Principal": "*", "Action": "photos:*", "Resource": "*"})) == "ValidationError"
    for operation, members in {"GetResourcePolicy": {}, "DeleteResourcePolicy": {}, "ListTagsForResource": {}, "UntagResource": {"tagKeys": ["between"]}}.items():
        assert outcome(spy, operation, resourceArn=album, **members) == "ValidationError", operation
    # Each account has its own policies of resources whose ARN names no account.
    assert outcome(spy, "GetResourcePolicy", resourceArn=nameless) == "NoSuchEntity"
    assert spy.call("ListTagsForResource", resourceArn=nameless)["tags"] == []
    assert spy.call("ListResourcePolicies")["policies"] == []
    for operation, members in {"PutService": {"servicePrefix": "photos", "definition": "{}"}, "DeleteService": {"servicePrefix": "photos"}}.items():
        assert outcome(spy, operation, **members) == "AccessDenied", operation


def test_malicious_definitions_of_services(server, rpc):
    head = '{"catalogue": 1, "services": {"enemy": '
    for text in (
        "[" * 100_000, "{" * 1000, head + "{" * 500, head + '{"actions": ' + "[" * 100_000, head + '{"actions": {"A": {"keys": ["aws:x", ' + '"a",' * 20_000,
        head + '{"actions": {}, "actions": {}}}}', head + '{"principals": ["' + "a." * 50_000 + '"]}}}', head + '{"principals": ["*"]}}}', head + '{"principals": ["s3.amazonaws.com\\u0000"]}}}',
        head + '{"actions": {"*": {}}}}}', head + '{"actions": {"Get*": {}}}}}', head + '{"keys": {"aws:PrincipalTag/x": "String"}}}}', head + '{"keys": {"*": "String"}}}}', head + "null}}",
    ):  # fmt: skip
        assert outcome(rpc, "PutService", servicePrefix="enemy", definition=text) in ("InvalidInput", "ValidationError"), text[:100]
    assert outcome(rpc, "GetService", servicePrefix="enemy") == "NoSuchEntity"


def test_a_service_that_holds_a_signed_request_learns_nothing_of_another_accounts_policies(server, accounts):
    """The answer about a caller of another account has the decision and no text of a policy."""
    number, owner = accounts()
    _, other = accounts()
    statements = {
        "allowed": {"Sid": "PrivateSid", "Action": "s3:*"},
        "denied": {"Sid": "PrivateSid", "Effect": "Deny", "Action": "s3:*"},
        "silent": {"Sid": "PrivateSid", "Action": "ec2:*"},
    }
    service = GrpcApi(server, other.credentials)
    number_of_service = other.call("GetCallerIdentity")["Account"]
    bucket = {"action": "s3:GetObject", "resource": "arn:aws:s3:::theirs/a", "resourceAccount": number_of_service}
    shared = policy({"Sid": "Mine", "Principal": {"AWS": number}, "Action": "s3:*", "Resource": "*"})
    for user_name, statement in statements.items():
        owner.call("CreateUser", UserName=user_name)
        owner.call("PutUserPolicy", UserName=user_name, PolicyName="PrivateName", PolicyDocument=policy(statement))
        key = Credentials.of(owner.call("CreateAccessKey", UserName=user_name)["AccessKey"])
        proofs = [{"signedRequest": received(key)}, {"handle": service.call("Authenticate", signedRequest=received(key))["handle"]}]
        for caller in proofs:
            ask = {**bucket, "resourcePolicy": shared}
            answers = [service.call("Authorize", caller=caller, **ask), service.call("BatchAuthorize", caller=caller, items=[ask])["results"][0]]
            for answer in answers:
                said = str(answer)
                decision = {"allowed": "ALLOW", "denied": "EXPLICIT_DENY", "silent": "IMPLICIT_DENY"}[user_name]
                assert answer["decision"] == f"DECISION_{decision}", answer
                assert answer["step"] == ("STEP_EXPLICIT_DENY" if user_name == "denied" else "STEP_WITHHELD"), answer
                assert "statement" not in answer and "Private" not in said and "dentity" not in said, answer
            assert outcome(service, "Explain", request={"caller": caller, **ask}) == "AccessDenied"
            assert outcome(service, "Authorize", **question(caller)) == "ValidationError", "asked about another service's action"
            assert outcome(service, "AuthorizePassRole", caller=caller, roleArn=f"arn:aws:iam::{number}:role/x", servicePrincipal="ec2.amazonaws.com") == "ValidationError"


def test_a_request_cannot_set_stored_tags(server, rpc, new_user, name):
    """A denied role stays denied, whatever tags the calling service sends."""
    role = name("role")
    trusted = trust({"Service": "photos.example.com"})
    arn = rpc.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trusted, Tags=[{"Key": "env", "Value": "prod"}])["Role"]["Arn"]
    test_only = {"StringEquals": {"aws:ResourceTag/env": "test"}}
    user, _ = new_user(policy({"Action": ["iam:PassRole", "iam:GetRole", "sts:AssumeRole"], "Condition": test_only}))
    caller = {"principalArn": user["Arn"]}
    passing = {"caller": caller, "roleArn": arn, "servicePrincipal": "photos.example.com"}
    asked = {"caller": caller, "action": "iam:PassRole", "resource": arn}
    assert rpc.call("AuthorizePassRole", **passing)["decision"] == "DECISION_IMPLICIT_DENY"
    for key in ("aws:ResourceTag/env", "AWS:RESOURCETAG/ENV", "iam:ResourceTag/env", "aws:ResourceTag/other", "aws:ResourceAccount"):
        context = [{"key": key, "values": ["test"]}]
        assert outcome(rpc, "AuthorizePassRole", **passing, context=context) == "ValidationError", key
        assert outcome(rpc, "Authorize", **asked, context=context) == "ValidationError", key
        assert outcome(rpc, "Explain", request={**asked, "context": context}) == "ValidationError", key
        for batch in ({"items": [{**asked, "context": context}]}, {"items": [asked], "context": context}):
            try:
                assert rpc.call("BatchAuthorize", **batch)["results"][0]["error"]["code"] == "ValidationError", key
            except ApiError as error:
                assert error.code == "ValidationError"
    rpc.call("TagRole", RoleName=role, Tags=[{"Key": "env", "Value": "test"}])
    assert rpc.call("AuthorizePassRole", **passing)["decision"] == "DECISION_ALLOW"
