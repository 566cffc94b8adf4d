"""Suggestions of the access check while one types, over plain HTTP."""

import json
from urllib.parse import urlencode

import pytest
from support.browser import Browser
from support.documents import trust

PASSWORD = "heron-In-7-reeds"
PHOTOS = {
    "catalogue": 1,
    "services": {
        "photos": {
            "principals": ["photos.example.com"],
            "keys": {"photos:Size": "Numeric", "photos:Labels": "ArrayOfString"},
            "resources": {"album": {"arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"], "keys": ["aws:ResourceTag/${TagKey}"]}},
            "actions": {"GetAlbum": {"access": "Read", "resources": ["album"], "keys": ["photos:Size", "photos:Labels"]}, "ListAlbums": {"access": "List"}},
        }
    },
}


@pytest.fixture
def suggested(browser):
    """Asks for the values of a field, with what is said about each."""

    def ask(field, text="", action="", of=None):
        page = (of or browser).open("/console/suggest?" + urlencode({"field": field, "text": text, "action": action}))
        assert page.status == 200 and page.headers["content-type"] == "application/json"
        values = json.loads(page.html)["values"]
        assert len(values) <= 30
        return {one["value"]: one["label"] for one in values}

    return ask


def test_actions_of_every_known_service_are_suggested(suggested, rpc):
    assert suggested("action", "iam:CreateUs") == {"iam:CreateUser": "Write"}
    assert suggested("action", "IAM:createus") == {"iam:CreateUser": "Write"}
    assert {"iam:CreateAccessKey", "iam:UpdateAccessKey"} <= set(suggested("action", "accesskey"))
    assert {"iam:", "sts:", "bailiwick:"} <= set(suggested("action"))
    rpc.call("PutService", servicePrefix="photos", definition=json.dumps(PHOTOS))
    assert "photos:" in suggested("action", "pho")
    assert suggested("action", "photos:album") == {"photos:GetAlbum": "Read", "photos:ListAlbums": "List"}
    assert suggested("action", "nosuch:x") == suggested("action", "<script>") == suggested("nothing") == {}
    keys = suggested("key", "photos:", "photos:GetAlbum")
    assert keys == {"photos:Size": "number", "photos:Labels": "text, several"}
    (form,) = suggested("resource", "", "photos:GetAlbum")
    assert form.startswith("arn:aws:photos:${Region}:1") and form.endswith(":album/${AlbumId}")


def test_what_exists_is_suggested(suggested, aws, server, name):
    user, role, group = name("egret"), name("egret"), name("egret")
    arn = aws.call("CreateUser", UserName=user, Path="/birds/")["User"]["Arn"]
    role = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    group = aws.call("CreateGroup", GroupName=group)["Group"]["Arn"]
    found = suggested("principal", "EGRET")
    assert found[arn] == "user" and found[role] == "role" and group not in found
    assert suggested("principal", arn[:-3])[arn] == "user"
    # Only types that the action acts on.
    found = suggested("resource", "egret", "iam:CreateUser")
    assert found[arn] == "user" and role not in found
    assert found[f"arn:aws:iam::{server.account}:user/${{UserNameWithPath}}"] == "form of user"
    assert suggested("resource", "egret", "iam:AddUserToGroup")[group] == "group"
    assert suggested("resource", "", "iam:ListUsers") == {}
    keys = suggested("key", "", "iam:CreateUser")
    assert keys["iam:PermissionsBoundary"] == "ARN" and keys["aws:RequestTag/"] == "text"
    assert suggested("key", "sourceip")["aws:SourceIp"] == "IP address"


def test_suggestions_show_only_what_the_person_may_list(suggested, aws, server, name):
    user = name("blind")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    other = Browser(server)
    other.sign_in(user, PASSWORD)
    assert set(suggested("principal", of=other)) <= {f"arn:aws:iam::{server.account}:user/{user}", f"arn:aws:iam::{server.account}:root"}
    assert set(suggested("resource", "", "iam:GetUser", of=other)) == {f"arn:aws:iam::{server.account}:user/${{UserNameWithPath}}"}
    other.cookies.clear()
    assert other.request("GET", "/console/suggest?field=principal").status == 303


def test_a_context_key_is_filled_in_beside_the_others(browser, server):
    root = f"arn:aws:iam::{server.account}:root"
    asked = {"principal": root, "action": "iam:ListUsers", "context": "aws:SourceIp=10.0.0.1", "key": "aws:SecureTransport", "value": "true"}
    page = browser.open("/console/access?" + urlencode(asked))
    assert page.status == 200 and "Allowed" in page.text
    members = dict(page.form(context=None).members)
    assert members["context"].split() == ["aws:SourceIp=10.0.0.1", "aws:SecureTransport=true"] and members["key"] == ""
    assert '<option value="aws:SourceIp" label="IP address">' in page.html
