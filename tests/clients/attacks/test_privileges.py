"""Games with names, boundaries, sessions and handles: nobody comes to a right that nobody gave him."""

import base64
import itertools

import pytest
from attacks.watch import well
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from support.api import REGION, ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


@pytest.fixture
def accounts(rpc, aws, new_user):
    """Makes a member account; answers its number and an administrator's session in it."""
    numbers = itertools.count()
    _, admin = new_user(ALLOW_ALL)

    def make():
        address = f"a{next(numbers)}-{admin.access_key_id.lower()}@example.com"
        answer = rpc.call("CreateAccount", accountName="account", email=address)
        return answer["account"]["accountId"], assumed(aws.signed_by(admin), answer["roleArn"])

    return make


def assumed(api, arn, session="session", **members):
    """The same front end for a session of a role."""
    answer = api.call("AssumeRole", RoleArn=arn, RoleSessionName=session, **members)["Credentials"]
    return api.signed_by(Credentials.of(answer))


def outcome(api, operation, **members):
    """The code that a call is refused with, or none."""
    try:
        api.call(operation, **members)
        return None
    except ApiError as error:
        return error.code


def dead(api, operation="GetCallerIdentity", **members):
    assert outcome(api, operation, **members) in ("InvalidClientTokenId", "ExpiredToken")


# Names.


def test_a_deny_on_a_name_holds_in_every_case(aws, new_user, server, name):
    """Names are found without regard to case, so that a Deny on `Bob` must hold for who says BOB."""
    bob, role, group = "Bob-" + name(), "Role-" + name(), "Group-" + name()
    aws.call("CreateUser", UserName=bob)
    aws.call("CreateGroup", GroupName=group)
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    key = aws.call("CreateAccessKey", UserName=bob)["AccessKey"]["AccessKeyId"]
    denied = [f"arn:aws:iam::{server.account}:{kind}" for kind in (f"user/{bob}", f"role/{role}", f"group/{group}")]
    _, credentials = new_user(policy("*", {"Effect": "Deny", "Action": "*", "Resource": denied}))
    enemy = aws.signed_by(credentials)
    document = {"PolicyName": "p", "PolicyDocument": ALLOW_ALL}
    for change in (str.upper, str.lower, str.swapcase, str.title, str):
        user = {"UserName": change(bob)}
        for operation, members in {
            "GetUser": user, "DeleteUser": user, "CreateAccessKey": user, "ListAccessKeys": user, "PutUserPolicy": user | document,
            "UpdateUser": user | {"NewUserName": name()}, "TagUser": user | {"Tags": [{"Key": "a", "Value": "b"}]}, "UntagUser": user | {"TagKeys": ["a"]},
            "AttachUserPolicy": user | {"PolicyArn": ADMINISTRATOR}, "UpdateAccessKey": user | {"AccessKeyId": key, "Status": "Inactive"},
            "DeleteAccessKey": user | {"AccessKeyId": key}, "GetAccessKeyLastUsed": {"AccessKeyId": key},
            "PutUserPermissionsBoundary": user | {"PermissionsBoundary": ADMINISTRATOR}, "ListGroupsForUser": user,
            "GetRole": {"RoleName": change(role)}, "PutRolePolicy": {"RoleName": change(role)} | document, "DeleteRole": {"RoleName": change(role)},
            "UpdateAssumeRolePolicy": {"RoleName": change(role), "PolicyDocument": trust(server.account)},
            "AddUserToGroup": {"GroupName": change(group), "UserName": change(bob)}, "PutGroupPolicy": {"GroupName": change(group)} | document,
            "DeleteGroup": {"GroupName": change(group)}, "UpdateGroup": {"GroupName": change(group), "NewPath": "/x/"},
        }.items():  # fmt: skip
            assert outcome(enemy, operation, **members) == "AccessDenied", (operation, members)
    # Nor does one get there by moving somebody else onto the name, or by making it anew.
    spare = name()
    aws.call("CreateUser", UserName=spare)
    for taken in (bob, bob.upper()):
        assert outcome(enemy, "UpdateUser", UserName=spare, NewUserName=taken) in ("AccessDenied", "EntityAlreadyExists")
        assert outcome(enemy, "CreateUser", UserName=taken) in ("AccessDenied", "EntityAlreadyExists")
    aws.call("DeleteAccessKey", UserName=bob, AccessKeyId=key)
    aws.call("DeleteUser", UserName=bob)
    assert outcome(enemy, "UpdateUser", UserName=spare, NewUserName=bob) == "AccessDenied"


def test_one_who_is_made_again_inherits_nothing(aws, server, name):
    """A user or role of the same name has another id: no key, no token, no session, no trust, no group, no policy."""
    who, group, trusting, role = name(), name(), name(), name()
    rpc = GrpcApi(server, server.root)
    user = aws.call("CreateUser", UserName=who)["User"]
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=ALLOW_ALL)
    aws.call("AddUserToGroup", GroupName=group, UserName=who)
    made = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(user["Arn"]))["Role"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    inner = aws.call("CreateRole", RoleName=trusting, AssumeRolePolicyDocument=trust(made["Arn"]))["Role"]
    key = Credentials.of(aws.call("CreateAccessKey", UserName=who)["AccessKey"])
    caller = aws.signed_by(key)
    bearer = rpc.signed_by(Credentials(bearer=rpc.signed_by(key).call("CreateToken")["token"]))
    session = assumed(caller, made["Arn"])
    chained = assumed(session, inner["Arn"])
    for each in (caller, session, bearer, chained):
        each.call("GetCallerIdentity")

    def remake_user():
        aws.call("RemoveUserFromGroup", GroupName=group, UserName=who)
        aws.call("DeleteAccessKey", UserName=who, AccessKeyId=key.access_key_id)
        aws.call("DeleteUser", UserName=who)
        for gone in (caller, bearer):
            dead(gone)
        return aws.call("CreateUser", UserName=who)["User"]

    again = remake_user()
    assert again["Arn"] == user["Arn"] and again["UserId"] != user["UserId"]
    for gone in (caller, bearer):
        dead(gone)
    assert aws.call("ListAccessKeys", UserName=who)["AccessKeyMetadata"] == []
    assert aws.call("ListGroupsForUser", UserName=who)["Groups"] == []
    other = aws.signed_by(Credentials.of(aws.call("CreateAccessKey", UserName=who)["AccessKey"]))
    assert outcome(other, "ListUsers") == "AccessDenied"
    assert outcome(other, "AssumeRole", RoleArn=made["Arn"], RoleSessionName="session") == "AccessDenied"
    shown = str(aws.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    assert user["UserId"] in shown and user["Arn"] not in shown
    # The role's sessions go on until the role goes; then for good.
    assert session.call("ListUsers")["Users"]
    aws.call("DeleteRolePolicy", RoleName=role, PolicyName="p")
    assert outcome(session, "ListUsers") == "AccessDenied"
    aws.call("DeleteRole", RoleName=role)
    dead(session)
    remade = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    assert remade["Arn"] == made["Arn"]
    dead(session)
    aws.call("PutUserPolicy", UserName=who, PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    assert outcome(assumed(other, remade["Arn"]), "AssumeRole", RoleArn=inner["Arn"], RoleSessionName="session") == "AccessDenied"
    chained.call("GetCallerIdentity")
    for operation, members in (("DeleteRole", {"RoleName": trusting}), ("CreateRole", {"RoleName": trusting, "AssumeRolePolicyDocument": trust(server.account)})):
        aws.call(operation, **members)
        dead(chained)


def test_a_policy_made_again_is_another(aws, server, new_user, name):
    called = name()
    arn = aws.call("CreatePolicy", PolicyName=called, PolicyDocument=policy("iam:GetUser"))["Policy"]["Arn"]
    user, credentials = new_user(None, PermissionsBoundary=arn)
    refused(aws, "DeleteConflict", "DeletePolicy", PolicyArn=arn)
    role = aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trust(user["Arn"]))["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=ALLOW_ALL)
    aws.call("PutUserPolicy", UserName=user["UserName"], PolicyName="p", PolicyDocument=ALLOW_ALL)
    aws.call("DeleteUserPermissionsBoundary", UserName=user["UserName"])
    session = assumed(aws.signed_by(credentials), role["Arn"], PolicyArns=[{"arn": arn}])
    assert outcome(session, "GetUser", UserName=user["UserName"]) is None
    assert outcome(session, "ListUsers") == "AccessDenied"
    aws.call("DeletePolicy", PolicyArn=arn)
    assert outcome(session, "GetUser", UserName=user["UserName"]) == "AccessDenied"


# Boundaries and conditions.


def test_a_boundary_that_is_demanded_is_not_evaded(aws, server, new_user, name):
    bound = aws.call("CreatePolicy", PolicyName="Bound-" + name(), PolicyDocument=policy("iam:GetUser"))["Policy"]["Arn"]
    loose = aws.call("CreatePolicy", PolicyName="Loose-" + name(), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    with_boundary = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    rules = policy(
        {"Action": ["iam:CreateUser", "iam:CreateRole", "iam:PutUserPolicy", "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:AttachRolePolicy",
                    "iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"], "Condition": with_boundary},
        {"Action": ["iam:CreateAccessKey", "iam:UpdateUser", "iam:Tag*", "iam:GetUser", "iam:UpdateAssumeRolePolicy", "iam:DeleteUserPermissionsBoundary"]},
        {"Effect": "Deny", "Action": ["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]},
    )  # fmt: skip
    me, credentials = new_user(rules)
    delegate = aws.signed_by(credentials)
    made = name()
    assert outcome(delegate, "CreateUser", UserName=made) == "AccessDenied"
    for other in (loose, ADMINISTRATOR, bound.upper(), bound.replace("Bound", "bound"), bound + " ", bound.replace("policy/", "policy//"), "", "*", bound + "*"):
        assert outcome(delegate, "CreateUser", UserName=made, PermissionsBoundary=other) in ("AccessDenied", "ValidationError", "InvalidInput"), other
    delegate.call("CreateUser", UserName=made, PermissionsBoundary=bound)
    delegate.call("PutUserPolicy", UserName=made, PolicyName="p", PolicyDocument=ALLOW_ALL)
    delegate.call("AttachUserPolicy", UserName=made, PolicyArn=ADMINISTRATOR)
    theirs = aws.signed_by(Credentials.of(delegate.call("CreateAccessKey", UserName=made)["AccessKey"]))
    assert outcome(theirs, "GetUser", UserName=made) is None
    for operation, members in {
        "ListUsers": {}, "CreateUser": {"UserName": name()}, "PutUserPermissionsBoundary": {"UserName": made, "PermissionsBoundary": loose},
        "DeleteUserPermissionsBoundary": {"UserName": made}, "AttachUserPolicy": {"UserName": made, "PolicyArn": loose},
    }.items():  # fmt: skip
        assert outcome(theirs, operation, **members) == "AccessDenied", operation
    for operation, members in {
        "PutUserPermissionsBoundary": {"UserName": made, "PermissionsBoundary": loose}, "DeleteUserPermissionsBoundary": {"UserName": made},
        "AttachUserPolicy": {"UserName": me["UserName"], "PolicyArn": ADMINISTRATOR}, "PutUserPolicy": {"UserName": me["UserName"], "PolicyName": "q", "PolicyDocument": ALLOW_ALL},
    }.items():  # fmt: skip
        assert outcome(delegate, operation, **members) == "AccessDenied", operation
        assert outcome(delegate, operation, **(members | {"UserName": members["UserName"].upper()})) == "AccessDenied", operation


def test_attaching_what_is_denied_is_not_evaded_by_spelling(aws, new_user, server):
    denied = {"Effect": "Deny", "Action": "iam:Attach*", "Condition": {"ArnEquals": {"iam:PolicyARN": ADMINISTRATOR}}}
    user, credentials = new_user(policy("iam:*", denied))
    enemy = aws.signed_by(credentials)
    head, _, tail = ADMINISTRATOR.rpartition("/")
    for spelled in (
        ADMINISTRATOR, ADMINISTRATOR.lower(), ADMINISTRATOR.upper(), f"{head}//{tail}", f"{head}/./{tail}", f"{head}/{tail}/", f" {ADMINISTRATOR}",
        f"{ADMINISTRATOR} ", f"{head}/{tail}%20", "arn:AWS:iam::aws:policy/AdministratorAccess", "arn:aws:iam:us-east-1:aws:policy/AdministratorAccess",
        "arn:aws:iam:::policy/AdministratorAccess", f"arn:aws:iam::{server.account}:policy/AdministratorAccess", "arn:aws:iam::AWS:policy/AdministratorAccess",
        "arn:aws:iam::000000000000:policy/AdministratorAccess", "arn:aws:IAM::aws:policy/AdministratorAccess", "arn:aws:iam::aws:Policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/\u0410dministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess\0", "AdministratorAccess",
    ):  # fmt: skip
        assert outcome(enemy, "AttachUserPolicy", UserName=user["UserName"], PolicyArn=spelled) in (
            "AccessDenied", "NoSuchEntity", "ValidationError", "InvalidInput",
        ), spelled  # fmt: skip
    assert aws.call("ListAttachedUserPolicies", UserName=user["UserName"])["AttachedPolicies"] == []


def test_tags_in_conditions_are_not_evaded_by_case(aws, new_user, name):
    theirs, ours = name(), name()
    aws.call("CreateUser", UserName=theirs, Tags=[{"Key": "Owner", "Value": "them"}])
    aws.call("CreateUser", UserName=ours, Tags=[{"Key": "Owner", "Value": "us"}])
    ours_alone = {"Condition": {"StringEquals": {"aws:ResourceTag/owner": "us"}}}
    retagging = {"Effect": "Deny", "Action": "iam:TagUser", "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Owner", "owner", "OWNER", "oWnEr"]}}}
    _, credentials = new_user(policy({"Action": "iam:*"} | ours_alone, {"Action": ["iam:TagUser", "iam:CreateUser"]}, retagging))
    enemy = aws.signed_by(credentials)
    assert outcome(enemy, "GetUser", UserName=theirs) == "AccessDenied"
    assert outcome(enemy, "GetUser", UserName=ours) is None
    for key in ("Owner", "owner", "OWNER", "oWnEr"):
        assert outcome(enemy, "TagUser", UserName=theirs, Tags=[{"Key": "x", "Value": "y"}, {"Key": key, "Value": "us"}]) == "AccessDenied"
        assert outcome(enemy, "CreateUser", UserName=name(), Tags=[{"Key": key, "Value": "us"}]) == "AccessDenied"
    assert outcome(enemy, "TagUser", UserName=theirs, Tags=[{"Key": "Owner ", "Value": "us"}]) in (None, "ValidationError", "InvalidInput")
    assert outcome(enemy, "GetUser", UserName=theirs) == "AccessDenied"


# Sessions.


def test_what_is_taken_away_is_gone_at_once(aws, server, name, new_user):
    user, credentials = new_user(policy("*"))
    rpc = GrpcApi(server, credentials)
    bearer = rpc.signed_by(Credentials(bearer=rpc.call("CreateToken")["token"]))
    caller = aws.signed_by(credentials)
    for _ in range(3):
        for each in (caller, rpc, bearer):
            each.call("ListUsers")
        aws.call("DeleteUserPolicy", UserName=user["UserName"], PolicyName="inline")
        for each in (caller, rpc, bearer):
            refused(each, "AccessDenied", "ListUsers")
        aws.call("PutUserPolicy", UserName=user["UserName"], PolicyName="inline", PolicyDocument=ALLOW_ALL)
        for each in (caller, rpc, bearer):
            each.call("ListUsers")
        aws.call("UpdateAccessKey", UserName=user["UserName"], AccessKeyId=credentials.access_key_id, Status="Inactive")
        for each in (caller, rpc, bearer):
            dead(each)
        aws.call("UpdateAccessKey", UserName=user["UserName"], AccessKeyId=credentials.access_key_id, Status="Active")
    group = name()
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=policy({"Effect": "Deny", "Action": "*"}))
    aws.call("AddUserToGroup", GroupName=group, UserName=user["UserName"])
    for each in (caller, rpc, bearer):
        refused(each, "AccessDenied", "ListUsers")


def test_session_policies_never_widen(aws, server, name, new_user):
    _, credentials = new_user(policy("sts:AssumeRole"))
    caller = aws.signed_by(credentials)
    role = aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trust(server.account))["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("iam:ListUsers", "iam:ListGroups", "sts:AssumeRole"))
    wide = [
        {"Policy": ALLOW_ALL}, {"PolicyArns": [{"arn": ADMINISTRATOR}]}, {"Policy": ALLOW_ALL, "PolicyArns": [{"arn": ADMINISTRATOR}]},
        {"Policy": policy("iam:ListUsers"), "PolicyArns": [{"arn": ADMINISTRATOR}]},
    ]  # fmt: skip
    for policies in wide:
        session = assumed(caller, role["Arn"], **policies)
        assert outcome(session, "ListUsers") is None
        assert outcome(session, "ListRoles") == "AccessDenied"
        # A session that assumes its own role again comes no further.
        aws.call("UpdateAssumeRolePolicy", RoleName=role["RoleName"], PolicyDocument=trust(server.account))
        assert outcome(assumed(session, role["Arn"]), "ListRoles") == "AccessDenied"
    narrow = assumed(caller, role["Arn"], Policy=policy("iam:ListUsers"))
    assert outcome(narrow, "ListGroups") == "AccessDenied"
    assert outcome(narrow, "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session") == "AccessDenied"
    nothing = assumed(caller, role["Arn"], Policy=policy({"Effect": "Deny", "Action": "*"}))
    assert outcome(nothing, "ListUsers") == "AccessDenied"
    for arns in ([{}], [{"arn": ""}], [{"arn": ADMINISTRATOR}, {}]):
        assert outcome(GrpcApi(server, credentials), "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session", PolicyArns=arns) == "ValidationError"
    # A bearer token of a narrowed session is as narrow.
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=ALLOW_ALL)
    rpc = GrpcApi(server, assumed(caller, role["Arn"], Policy=policy("iam:ListUsers", "bailiwick:CreateToken")).credentials)
    bearer = rpc.signed_by(Credentials(bearer=rpc.call("CreateToken")["token"]))
    bearer.call("ListUsers")
    refused(bearer, "AccessDenied", "ListGroups")
    for policies in ({"Policy": "{}"}, {"Policy": ""}, {"Policy": policy({"Principal": "*", "Action": "*", "Resource": "*"})}, {"PolicyArns": [{"arn": "a"}]},
                     {"PolicyArns": [{"arn": ADMINISTRATOR + "s"}]}, {"PolicyArns": [{"arn": ADMINISTRATOR}] * 11}):  # fmt: skip
        assert outcome(caller, "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session", **policies), policies


def test_chains_are_an_hour_and_keep_who_began_them(aws, server, name, new_user):
    _, credentials = new_user(policy("sts:*"))
    trusts = policy({"Principal": {"AWS": server.account}, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]})
    role = aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trusts, MaxSessionDuration=43_200)["Role"]
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("sts:*", "bailiwick:*"))
    begin = {"SourceIdentity": "alice", "Tags": [{"Key": "team", "Value": "red"}], "TransitiveTagKeys": ["team"], "DurationSeconds": 43_200}
    first = assumed(aws.signed_by(credentials), role["Arn"], **begin)
    ask = {"RoleArn": role["Arn"], "RoleSessionName": "session"}
    assert outcome(first, "AssumeRole", **ask, DurationSeconds=3601) == "ValidationError"
    assert outcome(first, "AssumeRole", **ask, SourceIdentity="mallory") == "AccessDenied"
    for key in ("team", "TEAM", "Team"):
        assert outcome(first, "AssumeRole", **ask, Tags=[{"Key": key, "Value": "blue"}]) == "InvalidParameterValue"
    second = first.call("AssumeRole", **ask)
    assert second["SourceIdentity"] == "alice"
    chained = aws.signed_by(Credentials.of(second["Credentials"]))
    assert outcome(chained, "AssumeRole", **ask, DurationSeconds=3601) == "ValidationError"
    assert outcome(chained, "AssumeRole", **ask, Tags=[{"Key": "team", "Value": "blue"}]) == "InvalidParameterValue"
    for operation, members in {"GetSessionToken": {}, "GetFederationToken": {"Name": "name"}}.items():
        assert outcome(chained, operation, **members), operation
    token = GrpcApi(server, chained.credentials).call("CreateToken", durationSeconds=43_200)
    assert token["expiration"] <= second["Credentials"]["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")


# Markers and handles.


def test_markers_and_tokens_are_good_for_what_they_were_made_for(aws, server, name, new_user, accounts):
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


def received(credentials, service="s3", url="https://s3.example.com/a"):
    """A signed request as a service would receive it."""
    made = AWSRequest("GET", url, headers={"Host": url.split("/")[2]})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token), service, REGION).add_auth(made)
    headers = [{"name": name, "value": value} for name, value in made.headers.items()]
    return {"httpRequest": {"method": "GET", "target": "/a", "headers": headers, "body": ""}, "service": service}


def question(caller, **more):
    return {"caller": caller, "action": "ec2:DescribeInstances", "resource": "*", **more}


def test_an_asker_is_held_to_prefix_and_account(aws, server, name, new_user, accounts):
    """A service that may ask for s3 about its own account's people does neither more nor less, however it asks."""
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
    # Whoever asks elsewhere can do nothing with the handle, nor with one that was tampered with.
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


def test_who_it_is_is_not_for_the_asker_to_say(server, new_user):
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


def test_what_a_request_brings_is_no_pattern(server, new_user):
    """A value that a policy's variable stands for is text: its stars and braces mean nothing."""
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
        assert refusal.message.endswith(arn), refusal.message  # the same words, whether it is there or trusts or not
    a.call("PutUserPolicy", UserName="worker", PolicyName="p", PolicyDocument=ALLOW_ALL)
    refused(worker, "AccessDenied", "AssumeRole", RoleArn=untrusting, **ask)
    session = assumed(worker, trusting)
    # What one is in one account is nothing in another: there is no way to name another account's things.
    assert outcome(session, "ListUsers") == "AccessDenied"
    made = b.call("CreatePolicy", PolicyName="theirs", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    for operation, members in {
        "GetPolicy": {}, "DeletePolicy": {}, "GetPolicyVersion": {"VersionId": "v1"}, "CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL}, "ListEntitiesForPolicy": {},
        "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
    }.items():  # fmt: skip
        assert outcome(worker, operation, PolicyArn=made, **members) in ("AccessDenied", "NoSuchEntity"), operation
    assert outcome(worker, "AttachUserPolicy", UserName="worker", PolicyArn=made) in ("AccessDenied", "NoSuchEntity", "InvalidInput")
    assert outcome(worker, "PutUserPermissionsBoundary", UserName="worker", PermissionsBoundary=made) in ("AccessDenied", "NoSuchEntity", "InvalidInput")
    # Administrators of a member account administer neither accounts nor what all share.
    rpc = GrpcApi(server, a.credentials)
    for operation, members in {
        "CreateAccount": {"accountName": "x", "email": "x@example.com"}, "ListAccounts": {}, "DescribeAccount": {"accountId": number_b},
        "SuspendAccount": {"accountId": number_b}, "CloseAccount": {"accountId": number_a}, "ResumeAccount": {"accountId": number_b},
        "ImportManagedPolicies": {"policies": [{"policyName": "AdministratorAccess", "policyDocument": ALLOW_ALL, "version": 99}]},
    }.items():  # fmt: skip
        assert outcome(rpc, operation, **members) == "AccessDenied", operation
    for operation, members in {"CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL}, "DeletePolicy": {}, "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
                               "SetDefaultPolicyVersion": {"VersionId": "v1"}}.items():  # fmt: skip
        assert outcome(a, operation, PolicyArn=ADMINISTRATOR, **members) == "AccessDenied", operation


def test_a_suspended_account_does_nothing(aws, rpc, server, accounts, new_user):
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
    """What a trust policy asks for, an external id say, is its account's own business."""
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


def test_what_is_kept_for_another_accounts_resources_is_not_told(server, accounts):
    """A kept policy decides about strangers, and says nothing of itself to them; nor can they put, read or tag it."""
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
        told = [spy.call("Authorize", **ask), spy.call("BatchAuthorize", items=[ask])]
        told.append(spy.call("Authorize", **ask, context=[{"key": "aws:UserAgent", "values": ["only-between-us"]}]))
        assert told[0]["decision"] == "DECISION_IMPLICIT_DENY" and told[2]["decision"] == "DECISION_ALLOW"
        assert "between" not in str(told).lower(), told
    assert outcome(spy, "PutResourcePolicy", resourceArn=album, policy=policy({"Principal": "*", "Action": "photos:*", "Resource": "*"})) == "ValidationError"
    for operation, members in {"GetResourcePolicy": {}, "DeleteResourcePolicy": {}, "ListTagsForResource": {}, "UntagResource": {"tagKeys": ["between"]}}.items():
        assert outcome(spy, operation, resourceArn=album, **members) == "ValidationError", operation
    # Of what has no account in its name each account has its own.
    assert outcome(spy, "GetResourcePolicy", resourceArn=nameless) == "NoSuchEntity"
    assert spy.call("ListTagsForResource", resourceArn=nameless)["tags"] == []
    assert spy.call("ListResourcePolicies")["policies"] == []
    for operation, members in {"PutService": {"servicePrefix": "photos", "definition": "{}"}, "DeleteService": {"servicePrefix": "photos"}}.items():
        assert outcome(spy, operation, **members) == "AccessDenied", operation


def test_definitions_of_services_as_an_enemy_writes_them(server, rpc):
    head = '{"catalogue": 1, "services": {"enemy": '
    for text in (
        "[" * 100_000, "{" * 1000, head + "{" * 500, head + '{"actions": ' + "[" * 100_000, head + '{"actions": {"A": {"keys": ["aws:x", ' + '"a",' * 20_000,
        head + '{"actions": {}, "actions": {}}}}', head + '{"principals": ["' + "a." * 50_000 + '"]}}}', head + '{"principals": ["*"]}}}', head + '{"principals": ["s3.amazonaws.com\\u0000"]}}}',
        head + '{"actions": {"*": {}}}}}', head + '{"actions": {"Get*": {}}}}}', head + '{"keys": {"aws:PrincipalTag/x": "String"}}}}', head + '{"keys": {"*": "String"}}}}', head + "null}}",
    ):  # fmt: skip
        assert outcome(rpc, "PutService", servicePrefix="enemy", definition=text) in ("InvalidInput", "ValidationError"), text[:100]
    assert outcome(rpc, "GetService", servicePrefix="enemy") == "NoSuchEntity"
