"""Managed policies in the console: their versions, tags and deletion, over plain HTTP."""

import pytest
from support.documents import READ_ONLY, policy
from support.expect import refused

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"


@pytest.fixture
def managed(aws, name):
    """A policy with two versions; the first is the default one."""
    arn = aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=policy("s3:GetObject"))["Policy"]["Arn"]
    aws.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=policy("s3:PutObject"))
    return arn


def default(aws, arn):
    return aws.call("GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]


def versions(aws, arn):
    return sorted(one["VersionId"] for one in aws.call("ListPolicyVersions", PolicyArn=arn)["Versions"])


def test_versions_become_the_default_and_are_deleted(aws, browser, managed):
    page = browser.open(f"/console/policies/policy?arn={managed}")
    page = browser.send(page.form(do="set-default", version="v2"))
    assert page.status == 200 and "v2 is the default version now." in page.text and default(aws, managed) == "v2"
    for version in ("v2", "v9", HOSTILE):
        page = browser.send(page.form(do="delete-version"), version=version)
        assert page.status in (400, 404, 409) and "<script>alert" not in page.html
        assert dict(page.form(do="delete-version").members)["version"] == version
    page = browser.send(page.form(do="delete-version"), version="v1")
    assert "The version v1 was deleted." in page.text and versions(aws, managed) == ["v2"]


def test_tags_of_a_policy_come_and_go(aws, browser, managed):
    page = browser.open(f"/console/policies/policy?arn={managed}")
    page = browser.send(page.form(do="add-tag"), key="team", value="herons")
    assert aws.call("ListPolicyTags", PolicyArn=managed)["Tags"] == [{"Key": "team", "Value": "herons"}]
    page = browser.send(page.form(do="remove-tag", key="team"))
    assert page.status == 200 and aws.call("ListPolicyTags", PolicyArn=managed)["Tags"] == []


def test_a_policy_is_deleted_with_its_versions_unless_it_is_attached(aws, browser, name, managed):
    short, group = managed.rsplit("/", 1)[1], name("group")
    aws.call("CreateGroup", GroupName=group)
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=managed)
    page = browser.open(f"/console/policies/policy?arn={managed}")
    page = browser.send(page.form(do="delete"), confirm=short)
    assert page.status == 409 and "is attached" in page.text and versions(aws, managed) == ["v1", "v2"]
    aws.call("DetachGroupPolicy", GroupName=group, PolicyArn=managed)
    page = browser.send(page.form(do="delete"), confirm=managed)
    assert page.status == 400 and versions(aws, managed) == ["v1", "v2"]
    page = browser.send(page.form(do="delete"), confirm=short)
    assert page.heads == ["Policies"] and f"The policy {short} was deleted." in page.text
    refused(aws, "NoSuchEntity", "GetPolicy", PolicyArn=managed)


def test_a_person_without_permission_sees_which_is_missing(aws, signed_in, managed):
    aws.call("TagPolicy", PolicyArn=managed, Tags=[{"Key": "team", "Value": "herons"}])
    browser = signed_in(READ_ONLY)
    page = browser.open(f"/console/policies/policy?arn={managed}")
    for form, more, action in (
        ("set-default", {}, "SetDefaultPolicyVersion"),
        ("delete-version", {"version": "v2"}, "DeletePolicyVersion"),
        ("add-tag", {"key": "a", "value": "b"}, "TagPolicy"),
        ("remove-tag", {}, "UntagPolicy"),
        ("delete", {"confirm": managed.rsplit("/", 1)[1]}, "DeletePolicyVersion"),
    ):
        page = browser.send(page.form(do=form), **more)
        assert page.status == 403 and f"not authorized to perform: iam:{action}" in page.text, (form, page.text)
    assert versions(aws, managed) == ["v1", "v2"] and default(aws, managed) == "v1"


def test_built_in_policies_are_not_changed(browser):
    page = browser.open("/console/policies/policy?arn=arn:aws:iam::aws:policy/ReadOnlyAccess")
    page = browser.send(page.form(do="delete"), confirm="ReadOnlyAccess")
    assert page.status in (400, 403, 409) and page.heads == ["ReadOnlyAccess"]
