"""The first visit of the console: the link of the first start signs root in, once, and leads on."""

import re

import pytest
from support.api import AwsApi, GrpcApi
from support.browser import Browser
from support.expect import refused
from support.server import Credentials, Server

PASSWORD = "heron-In-7-reeds"


@pytest.fixture
def server(tmp_path):
    """A server that made root's access key itself."""
    server = Server(tmp_path, root="").start()
    (server.account,) = re.findall(r"Account (\d{12}) was created", server.output)
    yield server
    server.stop()


@pytest.fixture
def credentials(server):
    """The file of root's credentials."""
    return server.data.with_name("data.root-credentials").read_text()


def test_the_link_signs_root_in_once(server, credentials):
    (address,) = re.findall(r"http\S+/console/first\?link=\S+", credentials)
    assert "/console/first?link=" not in server.output, "the output may be kept in a log"
    path = address.removeprefix(server.url)
    browser = Browser(server)
    # A program that looks at the address does not use it up.
    for _ in range(2):
        page = browser.open(path)
        assert page.heads == ["First sign-in"]
    assert browser.open(path + "A").heads == ["First sign-in"]
    wrong = browser.send(browser.page.forms[0])
    assert wrong.status == 403 and "/console/sign-in?root=1" in wrong.links
    page = browser.send(browser.open(path).forms[0])
    assert page.address == "/console/first" and page.heads == ["First steps"]
    assert "/console/users/create?arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAdministratorAccess" in page.links
    assert server.url in page.text and server.account in page.text
    again = Browser(server)
    assert again.send(again.open(path).forms[0]).status == 403
    link = path.split("=")[1]
    refused(GrpcApi(server, None), "AccessDenied", "SignInWithLink", link=link)
    assert link not in server.output

    # Root has no password that a change of credentials could ask for.
    page = browser.open("/console/prove?next=/console/passkey")
    assert page.heads == ["Your profile"] and "Give root a password first" in page.text

    made = browser.open("/console/users/create?arn=arn:aws:iam::aws:policy/AdministratorAccess")
    page = browser.send(made.form(do="create"), name="admin", password=PASSWORD)
    assert page.heads == ["admin"] and "AdministratorAccess" in page.text
    page = browser.send(browser.open("/console/profile").form(do="change-password"), new_password=PASSWORD, new_password_again=PASSWORD)
    assert page.heads == ["Sign in as root"] and "Your password was changed." in page.text
    page = browser.send(page.form(root="1"), account=server.account, password=PASSWORD)
    assert page.heads == ["Your profile"], "root signs in with the password now"


def test_a_program_signs_in_with_the_link(server, credentials):
    (link,) = re.findall(r"link=(\S+)", credentials)
    session = GrpcApi(server, None).call("SignInWithLink", link=link)["session"]
    assert session["arn"] == f"arn:aws:iam::{server.account}:root"
    rpc = GrpcApi(server, Credentials(bearer=session["token"]))
    assert [one["sourceIp"] for one in rpc.call("ListSignInSessions")["sessions"]] == ["127.0.0.1"]


def test_the_file_is_still_shell_lines(server, credentials):
    lines = [line for line in credentials.splitlines() if not line.startswith("#")]
    exports = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    root = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    assert AwsApi(server, root).call("GetCallerIdentity")["Account"] == server.account


def test_a_given_key_makes_no_link(tmp_path):
    server = Server(tmp_path).start()
    try:
        assert "/console/first" not in server.output and not server.data.with_name("data.root-credentials").exists()
    finally:
        server.stop()
