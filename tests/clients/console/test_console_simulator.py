"""The simulator, the explanation of a denied page, and last accessed, in the console."""

import time

from support.api import AwsApi
from support.documents import policy as document

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
ALLOWS = '{"Version": "2012-10-17",\n "Statement": {"Effect": "Allow",\n  "Action": "s3:GetObject", "Resource": "*",\n  "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}'
DENIES = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::attic/secret"}}'


def test_policies_are_simulated_alone(browser):
    page = browser.open("/console/simulate")
    form = page.form(do="simulate")
    given = {"actions": "s3:GetObject\r\ns3:PutObject", "resources": "arn:aws:s3:::attic/box\r\narn:aws:s3:::attic/secret"}
    policies = ALLOWS.replace("\n", "\r\n") + "\r\n---\r\n" + DENIES
    page = browser.send(form, given | {"policies": policies, "context": "aws:SourceIp=10.1.2.3,ip"})
    assert page.status == 200 and "Results" in page.text, page.text
    assert "explicit deny" in page.text and "implicit deny" in page.text and "allowed" in page.text
    assert "PolicyInputList.1" in page.text and "PolicyInputList.2" in page.text, page.text
    assert page.form(do="simulate").has(actions="s3:GetObject\r\ns3:PutObject".replace("\r\n", "\n")) or "s3:PutObject" in page.html
    page = browser.send(page.form(do="simulate"), given | {"policies": ALLOWS, "context": ""})
    assert "aws:SourceIp" in page.text and "explicit deny" not in page.text


def test_a_principal_is_simulated_with_a_boundary(aws, name, browser):
    user = name("simulated")
    arn = aws.call("CreateUser", UserName=user)["User"]["Arn"]
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=document({"Action": "s3:*", "Resource": "*"}))
    page = browser.open(f"/console/simulate?principal={arn}")
    assert page.form(do="simulate").has(principal=arn)
    page = browser.send(page.form(do="simulate"), actions="s3:GetObject")
    assert "allowed" in page.text and "implicit deny" not in page.text
    page = browser.send(page.form(do="simulate"), actions="s3:GetObject", boundary=document({"Action": "s3:List*", "Resource": "*"}))
    assert "implicit deny" in page.text and "the permissions boundary does not allow it" in page.text


def test_what_cannot_be_simulated_keeps_what_was_typed(browser, signed_in):
    for members in (
        {"actions": HOSTILE, "policies": ALLOWS},
        {"actions": "s3:GetObject", "policies": HOSTILE},
        {"actions": "s3:GetObject", "policies": ""},
        {"actions": "s3:GetObject", "policies": ALLOWS, "context": HOSTILE},
        {"actions": "s3:GetObject", "principal": HOSTILE},
        {"actions": "s3:GetObject", "policies": ALLOWS, "context": "a:b=1,numeric\na:b=x,ip"},
    ):
        page = browser.send(browser.open("/console/simulate").form(do="simulate"), members)
        assert page.status == 400 and "<script>alert" not in page.html, (members, page.text)
        assert page.form(do="simulate").has(principal=members.get("principal", ""))
    powerless = signed_in(document({"Action": "iam:ListUsers", "Resource": "*"}))
    denied = powerless.send(powerless.open("/console/simulate").form(do="simulate"), actions="s3:GetObject", policies=ALLOWS)
    assert denied.status == 403 and "iam:SimulateCustomPolicy" in denied.text
    members = dict(browser.open("/console/simulate").form(do="simulate").members) | {"actions": "s3:GetObject"}
    assert browser.post("/console/simulate", members, {"Sec-Fetch-Site": "cross-site"}).status == 403


def test_a_denied_panel_leads_to_the_explanation(signed_in):
    person = signed_in(document({"Action": "iam:ListUsers", "Resource": "*"}))
    page = person.open("/console/roles")
    assert "iam:ListRoles" in page.text
    (address,) = {link for link in page.links if link.startswith("/console/denials?id=")}
    for _ in range(50):
        explained = person.open(address)
        if explained.status == 200:
            break
        time.sleep(0.1)
    assert explained.heads == ["Denied request"] and "ListRoles" in explained.text, explained.text
    # A refusal without a record has none.
    assert not [link for link in person.open("/console/nowhere").links if "denials?id" in link]


def last_accessed(browser, arn):
    """The page that shows last accessed of this."""
    page = browser.send(browser.open(f"/console/last-accessed?arn={arn}").form(do="generate"))
    for _ in range(50):
        if "being made" not in page.text:
            break
        time.sleep(0.1)
        page = browser.open(page.address)
    return page


def test_last_accessed_by_service_and_action(server, aws, name, browser, new_user, signed_in):
    user, keys = new_user(document({"Action": ["iam:ListUsers", "s3:*"], "Resource": "*"}))
    AwsApi(server, keys).call("ListUsers")
    arn = user["Arn"]
    links = browser.open(f"/console/users/user?name={user['UserName']}&tab=last-used").links
    assert any(link.startswith("/console/last-accessed?arn=") for link in links)
    page = last_accessed(browser, arn)
    assert page.status == 200 and "iam:ListUsers" in page.text and "never" in page.text, page.text
    managed = aws.call("CreatePolicy", PolicyName=name("used"), PolicyDocument=document({"Action": "iam:ListUsers", "Resource": "*"}))["Policy"]["Arn"]
    aws.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=managed)
    page = last_accessed(browser, managed)
    (used,) = [link for link in page.links if "service=iam" in link]
    assert user["UserName"] in browser.open(used).text
    for wrong in (HOSTILE, "arn:aws:iam::111122223333:user/nowhere"):
        page = browser.send(browser.open("/console/last-accessed").form(do="generate"), arn=wrong)
        assert page.status in (400, 404) and "<script>alert" not in page.html
        assert page.form(do="generate").has(arn=wrong)
    assert browser.open("/console/last-accessed?job=x").status == 400
    powerless = signed_in(document({"Action": "iam:ListUsers", "Resource": "*"}))
    denied = powerless.send(powerless.open("/console/last-accessed").form(do="generate"), arn=arn)
    assert denied.status == 403 and "iam:GenerateServiceLastAccessedDetails" in denied.text
