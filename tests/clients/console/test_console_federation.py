"""Sign-in to the console with temporary credentials, by links of AWS's federation endpoint."""

import json
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from support.api import AwsApi, GrpcApi
from support.browser import Browser
from support.documents import ALLOW_ALL, policy as document, trust
from support.expect import refused
from support.server import Credentials

PASSWORD = "heron-In-7-reeds"
LISTS_USERS = document({"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})


def ask(server, credentials, **parameters):
    """A sign-in token for temporary credentials, as AWS documents it."""
    names = {"sessionId": "AccessKeyId", "sessionKey": "SecretAccessKey", "sessionToken": "SessionToken"}
    session = json.dumps({name: credentials[member] for name, member in names.items()})
    query = urlencode({"Action": "getSigninToken", "Session": session} | parameters)
    with urllib.request.urlopen(f"{server.url}/federation?{query}", timeout=60) as answer:
        return json.loads(answer.read())["SigninToken"]


def link(token, destination="https://console.aws.amazon.com/", **parameters):
    """The address that signs in."""
    return "/federation?" + urlencode({"Action": "login", "Issuer": "https://broker.example.com", "Destination": destination, "SigninToken": token} | parameters)


@pytest.fixture
def role(aws, server, name):
    """A role that may list users and groups, which the account may assume."""
    role = name("guest")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    permissions = document({"Effect": "Allow", "Action": ["iam:ListUsers", "iam:ListGroups"], "Resource": "*"})
    aws.call("PutRolePolicy", RoleName=role, PolicyName="lists", PolicyDocument=permissions)
    return arn


@pytest.fixture
def broker(server, aws, new_user):
    """A user who may assume roles, and issues sessions of federated users."""
    permissions = document({"Effect": "Allow", "Action": ["sts:*", "iam:List*"], "Resource": "*"})
    return AwsApi(server, new_user(permissions)[1])


def assume(broker, role, **more):
    """Temporary credentials of the role."""
    return broker.call("AssumeRole", RoleArn=role, RoleSessionName="Ada", **more)["Credentials"]


def test_a_role_session_signs_in(server, broker, role, name, aws):
    user = name("shown")
    aws.call("CreateUser", UserName=user)
    browser = Browser(server)
    token = ask(server, assume(broker, role))
    page = browser.open(link(token))
    assert page.address == "/console" and page.heads == ["Home"], page.text
    short = role.split("/")[-1]
    assert f"assumed-role/{short}/Ada" in page.text and f"{short}/Ada" in page.text and token not in page.html
    assert user in browser.open(f"/console/users?q={user}").text
    denied = browser.open("/console/roles")
    assert "iam:ListRoles" in denied.text
    profile = browser.open("/console/profile")
    assert profile.heads == ["Your session"] and "no password" in profile.text and profile.form(**{"form_token": None}).action == "/console/sign-out"
    for address in ("/console/mfa", "/console/passkey"):
        assert browser.open(address).status == 400 and "temporary credentials" in browser.page.text
    # Within 15 minutes, as on AWS, the link signs another browser in.
    assert Browser(server).open(link(token)).heads == ["Home"]
    out = browser.send(browser.open("/console").form(form_token=None))
    assert "signed out" in out.text and browser.open("/console").address.startswith("/console/sign-in")


def test_session_policies_hold(server, broker, role):
    browser = Browser(server)
    browser.open(link(ask(server, assume(broker, role, Policy=LISTS_USERS))))
    assert "iam:ListUsers" not in browser.open("/console/users").text
    assert "iam:ListGroups" in browser.open("/console/groups").text


def test_a_federated_user_signs_in(server, broker):
    lent = broker.call("GetFederationToken", Name="grace", Policy=LISTS_USERS)["Credentials"]
    browser = Browser(server)
    page = browser.open(link(ask(server, lent)))
    assert page.heads == ["Home"] and "federated-user/grace" in page.text
    assert "iam:ListUsers" not in browser.open("/console/users").text and browser.page.heads == ["Users"]
    # What the broker may, and the session policy does not allow.
    assert "iam:ListGroups" in browser.open("/console/groups").text
    # The credentials themselves call no IAM, as on AWS.
    refused(AwsApi(server, Credentials.of(lent)), "InvalidClientTokenId", "ListUsers")


def test_the_destination_is_a_page_of_the_console(server, broker, role):
    token = ask(server, assume(broker, role))
    for destination, address in {
        "/console/users?q=x": "/console/users?q=x", server.url + "/console/groups": "/console/groups", "": "/console",
        "https://evil.example.com/console/users": "/console", "//evil.example.com": "/console", server.url + ".evil.example.com/console": "/console",
        server.url + "@evil.example.com/": "/console", "/console/../federation": "/console", "/console\r\nSet-Cookie: a=b": "/console", "javascript:alert(1)": "/console",
    }.items():  # fmt: skip
        page = Browser(server).request("GET", link(token, destination))
        assert (page.status, page.headers["location"]) == (303, address), destination


def test_a_link_of_another_site_continues_first(server, broker, role):
    token = ask(server, assume(broker, role))
    browser = Browser(server)
    page = browser.request("GET", link(token, "/console/users"), headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert page.status == 200 and page.heads == ["Continue to the console"] and not browser.cookies
    assert browser.open(page.links[-1]).address == "/console/users"
    # A part of a page of another site is not a person who follows the link.
    for mode in ("no-cors", "cors"):
        page = Browser(server).request("GET", link(token), headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode})
        assert page.status == 403 and not page.headers.get("set-cookie"), mode
    hostile = Browser(server).request(
        "GET", link('"><script>alert(1)</script>'), headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    )
    assert "<script>alert" not in hostile.html


def test_a_session_is_replaced_with_consent_only(server, broker, role, browser, person):
    token = ask(server, assume(broker, role))
    page = browser.open(link(token, "/console/users"))
    assert page.heads == ["Change the session"] and person in page.text and not page.headers.get("set-cookie")
    assert browser.open("/console/profile").heads == ["Your profile"]
    form = page.form(SigninToken=None)
    members = dict(form.members)
    for headers in ({"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post(form.action, members, headers).status == 403
    # A form without the token of the session asks again.
    assert browser.post(form.action, members | {"form_token": "x"}).heads == ["Change the session"]
    assert browser.open("/console/profile").heads == ["Your profile"]
    before = Browser(server)
    before.cookies = dict(browser.cookies)
    page = browser.post(form.action, members)
    assert page.address == "/console/users" and role.split("/")[-1] in page.text
    assert before.open("/console").address.startswith("/console/sign-in")
    # The sign-in session of before has ended too.
    rest = GrpcApi(server, server.root).call("ListSignInSessions", userName=person)
    assert not rest.get("sessions")


def test_links_that_do_not_sign_in(server, broker, role, aws, new_server):
    lent = assume(broker, role)
    token = ask(server, lent)
    other = new_server().start()
    for wrong in (token[:-4] + "AAAA", token + "A", "x", lent["SessionToken"], "ü" * 10, '"><script>alert(1)</script>'):
        page = Browser(server).open(link(wrong))
        assert page.status in (400, 403) and page.heads == ["Sign in"] and not page.headers.get("set-cookie"), wrong
        assert len(wrong) < 9 or wrong not in page.html
    assert Browser(server).open("/federation?Action=login").status == 400
    assert Browser(other).open(link(token)).status == 403
    # Revoked: the sign-in is refused, and a session of before ends at the next page.
    browser = Browser(server)
    assert browser.open(link(token)).heads == ["Home"]
    name = role.split("/")[-1]
    aws.call("DeleteRolePolicy", RoleName=name, PolicyName="lists")
    aws.call("DeleteRole", RoleName=name)
    assert browser.open("/console/users").address.startswith("/console/sign-in")
    assert Browser(server).open(link(token)).status == 403


def test_revoked_sessions_end_at_the_next_page(server, broker, role, rpc):
    lent = assume(broker, role)
    browser = Browser(server)
    browser.open(link(ask(server, lent)))
    rpc.call("RevokeSessions", accessKeyId=lent["AccessKeyId"])
    assert browser.open("/console/users").address.startswith("/console/sign-in")


def test_the_session_ends_with_its_duration(server, broker, role):
    door = GrpcApi(server, None)
    short = assume(broker, role, DurationSeconds=900)
    for asked, longest in ((None, 3600), (1200, 1200), (43200, 3600)):
        lent = assume(broker, role)
        given = {} if asked is None else {"SessionDuration": str(asked)}
        answer = door.call("SignInWithToken", signinToken=ask(server, lent, **given))
        assert set(answer) >= {"consoleToken", "expiration", "arn"}
        assert 0 < remaining(answer) <= longest and remaining(answer) > longest - 120, asked
    assert remaining(door.call("SignInWithToken", signinToken=ask(server, short, SessionDuration="43200"))) <= 900


def remaining(answer):
    """The seconds until the session ends."""
    end = answer["expiration"]
    end = datetime.fromisoformat(end.replace("Z", "+00:00")) if isinstance(end, str) else end
    return (end - datetime.now(UTC)).total_seconds()


def test_the_token_of_the_console_is_for_the_console(server, broker, role):
    token = ask(server, assume(broker, role))
    console = GrpcApi(server, None).call("SignInWithToken", signinToken=token)["consoleToken"]
    refused(GrpcApi(server, Credentials(bearer=console)), "InvalidClientTokenId", "ListUsers")
    for wrong in (console, "x"):
        refused(GrpcApi(server, None), "InvalidClientTokenId", "SignInWithToken", signinToken=wrong)


def test_changes_of_credentials_need_a_recent_sign_in(server, broker, aws, name):
    role = name("admin")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="all", PolicyDocument=ALLOW_ALL)
    user = name("keys")
    aws.call("CreateUser", UserName=user)
    browser = Browser(server)
    browser.open(link(ask(server, assume(broker, arn))))
    page = browser.open(f"/console/users/user?name={user}")
    page = browser.send(page.form(do="create-key"))
    assert "Secret access key" in page.text
    page = browser.open("/console/prove?next=/console")
    assert page.status == 403 and "new link" in page.text
