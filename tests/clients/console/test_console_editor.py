"""The editor of policy documents in the console, over plain HTTP: managed, inline and trust policies."""

import json

import pytest
from support.documents import ALLOW_ALL, READ_ONLY, policy, trust
from support.expect import refused

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
READS = '{\r\n "Version": "2012-10-17",\r\n "Statement": [{\r\n  "Effect": "Allow",\r\n  "Action": "s3:GetObject",\r\n  "Resource": "*"\r\n }]\r\n}'
WRONG = READS.replace("s3:GetObject", "s3:GetObject</pre><script>alert(1)</script>").replace('"Effect"', '"Effekt"')


def default_document(aws, arn):
    version = aws.call("GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return aws.call("GetPolicyVersion", PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def own_arn(server, policy_name, path="/"):
    return f"arn:aws:iam::{server.account}:policy{path}{policy_name}"


@pytest.fixture
def managed(aws, name):
    """A policy whose members are not in the order of the alphabet."""
    document = '{"Version":"2012-10-17","Statement":[{"Sid":"Zulu","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
    return aws.call("CreatePolicy", PolicyName=name("policy"), PolicyDocument=document)["Policy"]["Arn"]


def owners(aws, server, name):
    """A user, a group and a role, with the operations of their inline policies."""
    made = {kind: name(kind) for kind in ("user", "group", "role")}
    aws.call("CreateUser", UserName=made["user"])
    aws.call("CreateGroup", GroupName=made["group"])
    aws.call("CreateRole", RoleName=made["role"], AssumeRolePolicyDocument=trust(server.account))
    return made


def inline(aws, kind, owner, policy_name):
    return aws.call(f"Get{kind.capitalize()}Policy", **{f"{kind.capitalize()}Name": owner, "PolicyName": policy_name})["PolicyDocument"]


def test_a_policy_is_checked_and_created(aws, server, browser, name):
    new = name("policy")
    assert "/console/policies/create" in browser.open("/console/policies").links
    page = browser.open("/console/policies/create")
    typed = {"name": new, "path": "/teams/", "description": "herons", "tags": "team=herons", "document": WRONG}
    page = browser.send(page.form(document=None), do="check", **typed)
    assert page.status == 200 and "Error" in page.text and "Line 4:" in page.text and "← Error" in page.text
    assert "<script>alert" not in page.html and "</script>" in page.text
    kept = {key: value.strip() for key, value in page.form(document=None).members}
    assert kept["name"] == new and kept["tags"] == "team=herons" and kept["document"] == WRONG.replace("\r\n", "\n")
    refused(aws, "NoSuchEntity", "GetPolicy", PolicyArn=own_arn(server, new, "/teams/"))
    page = browser.send(page.form(document=None), do="save")
    assert page.status == 400 and "← Error" in page.text
    page = browser.send(page.form(document=None), do="save", document=READS)
    assert page.heads == [new] and f"The policy {new} was created." in page.text, page.text
    arn = own_arn(server, new, "/teams/")
    assert default_document(aws, arn) == json.loads(READS)
    found = aws.call("GetPolicy", PolicyArn=arn)["Policy"]
    assert found["Description"] == "herons" and found["Tags"] == [{"Key": "team", "Value": "herons"}]


def test_hostile_texts_are_kept_as_they_are(browser):
    typed = {"name": HOSTILE, "path": HOSTILE, "description": HOSTILE, "tags": HOSTILE + "=1", "document": HOSTILE}
    builder = {"s_actions": HOSTILE, "s_resources": HOSTILE, "s_key": HOSTILE, "s_values": HOSTILE}
    page = browser.open("/console/policies/create")
    for change in ("check", "save", "add-statement", "show-actions", HOSTILE):
        page = browser.send(page.form(document=None), do=change, **typed, **builder)
        assert page.status == (200 if change in ("check", "show-actions") else 400) and "<script>alert" not in page.html
        kept = {key: value.strip() for key, value in page.form(document=None).members}
        assert {key: kept[key] for key in typed | builder} == typed | builder


def test_a_statement_is_written_by_a_form(browser, rpc, name):
    prefix = name("photos")
    definition = {"catalogue": 1, "services": {prefix: {"principals": [f"{prefix}.example.com"], "actions": {"GetPhoto": {"access": "Read"}}}}}
    rpc.call("PutService", servicePrefix=prefix, definition=json.dumps(definition))
    page = browser.open("/console/policies/create")
    page = browser.send(page.form(document=None), do="show-actions", s_service="iam")
    assert 'value="iam:CreateUser"' in page.html and page.status == 200
    page = browser.send(page.form(document=None), do="show-actions", s_service=prefix)
    assert f'value="{prefix}:GetPhoto"' in page.html and "iam:CreateUser" not in page.html
    page = browser.send(page.form(document=None), do="show-actions", s_service="iam")
    page = browser.send(
        page.form(document=None), do="add-statement", s_effect="Deny", s_action=["iam:CreateUser", "iam:DeleteUser"],
        s_actions="s3:Put*", s_resources="arn:aws:iam::*:user/x\r\n*", s_operator="IpAddress", s_key="aws:SourceIp", s_values="10.0.0.0/8",
    )  # fmt: skip
    assert page.status == 200, page.text
    added = {
        "Effect": "Deny",
        "Action": ["iam:CreateUser", "iam:DeleteUser", "s3:Put*"],
        "Resource": ["arn:aws:iam::*:user/x", "*"],
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }
    form = page.form(document=None)
    assert json.loads(dict(form.members)["document"]) == {"Version": "2012-10-17", "Statement": [added]}
    # The form is for the next statement then.
    assert dict(form.members)["s_actions"].strip() == "" and dict(form.members)["s_operator"] == ""
    page = browser.send(form, do="add-statement", s_action="iam:GetUser")
    statements = json.loads(dict(page.form(document=None).members)["document"])["Statement"]
    assert statements == [added, {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}]
    # Half a condition would allow more than was meant.
    page = browser.send(page.form(document=None), do="add-statement", s_action="iam:GetUser", s_operator="Bool")
    assert page.status == 400 and "a condition has" in page.text
    assert json.loads(dict(page.form(document=None).members)["document"])["Statement"] == statements


def test_the_script_is_answered_with_findings(browser, signed_in):
    token = dict(browser.open("/console/policies/create").form(document=None).members)["form_token"]
    asked = {"form_token": token, "type": "IDENTITY_POLICY", "document": WRONG}
    page = browser.post("/console/policies/check", asked)
    assert page.status == 200 and page.headers["content-type"] == "application/json"
    found = json.loads(page.html)
    assert found["refused"] == "" and [one for one in found["findings"] if one["label"] == "Error" and one["line"] == 4]
    found = json.loads(browser.post("/console/policies/check", asked | {"document": READS}).html)
    assert not [one for one in found["findings"] if one["label"] == "Error"]
    for wrong in ({"type": HOSTILE}, {"document": ""}, {"document": "x" * 140_000}):
        found = json.loads(browser.post("/console/policies/check", asked | wrong).html)
        assert found["refused"] and found["findings"] == [], wrong
    assert browser.post("/console/policies/check", asked | {"form_token": "x"}).status == 403
    assert browser.post("/console/policies/check", asked, {"Origin": "https://example.com"}).status == 403
    assert browser.open("/console/policies/check").status == 404
    reader = signed_in(READ_ONLY)
    token = dict(reader.open("/console/policies/create").form(document=None).members)["form_token"]
    found = json.loads(reader.post("/console/policies/check", asked | {"form_token": token}).html)
    assert "bailiwick:ValidatePolicy" in found["refused"]


def test_a_new_version_begins_with_the_shown_one(aws, browser, managed):
    page = browser.open(f"/console/policies/policy?arn={managed}")
    (link,) = [link for link in page.links if link and link.startswith("/console/policies/version")]
    page = browser.open(link)
    shown = dict(page.form(document=None).members)["document"]
    # The members are in the order in which they were written.
    assert shown.index("Version") < shown.index("Sid") < shown.index("Effect")
    page = browser.send(page.form(document=None), do="save", document=shown.replace("GetObject", "PutObject"), default=[])
    assert "v2 was created." in page.text and "s3:PutObject" in page.text
    assert default_document(aws, managed)["Statement"][0]["Action"] == "s3:GetObject"
    page = browser.open(f"/console/policies/version?arn={managed}&from=v2")
    page = browser.send(page.form(document=None), do="save")
    assert "v3 was created." in page.text and default_document(aws, managed)["Statement"][0]["Action"] == "s3:PutObject"
    page = browser.open(f"/console/policies/diff?arn={managed}&from=v1&to=v2")
    assert page.status == 200
    assert '− "Action": "s3:GetObject"' in page.text and '+ "Action": "s3:PutObject"' in page.text
    assert page.html.count("<del") == page.html.count("<ins") == 1
    assert "say the same" in browser.open(f"/console/policies/diff?arn={managed}&from=v2&to=v3").text
    for wrong in ("from=v1&to=v9", "from=v1", f"from={HOSTILE.replace('<', '%3C')}&to=v1"):
        page = browser.open(f"/console/policies/diff?arn={managed}&{wrong.replace(' ', '%20')}")
        assert page.status in (400, 404) and "<script>alert" not in page.html


def test_a_limit_of_versions_keeps_what_was_typed(aws, browser, managed):
    for _ in range(4):
        aws.call("CreatePolicyVersion", PolicyArn=managed, PolicyDocument=ALLOW_ALL)
    page = browser.open(f"/console/policies/version?arn={managed}")
    page = browser.send(page.form(document=None), do="save", document=READS)
    assert page.status == 409 and dict(page.form(document=None).members)["document"].strip() == READS.replace("\r\n", "\n")


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_inline_policies_are_created_changed_and_deleted(aws, server, browser, name, kind):
    owner = owners(aws, server, name)[kind]
    page = browser.open(f"/console/{kind}s/{kind}?name={owner}")
    (link,) = [link for link in page.links if link and link.startswith("/console/inline")]
    page = browser.open(link)
    page = browser.send(page.form(document=None), do="save", policy_name=HOSTILE, document=WRONG)
    assert page.status == 400 and dict(page.form(document=None).members)["policy_name"] == HOSTILE
    page = browser.send(page.form(document=None), do="save", policy_name="own", document=READS)
    assert page.heads == [owner] and "The inline policy own was created." in page.text, page.text
    assert inline(aws, kind, owner, "own") == json.loads(READS)
    # AWS would replace it.
    page = browser.open(link)
    page = browser.send(page.form(document=None), do="save", policy_name="own", document=ALLOW_ALL)
    assert page.status == 409 and "open it to change it" in page.text and inline(aws, kind, owner, "own") == json.loads(READS)
    page = browser.open(f"/console/{kind}s/{kind}?name={owner}")
    (link,) = [link for link in page.links if link and "policy=own" in link]
    page = browser.open(link)
    changed = READS.replace("GetObject", "PutObject")
    page = browser.send(page.form(document=None), do="save", document=changed)
    assert page.heads == [owner] and inline(aws, kind, owner, "own") == json.loads(changed)
    page = browser.open(link)
    page = browser.send(page.form(do="delete"), confirm="other")
    assert page.status == 400 and inline(aws, kind, owner, "own")
    # The editor of that page still saves.
    page = browser.send(page.form(document=None), do="save", document=READS)
    assert page.heads == [owner] and inline(aws, kind, owner, "own") == json.loads(READS)
    page = browser.open(link)
    assert browser.send(page.form(document=None), do="nonsense").status == 400
    page = browser.send(page.form(do="delete"), confirm="own")
    assert page.heads == [owner] and "was deleted" in page.text
    assert browser.open(link).status == 404
    assert browser.open(f"/console/inline?kind={kind}&name=nobody-here&policy=own").status == 404
    assert browser.open("/console/inline?kind=x&name=y").status == 404


def test_a_change_that_was_made_meanwhile_is_not_undone(aws, server, browser, name):
    made = owners(aws, server, name)
    aws.call("PutUserPolicy", UserName=made["user"], PolicyName="own", PolicyDocument=READS)
    page = browser.open(f"/console/inline?kind=user&name={made['user']}&policy=own")
    aws.call("PutUserPolicy", UserName=made["user"], PolicyName="own", PolicyDocument=policy({"Effect": "Deny", "Action": "*"}))
    for _ in range(2):
        page = browser.send(page.form(document=None), do="save", document=ALLOW_ALL)
        assert page.status == 409 and "was changed since" in page.text
        assert inline(aws, "user", made["user"], "own")["Statement"][0]["Effect"] == "Deny"
        assert dict(page.form(document=None).members)["document"].strip() == ALLOW_ALL
    page = browser.open(f"/console/roles/trust?name={made['role']}")
    second = trust(f"arn:aws:iam::{server.account}:root", Sid="Second")
    aws.call("UpdateAssumeRolePolicy", RoleName=made["role"], PolicyDocument=second)
    page = browser.send(page.form(document=None), do="save")
    assert page.status == 409
    assert aws.call("GetRole", RoleName=made["role"])["Role"]["AssumeRolePolicyDocument"] == json.loads(second)


def test_a_trust_policy_is_changed(aws, server, browser, name):
    role = owners(aws, server, name)["role"]
    link = f"/console/roles/trust?name={role}"
    assert link in browser.open(f"/console/roles/role?name={role}").links
    document = json.dumps(json.loads(trust(f"arn:aws:iam::{server.account}:root", Sid="New")), indent=1)
    page = browser.open(link)
    page = browser.send(page.form(document=None), do="save", document=document.replace('"Effect"', '"Effekt"'))
    assert page.status == 400 and "← Error" in page.text
    page = browser.send(page.form(document=None), do="save", document=document)
    assert page.heads == [role] and "The trust policy was changed." in page.text
    assert aws.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"] == json.loads(document)


def test_a_person_without_permission_sees_which_is_missing(aws, server, signed_in, name, managed):
    made = owners(aws, server, name)
    browser = signed_in(READ_ONLY)
    aws.call("PutRolePolicy", RoleName=made["role"], PolicyName="own", PolicyDocument=READS)
    before = aws.call("GetRole", RoleName=made["role"])["Role"]["AssumeRolePolicyDocument"]
    for path, more, action in (
        ("policies/create", {"name": name("policy")}, "CreatePolicy"),
        (f"policies/version?arn={managed}", {}, "CreatePolicyVersion"),
        (f"inline?kind=role&name={made['role']}", {"policy_name": "new"}, "PutRolePolicy"),
        (f"inline?kind=role&name={made['role']}&policy=own", {}, "PutRolePolicy"),
        (f"inline?kind=group&name={made['group']}", {"policy_name": "new"}, "PutGroupPolicy"),
        (f"inline?kind=user&name={made['user']}", {"policy_name": "new"}, "PutUserPolicy"),
        (f"roles/trust?name={made['role']}", {}, "UpdateAssumeRolePolicy"),
    ):
        document = trust(server.account) if "trust" in path else ALLOW_ALL
        page = browser.open(f"/console/{path}")
        page = browser.send(page.form(document=None), do="save", document=document, **more)
        assert page.status == 403 and f"not authorized to perform: iam:{action}" in page.text, (path, page.text)
        assert "The document was not checked" in page.text and "bailiwick:ValidatePolicy" in page.text
    page = browser.open(f"/console/inline?kind=role&name={made['role']}&policy=own")
    page = browser.send(page.form(do="delete"), confirm="own")
    assert page.status == 403 and "iam:DeleteRolePolicy" in page.text
    assert inline(aws, "role", made["role"], "own") == json.loads(READS)
    assert aws.call("GetRole", RoleName=made["role"])["Role"]["AssumeRolePolicyDocument"] == before
    assert aws.call("ListUserPolicies", UserName=made["user"])["PolicyNames"] == []
