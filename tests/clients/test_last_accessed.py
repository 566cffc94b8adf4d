"""When services were last accessed: reports from real use."""

import re
import uuid

import pytest
from support.api import REGION, AwsApi, GrpcApi
from support.documents import policy
from support.expect import refused
from support.server import Credentials
from test_administrator import Cli

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def present(value):
    """The members that have a value."""
    return {name: item for name, item in value.items() if item not in (None, [])}


def report(api, arn, granularity=None):
    """The job of a new report, and its services by namespace."""
    members = {"Granularity": granularity} if granularity else {}
    job = api.call("GenerateServiceLastAccessedDetails", Arn=arn, **members)["JobId"]
    return job, {each["ServiceNamespace"]: each for each in api.items("GetServiceLastAccessedDetails", "ServicesLastAccessed", JobId=job)}


def test_a_call_is_in_the_next_report(api, new_user):
    user, credentials = new_user(policy({"Action": ["iam:*", "s3:GetObject"]}))
    job, services = report(api, user["Arn"])
    assert re.fullmatch(UUID, job)
    assert list(services) == ["iam", "s3"]
    assert present(services["s3"]) == {"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "TotalAuthenticatedEntities": 0}
    api.signed_by(credentials).call("GetUser")
    _, services = report(api, user["Arn"], "ACTION_LEVEL")
    used = services["iam"]
    assert (used["ServiceName"], used["LastAuthenticatedEntity"]) == ("AWS Identity and Access Management", user["Arn"])
    assert (used["LastAuthenticatedRegion"], used["TotalAuthenticatedEntities"]) == (REGION, 1)
    actions = {each["ActionName"]: each for each in used["TrackedActionsLastAccessed"]}
    assert actions["GetUser"]["LastAccessedTime"] == used["LastAuthenticated"]
    assert set(actions["GetUser"]) == {"ActionName", "LastAccessedEntity", "LastAccessedTime", "LastAccessedRegion"}
    assert present(actions["CreateUser"]) == {"ActionName": "CreateUser"}
    # A use of a service that the policies do not allow is not in the report.
    api.signed_by(credentials).call("GetCallerIdentity")
    assert list(report(api, user["Arn"])[1]) == ["iam", "s3"]


def test_allowed_questions_of_services_are_uses(aws, rpc, new_user):
    user, _ = new_user(policy({"Action": ["s3:GetObject", "sqs:SendMessage"]}))
    ask = {"caller": {"principalArn": user["Arn"]}, "resource": "arn:aws:s3:::bucket/key", "resourceAccount": rpc.server.account}
    assert rpc.call("Authorize", **ask, action="s3:GetObject")["decision"] == "DECISION_ALLOW"
    assert rpc.call("Authorize", **ask, action="s3:PutObject")["decision"] == "DECISION_IMPLICIT_DENY"
    batch = {key: value for key, value in ask.items() if key != "caller"} | {"action": "sqs:SendMessage"}
    _, services = report(aws, user["Arn"])
    assert [name for name, service in services.items() if service.get("LastAuthenticated")] == ["s3"]
    rpc.call("BatchAuthorize", caller=ask["caller"], items=[batch])
    _, services = report(aws, user["Arn"])
    assert [name for name, service in services.items() if service.get("LastAuthenticated")] == ["s3", "sqs"]


def test_entities_and_pages(api, name, new_user):
    document = policy({"Action": ["iam:GetUser", "sts:GetCallerIdentity", "ec2:RunInstances"]})
    arn = api.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=document)["Policy"]["Arn"]
    group = name("group")
    api.call("CreateGroup", GroupName=group)
    users = [new_user() for _ in range(3)]
    for user, _ in users[:2]:
        api.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=arn)
    api.call("AttachGroupPolicy", GroupName=group, PolicyArn=arn)
    for user, _ in users[1:]:
        api.call("AddUserToGroup", GroupName=group, UserName=user["UserName"])
    user, credentials = users[2]
    api.signed_by(credentials).call("GetUser", UserName=user["UserName"])
    job = api.call("GenerateServiceLastAccessedDetails", Arn=arn)["JobId"]
    pages = list(api.pages("GetServiceLastAccessedDetails", JobId=job, MaxItems=2))
    assert [[each["ServiceNamespace"] for each in page["ServicesLastAccessed"]] for page in pages] == [["ec2", "iam"], ["sts"]]
    assert {page["JobStatus"] for page in pages} == {"COMPLETED"} and {page["JobType"] for page in pages} == {"SERVICE_LEVEL"}
    iam = pages[0]["ServicesLastAccessed"][1]
    assert (iam["LastAuthenticatedEntity"], iam["TotalAuthenticatedEntities"]) == (user["Arn"], 1)
    query = {"JobId": job, "ServiceNamespace": "iam"}
    entities = api.items("GetServiceLastAccessedDetailsWithEntities", "EntityDetailsList", **query, MaxItems=1)
    assert len(entities) == 3
    first = entities[0]
    expected = {"Arn": user["Arn"], "Name": user["UserName"], "Type": "USER", "Id": user["UserId"], "Path": "/"}
    assert first == {"EntityInfo": expected, "LastAuthenticated": iam["LastAuthenticated"]}
    assert not any(each.get("LastAuthenticated") for each in entities[1:])
    refused(api, "ValidationError", "GetServiceLastAccessedDetails", JobId=job, Marker="x")


def test_jobs_belong_to_their_creators(api, new_user, new_account_root):
    user, credentials = new_user(policy("iam:*"))
    other, theirs = new_user(policy("iam:*"))
    job = api.signed_by(credentials).call("GenerateServiceLastAccessedDetails", Arn=user["Arn"])["JobId"]
    for stranger in (theirs, new_account_root):
        for operation, more in {"GetServiceLastAccessedDetails": {}, "GetServiceLastAccessedDetailsWithEntities": {"ServiceNamespace": "iam"}}.items():
            missing = refused(api.signed_by(stranger), "NoSuchEntity", operation, JobId=job, **more)
            assert missing.message == f"The report with job id {job} cannot be found."
    refused(api.signed_by(new_account_root), "AccessDenied", "GenerateServiceLastAccessedDetails", Arn=user["Arn"])
    refused(api, "NoSuchEntity", "GenerateServiceLastAccessedDetails", Arn=user["Arn"] + "-not")
    refused(api, "InvalidInput", "GenerateServiceLastAccessedDetails", Arn=user["Arn"].replace(":user/", ":mfa/"))
    refused(api, "ValidationError", "GenerateServiceLastAccessedDetails", Arn=user["Arn"], Granularity="ALL")
    _, powerless = new_user()
    refused(api.signed_by(powerless), "AccessDenied", "GenerateServiceLastAccessedDetails", Arn=other["Arn"])
    api.call("DeleteUserPolicy", UserName=user["UserName"], PolicyName="inline")
    refused(api.signed_by(credentials), "AccessDenied", "GetServiceLastAccessedDetails", JobId=job)


@pytest.fixture
def new_account_root(rpc, server, name):
    """Credentials of an administrator's session in a new member account."""
    account = rpc.call("CreateAccount", accountName=name("account"), email=f"{uuid.uuid4().hex}@example.com")
    root = AwsApi(server, server.root)
    user = name("assumer")
    root.call("CreateUser", UserName=user)
    root.call("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    key = Credentials.of(root.call("CreateAccessKey", UserName=user)["AccessKey"])
    session = root.signed_by(key).call("AssumeRole", RoleArn=account["roleArn"], RoleSessionName="session")
    return Credentials.of(session["Credentials"])


def test_the_organization(api, aws, new_account_root, name):
    organization = api.call("ListOrganizationsFeatures")["OrganizationId"]
    root = f"{organization}/r-{organization[2:6]}"
    member = api.signed_by(new_account_root)
    account = member.call("GetCallerIdentity")["Account"]
    member.call("ListUsers")
    job = api.call("GenerateOrganizationsAccessReport", EntityPath=f"{root}/{account}")["JobId"]
    shown = api.call("GetOrganizationsAccessReport", JobId=job, MaxItems=2)
    assert (shown["JobStatus"], shown["NumberOfServicesAccessible"], shown["IsTruncated"]) == ("COMPLETED", 4, True)
    details = api.items("GetOrganizationsAccessReport", "AccessDetails", JobId=job, MaxItems=1)
    bailiwick, _, iam, sts = details
    assert present(bailiwick) == {"ServiceName": "Bailiwick", "ServiceNamespace": "bailiwick", "TotalAuthenticatedEntities": 0}
    assert (iam["EntityPath"], iam["Region"], iam["TotalAuthenticatedEntities"]) == (f"{root}/{account}/", REGION, 1)
    assert shown["NumberOfServicesNotAccessed"] == 2 and sts["LastAuthenticatedTime"]
    refused(member, "AccessDenied", "GenerateOrganizationsAccessReport", EntityPath=root)
    refused(member, "AccessDenied", "GetOrganizationsAccessReport", JobId=job)
    refused(api, "NoSuchEntity", "GetServiceLastAccessedDetails", JobId=job)
    refused(api, "InvalidInput", "GenerateOrganizationsAccessReport", EntityPath=f"{root}/999999999999")
    refused(api, "InvalidInput", "GenerateOrganizationsAccessReport", EntityPath=root, OrganizationsPolicyId="p-abcdefgh")
    refused(api, "ValidationError", "GetOrganizationsAccessReport", JobId=job, SortKey="NONE")


def test_uses_and_jobs_survive_a_restart(new_server):
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="Bob")
    root.call("PutUserPolicy", UserName="Bob", PolicyName="p", PolicyDocument=policy("iam:*"))
    key = Credentials.of(root.call("CreateAccessKey", UserName="Bob")["AccessKey"])
    GrpcApi(server, key).call("ListUsers")
    arn = f"arn:aws:iam::{server.account}:user/Bob"
    job, before = report(root, arn)
    server.stop()
    server.start()
    root = AwsApi(server, server.root)
    (after,) = root.call("GetServiceLastAccessedDetails", JobId=job)["ServicesLastAccessed"]
    assert after == before["iam"] and after["LastAuthenticated"]


def test_the_aws_cli_shows_reports(server, aws, name):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    user = aws.call("CreateUser", UserName=name("user"))["User"]
    job = cli("iam", "generate-service-last-accessed-details", "--arn", user["Arn"])["JobId"]
    shown = cli("iam", "get-service-last-accessed-details", "--job-id", job)
    assert (shown["JobStatus"], shown["ServicesLastAccessed"], shown["IsTruncated"]) == ("COMPLETED", [], False)
    entities = cli("iam", "get-service-last-accessed-details-with-entities", "--job-id", job, "--service-namespace", "iam")
    assert entities["EntityDetailsList"] == []
    organization = cli("iam", "list-organizations-features")["OrganizationId"]
    path = f"{organization}/r-{organization[2:6]}/{server.account}"
    job = cli("iam", "generate-organizations-access-report", "--entity-path", path)["JobId"]
    shown = cli("iam", "get-organizations-access-report", "--job-id", job)
    assert [each["ServiceNamespace"] for each in shown["AccessDetails"]] == ["bailiwick", "cloudtrail", "iam", "sts"]
