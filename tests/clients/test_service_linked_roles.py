"""Roles that are linked to services."""

import json
import re

import pytest
from support.api import document
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused

SERVICES = {"aws": "elasticbeanstalk", "grpc": "replication.ecr"}
NAMES = {"aws": "AWSServiceRoleForElasticBeanstalk", "grpc": "AWSServiceRoleForECRReplication"}


@pytest.fixture
def linked(api):
    """The service and the name of a role that the test creates: another for each front end, since both use one account."""
    yield f"{SERVICES[api.front]}.amazonaws.com", NAMES[api.front]
    if any(role["RoleName"] == NAMES[api.front] for role in api.items("ListRoles", "Roles")):
        api.call("DeleteServiceLinkedRole", RoleName=NAMES[api.front])


def test_a_role_is_created_shown_and_deleted_with_a_task(api, server, linked):
    service, role = linked
    made = api.call("CreateServiceLinkedRole", AWSServiceName=service, Description="for the service")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{server.account}:role/aws-service-role/{service}/{role}"
    assert made["Path"] == f"/aws-service-role/{service}/"
    (statement,) = document(made["AssumeRolePolicyDocument"])["Statement"]
    assert statement == {"Effect": "Allow", "Principal": {"Service": [service]}, "Action": ["sts:AssumeRole"]}
    found = api.call("GetRole", RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("for the service", 3600)
    again = refused(api, "InvalidInput", "CreateServiceLinkedRole", AWSServiceName=service)
    assert again.message == f"Service role name {role} has been taken in this account, please try a different suffix."
    task = api.call("DeleteServiceLinkedRole", RoleName=role)["DeletionTaskId"]
    assert re.fullmatch(rf"task/aws-service-role/{service}/{role}/[0-9a-f-]{{36}}", task)
    assert api.call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task) == {"Status": "SUCCEEDED"}
    refused(api, "NoSuchEntity", "GetRole", RoleName=role)
    refused(api, "NoSuchEntity", "DeleteServiceLinkedRole", RoleName=role)


def test_what_is_refused(api, name, server):
    refused(api, "InvalidInput", "CreateServiceLinkedRole", AWSServiceName="nothing.amazonaws.com")
    error = refused(api, "InvalidInput", "CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com", CustomSuffix="x")
    assert error.message == "Custom suffix is not allowed for ecs.amazonaws.com"
    role = name("role")
    api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))
    refused(api, "NoSuchEntity", "DeleteServiceLinkedRole", RoleName=role)
    task = "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/3fa85f64-5717-4562-b3fc-2c963f66afa6"
    refused(api, "NoSuchEntity", "GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task)
    refused(api, "InvalidInput", "GetServiceLinkedRoleDeletionStatus", DeletionTaskId="task/none")


def test_a_suffix_makes_several(api, name):
    suffix = name("s")
    role = api.call("CreateServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com", CustomSuffix=suffix)["Role"]
    assert role["RoleName"] == f"AWSServiceRoleForAutoScaling_{suffix}"
    api.call("DeleteServiceLinkedRole", RoleName=role["RoleName"])


def test_only_the_service_changes_it(api, linked, server):
    service, role = linked
    api.call("CreateServiceLinkedRole", AWSServiceName=service)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    for operation, members in {
        "UpdateAssumeRolePolicy": {"PolicyDocument": trust(server.account)},
        "AttachRolePolicy": {"PolicyArn": administrator},
        "PutRolePolicy": {"PolicyName": "p", "PolicyDocument": ALLOW_ALL},
        "PutRolePermissionsBoundary": {"PermissionsBoundary": administrator},
        "UpdateRole": {"MaxSessionDuration": 7200},
        "DeleteRole": {},
    }.items():
        error = refused(api, "UnmodifiableEntity", operation, RoleName=role, **members)
        why = "max session duration cannot be changed" if operation == "UpdateRole" else "only modifiable by AWS"
        assert why in error.message
    # Only the service can assume it.
    refused(api, "AccessDenied", "AssumeRole", RoleArn=api.call("GetRole", RoleName=role)["Role"]["Arn"], RoleSessionName="session")
    api.call("UpdateRoleDescription", RoleName=role, Description="other")
    api.call("TagRole", RoleName=role, Tags=[{"Key": "a", "Value": "b"}])


def test_the_service_is_a_condition_key(api, new_user, server, linked):
    service, role = linked
    only = {"Action": "iam:CreateServiceLinkedRole", "Resource": "*", "Condition": {"StringEquals": {"iam:AWSServiceName": service}}}
    _, credentials = new_user(policy(only))
    mine = api.signed_by(credentials)
    refused(mine, "AccessDenied", "CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com")
    refused(mine, "AccessDenied", "CreateServiceLinkedRole", AWSServiceName="nothing.amazonaws.com")
    mine.call("CreateServiceLinkedRole", AWSServiceName=service)
    refused(mine, "AccessDenied", "DeleteServiceLinkedRole", RoleName=role)


def test_a_registered_service_has_linked_roles(api, rpc, name):
    """The services of the catalogue's own entries have a role, with any suffix, that they alone may assume."""
    prefix = name("photos")
    principals = [f"{prefix}.example.com", f"print.{prefix}.example.com"]
    service = {"principals": principals, "actions": {"GetAlbum": {"access": "Read"}}}
    definition = json.dumps({"catalogue": 1, "services": {prefix: service}})
    refused(api, "InvalidInput", "CreateServiceLinkedRole", AWSServiceName=principals[0])
    rpc.call("PutService", servicePrefix=prefix, definition=definition)
    camel = "".join(word.capitalize() for word in prefix.split("-"))
    for principal, suffix, expected in (
        (principals[0], None, f"AWSServiceRoleFor{camel}"),
        (principals[0], "eu", f"AWSServiceRoleFor{camel}_eu"),
        (principals[1], None, f"AWSServiceRoleForPrint{camel}ExampleCom"),
    ):
        more = {"CustomSuffix": suffix} if suffix else {}
        role = api.call("CreateServiceLinkedRole", AWSServiceName=principal, **more)["Role"]
        assert (role["RoleName"], role["Path"]) == (expected, f"/aws-service-role/{principal}/")
        (statement,) = document(role["AssumeRolePolicyDocument"])["Statement"]
        assert statement["Principal"] == {"Service": [principal]}
        refused(api, "UnmodifiableEntity", "PutRolePolicy", RoleName=expected, PolicyName="p", PolicyDocument=ALLOW_ALL)
        task = api.call("DeleteServiceLinkedRole", RoleName=expected)["DeletionTaskId"]
        assert api.call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task)["Status"] == "SUCCEEDED"
