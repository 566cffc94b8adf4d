"""CloudTrail: the trail of an account and its events, by boto3, the AWS CLI and gRPC."""

import datetime
import json

import boto3
import pytest
from attacks.helpers import accounts
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from support.api import REGION, ApiError, AwsApi
from support.cli import Cli
from support.documents import ALLOW_ALL, policy
from support.expect import refused
from support.server import Credentials
from support.waiting import until

__all__ = ["accounts"]  # a fixture


def by(key, value):
    return [{"AttributeKey": key, "AttributeValue": value}]


def events(api, **members):
    return api.call("LookupEvents", **members)["Events"]


def found(api, count=1, **members):
    """The events of a look-up, when there are as many: records are written within a second."""
    return until(lambda: len(seen := events(api, **members)) >= count and seen, f"{count} events: {members}")


def moment(value):
    """A point in time in UTC, from the form of either front end."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.astimezone(datetime.timezone.utc)


def test_a_change_is_found_by_each_attribute(api, server, new_user, name):
    bob, credentials = new_user(ALLOW_ALL)
    made = name("made")
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    api.signed_by(credentials).call("CreateUser", UserName=made, Path="/div/")
    arn = f"arn:aws:iam::{server.account}:user/div/{made}"
    (event,) = found(api, LookupAttributes=by("ResourceName", arn))
    assert event["EventName"] == "CreateUser"
    assert event["EventSource"] == "iam.amazonaws.com"
    assert event["ReadOnly"] == "false"
    assert event["AccessKeyId"] == credentials.access_key_id
    assert event["Username"] == bob["UserName"]
    assert [(each["ResourceType"], each["ResourceName"]) for each in event["Resources"]] == [("AWS::IAM::User", arn), ("AWS::IAM::User", made)]
    assert before <= moment(event["EventTime"]) <= datetime.datetime.now(datetime.timezone.utc)
    record = json.loads(event["CloudTrailEvent"])
    assert record["eventID"] == event["EventId"]
    assert record["requestParameters"]["userName"] == made
    assert record["userIdentity"]["arn"] == bob["Arn"]
    for key, value in {
        "EventId": event["EventId"], "AccessKeyId": credentials.access_key_id, "Username": bob["UserName"], "ResourceName": made,
    }.items():  # fmt: skip
        assert [each["EventId"] for each in events(api, LookupAttributes=by(key, value))] == [event["EventId"]], key
    for key, value in {
        "EventName": "CreateUser", "ReadOnly": "false", "ResourceType": "AWS::IAM::User", "EventSource": "iam.amazonaws.com",
    }.items():  # fmt: skip
        assert event["EventId"] in [each["EventId"] for each in events(api, LookupAttributes=by(key, value), StartTime=before)], key
    assert events(api, LookupAttributes=by("EventName", "createuser")) == []


def test_the_names_of_callers_are_as_cloudtrail_has_them(api, server, new_user, name):
    root = AwsApi(server, server.root)
    made, session = name("made"), name("session")
    root.call("CreateUser", UserName=made)
    (event,) = found(api, LookupAttributes=by("ResourceName", made))
    assert event["Username"] == "root"
    _, credentials = new_user(policy("sts:AssumeRole"))
    trusting = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}]}
    role = root.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=json.dumps(trusting))["Role"]
    root.call("PutRolePolicy", RoleName=role["RoleName"], PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    issued = root.signed_by(credentials).call("AssumeRole", RoleArn=role["Arn"], RoleSessionName=session)["Credentials"]
    root.signed_by(Credentials.of(issued)).call("ListUsers")
    (event,) = found(api, LookupAttributes=by("Username", session))
    assert (event["EventName"], event["ReadOnly"]) == ("ListUsers", "true")
    assert json.loads(event["CloudTrailEvent"])["userIdentity"]["type"] == "AssumedRole"


def test_a_denial_is_found(api, server, new_user, name):
    bob, credentials = new_user()
    with pytest.raises(ApiError):
        api.signed_by(credentials).call("DeleteUser", UserName=name())
    (event,) = found(api, LookupAttributes=by("Username", bob["UserName"]))
    assert json.loads(event["CloudTrailEvent"])["errorCode"] == "AccessDenied"


def test_pages_are_complete_and_newest_first(api, server, name):
    root, path = AwsApi(server, server.root), name("g")
    for number in range(7):
        root.call("CreateGroup", GroupName=f"{path}-{number}")
    wanted = [f"{path}-{number}" for number in reversed(range(7))]
    last = lambda event: json.loads(event["CloudTrailEvent"])["requestParameters"]["groupName"]  # noqa: E731
    asked = {"LookupAttributes": by("EventName", "CreateGroup")}
    until(lambda: wanted[0] in map(last, events(api, **asked)), "the last group")
    seen, token, pages = [], {}, 0
    while True:
        page = api.call("LookupEvents", **asked, MaxResults=3, **token)
        seen += [last(event) for event in page["Events"]]
        pages += 1
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    assert [each for each in seen if each.startswith(path)] == wanted
    assert pages >= 3
    if api.front == "aws":
        paginator = api.client("cloudtrail").get_paginator("lookup_events")
        pages = paginator.paginate(**asked, PaginationConfig={"PageSize": 2})
        assert [last(event) for page in pages for event in page["Events"]] == seen


def test_a_token_is_bound_to_parameters_operation_and_account(api, server, name, accounts):
    root = AwsApi(server, server.root)
    for _ in range(2):
        root.call("CreateGroup", GroupName=name())
    asked = {"LookupAttributes": by("EventName", "CreateGroup"), "MaxResults": 1}
    token = until(lambda: api.call("LookupEvents", **asked).get("NextToken"), "a second page")
    api.call("LookupEvents", **asked | {"MaxResults": 2}, NextToken=token)
    refused(api, "InvalidNextTokenException", "LookupEvents", **asked | {"LookupAttributes": by("EventName", "CreateUser")}, NextToken=token)
    refused(api, "InvalidNextTokenException", "LookupEvents", MaxResults=1, NextToken=token)
    marker = root.call("ListGroups", MaxItems=1)["Marker"]
    for other in (marker, token[:-2], token + "AA", "x", "0/0", " "):
        refused(api, "InvalidNextTokenException", "LookupEvents", **asked, NextToken=other)
    _, inside = accounts()
    refused(api.signed_by(inside.credentials), "InvalidNextTokenException", "LookupEvents", **asked, NextToken=token)


def test_times_bound_the_events(api, server, name):
    made = name("made")
    AwsApi(server, server.root).call("CreateUser", UserName=made)
    (event,) = found(api, LookupAttributes=by("ResourceName", made))
    at, second = moment(event["EventTime"]), datetime.timedelta(seconds=1)
    for start, end, count in [(at, at, 1), (at - second, None, 1), (None, at + second, 1), (at + second, None, 0), (None, at - second, 0)]:
        times = {"StartTime": start} if start else {}
        times |= {"EndTime": end} if end else {}
        assert len(events(api, LookupAttributes=by("ResourceName", made), **times)) == count, times
    refused(api, "InvalidTimeRangeException", "LookupEvents", StartTime=at, EndTime=at - second)


@pytest.mark.parametrize(
    ["code", "members"],
    [
        ("InvalidMaxResultsException", {"MaxResults": 0}),
        ("InvalidMaxResultsException", {"MaxResults": 51}),
        ("InvalidMaxResultsException", {"MaxResults": -1}),
        ("InvalidLookupAttributesException", {"LookupAttributes": by("EventName", "a") + by("EventName", "b")}),
        ("InvalidLookupAttributesException", {"LookupAttributes": by("ReadOnly", "yes")}),
        ("InvalidEventCategoryException", {"EventCategory": "management"}),
        ("InvalidNextTokenException", {"NextToken": "x"}),
        ("ValidationError", {"LookupAttributes": by("Nothing", "a")}),
        ("ValidationError", {"LookupAttributes": by("EventName", "")}),
        ("ValidationError", {"LookupAttributes": by("EventName", "x" * 2_001)}),
        ("ValidationError", {"LookupAttributes": [{"AttributeKey": "EventName"}]}),
        ("InvalidTrailNameException", {"Name": "a b c"}),
        ("InvalidTrailNameException", {"Name": "ab"}),
        ("CloudTrailARNInvalidException", {"Name": "arn:aws:s3:::bucket"}),
        ("TrailNotFoundException", {"Name": "other"}),
    ],
)
def test_each_error(api, code, members):
    operations = ["GetTrail", "GetTrailStatus"] if "Name" in members else ["LookupEvents"]
    for operation in operations:
        refused(api, code, operation, **members)
    if "Name" in members:
        refused(api, code, "GetEventSelectors", TrailName=members["Name"])


def test_messages_are_those_of_aws(aws, server):
    with pytest.raises(ApiError, match=f"Unknown trail: arn:aws:cloudtrail:us-east-1:{server.account}:trail/other for the user: {server.account}"):
        aws.call("GetTrail", Name="other")
    with pytest.raises(ApiError) as caught:
        aws.call("LookupEvents", LookupAttributes=by("Nothing", "a"))
    expected = "1 validation error detected: Value 'Nothing' at 'lookupAttributes.1.member.attributeKey' failed to satisfy constraint: Member must satisfy enum value set: "
    assert caught.value.message.startswith(expected), caught.value.message


def test_insights_are_none(api):
    assert events(api, EventCategory="insight") == []


def test_the_trail_is_described_truthfully(api, server):
    arn = f"arn:aws:cloudtrail:us-east-1:{server.account}:trail/bailiwick"
    (trail,) = api.call("DescribeTrails")["trailList"]
    assert (trail["Name"], trail["TrailARN"], trail["HomeRegion"]) == ("bailiwick", arn, "us-east-1")
    assert trail["IsMultiRegionTrail"] and trail["IncludeGlobalServiceEvents"] and trail["LogFileValidationEnabled"]
    assert "S3BucketName" not in trail
    for listed in ([arn], ["bailiwick"], ["bailiwick", "other"]):
        assert api.call("DescribeTrails", trailNameList=listed)["trailList"] == [trail]
    assert api.call("DescribeTrails", trailNameList=["other"])["trailList"] == []
    refused(api, "CloudTrailARNInvalidException", "DescribeTrails", trailNameList=["arn:aws:iam::1:x"])
    for asked in ("bailiwick", arn):
        assert api.call("GetTrail", Name=asked)["Trail"] == trail
        (selector,) = api.call("GetEventSelectors", TrailName=asked)["EventSelectors"]
        assert (selector["ReadWriteType"], selector["IncludeManagementEvents"]) == ("All", True)
        status = api.call("GetTrailStatus", Name=asked)
        now = datetime.datetime.now(datetime.timezone.utc)
        assert status["IsLogging"]
        assert moment(status["StartLoggingTime"]) <= now
        assert not status.get("LatestDeliveryError")
    assert api.call("ListTrails")["Trails"] == [{"TrailARN": arn, "Name": "bailiwick", "HomeRegion": "us-east-1"}]
    refused(api, "InvalidNextTokenException", "ListTrails", NextToken="x")
    until(lambda: api.call("GetTrailStatus", Name="bailiwick").get("LatestDeliveryTime"), "a delivery")


def test_a_trail_is_a_shadow_in_other_regions(server):
    aws = AwsApi(server, server.root)
    assert aws.region != "us-east-1"
    assert aws.call("DescribeTrails", includeShadowTrails=False)["trailList"] == []
    assert len(AwsApi(server, server.root, region="us-east-1").call("DescribeTrails", includeShadowTrails=False)["trailList"]) == 1


def test_each_operation_needs_its_permission(api, server, new_user):
    arn = f"arn:aws:cloudtrail:us-east-1:{server.account}:trail/bailiwick"
    for operation, members, resource in [
        ("LookupEvents", {}, "*"), ("DescribeTrails", {}, "*"), ("ListTrails", {}, "*"), ("GetTrail", {"Name": "bailiwick"}, arn),
        ("GetTrailStatus", {"Name": arn}, arn), ("GetEventSelectors", {"TrailName": "bailiwick"}, arn),
    ]:  # fmt: skip
        action = f"cloudtrail:{operation}"
        _, allowed = new_user(policy({"Action": action, "Resource": resource}))
        _, denied = new_user(policy("*", {"Effect": "Deny", "Action": action, "Resource": resource}))
        api.signed_by(allowed).call(operation, **members)
        with pytest.raises(ApiError) as caught:
            api.signed_by(denied).call(operation, **members)
        assert caught.value.code == "AccessDenied"
        assert f"is not authorized to perform: {action}" in caught.value.message
        assert caught.value.status == (400 if api.front == "aws" else "PERMISSION_DENIED")


def test_an_account_sees_its_own_events(api, server, name, accounts):
    here, there = name("here"), name("there")
    account, inside = accounts()
    AwsApi(server, server.root).call("CreateUser", UserName=here)
    inside.call("CreateUser", UserName=there)
    found(api, LookupAttributes=by("ResourceName", here))
    member = api.signed_by(inside.credentials)
    (event,) = found(member, LookupAttributes=by("ResourceName", there))
    assert json.loads(event["CloudTrailEvent"])["recipientAccountId"] == account
    assert events(member, LookupAttributes=by("ResourceName", here)) == []
    assert events(api, LookupAttributes=by("ResourceName", there)) == []
    everything = [json.loads(each["CloudTrailEvent"]) for each in events(member)]
    assert {each["recipientAccountId"] for each in everything} == {account}
    foreign = f"arn:aws:cloudtrail:us-east-1:{server.account}:trail/bailiwick"
    assert member.call("ListTrails")["Trails"][0]["TrailARN"] != foreign
    with pytest.raises(ApiError) as caught:
        member.call("GetTrail", Name=foreign)
    assert caught.value.code == "AccessDenied"


def client(server, credentials, **config):
    return boto3.client(
        "cloudtrail", endpoint_url=server.url, region_name=REGION, aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key, aws_session_token=credentials.session_token,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )  # fmt: skip


def test_failed_authentication_has_the_names_of_json_services(server):
    root = server.root
    for credentials, config, code in [
        (Credentials(root.access_key_id, "x" * 40), {}, "InvalidSignatureException"),
        (Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40), {}, "UnrecognizedClientException"),
        (Credentials(root.access_key_id, root.secret_access_key, "token"), {}, "UnrecognizedClientException"),
        (root, {"signature_version": UNSIGNED}, "MissingAuthenticationTokenException"),
    ]:
        with pytest.raises(ClientError) as caught:
            client(server, credentials, **config).lookup_events()
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400), response
        assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
        assert response["ResponseMetadata"]["RequestId"]


def test_other_operations_of_cloudtrail_are_unknown(server):
    with pytest.raises(ClientError) as caught:
        client(server, server.root).stop_logging(Name="bailiwick")
    error = caught.value.response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert error["Message"].startswith("the operation `StopLogging` is not served; those of this service are DescribeTrails")


def test_exceptions_are_those_of_the_model(server):
    made = client(server, server.root)
    with pytest.raises(made.exceptions.TrailNotFoundException):
        made.get_trail(Name="other")
    with pytest.raises(made.exceptions.InvalidNextTokenException):
        made.lookup_events(NextToken="x")


def test_the_aws_cli_looks_up_events(server, name):
    made = name("cli")
    with Cli(server, server.root) as cli:
        cli("iam", "create-user", "--user-name", made)
        lookup = ("cloudtrail", "lookup-events", "--lookup-attributes", f"AttributeKey=ResourceName,AttributeValue={made}")
        (event,) = until(lambda: cli(*lookup)["Events"], "the event")
        assert event["EventName"] == "CreateUser"
        items = cli("cloudtrail", "lookup-events", "--max-items", "2", "--page-size", "1", "--start-time", "2020-01-01")
        assert len(items["Events"]) == 2 and items["NextToken"]
        more = cli("cloudtrail", "lookup-events", "--max-items", "2", "--page-size", "1", "--start-time", "2020-01-01", "--starting-token", items["NextToken"])
        assert not {each["EventId"] for each in more["Events"]} & {each["EventId"] for each in items["Events"]}
        assert cli("cloudtrail", "describe-trails")["trailList"][0]["Name"] == "bailiwick"
        assert cli("cloudtrail", "get-trail-status", "--name", "bailiwick")["IsLogging"] is True
