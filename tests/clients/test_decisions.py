"""`authz.v1` for other services: the signer of a request, the decision, the explanation."""

import base64

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from support.api import REGION, ApiError
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused
from support.received import received
from support.server import ACCOUNT, Credentials

BUCKET = "arn:aws:s3:::reports"


@pytest.fixture
def service(rpc, new_user):
    """A service that may request decisions: a user with the permissions for it."""
    rights = policy("bailiwick:Authenticate", "bailiwick:Authorize", "bailiwick:Explain", "bailiwick:AuthorizeAs")
    _, credentials = new_user(rights)
    return rpc.signed_by(credentials)


def ask(caller, action="s3:GetObject", resource=f"{BUCKET}/a", **more):
    """A request of `Authorize`."""
    return {"caller": caller, "action": action, "resource": resource, "resourceAccount": ACCOUNT, **more}


def test_the_signer_of_a_request(service, new_user, server):
    user, credentials = new_user(policy("s3:GetObject"), Tags=[{"Key": "team", "Value": "blue"}])
    answer = service.call("Authenticate", signedRequest=received(credentials))
    principal = answer["principal"]
    assert principal["arn"] == user["Arn"]
    assert principal["accountId"] == server.account
    assert principal["principalType"] == "User"
    assert (principal["userId"], principal["userName"]) == (user["UserId"], user["UserName"])
    assert principal["accessKeyId"] == credentials.access_key_id
    assert principal["principalTags"] == {"team": "blue"}
    assert answer["signature"]["service"] == "s3"
    assert answer["signature"]["region"] == REGION
    assert "host" in answer["signature"]["signedHeaders"]
    assert answer["revision"]
    decided = service.call("Authorize", **ask({"handle": answer["handle"]}))
    assert decided["decision"] == "DECISION_ALLOW"
    assert credentials.secret_access_key not in str(answer)


@pytest.mark.parametrize(
    ["signer", "signed_for"],
    [(S3SigV4Auth, "s3"), (S3SigV4QueryAuth, "s3"), (SigV4Auth, "sqs"), (SigV4QueryAuth, "sqs")],
)
def test_header_and_query_signatures(service, new_user, signer, signed_for):
    user, credentials = new_user()
    request = received(credentials, signer=signer, service=signed_for)
    assert service.call("Authenticate", signedRequest=request)["principal"]["arn"] == user["Arn"]


def test_invalid_signatures(service, new_user):
    _, credentials = new_user()
    good = received(credentials, method="PUT", body=b"content")
    assert service.call("Authenticate", signedRequest=good)["signature"]["payloadVerified"]

    def changed(**parts):
        return good | {"httpRequest": good["httpRequest"] | parts}

    for bad in (
        changed(method="DELETE"),
        changed(target="/reports/b"),
        changed(body=base64.b64encode(b"other").decode()),
        good | {"service": "sqs"},
        good | {"region": "us-west-2"},
        good | {"host": "other.example.com"},
    ):
        with pytest.raises(ApiError) as caught:
            service.call("Authenticate", signedRequest=bad)
        assert caught.value.code in ("SignatureDoesNotMatch", "IncompleteSignature"), caught.value
    unknown = Credentials("AKIAAAAAAAAAAAAAAAAA", "x" * 40)
    refused(service, "InvalidClientTokenId", "Authenticate", signedRequest=received(unknown))
    wrong = Credentials(credentials.access_key_id, "x" * 40)
    error = refused(service, "SignatureDoesNotMatch", "Authenticate", signedRequest=received(wrong))
    assert error.details["info"]["subject"] == "caller"
    # The same code for the service's own signature.
    error = refused(service.signed_by(wrong), "SignatureDoesNotMatch", "Authenticate", signedRequest=good)
    assert "subject" not in error.details["info"]


@pytest.mark.parametrize("path", ["/a//b", "/a/../b", "//a", "/a/./b", "/.."])
def test_a_path_that_is_not_resolved_is_refused_outside_s3(service, new_user, path):
    _, credentials = new_user()
    url = f"https://sqs.example.com{path}"
    request = received(credentials, signer=SigV4Auth, service="sqs", url=url)
    error = refused(service, "SignatureDoesNotMatch", "Authenticate", signedRequest=request)
    assert "send the resolved path, such as `/a/b` for `/a//b`" in error.message
    as_object = received(credentials, signer=S3SigV4Auth, service="s3", url=url)
    assert service.call("Authenticate", signedRequest=as_object)["principal"]


def test_a_session_is_known_by_its_request(service, aws, new_user, name, server):
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=policy("s3:*"))
    _, credentials = new_user(policy("sts:*"))
    session = aws.signed_by(credentials).call(
        "AssumeRole", RoleArn=arn, RoleSessionName="nightly", Policy=policy("s3:GetObject")
    )
    request = received(Credentials.of(session["Credentials"]))
    answer = service.call("Authenticate", signedRequest=request)
    principal = answer["principal"]
    assert principal["arn"] == f"arn:aws:sts::{server.account}:assumed-role/{role}/nightly"
    assert (principal["roleArn"], principal["sessionName"]) == (arn, "nightly")
    assert principal["principalType"] == "AssumedRole"
    for caller in ({"handle": answer["handle"]}, {"signedRequest": request}):
        assert service.call("Authorize", **ask(caller))["decision"] == "DECISION_ALLOW"
        denied = service.call("Authorize", **ask(caller, action="s3:PutObject"))
        assert (denied["decision"], denied["step"]) == ("DECISION_IMPLICIT_DENY", "STEP_SESSION_POLICY")


def test_allow_explicit_deny_and_implicit_deny(service, new_user):
    rules = policy(
        {"Sid": "Read", "Action": "s3:GetObject"},
        {"Sid": "NoSecrets", "Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/secret/*"},
    )
    user, _ = new_user(rules)
    caller = {"principalArn": user["Arn"]}
    allowed = service.call("Authorize", **ask(caller))
    assert (allowed["decision"], allowed["step"]) == ("DECISION_ALLOW", "STEP_IDENTITY_POLICY")
    assert (allowed["statement"]["sid"], allowed["statement"]["index"]) == ("Read", 0)
    assert allowed["statement"]["attachedTo"] == user["Arn"]
    denied = service.call("Authorize", **ask(caller, resource=f"{BUCKET}/secret/x"))
    assert (denied["decision"], denied["step"]) == ("DECISION_EXPLICIT_DENY", "STEP_EXPLICIT_DENY")
    assert denied["statement"]["sid"] == "NoSecrets"
    assert denied["message"] == (
        f"User: {user['Arn']} is not authorized to perform: s3:GetObject on resource: {BUCKET}/secret/x "
        "with an explicit deny in an identity-based policy"
    )
    nothing = service.call("Authorize", **ask(caller, action="s3:PutObject"))
    assert nothing["decision"] == "DECISION_IMPLICIT_DENY"
    assert "statement" not in nothing
    assert "because no identity-based policy allows the s3:PutObject action" in nothing["message"]


def test_context_comes_from_the_asking_service(service, new_user):
    rules = policy(
        {"Action": "s3:GetObject", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Action": "s3:ListBucket", "Condition": {"ForAllValues:StringLike": {"s3:prefix": ["home/*"]}, "Null": {"s3:prefix": "false"}}},
    )
    user, _ = new_user(rules)
    caller = {"principalArn": user["Arn"]}

    def decide(action, *context):
        return service.call("Authorize", **ask(caller, action=action, context=list(context)))["decision"]

    address = {"key": "aws:SourceIp", "type": "CONTEXT_TYPE_IP", "values": ["10.1.2.3"]}
    assert decide("s3:GetObject", address) == "DECISION_ALLOW"
    assert decide("s3:GetObject", address | {"values": ["127.0.0.1"]}) == "DECISION_IMPLICIT_DENY"
    assert decide("s3:GetObject") == "DECISION_IMPLICIT_DENY"  # never the connection's own address
    prefix = {"key": "s3:prefix", "type": "CONTEXT_TYPE_STRING", "values": ["home/x"]}
    assert decide("s3:ListBucket", prefix) == "DECISION_ALLOW"
    assert decide("s3:ListBucket", prefix | {"values": ["away"]}) == "DECISION_IMPLICIT_DENY"


@pytest.mark.parametrize(
    "key", ["aws:username", "aws:PrincipalArn", "aws:userid", "aws:CurrentTime", "aws:PrincipalTag/team", "AWS:PrincipalAccount",
            "aws:MultiFactorAuthPresent", "aws:TokenIssueTime", "aws:SourceIdentity", "aws:PrincipalType"]
)  # fmt: skip
def test_a_service_cannot_set_principal_and_time_keys(service, new_user, key):
    user, _ = new_user(ALLOW_ALL)
    context = [{"key": key, "values": ["x"]}]
    refused(service, "ValidationError", "Authorize", **ask({"principalArn": user["Arn"]}, context=context))


def unlike(**members):
    """Invalid requests: the members, the field that the error names, and a part of its message."""
    blamed, why = members.pop("blamed"), members.pop("why")
    return pytest.param(members, blamed, why, id=f"{blamed}-{why[:24]}")


@pytest.mark.parametrize(
    ["members", "blamed", "why"],
    [
        unlike(action="s3:*", blamed="action", why="one action, such as `s3:GetObject`"),
        unlike(action="GetObject", blamed="action", why="one action, such as `s3:GetObject`"),
        unlike(action="s3:Get Object", blamed="action", why="one action"),
        unlike(action="s3:" + "x" * 126, blamed="action", why="less than or equal to 128"),
        unlike(action="", blamed="action", why="must not be null"),
        unlike(resource="reports/a", blamed="resource", why="must be an ARN, or `*`"),
        unlike(resource="arn:aws:s3", blamed="resource", why="must be an ARN"),
        unlike(resource="arn:aws:sqs:eu-central-1:12:q", blamed="resource", why="must be an ARN"),
        unlike(resource="arn:aws:s3:::" + "x" * 2048, blamed="resource", why="less than or equal to 2048"),
        unlike(resource="", blamed="resource", why="must not be null"),
        unlike(resourceAccount=None, blamed="resource_account", why="must name the account"),
        unlike(resourceAccount="12", blamed="resource_account", why="regular expression pattern"),
        unlike(resource="arn:aws:sqs:eu-central-1:444455556666:q", blamed="resource_account", why="not the account that `resource` names"),
        unlike(context=[{"key": "aws:username", "values": ["x"]}], blamed="context", why="`aws:username` comes from Bailiwick alone"),
        unlike(context=[{"key": "aws:ResourceAccount", "values": [ACCOUNT]}], blamed="context", why="`aws:ResourceAccount` comes from Bailiwick alone"),
        unlike(resource=f"arn:aws:iam::{ACCOUNT}:role/x", context=[{"key": "iam:ResourceTag/a", "values": ["b"]}], blamed="context", why="comes from Bailiwick, which stores"),
        unlike(context=[{"key": "s3:x", "values": ["a"], "type": "CONTEXT_TYPE_NUMERIC"}], blamed="context", why="its value `a` is not of that type"),
        unlike(context=[{"key": "s3:x", "values": ["10"], "type": "CONTEXT_TYPE_IP"}], blamed="context", why="its value `10` is not of that type"),
        unlike(context=[{"key": "s3:x", "values": ["maybe"], "type": "CONTEXT_TYPE_BOOLEAN"}], blamed="context", why="its value `maybe` is not of that type"),
        unlike(context=[{"key": "s3:x", "values": ["1", "2"], "type": "CONTEXT_TYPE_STRING"}], blamed="context", why="must have one value"),
        unlike(context=[{"key": "s3:x"}], blamed="context", why="must have one value"),
        unlike(context=[{"key": "s3:x", "values": ["1"]}, {"key": "S3:X", "values": ["1"]}], blamed="context", why="given twice"),
        unlike(context=[{"key": f"s3:{n}", "values": ["1"]} for n in range(201)], blamed="context", why="less than or equal to 200"),
        unlike(context=[{"key": "s3:" + "x" * 254, "values": ["1"]}], blamed="context[1].key", why="less than or equal to 256"),
        unlike(context=[{"key": "s3:x", "values": ["1"] * 1001}], blamed="context[1].values", why="less than or equal to 1000"),
        unlike(context=[{"key": "s3:x", "values": ["1" * 8193]}], blamed="context[1].values", why="less than or equal to 8192"),
        unlike(caller=None, blamed="caller", why="must not be null"),
        unlike(caller={}, blamed="caller", why="must name the principal"),
        unlike(caller={"principalArn": "alice at the mill by the pond"}, blamed="caller.principal_arn", why="the ARN of a user"),
        unlike(caller={"principalArn": f"arn:aws:iam::{ACCOUNT}:group/x"}, blamed="caller.principal_arn", why="the ARN of a user"),
        unlike(caller={"principalArn": f"arn:aws:iam::{ACCOUNT}:role/x"}, blamed="caller.principal_arn", why="is not a proof"),
        unlike(caller={"servicePrincipal": "Not One"}, blamed="caller.service_principal", why="regular expression pattern"),
    ],
)  # fmt: skip
def test_invalid_questions(service, new_user, members, blamed, why):
    user, _ = new_user(ALLOW_ALL)
    question = ask({"principalArn": user["Arn"]}) | members
    error = refused(service, "ValidationError", "Authorize", **{key: value for key, value in question.items() if value is not None})
    assert why in error.message
    assert error.details["violations"] == [blamed]


def test_an_unknown_caller(service, new_user):
    principal = {"principalArn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}
    assert refused(service, "InvalidInput", "Authorize", **ask(principal)).details["violations"] == ["caller.principal_arn"]
    refused(service, "AccessDenied", "Authorize", **ask({"principalArn": "arn:aws:iam::444455556666:user/nobody"}))
    user, _ = new_user()
    document = refused(service, "MalformedPolicyDocument", "Authorize", **ask({"principalArn": user["Arn"]}, resourcePolicy="{"))
    assert "line 1, column 2" in document.message and document.details["violations"] == ["resource_policy"]


def test_the_service_that_gets_a_role_is_named_once(service, new_user):
    user, _ = new_user(ALLOW_ALL)
    members = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "servicePrincipal": "photos.example.com"}
    context = [{"key": "iam:PassedToService", "values": ["films.example.com"]}]
    error = refused(service, "ValidationError", "AuthorizePassRole", caller={"principalArn": user["Arn"]}, context=context, **members)
    assert "comes from `servicePrincipal`" in error.message and error.details["violations"] == ["context"]


def test_a_duplicate_key_is_refused(service, new_user):
    user, _ = new_user(ALLOW_ALL)
    context = [{"key": "s3:prefix", "values": ["a"]}, {"key": "S3:Prefix", "values": ["b"]}]
    refused(service, "ValidationError", "Authorize", **ask({"principalArn": user["Arn"]}, context=context))


def test_the_resources_own_policy_takes_part(service, new_user, server):
    user, _ = new_user()
    caller = {"principalArn": user["Arn"]}
    opens = policy({"Principal": {"AWS": user["Arn"]}, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    own = {"resourcePolicy": opens, "resourceAccount": server.account}
    allowed = service.call("Authorize", **ask(caller, **own))
    assert (allowed["decision"], allowed["step"]) == ("DECISION_ALLOW", "STEP_RESOURCE_POLICY")
    elsewhere = service.call("Authorize", **ask(caller, resourcePolicy=opens, resourceAccount="444455556666"))
    assert elsewhere["decision"] == "DECISION_IMPLICIT_DENY"  # across accounts both sides must allow
    anonymous = service.call("Authorize", **ask({"anonymous": {}}, **own))
    assert anonymous["decision"] == "DECISION_IMPLICIT_DENY"
    public = policy({"Principal": "*", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    anonymous = service.call("Authorize", **ask({"anonymous": {}}, resourcePolicy=public, resourceAccount=server.account))
    assert anonymous["decision"] == "DECISION_ALLOW"
    refused(service, "MalformedPolicyDocument", "Authorize", **ask(caller, resourcePolicy="{", resourceAccount=server.account))


def test_batches_of_decisions(service, new_user):
    user, credentials = new_user(policy({"Action": "s3:GetObject", "Resource": f"{BUCKET}/even/*"}))
    own = {"resourceAccount": ACCOUNT}
    items = [
        {"action": "s3:GetObject", "resource": f"{BUCKET}/{'even' if number % 2 == 0 else 'odd'}/{number}", **own}
        for number in range(100)
    ]
    items.append({"action": "s3:GetObject", "resource": f"{BUCKET}/even/x", **own, "caller": {"handle": "AAAA"}})
    answer = service.call("BatchAuthorize", caller={"signedRequest": received(credentials)}, items=items)
    decisions = [result["decision"] for result in answer["results"]]
    assert decisions[:100] == ["DECISION_ALLOW", "DECISION_IMPLICIT_DENY"] * 50
    assert decisions[100] == "DECISION_UNSPECIFIED"
    assert answer["results"][100]["error"]["code"]
    assert answer["revision"]
    assert all("error" not in result for result in answer["results"][:100])
    nobody = service.call("BatchAuthorize", items=[{"action": "s3:GetObject", "resource": BUCKET, **own}])
    assert nobody["results"][0]["decision"] == "DECISION_UNSPECIFIED"


def test_why_not(service, new_user):
    rules = policy({"Sid": "Near", "Action": "s3:GetObject", "Condition": {"StringEquals": {"s3:prefix": "home"}}})
    user, _ = new_user(rules)
    answer = service.call("Explain", request=ask({"principalArn": user["Arn"]}))
    assert answer["result"]["decision"] == "DECISION_IMPLICIT_DENY"
    assert "s3:prefix" in [key.lower() for key in answer["missingContextKeys"]]
    near = answer["nearMisses"][0]
    assert near["statement"]["sid"] == "Near"
    assert near["element"] == "FAILED_ELEMENT_CONDITION"
    assert near["conditionKey"].lower() == "s3:prefix"
    assert any(verdict["policyType"] == "POLICY_TYPE_IDENTITY" for verdict in answer["verdicts"])
    assert user["Arn"] in answer["text"] and "s3:GetObject" in answer["text"]
    assert answer["suggestions"][0]["policyType"] == "POLICY_TYPE_IDENTITY"


def test_decisions_need_a_permission(rpc, new_user):
    user, credentials = new_user(READ_ONLY)
    unauthorized = rpc.signed_by(credentials)
    caller = {"principalArn": user["Arn"]}
    refused(unauthorized, "AccessDenied", "Authorize", **ask(caller))
    refused(unauthorized, "AccessDenied", "BatchAuthorize", caller=caller, items=[{"action": "s3:Get", "resource": "*"}])
    refused(unauthorized, "AccessDenied", "Explain", request=ask(caller))
    refused(unauthorized, "AccessDenied", "Authenticate", signedRequest=received(credentials))
    _, proven = new_user(policy("bailiwick:Authorize"))
    limited = rpc.signed_by(proven)
    refused(limited, "AccessDenied", "Authorize", **ask(caller))  # needs bailiwick:AuthorizeAs for a bare ARN
    limited.call("Authorize", **ask({"signedRequest": received(credentials)}))


def test_a_bare_role_is_refused(service, aws, name, server):
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    for bare in (arn, f"arn:aws:sts::{server.account}:assumed-role/{role}/session"):
        refused(service, "ValidationError", "Authorize", **ask({"principalArn": bare}))


def test_handles_are_sealed_and_bound_to_the_calling_account(service, rpc, new_user, name):
    _, credentials = new_user(policy("s3:GetObject"))
    handle = service.call("Authenticate", signedRequest=received(credentials))["handle"]
    raw = bytearray(base64.b64decode(handle))
    raw[len(raw) // 2] ^= 1
    broken = base64.b64encode(bytes(raw)).decode()
    with pytest.raises(ApiError) as caught:
        service.call("Authorize", **ask({"handle": broken}))
    assert caught.value.status in ("INVALID_ARGUMENT", "UNAUTHENTICATED"), caught.value
    service.call("Authorize", **ask({"handle": handle}))
    called = name("account")
    role = rpc.call("CreateAccount", accountName=called, email=f"{called}@example.com")["roleArn"]
    _, administrator = new_user(policy("sts:AssumeRole"))
    session = rpc.signed_by(administrator).call("AssumeRole", RoleArn=role, RoleSessionName="session")
    elsewhere = rpc.signed_by(Credentials.of(session["Credentials"]))
    with pytest.raises(ApiError) as caught:
        elsewhere.call("Authorize", **ask({"handle": handle}))
    assert caught.value.status in ("INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED"), caught.value


def test_a_change_is_in_the_next_decision(service, aws, new_user):
    user, _ = new_user(policy("s3:GetObject"))
    caller = {"principalArn": user["Arn"]}
    assert service.call("Authorize", **ask(caller))["decision"] == "DECISION_ALLOW"
    aws.call("DeleteUserPolicy", UserName=user["UserName"], PolicyName="inline")
    revision = aws.last_headers["x-bailiwick-revision"]
    assert service.call("Authorize", **ask(caller), minRevision=revision)["decision"] == "DECISION_IMPLICIT_DENY"
    assert service.call("Authorize", **ask(caller))["decision"] == "DECISION_IMPLICIT_DENY"
