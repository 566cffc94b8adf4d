"""Access keys: shown once, at most two, deactivated, rotated, and their last use."""

import re

import pytest
from support.api import ApiError, AwsApi, moment
from support.documents import READ_ONLY
from support.expect import refused
from support.server import Credentials


def test_a_key_works_as_soon_as_it_is_created(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    api.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=READ_ONLY)
    key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key["AccessKeyId"])
    assert len(key["SecretAccessKey"]) == 40
    assert (key["UserName"], key["Status"]) == (user_name, "Active")
    mine = api.signed_by(Credentials.of(key))
    assert mine.call("GetUser")["User"]["UserName"] == user_name
    assert mine.call("GetCallerIdentity")["Arn"].endswith(f":user/{user_name}")
    (listed,) = mine.call("ListAccessKeys")["AccessKeyMetadata"]
    assert (listed["AccessKeyId"], listed["Status"], listed["UserName"]) == (key["AccessKeyId"], "Active", user_name)
    assert "SecretAccessKey" not in listed
    assert moment(listed["CreateDate"]) == moment(key["CreateDate"])


def test_a_key_is_deactivated_and_activated(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    mine = api.signed_by(Credentials.of(key))
    mine.call("GetCallerIdentity")
    api.call("UpdateAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused(mine, "InvalidClientTokenId", "GetCallerIdentity")
    assert api.call("ListAccessKeys", UserName=user_name)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    api.call("UpdateAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"], Status="Active")
    mine.call("GetCallerIdentity")
    refused(api, "ValidationError", "UpdateAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"], Status="Asleep")
    api.call("DeleteAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"])
    refused(mine, "InvalidClientTokenId", "GetCallerIdentity")
    refused(api, "NoSuchEntity", "DeleteAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"])
    refused(api, "NoSuchEntity", "UpdateAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"], Status="Active")


def test_a_user_has_at_most_two_keys(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    first = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    second = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    error = refused(api, "LimitExceeded", "CreateAccessKey", UserName=user_name)
    assert error.message == "Cannot exceed quota for AccessKeysPerUser: 2"
    api.call("DeleteAccessKey", UserName=user_name, AccessKeyId=first["AccessKeyId"])
    api.call("CreateAccessKey", UserName=user_name)
    assert api.signed_by(Credentials.of(second)).call("GetCallerIdentity")


def test_a_key_belongs_to_its_user(api, name):
    one, other = name("user"), name("user")
    api.call("CreateUser", UserName=one)
    api.call("CreateUser", UserName=other)
    key = api.call("CreateAccessKey", UserName=one)["AccessKey"]["AccessKeyId"]
    refused(api, "NoSuchEntity", "DeleteAccessKey", UserName=other, AccessKeyId=key)
    refused(api, "NoSuchEntity", "UpdateAccessKey", UserName=other, AccessKeyId=key, Status="Inactive")
    assert len(api.call("ListAccessKeys", UserName=one)["AccessKeyMetadata"]) == 1


def test_keys_are_deleted_with_their_user(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    api.call("DeleteAccessKey", UserName=user_name, AccessKeyId=key["AccessKeyId"])
    api.call("DeleteUser", UserName=user_name)
    api.call("CreateUser", UserName=user_name)
    refused(api.signed_by(Credentials.of(key)), "InvalidClientTokenId", "GetCallerIdentity")


def test_a_wrong_secret_and_an_unknown_key(api, server):
    wrong = Credentials(server.root.access_key_id, "x" * 40)
    refused(api.signed_by(wrong), "SignatureDoesNotMatch", "GetCallerIdentity")
    unknown = Credentials("AKIAAAAAAAAAAAAAAAAA", "x" * 40)
    refused(api.signed_by(unknown), "InvalidClientTokenId", "GetCallerIdentity")


def test_last_use_is_reported(api, name):
    user_name = name("user")
    api.call("CreateUser", UserName=user_name)
    key = api.call("CreateAccessKey", UserName=user_name)["AccessKey"]
    never = api.call("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])
    assert never["UserName"] == user_name
    assert never["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    assert never["AccessKeyLastUsed"]["Region"] == "N/A"
    assert not never["AccessKeyLastUsed"].get("LastUsedDate")
    api.signed_by(Credentials.of(key)).call("GetCallerIdentity")
    used = api.call("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert used["ServiceName"] == "sts"
    assert used["Region"] == "eu-central-1"
    assert abs((moment(used["LastUsedDate"]) - moment(key["CreateDate"])).total_seconds()) < 120


def test_the_last_use_of_an_unknown_key(api):
    with pytest.raises(ApiError) as caught:
        api.call("GetAccessKeyLastUsed", AccessKeyId="AKIAAAAAAAAAAAAAAAAA")
    caller = api.call("GetUser")["User"]["Arn"]
    assert caught.value.code == "AccessDenied"
    assert caught.value.message == f"User: {caller} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAAAAAAAAAAAAAAAAA"


def test_without_a_name_it_is_the_caller_root_included(server, aws):
    (mine,) = aws.call("ListAccessKeys")["AccessKeyMetadata"]
    assert mine["AccessKeyId"] == server.root.access_key_id
    second = aws.call("CreateAccessKey")["AccessKey"]
    again = AwsApi(server, Credentials.of(second))
    assert again.call("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{server.account}:root"
    refused(aws, "LimitExceeded", "CreateAccessKey")
    aws.call("DeleteAccessKey", AccessKeyId=second["AccessKeyId"])
