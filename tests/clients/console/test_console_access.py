"""The access check and the explanation of a denied request in the console, over plain HTTP."""

import json
import re
from urllib.parse import urlencode

import pytest
from support.api import AwsApi
from support.browser import Browser
from support.expect import refused as is_refused
from support.server import Credentials
from support.waiting import until

PASSWORD = "heron-In-7-reeds"
BUCKET = "arn:aws:s3:::reports/<b>july</b>"


@pytest.fixture
def reader(aws, name):
    """A user who may read the bucket from one network."""
    user = name("reader")
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    statement = {"Sid": "Inside", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1)
    arn = aws.call("CreateUser", UserName=user)["User"]["Arn"]
    aws.call("PutUserPolicy", UserName=user, PolicyName="reports", PolicyDocument=document)
    return arn


def address_of(path, **members):
    return f"{path}?{urlencode(members)}"


def check(browser, principal, context, action="s3:GetObject", resource=BUCKET):
    asked = {"principal": principal, "action": action, "resource": resource, "context": context, "account": browser.server.account}
    return browser.open("/console/access?" + urlencode(asked))


def test_the_answer_has_its_layers_with_the_source_of_the_statement(browser, reader):
    page = browser.open("/console/access")
    assert page.heads == ["Access check"] and f'<option value="{reader}">' in page.html
    assert '<option value="iam:CreateUser">' in page.html
    page = check(browser, reader, "aws:SourceIp=10.1.2.3")
    assert page.status == 200 and "Allowed" in page.text, page.text
    assert re.search(r"Identity policies allows 1 policy.*statement 1, `Inside` of reports , attached to " + reader, page.text)
    assert '"Sid": "Inside"' in page.text and "<b>july" not in page.html and BUCKET in dict(page.form(principal=None).members).values()


def test_a_denial_has_the_nearest_miss_and_what_would_allow_it(browser, reader):
    page = check(browser, reader, "aws:SourceIp=192.0.2.7")
    assert page.status == 200 and "Denied: no statement allows it" in page.text, page.text
    assert "The condition IpAddress on aws:SourceIp does not hold" in page.text
    assert "`10.0.0.0/8`, the request has `192.0.2.7`" in page.text and 'class="line marked"' in page.html
    assert "What would allow it" in page.text and "<b>july" not in page.html
    page = check(browser, reader, "nonsense")
    assert page.status == 400 and "line 1 of the context, `nonsense`, is not KEY=VALUE" in page.text
    page = check(browser, "arn:aws:iam::111122223333:role/<i>", "")
    assert page.status == 400 and "This is not possible" in page.text and "<i>" not in page.html


def test_a_denied_request_is_explained_by_its_id(server, aws, browser, name):
    user = name("nobody")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    other = Browser(server)
    other.sign_in(user, PASSWORD)
    denied = check(other, server.account, "")
    assert denied.status == 400 and "not authorized to perform: bailiwick:Explain" in denied.text
    message = other.open("/console/users").text
    found = re.search(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", message)
    for reads in (browser, other):
        page = reads.open("/console/denials?" + urlencode({"id": found[0]}))
        assert page.status == 200 and "ListUsers" in page.text and f"user/{user}" in page.text, page.text
    page = browser.open("/console/denials?id=%3Cscript%3E")
    assert page.status in (400, 404) and "<script>" not in page.html.replace("<script src", "")


def test_what_would_allow_it_opens_in_the_editor_and_is_replayed(server, aws, browser, name):
    user = name("heron")
    aws.call("CreateUser", UserName=user)
    key = Credentials.of(aws.call("CreateAccessKey", UserName=user)["AccessKey"])
    is_refused(AwsApi(server, key), "AccessDenied", "ListGroups")
    page = browser.open(address_of("/console/access", principal=f"arn:aws:iam::{server.account}:user/{user}", action="iam:ListGroups", resource=""))
    (address,) = [link for link in page.links if link.startswith("/console/inline?")]
    page = browser.open(address)
    form = page.form(document=None)
    (document,) = [value for member, value in form.members if member == "document"]
    assert "iam:ListGroups" in document and '"Statement"' in document

    def replayed():
        shown = browser.send(form, do="replay", policy_name="groups")
        assert shown.status == 200 and "What would change" in shown.text
        return shown if "denied allowed" in shown.text else None

    shown = until(replayed, "the denial is replayed")
    assert user in shown.text and shown.form(document=None).has(policy_name="groups")
    is_refused(aws, "NoSuchEntity", "GetUserPolicy", UserName=user, PolicyName="groups")
    browser.send(shown.form(document=None), do="save")
    assert AwsApi(server, key).call("ListGroups")
    wrong = browser.open(address_of("/console/inline", kind="user", name=user, statement="{<script>"))
    assert wrong.status == 400 and "<script>" not in wrong.html
