"""Who may perform an action, and what a principal may do, as pages of the console, over plain HTTP."""

from urllib.parse import urlencode

from support.browser import Browser
from support.documents import policy, trust

PASSWORD = "heron-In-7-reeds"


def who(browser, action, resource, **members):
    asked = {"action": action, "resource": resource, "account": browser.server.account} | members
    return browser.open("/console/who-can?" + urlencode(asked))


def what(browser, principal, **members):
    return browser.open("/console/what-can?" + urlencode({"principal": principal} | members))


def test_who_can_lists_principals_with_their_statements(browser, aws, new_user, name):
    bucket = f"arn:aws:s3:::{name('bucket')}/<b>july</b>"
    reader, _ = new_user(policy({"Sid": "Read", "Action": "s3:GetObject", "Resource": bucket}))
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    inside, _ = new_user(policy({"Sid": "Inside", "Action": "s3:GetObject", "Resource": bucket, "Condition": condition}))
    outside, _ = new_user(None)
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(reader["Arn"]))["Role"]["RoleName"]
    reads = policy({"Sid": "Role", "Action": "s3:GetObject", "Resource": bucket})
    aws.call("PutRolePolicy", RoleName=role, PolicyName="inline", PolicyDocument=reads)
    page = browser.open("/console/who-can")
    assert page.heads == ["Who can"] and '<option value="iam:CreateUser">' in page.html
    page = who(browser, "s3:GetObject", bucket)
    assert page.status == 200, page.text
    allowed, partly = page.text.split("Allowed in part")
    assert f"{reader['UserName']} inline 1, Read {reader['UserName']} – Why" in allowed
    assert inside["UserName"] not in allowed and outside["UserName"] not in page.text
    assert f"{inside['UserName']} inline 1, Inside {inside['UserName']} – aws:SourceIp Why" in partly
    assert "<b>july" not in page.html
    page = who(browser, "s3:GetObject", bucket, context="aws:SourceIp=10.1.2.3")
    assert f"{inside['UserName']} inline 1, Inside {inside['UserName']} aws:SourceIp Why" in page.text.split("Allowed in part")[0]
    # The link of a row leads to the decision.
    decisions = [link for link in page.links if link.startswith("/console/access?")]
    for principal, statement in ((inside["UserName"], "Inside"), (role, "Role")):
        [why] = [link for link in decisions if principal in link]
        decision = browser.open(why)
        assert "Allowed" in decision.text and f"statement 1, `{statement}`" in decision.text
    for members, expected in (
        ({"action": "s3:*", "resource": bucket}, "This is not possible"),
        ({"action": "s3:GetObject", "resource": "<i>"}, "This is not possible"),
        ({"action": "s3:GetObject", "resource": bucket, "context": "nonsense"}, "line 1 of the context"),
    ):
        page = who(browser, **members)
        assert page.status == 400 and expected in page.text and "<i>" not in page.html, page.text


def test_a_long_list_has_pages(browser, aws, new_user, name):
    album = f"arn:aws:gallery:eu-central-1:{browser.server.account}:album/{name('album')}"
    group = name("group")
    aws.call("CreateGroup", GroupName=group)
    aws.call("PutGroupPolicy", GroupName=group, PolicyName="albums", PolicyDocument=policy({"Action": "gallery:GetAlbum", "Resource": album}))
    users = [f"{group}-{at:03}" for at in range(102)]
    for user in users:
        aws.call("CreateUser", UserName=user)
        aws.call("AddUserToGroup", GroupName=group, UserName=user)
    page, shown = who(browser, "gallery:GetAlbum", album), 0
    for _ in range(20):
        shown += sum(f">{user}</a>" in page.html for user in users)
        following = [link for link in page.links if "marker=" in link]
        if not following:
            break
        page = browser.open(following[0])
    assert shown == len(users)


def test_what_can_lists_actions_by_service(browser, aws, new_user, name):
    user, _ = new_user(policy("iam:ListUsers", {"Sid": "Own", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:username}"}))
    page = browser.open("/console/what-can")
    assert page.heads == ["What can"] and f'<option value="{user["Arn"]}">' in page.html
    page = what(browser, user["Arn"])
    assert page.status == 200 and page.heads == [f"What {user['UserName']} can do"], page.text
    assert f"iam:ListUsers List inline 1 {user['UserName']} –" in page.text
    assert f"iam:GetUser Read inline 2, Own {user['UserName']} arn:aws:iam::*:user/{user['UserName']} –" in page.text
    assert "sts:GetCallerIdentity Read needs no permission" in page.text
    page = what(browser, user["Arn"], resource=user["Arn"], service="iam")
    assert f"iam:GetUser Read inline 2, Own {user['UserName']}" in page.text and "ListUsers" not in page.text
    others = [link for link in page.links if link.startswith("/console/who-can?")]
    assert user["UserName"] in browser.open(others[0]).text
    # The pages of users and roles lead here.
    role = aws.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(user["Arn"]))["Role"]
    for path, arn in ((f"users/user?name={user['UserName']}", user["Arn"]), (f"roles/role?name={role['RoleName']}", role["Arn"])):
        links = set(browser.open(f"/console/{path}").links)
        [link] = [link for link in links if link and link.startswith("/console/what-can?")]
        assert browser.open(link).status == 200 and urlencode({"principal": arn}) in link
    for arn, status in ((user["Arn"] + "x", 404), ("<i>" * 10, 400)):
        page = what(browser, arn)
        assert page.status == status and "<i>" not in page.html, page.text


def test_only_permitted_persons_see_reviews(server, aws, name):
    user = name("plain")
    arn = aws.call("CreateUser", UserName=user)["User"]["Arn"]
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    browser = Browser(server)
    browser.sign_in(user, PASSWORD)
    page = who(browser, "iam:GetUser", arn)
    assert page.status == 403 and "not authorized to perform: bailiwick:WhoCan" in page.text
    page = what(browser, arn)
    assert page.status == 403 and "not authorized to perform: bailiwick:WhatCan" in page.text
