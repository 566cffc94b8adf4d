"""The console over plain HTTP: sign-in, sessions, and what every page and every change has to have."""

from support.browser import Browser
from support.documents import ALLOW_ALL, policy as document, trust
from support.totp import Authenticator

PASSWORD, NEXT = "heron-In-7-reeds", "otter-In-8-reeds"
HOSTILE = "/<script>alert(1)</script>/"


def test_every_answer_has_the_headers_and_assets_stay(server, browser):
    for path in ("/console", "/console/users", "/console/nowhere", "/console/sign-in"):
        page = browser.open(path)
        assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"], path
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cross-origin-opener-policy"] == page.headers["cross-origin-resource-policy"] == "same-origin"
        assert len(page.heads) == 1 and '<html lang="en">' in page.html, page.html
    assert browser.open("/console/nowhere").status == 404
    stylesheet = browser.page.html.split('rel="stylesheet" href="')[1].split('"')[0]
    asset = browser.request("GET", stylesheet)
    assert asset.status == 200 and "immutable" in asset.headers["cache-control"]
    size = len(browser.open("/console").html) + len(asset.html)
    assert size < 100_000


def test_a_person_signs_in_and_out_and_comes_back_to_the_page(server, person):
    browser = Browser(server)
    page = browser.open("/console/users?q=%2Fa%2F")
    assert page.address == "/console/sign-in?next=%2Fconsole%2Fusers%3Fq%3D%252Fa%252F"
    refused = browser.send(page.form(user_name=None), account=server.account, user_name=person, password="nightjar-In-9-reeds")
    assert refused.status == 403 and "nightjar" not in refused.html and f'value="{person}"' in refused.html
    page = browser.send(refused.form(user_name=None), password=PASSWORD)
    assert page.address == "/console/users?q=%2Fa%2F"
    (cookie,) = browser.cookies
    assert cookie == "bailiwick-console" and len(browser.cookies[cookie]) == 43
    kept = dict(browser.cookies)
    page = browser.send(page.form(form_token=None))
    assert page.address == "/console/sign-in?why=out" and not browser.cookies
    browser.cookies = kept
    assert browser.open("/console/users").address.startswith("/console/sign-in?why=ended")


def test_the_address_after_the_sign_in_is_of_the_console(server, person):
    for elsewhere in ("https://example.com/", "//example.com/console", "/consoles", "/console\\@example.com", "/console/\n"):
        browser = Browser(server)
        browser.open("/console/sign-in")
        page = browser.post(
            "/console/sign-in?" + "next=" + elsewhere.replace("\n", "%0a").replace("\\", "%5c"),
            {"account": server.account, "user_name": person, "password": PASSWORD},
        )
        assert page.address == "/console", elsewhere


def test_a_code_and_a_new_password_are_asked_for(server, aws, person):
    device = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=person)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=person, SerialNumber=device.serial, **device.pair(-1))
    aws.call("UpdateLoginProfile", UserName=person, PasswordResetRequired=True)
    browser = Browser(server)
    page = browser.sign_in(person, PASSWORD)
    assert page.heads == ["Choose a new password"] and PASSWORD not in page.html
    form = page.form(new_password=None)
    assert browser.open("/console").address == "/console/sign-in"
    page = browser.send(form, new_password=NEXT, new_password_again=PASSWORD, code=device.code(0))
    assert page.status == 400 and "not the same" in page.text
    page = browser.send(page.form(new_password=None), new_password=NEXT, new_password_again=NEXT, code=device.code(0))
    assert page.heads == ["Home"] and "without a second factor" not in page.text


def test_changes_of_other_sites_are_refused(server, browser):
    page = browser.open("/console")
    form = dict(page.form(form_token=None).members)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://example.com"},
        {"Origin": "null", "Sec-Fetch-Site": None},
        {"Origin": None, "Sec-Fetch-Site": None},
    ):
        assert browser.post("/console/sign-out", form, headers).status == 403, headers
    for token in ("", "x" * 43):
        assert browser.post("/console/sign-out", form | {"form_token": token}).status == 403
    assert browser.post("/console/sign-out", form, {"Content-Type": "text/plain"}).status == 400
    assert browser.post("/console/sign-out", form | {"x": "x" * 300_000}).status == 413
    assert browser.request("PUT", "/console").status == 405
    assert browser.open("/console").heads == ["Home"]
    link = browser.request("GET", "/console/users", headers={"Cookie": None, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert link.status == 200 and 'http-equiv="refresh"' in link.html and "set-cookie" not in link.headers


def test_a_revoked_session_ends_at_the_next_page(aws, server, person, browser):
    aws.call("UpdateLoginProfile", UserName=person, Password=NEXT)
    page = browser.open("/console")
    assert page.address.startswith("/console/sign-in?why=revoked") and "revoked" in page.text and not browser.cookies


def test_a_page_names_the_missing_permission_and_the_request(aws, server, name):
    user = name("nobody")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    browser = Browser(server)
    page = browser.sign_in(user, PASSWORD)
    assert page.status == 200 and page.heads == ["Home"]
    for action in ("bailiwick:ListFindings", "iam:GetAccountSummary", "cloudtrail:LookupEvents"):
        assert f"not authorized to perform: {action}" in page.text
    page = browser.open("/console/users")
    assert "not authorized to perform: iam:ListUsers" in page.text and "request" in page.text


def test_texts_of_users_are_text(aws, browser, name):
    aws.call("CreateUser", UserName=name("hostile"), Path=HOSTILE)
    page = browser.open("/console/users")
    assert HOSTILE in page.text and "<script>alert" not in page.html
    page = browser.open("/console/users?q=%2F%22%3E%3Cscript%3Ealert(2)")
    assert "<script>alert" not in page.html and page.forms


def test_pages_show_what_users_groups_roles_and_policies_have(aws, browser, name):
    group, role, user, policy = (name(kind) for kind in ("group", "role", "user", "policy"))
    text = document({"Action": "s3:Get*", "Resource": "arn:aws:s3:::b/%41"})
    arn = aws.call("CreatePolicy", PolicyName=policy, Path="/teams/", PolicyDocument=text)["Policy"]["Arn"]
    aws.call("CreateUser", UserName=user, Tags=[{"Key": "team", "Value": "herons"}])
    aws.call("CreateGroup", GroupName=group)
    aws.call("AddUserToGroup", GroupName=group, UserName=user)
    aws.call("AttachGroupPolicy", GroupName=group, PolicyArn=arn)
    aws.call("PutUserPolicy", UserName=user, PolicyName="own-policy", PolicyDocument=ALLOW_ALL)
    key = aws.call("CreateAccessKey", UserName=user)["AccessKey"]["AccessKeyId"]
    owner = aws.call("GetUser", UserName=user)["User"]["Arn"]
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(owner), Description="<b>bold</b>")
    # The built-in policies come first; the search by path finds the policy among them.
    for noun, found in (("users", user), ("groups", group), ("roles", role), ("policies?q=%2Fteams%2F", policy)):
        page = browser.open(f"/console/{noun}")
        assert page.heads == [noun.split("?")[0].capitalize()] and found in page.text, page.text
    shown = {
        f"users/user?name={user}": (group, "own-policy", key, "herons"),
        f"groups/group?name={group}": (user, policy),
        f"roles/role?name={role}": ("sts:AssumeRole", "<b>bold</b>"),
        f"policies/policy?arn={arn}": (group, "v1", '"Effect": "Allow"', "b/%41"),
    }
    for path, texts in shown.items():
        page = browser.open(f"/console/{path}")
        for text in texts:
            assert page.status == 200 and text in page.text, (path, text, page.text)
        assert "<b>" not in page.html
    assert browser.open("/console/users/user?name=nobody-here").status == 404
