"""Every call is decided by policy, and a denial names principal, action, resource and type of policy."""

import pytest
from support.api import ApiError
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import Credentials


def test_a_new_user_can_do_nothing(api, new_user, name, server):
    user, credentials = new_user()
    mine = api.signed_by(credentials)
    error = refused(mine, "AccessDenied", "CreateUser", UserName="other")
    assert error.message == (
        f"User: {user['Arn']} is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{server.account}:user/other because no identity-based policy allows the iam:CreateUser action"
    )
    for operation, members in {
        "GetUser": {},
        "ListUsers": {},
        "ListAccessKeys": {},
        "CreateAccessKey": {},
        "GetAccountSummary": {},
        "GetAccountAuthorizationDetails": {},
        "ListPolicies": {},
        "PutUserPolicy": {"UserName": user["UserName"], "PolicyName": "p", "PolicyDocument": ALLOW_ALL},
        "AttachUserPolicy": {"UserName": user["UserName"], "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        "AssumeRole": {"RoleArn": f"arn:aws:iam::{server.account}:role/none", "RoleSessionName": "session"},
    }.items():
        refused(mine, "AccessDenied", operation, **members)
    assert mine.call("GetCallerIdentity")["Arn"] == user["Arn"]  # needs no permission


def test_an_explicit_deny_is_reported_as_such(api, new_user, server):
    user, credentials = new_user(policy("iam:*", {"Effect": "Deny", "Action": "iam:CreateUser"}))
    error = refused(api.signed_by(credentials), "AccessDenied", "CreateUser", UserName="other")
    assert error.message == (
        f"User: {user['Arn']} is not authorized to perform: iam:CreateUser on resource: "
        f"arn:aws:iam::{server.account}:user/other with an explicit deny in an identity-based policy"
    )


def test_a_denial_by_a_boundary_names_it(api, new_user, name):
    bound = api.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=policy("iam:Get*"))["Policy"]["Arn"]
    user, credentials = new_user(ALLOW_ALL, PermissionsBoundary=bound)
    mine = api.signed_by(credentials)
    assert mine.call("GetUser")["User"]["UserName"] == user["UserName"]
    error = refused(mine, "AccessDenied", "ListUsers")
    assert error.message.endswith("because no permissions boundary allows the iam:ListUsers action")


def test_membership_of_a_group_gives_and_removes_permissions(api, new_user, name):
    user, credentials = new_user()
    mine = api.signed_by(credentials)
    group = name("group")
    api.call("CreateGroup", GroupName=group)
    api.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    refused(mine, "AccessDenied", "ListUsers")
    api.call("AddUserToGroup", GroupName=group, UserName=user["UserName"])
    mine.call("ListUsers")  # the next call sees it
    api.call("PutGroupPolicy", GroupName=group, PolicyName="p", PolicyDocument=policy("iam:ListGroups"))
    refused(mine, "AccessDenied", "ListUsers")
    mine.call("ListGroups")
    api.call("RemoveUserFromGroup", GroupName=group, UserName=user["UserName"])
    refused(mine, "AccessDenied", "ListGroups")


def test_managed_policies_by_their_default_version(api, new_user, name):
    user, credentials = new_user()
    mine = api.signed_by(credentials)
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=policy("iam:ListUsers"))["Policy"]["Arn"]
    api.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=arn)
    mine.call("ListUsers")
    api.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=policy("iam:ListGroups"), SetAsDefault=True)
    refused(mine, "AccessDenied", "ListUsers")
    mine.call("ListGroups")
    api.call("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
    mine.call("ListUsers")
    api.call("DetachUserPolicy", UserName=user["UserName"], PolicyArn=arn)
    refused(mine, "AccessDenied", "ListUsers")


def test_resources_are_the_arns_of_objects(api, new_user, name, server):
    path = f"/{name('team')}/"
    arn = f"arn:aws:iam::{server.account}:user{path}*"
    _, credentials = new_user(policy({"Action": "iam:*", "Resource": arn}))
    mine = api.signed_by(credentials)
    inside, outside = name("user"), name("user")
    mine.call("CreateUser", UserName=inside, Path=path)
    refused(mine, "AccessDenied", "CreateUser", UserName=outside)
    api.call("CreateUser", UserName=outside)
    mine.call("GetUser", UserName=inside)
    refused(mine, "AccessDenied", "GetUser", UserName=outside)
    refused(mine, "AccessDenied", "ListUsers", PathPrefix=path)  # a list is not of one resource
    # A move needs the permission for the old and the new ARN.
    refused(mine, "AccessDenied", "UpdateUser", UserName=inside, NewPath="/elsewhere/")
    assert api.call("GetUser", UserName=inside)["User"]["Path"] == path


def test_existence_is_not_revealed_to_unauthorized_callers(api, new_user, name):
    _, credentials = new_user()
    mine = api.signed_by(credentials)
    there, missing = name("user"), name("user")
    api.call("CreateUser", UserName=there)
    messages = {
        refused(mine, "AccessDenied", "GetUser", UserName=user_name).message.replace(user_name, "X") for user_name in (there, missing)
    }
    assert len(messages) == 1


def test_variables_name_the_caller(api, new_user, name, server):
    arn = f"arn:aws:iam::{server.account}:user/${{aws:username}}"
    user, credentials = new_user(policy({"Action": "iam:*AccessKey*", "Resource": arn}))
    mine = api.signed_by(credentials)
    (key,) = mine.call("ListAccessKeys", UserName=user["UserName"])["AccessKeyMetadata"]
    assert key["AccessKeyId"] == credentials.access_key_id
    other = name("user")
    api.call("CreateUser", UserName=other)
    refused(mine, "AccessDenied", "CreateAccessKey", UserName=other)


def test_a_user_rotates_their_own_key(api, new_user, server):
    arn = f"arn:aws:iam::{server.account}:user/${{aws:username}}"
    _, old = new_user(policy({"Action": "iam:*AccessKey*", "Resource": arn}))
    with_old = api.signed_by(old)
    new = Credentials.of(with_old.call("CreateAccessKey")["AccessKey"])
    with_new = api.signed_by(new)
    with_new.call("UpdateAccessKey", AccessKeyId=old.access_key_id, Status="Inactive")
    refused(with_old, "InvalidClientTokenId", "ListAccessKeys")
    with_new.call("DeleteAccessKey", AccessKeyId=old.access_key_id)
    (left,) = with_new.call("ListAccessKeys")["AccessKeyMetadata"]
    assert left["AccessKeyId"] == new.access_key_id


def test_tags_on_create_need_the_permission_to_tag(api, new_user, name, server):
    _, credentials = new_user(policy("iam:CreateUser"))
    mine = api.signed_by(credentials)
    mine.call("CreateUser", UserName=name("user"))
    user_name = name("user")
    error = refused(mine, "AccessDenied", "CreateUser", UserName=user_name, Tags=[{"Key": "a", "Value": "b"}])
    assert "iam:TagUser" in error.message
    refused(api, "NoSuchEntity", "GetUser", UserName=user_name)


def test_conditions_on_tags(api, new_user, name):
    rules = policy(
        {"Action": ["iam:CreateUser", "iam:TagUser"], "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"}}},
        {"Action": "iam:GetUser", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
    )
    _, credentials = new_user(rules, Tags=[{"Key": "team", "Value": "blue"}])
    mine = api.signed_by(credentials)
    blue, red = name("user"), name("user")
    mine.call("CreateUser", UserName=blue, Tags=[{"Key": "team", "Value": "blue"}])
    refused(mine, "AccessDenied", "CreateUser", UserName=red, Tags=[{"Key": "team", "Value": "red"}])
    refused(mine, "AccessDenied", "CreateUser", UserName=red)
    api.call("CreateUser", UserName=red, Tags=[{"Key": "team", "Value": "red"}])
    mine.call("GetUser", UserName=blue)
    refused(mine, "AccessDenied", "GetUser", UserName=red)


def test_a_policy_can_require_a_boundary(api, new_user, name):
    bound = api.call("CreatePolicy", PolicyName=name("bound"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    rules = policy(
        {
            "Action": ["iam:CreateUser", "iam:PutUserPermissionsBoundary"],
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": bound}},
        }
    )
    _, credentials = new_user(rules)
    mine = api.signed_by(credentials)
    refused(mine, "AccessDenied", "CreateUser", UserName=name("user"))
    made = mine.call("CreateUser", UserName=name("user"), PermissionsBoundary=bound)["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == bound
    refused(mine, "AccessDenied", "DeleteUserPermissionsBoundary", UserName=made["UserName"])


def test_a_policy_can_limit_which_policies_are_attached(api, new_user, name):
    one, other = (
        api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"] for _ in range(2)
    )
    rules = policy({"Action": "iam:AttachUserPolicy", "Condition": {"ArnEquals": {"iam:PolicyARN": one}}})
    _, credentials = new_user(rules)
    mine = api.signed_by(credentials)
    target = name("user")
    api.call("CreateUser", UserName=target)
    mine.call("AttachUserPolicy", UserName=target, PolicyArn=one)
    refused(mine, "AccessDenied", "AttachUserPolicy", UserName=target, PolicyArn=other)


def test_the_connection_is_in_the_context(api, new_user):
    _, here = new_user(policy({"Action": "iam:ListUsers", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}))
    api.signed_by(here).call("ListUsers")
    _, elsewhere = new_user(
        policy({"Action": "iam:ListUsers", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})
    )
    refused(api.signed_by(elsewhere), "AccessDenied", "ListUsers")
    _, safe = new_user(policy({"Action": "iam:ListUsers", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}))
    refused(api.signed_by(safe), "AccessDenied", "ListUsers")


def test_requests_without_credentials_are_denied(server, rpc):
    for operation, members in {"ListUsers": {}, "GetCallerIdentity": {}, "CreateUser": {"UserName": "x"}}.items():
        with pytest.raises(ApiError) as caught:
            rpc.signed_by(None).call(operation, **members)
        assert (caught.value.code, caught.value.status) == ("MissingAuthenticationToken", "UNAUTHENTICATED")


def test_passing_a_role_is_never_implied(api, new_user, name, server):
    """The permission to administer roles does not allow assuming them."""
    _, credentials = new_user(policy("iam:*"))
    mine = api.signed_by(credentials)
    role = name("role")
    arn = mine.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    refused(mine, "AccessDenied", "AssumeRole", RoleArn=arn, RoleSessionName="session")
