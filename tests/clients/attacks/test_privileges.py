"""Attempts to escalate privileges through names, boundaries and sessions."""

import pytest
from attacks.helpers import ADMINISTRATOR, assumed, dead, outcome
from attacks.watch import well
from support.api import GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials

VICTIM = "arn:aws:iam::111122223333:policy/victim"


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


# Names.


def test_a_deny_on_a_name_holds_in_every_case(aws, new_user, server, name):
    """Names are found without regard to case, so a Deny on `Bob` must hold for a request for BOB."""
    bob, role, group = "Bob-" + name(), "Role-" + name(), "Group-" + name()
    aws.call("CreateUser", UserName=bob)
    aws.call("CreateGroup", GroupName=group)
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    key = aws.call("CreateAccessKey", UserName=bob)["AccessKey"]["AccessKeyId"]
    denied = [f"arn:aws:iam::{server.account}:{kind}" for kind in (f"user/{bob}", f"role/{role}", f"group/{group}")]
    _, credentials = new_user(policy("*", {"Effect": "Deny", "Action": "*", "Resource": denied}))
    attacker = aws.signed_by(credentials)
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
            assert outcome(attacker, operation, **members) == "AccessDenied", (operation, members)
    # Renaming another user to that name, or creating it again, is denied as well.
    spare = name()
    aws.call("CreateUser", UserName=spare)
    for taken in (bob, bob.upper()):
        assert outcome(attacker, "UpdateUser", UserName=spare, NewUserName=taken) in ("AccessDenied", "EntityAlreadyExists")
        assert outcome(attacker, "CreateUser", UserName=taken) in ("AccessDenied", "EntityAlreadyExists")
    aws.call("DeleteAccessKey", UserName=bob, AccessKeyId=key)
    aws.call("DeleteUser", UserName=bob)
    assert outcome(attacker, "UpdateUser", UserName=spare, NewUserName=bob) == "AccessDenied"


def test_a_recreated_user_inherits_nothing(aws, server, name):
    """A user or role of the same name has another id and inherits no key, token, session, trust, group or policy."""
    user_name, group, trusting, role = name(), name(), name(), name()
    rpc = GrpcApi(server, server.root)
    user = aws.call("CreateUser", UserName=user_name)["User"]
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=ALLOW_ALL)
    aws.call("AddUserToGroup", GroupName=group, UserName=user_name)
    made = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(user["Arn"]))["Role"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    inner = aws.call("CreateRole", RoleName=trusting, AssumeRolePolicyDocument=trust(made["Arn"]))["Role"]
    key = Credentials.of(aws.call("CreateAccessKey", UserName=user_name)["AccessKey"])
    caller = aws.signed_by(key)
    bearer = rpc.signed_by(Credentials(bearer=rpc.signed_by(key).call("CreateToken")["token"]))
    session = assumed(caller, made["Arn"])
    chained = assumed(session, inner["Arn"])
    for each in (caller, session, bearer, chained):
        each.call("GetCallerIdentity")

    def remake_user():
        aws.call("RemoveUserFromGroup", GroupName=group, UserName=user_name)
        aws.call("DeleteAccessKey", UserName=user_name, AccessKeyId=key.access_key_id)
        aws.call("DeleteUser", UserName=user_name)
        for gone in (caller, bearer):
            dead(gone)
        return aws.call("CreateUser", UserName=user_name)["User"]

    again = remake_user()
    assert again["Arn"] == user["Arn"] and again["UserId"] != user["UserId"]
    for gone in (caller, bearer):
        dead(gone)
    assert aws.call("ListAccessKeys", UserName=user_name)["AccessKeyMetadata"] == []
    assert aws.call("ListGroupsForUser", UserName=user_name)["Groups"] == []
    other = aws.signed_by(Credentials.of(aws.call("CreateAccessKey", UserName=user_name)["AccessKey"]))
    assert outcome(other, "ListUsers") == "AccessDenied"
    assert outcome(other, "AssumeRole", RoleArn=made["Arn"], RoleSessionName="session") == "AccessDenied"
    shown = str(aws.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    assert user["UserId"] in shown and user["Arn"] not in shown
    # The role's sessions are valid until the role is deleted, and never again.
    assert session.call("ListUsers")["Users"]
    aws.call("DeleteRolePolicy", RoleName=role, PolicyName="p")
    assert outcome(session, "ListUsers") == "AccessDenied"
    aws.call("DeleteRole", RoleName=role)
    dead(session)
    remade = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="p", PolicyDocument=ALLOW_ALL)
    assert remade["Arn"] == made["Arn"]
    dead(session)
    aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    assert outcome(assumed(other, remade["Arn"]), "AssumeRole", RoleArn=inner["Arn"], RoleSessionName="session") == "AccessDenied"
    chained.call("GetCallerIdentity")
    for operation, members in (("DeleteRole", {"RoleName": trusting}), ("CreateRole", {"RoleName": trusting, "AssumeRolePolicyDocument": trust(server.account)})):
        aws.call(operation, **members)
        dead(chained)


def test_a_recreated_policy_inherits_nothing(aws, server, new_user, name):
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
    attacker = aws.signed_by(credentials)
    head, _, tail = ADMINISTRATOR.rpartition("/")
    for spelled in (
        ADMINISTRATOR, ADMINISTRATOR.lower(), ADMINISTRATOR.upper(), f"{head}//{tail}", f"{head}/./{tail}", f"{head}/{tail}/", f" {ADMINISTRATOR}",
        f"{ADMINISTRATOR} ", f"{head}/{tail}%20", "arn:AWS:iam::aws:policy/AdministratorAccess", "arn:aws:iam:us-east-1:aws:policy/AdministratorAccess",
        "arn:aws:iam:::policy/AdministratorAccess", f"arn:aws:iam::{server.account}:policy/AdministratorAccess", "arn:aws:iam::AWS:policy/AdministratorAccess",
        "arn:aws:iam::000000000000:policy/AdministratorAccess", "arn:aws:IAM::aws:policy/AdministratorAccess", "arn:aws:iam::aws:Policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/\u0410dministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess\0", "AdministratorAccess",
    ):  # fmt: skip
        assert outcome(attacker, "AttachUserPolicy", UserName=user["UserName"], PolicyArn=spelled) in (
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
    attacker = aws.signed_by(credentials)
    assert outcome(attacker, "GetUser", UserName=theirs) == "AccessDenied"
    assert outcome(attacker, "GetUser", UserName=ours) is None
    for key in ("Owner", "owner", "OWNER", "oWnEr"):
        assert outcome(attacker, "TagUser", UserName=theirs, Tags=[{"Key": "x", "Value": "y"}, {"Key": key, "Value": "us"}]) == "AccessDenied"
        assert outcome(attacker, "CreateUser", UserName=name(), Tags=[{"Key": key, "Value": "us"}]) == "AccessDenied"
    assert outcome(attacker, "TagUser", UserName=theirs, Tags=[{"Key": "Owner ", "Value": "us"}]) in (None, "ValidationError", "InvalidInput")
    assert outcome(attacker, "GetUser", UserName=theirs) == "AccessDenied"


# Sessions.


def test_revoked_permissions_end_at_once(aws, server, name, new_user):
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
        # A session that assumes its own role again gets no further permissions.
        aws.call("UpdateAssumeRolePolicy", RoleName=role["RoleName"], PolicyDocument=trust(server.account))
        assert outcome(assumed(session, role["Arn"]), "ListRoles") == "AccessDenied"
    narrow = assumed(caller, role["Arn"], Policy=policy("iam:ListUsers"))
    assert outcome(narrow, "ListGroups") == "AccessDenied"
    assert outcome(narrow, "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session") == "AccessDenied"
    nothing = assumed(caller, role["Arn"], Policy=policy({"Effect": "Deny", "Action": "*"}))
    assert outcome(nothing, "ListUsers") == "AccessDenied"
    for arns in ([{}], [{"arn": ""}], [{"arn": ADMINISTRATOR}, {}]):
        assert outcome(GrpcApi(server, credentials), "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session", PolicyArns=arns) == "ValidationError"
    # A bearer token of a session with a session policy has the same limits.
    aws.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=ALLOW_ALL)
    rpc = GrpcApi(server, assumed(caller, role["Arn"], Policy=policy("iam:ListUsers", "bailiwick:CreateToken")).credentials)
    bearer = rpc.signed_by(Credentials(bearer=rpc.call("CreateToken")["token"]))
    bearer.call("ListUsers")
    refused(bearer, "AccessDenied", "ListGroups")
    for policies in ({"Policy": "{}"}, {"Policy": ""}, {"Policy": policy({"Principal": "*", "Action": "*", "Resource": "*"})}, {"PolicyArns": [{"arn": "a"}]},
                     {"PolicyArns": [{"arn": ADMINISTRATOR + "s"}]}, {"PolicyArns": [{"arn": ADMINISTRATOR}] * 11}):  # fmt: skip
        assert outcome(caller, "AssumeRole", RoleArn=role["Arn"], RoleSessionName="session", **policies), policies


def test_chained_sessions_last_an_hour_and_keep_their_source_identity(aws, server, name, new_user):
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


def test_a_role_is_not_handed_to_a_machine_beyond_a_boundary(api, server, name):
    """AddRoleToInstanceProfile gives a role to the users of a machine: the boundary holds it and PassRole."""
    profile, role = name("profile"), name("role")
    api.call("CreateInstanceProfile", InstanceProfileName=profile)
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    for allowed in (["iam:AddRoleToInstanceProfile", "iam:Get*"], ["iam:PassRole", "iam:Get*"]):
        edge = api.call("CreatePolicy", PolicyName=name("edge"), PolicyDocument=policy({"Action": allowed}))["Policy"]["Arn"]
        user_name = name("user")
        api.call("CreateUser", UserName=user_name, PermissionsBoundary=edge)
        api.call("AttachUserPolicy", UserName=user_name, PolicyArn=ADMINISTRATOR)
        key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
        attacker = api.signed_by(Credentials.of(key))
        assert outcome(attacker, "AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName=role) == "AccessDenied"
    assert api.call("GetInstanceProfile", InstanceProfileName=profile)["InstanceProfile"]["Roles"] == []


@pytest.mark.parametrize(
    "operation, members",
    [
        ("CreatePolicyVersion", {"PolicyArn": VICTIM, "PolicyDocument": ALLOW_ALL, "SetAsDefault": True}),
        ("SetDefaultPolicyVersion", {"PolicyArn": VICTIM, "VersionId": "v1"}),
        ("UpdateAssumeRolePolicy", {"RoleName": "victim", "PolicyDocument": trust("111122223333")}),
        ("AttachUserPolicy", {"UserName": "victim", "PolicyArn": ADMINISTRATOR}),
        ("AttachGroupPolicy", {"GroupName": "victim", "PolicyArn": ADMINISTRATOR}),
        ("AttachRolePolicy", {"RoleName": "victim", "PolicyArn": ADMINISTRATOR}),
        ("DetachUserPolicy", {"UserName": "victim", "PolicyArn": ADMINISTRATOR}),
        ("PutUserPolicy", {"UserName": "victim", "PolicyName": "p", "PolicyDocument": ALLOW_ALL}),
        ("PutGroupPolicy", {"GroupName": "victim", "PolicyName": "p", "PolicyDocument": ALLOW_ALL}),
        ("PutRolePolicy", {"RoleName": "victim", "PolicyName": "p", "PolicyDocument": ALLOW_ALL}),
        ("DeleteUserPolicy", {"UserName": "victim", "PolicyName": "p"}),
        ("AddUserToGroup", {"GroupName": "victim", "UserName": "victim"}),
        ("RemoveUserFromGroup", {"GroupName": "victim", "UserName": "victim"}),
        ("CreateAccessKey", {"UserName": "victim"}),
        ("UpdateAccessKey", {"UserName": "victim", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Active"}),
        ("CreateUser", {"UserName": "accomplice"}),
        ("CreateRole", {"RoleName": "accomplice", "AssumeRolePolicyDocument": trust("111122223333")}),
        ("UpdateRole", {"RoleName": "victim", "MaxSessionDuration": 43200}),
        ("TagUser", {"UserName": "victim", "Tags": [{"Key": "team", "Value": "admin"}]}),
        ("UntagRole", {"RoleName": "victim", "TagKeys": ["team"]}),
        ("PutUserPermissionsBoundary", {"UserName": "victim", "PermissionsBoundary": ADMINISTRATOR}),
        ("PutRolePermissionsBoundary", {"RoleName": "victim", "PermissionsBoundary": ADMINISTRATOR}),
        ("DeleteUserPermissionsBoundary", {"UserName": "victim"}),
        ("DeleteRolePermissionsBoundary", {"RoleName": "victim"}),
        ("EnableMFADevice", {"UserName": "victim", "SerialNumber": "x" * 9, "AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}),
        ("UploadSigningCertificate", {"UserName": "victim", "CertificateBody": "x"}),
        ("UpdateSigningCertificate", {"UserName": "victim", "CertificateId": "C" * 24, "Status": "Active"}),
        ("UpdateOpenIDConnectProviderThumbprint", {"OpenIDConnectProviderArn": "arn:aws:iam::111122223333:oidc-provider/id.example.com", "ThumbprintList": ["a" * 40]}),
        ("PutAccountProperties", {"Properties": {"RoleManager/Enabled": "true"}}),
        ("EnableOrganizationsRootCredentialsManagement", {}),
        ("EnableOutboundWebIdentityFederation", {}),
        ("AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/victim", "RoleSessionName": "session"}),
        ("CreateServiceLinkedRole", {"AWSServiceName": "elasticbeanstalk.amazonaws.com"}),
        ("CreateLoginProfile", {"UserName": "victim", "Password": "Hidden-Marsh-7"}),
        ("UpdateLoginProfile", {"UserName": "victim", "Password": "Hidden-Marsh-7"}),
        ("DeactivateMFADevice", {"UserName": "victim", "SerialNumber": "arn:aws:iam::111122223333:mfa/victim"}),
        ("ResyncMFADevice", {"UserName": "victim", "SerialNumber": "x" * 9, "AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}),
        ("UpdateAccountPasswordPolicy", {"AllowUsersToChangePassword": True}),
        ("DeleteAccountPasswordPolicy", {}),
        ("CreateOpenIDConnectProvider", {"Url": "https://id.example.com/edge"}),
        ("AddClientIDToOpenIDConnectProvider", {"OpenIDConnectProviderArn": "arn:aws:iam::111122223333:oidc-provider/id.example.com", "ClientID": "a"}),
        ("CreateSAMLProvider", {"Name": "edge", "SAMLMetadataDocument": "x" * 1000}),
        ("UpdateSAMLProvider", {"SAMLProviderArn": "arn:aws:iam::111122223333:saml-provider/edge", "SAMLMetadataDocument": "x" * 1000}),
        ("EnableOrganizationsRootSessions", {}),
        ("CreateServiceSpecificCredential", {"UserName": "victim", "ServiceName": "bedrock.amazonaws.com"}),
        ("ResetServiceSpecificCredential", {"UserName": "victim", "ServiceSpecificCredentialId": "ACCA" + "A" * 17}),
        ("UpdateServiceSpecificCredential", {"UserName": "victim", "ServiceSpecificCredentialId": "ACCA" + "A" * 17, "Status": "Active"}),
        ("AcquireRole", {"TemplateArn": "arn:aws:iam::aws:role-template/IdentityAuditor", "ReplacementValues": {"TrustedArns": {"Values": ["*"]}}}),
        ("AcceptDelegationRequest", {"DelegationRequestId": "00000000-0000-4000-8000-000000000000"}),
        ("SendDelegationToken", {"DelegationRequestId": "00000000-0000-4000-8000-000000000000"}),
        ("UploadServerCertificate", {"ServerCertificateName": "victim", "CertificateBody": "x", "PrivateKey": "x"}),
        ("UpdateServerCertificate", {"ServerCertificateName": "victim", "NewServerCertificateName": "other"}),
        ("UploadSSHPublicKey", {"UserName": "victim", "SSHPublicKeyBody": "ssh-rsa AAAA"}),
        ("UpdateSSHPublicKey", {"UserName": "victim", "SSHPublicKeyId": "APKA" + "A" * 17, "Status": "Active"}),
    ],
)
def test_a_boundary_holds_every_way_to_more_rights(api, name, operation, members):
    """A user with AdministratorAccess and a boundary that leaves the operation out."""
    action = f"{'sts' if operation == 'AssumeRole' else 'iam'}:{operation}"
    edge = policy({"Action": "*"}, {"Effect": "Deny", "Action": action, "Resource": "*"})
    without = policy({"NotAction": action})
    for document in (edge, without):
        arn = api.call("CreatePolicy", PolicyName=name("edge"), PolicyDocument=document)["Policy"]["Arn"]
        user_name = name("user")
        api.call("CreateUser", UserName=user_name, PermissionsBoundary=arn)
        api.call("AttachUserPolicy", UserName=user_name, PolicyArn=ADMINISTRATOR)
        attacker = api.signed_by(Credentials.of(api.call("CreateAccessKey", UserName=user_name)["AccessKey"]))
        assert outcome(attacker, operation, **members) == "AccessDenied"
        assert outcome(attacker, "GetAccountSummary") != "AccessDenied"
