"""Service-specific credentials: passwords and API keys of users for one service, shown once."""

import base64
import datetime

import pytest
from support.documents import policy
from support.expect import refused
from test_administrator import Cli

GIT, CASSANDRA = "codecommit.amazonaws.com", "cassandra.amazonaws.com"
BEDROCK, LOGS = "bedrock.amazonaws.com", "logs.amazonaws.com"


@pytest.fixture
def user(api, name):
    """A user, by name."""
    return api.call("CreateUser", UserName=name("user"))["User"]["UserName"]


def create(api, user, service, **members):
    return api.call("CreateServiceSpecificCredential", UserName=user, ServiceName=service, **members)["ServiceSpecificCredential"]


def listed(api, **members):
    pages = api.pages("ListServiceSpecificCredentials", **members)
    return {row["ServiceSpecificCredentialId"]: row for page in pages for row in page["ServiceSpecificCredentials"]}


def moment(value):
    """A date of either front end."""
    return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))


@pytest.mark.parametrize("service", [GIT, CASSANDRA])
def test_a_password_is_shown_once(api, server, user, service):
    made = create(api, user, service)
    password = made.pop("ServicePassword")
    assert len(password) == 60
    assert made.keys() == {"CreateDate", "ServiceName", "ServiceUserName", "ServiceSpecificCredentialId", "UserName", "Status"}
    assert (made["UserName"], made["ServiceName"], made["Status"]) == (user, service, "Active")
    assert made["ServiceUserName"] == f"{user}-at-{server.account}"
    assert made["ServiceSpecificCredentialId"].startswith("ACCA")
    assert listed(api, UserName=user) == {made["ServiceSpecificCredentialId"]: made}


@pytest.mark.parametrize("service", [BEDROCK, LOGS])
def test_an_api_key_may_expire(api, server, user, service):
    made = create(api, user, service, CredentialAgeDays=30)
    key, alias = made.pop("ServiceCredentialSecret"), f"{user}-at-{server.account}"
    assert key.startswith({BEDROCK: "ABSK", LOGS: "ACWL"}[service])
    assert base64.b64decode(key[4:]).startswith(f"{alias}:".encode())
    assert (made["ServiceCredentialAlias"], made.get("ServiceUserName"), made.get("ServicePassword")) == (alias, None, None)
    assert moment(made["ExpirationDate"]) - moment(made["CreateDate"]) == datetime.timedelta(days=30)
    assert listed(api, UserName=user, ServiceName=service) == {made["ServiceSpecificCredentialId"]: made}
    assert not create(api, user, service).get("ExpirationDate")


def test_two_for_each_service(api, server, user):
    names = [create(api, user, GIT)["ServiceUserName"] for _ in range(2)]
    assert names == [f"{user}-at-{server.account}", f"{user}+1-at-{server.account}"]
    error = refused(api, "LimitExceeded", "CreateServiceSpecificCredential", UserName=user, ServiceName=GIT)
    assert error.message == "Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2"
    other = create(api, user, CASSANDRA)["ServiceSpecificCredentialId"]
    assert listed(api, UserName=user, ServiceName=CASSANDRA).keys() == {other}
    assert len(listed(api, UserName=user)) == 3


def test_what_cannot_be_created(api, user):
    for service in ("lambda.amazonaws.com", "o3on3n3onosneo"):
        for operation in ("CreateServiceSpecificCredential", "ListServiceSpecificCredentials"):
            error = refused(api, "NoSuchEntity", operation, UserName=user, ServiceName=service)
            assert error.message == f"No such service {service} is supported for Service Specific Credentials"
    error = refused(api, "NoSuchEntity", "CreateServiceSpecificCredential", UserName="nobody-here", ServiceName="x")
    assert error.message == "The user with name nobody-here cannot be found."
    for days, service in ((0, BEDROCK), (36_601, BEDROCK), (-1, GIT)):
        refused(api, "ValidationError", "CreateServiceSpecificCredential", UserName=user, ServiceName=service, CredentialAgeDays=days)
    assert listed(api, UserName=user) == {}


def test_status_reset_and_deletion(api, user):
    made = create(api, user, GIT)
    credential = {"UserName": user, "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    api.call("UpdateServiceSpecificCredential", **credential, Status="Inactive")
    assert listed(api, UserName=user)[made["ServiceSpecificCredentialId"]]["Status"] == "Inactive"
    refused(api, "InvalidInput", "UpdateServiceSpecificCredential", **credential, Status="Expired")
    refused(api, "ValidationError", "UpdateServiceSpecificCredential", **credential, Status="Invalid")
    reset = api.call("ResetServiceSpecificCredential", **credential)["ServiceSpecificCredential"]
    assert reset["ServicePassword"] != made["ServicePassword"]
    assert reset | {"ServicePassword": ""} == made | {"Status": "Inactive", "ServicePassword": ""}
    error = refused(api, "DeleteConflict", "DeleteUser", UserName=user)
    assert error.message == "Cannot delete entity, must remove referenced objects first."
    api.call("DeleteServiceSpecificCredential", **credential)
    for operation, members in {
        "UpdateServiceSpecificCredential": {"Status": "Active"},
        "ResetServiceSpecificCredential": {},
        "DeleteServiceSpecificCredential": {},
    }.items():
        error = refused(api, "NoSuchEntity", operation, **credential, **members)
        assert error.message == f"No such credential {credential['ServiceSpecificCredentialId']} exists"
    api.call("DeleteUser", UserName=user)


def test_the_credentials_of_all_users(api, name, user):
    mine = create(api, user, GIT)["ServiceSpecificCredentialId"]
    other = api.call("CreateUser", UserName=name("other"))["User"]["UserName"]
    theirs = create(api, other, BEDROCK)["ServiceSpecificCredentialId"]
    everyone = listed(api, AllUsers=True, MaxItems=1)
    assert (everyone[mine]["UserName"], everyone[theirs]["UserName"]) == (user, other)
    keys = listed(api, AllUsers=True, ServiceName=BEDROCK)
    assert theirs in keys and mine not in keys
    refused(api, "InvalidInput", "ListServiceSpecificCredentials", AllUsers=True, UserName=user)


def test_users_manage_their_own_within_conditions(api, new_user, user):
    """The condition keys hold the service and the age; a missing age does not count as a small one."""
    rules = policy(
        {"Action": "iam:*ServiceSpecificCredential*", "Resource": "arn:aws:iam::*:user/${aws:username}"},
        {
            "Effect": "Deny",
            "Action": "iam:CreateServiceSpecificCredential",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:ServiceSpecificCredentialServiceName": BEDROCK}},
        },
        {
            "Effect": "Deny",
            "Action": "iam:CreateServiceSpecificCredential",
            "Resource": "*",
            "Condition": {"NumericGreaterThan": {"iam:ServiceSpecificCredentialAgeDays": "90"}},
        },
        {
            "Effect": "Deny",
            "Action": "iam:CreateServiceSpecificCredential",
            "Resource": "*",
            "Condition": {"Null": {"iam:ServiceSpecificCredentialAgeDays": "true"}},
        },
    )
    me, credentials = new_user(rules)
    mine = api.signed_by(credentials)
    own = me["UserName"]
    for members in (
        {"UserName": own, "ServiceName": GIT},
        {"UserName": own, "ServiceName": BEDROCK},
        {"UserName": own, "ServiceName": BEDROCK, "CredentialAgeDays": 91},
        {"UserName": user, "ServiceName": BEDROCK, "CredentialAgeDays": 90},
    ):
        refused(mine, "AccessDenied", "CreateServiceSpecificCredential", **members)
    made = create(mine, own, BEDROCK, CredentialAgeDays=90)["ServiceSpecificCredentialId"]
    # Without a user, the caller's are meant.
    assert listed(mine).keys() == {made}
    refused(mine, "AccessDenied", "ListServiceSpecificCredentials", AllUsers=True)
    mine.call("ResetServiceSpecificCredential", ServiceSpecificCredentialId=made)
    mine.call("DeleteServiceSpecificCredential", ServiceSpecificCredentialId=made)
    theirs = create(api, user, GIT)["ServiceSpecificCredentialId"]
    refused(mine, "NoSuchEntity", "ResetServiceSpecificCredential", ServiceSpecificCredentialId=theirs)


def test_the_cli_prints_credentials(server, user):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    made = cli("iam", "create-service-specific-credential", "--user-name", user, "--service-name", BEDROCK, "--credential-age-days", "7")
    made = made["ServiceSpecificCredential"]
    assert made["ServiceCredentialSecret"].startswith("ABSK")
    which = ("--user-name", user, "--service-specific-credential-id", made["ServiceSpecificCredentialId"])
    assert cli("iam", "update-service-specific-credential", *which, "--status", "Inactive", text=True) == ""
    reset = cli("iam", "reset-service-specific-credential", *which)["ServiceSpecificCredential"]
    assert reset.pop("ServiceCredentialSecret") != made["ServiceCredentialSecret"]
    listed = cli("iam", "list-service-specific-credentials", "--user-name", user)
    assert listed == {"ServiceSpecificCredentials": [reset], "IsTruncated": False}
    assert cli("iam", "delete-service-specific-credential", *which, text=True) == ""
    listed = cli("iam", "list-service-specific-credentials", "--user-name", user)
    assert listed == {"ServiceSpecificCredentials": [], "IsTruncated": False}
