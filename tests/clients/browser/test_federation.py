"""Links of AWS's federation endpoint in a browser: from another site, and while another person is signed in."""

import json
import urllib.request
from urllib.parse import quote, urlencode

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.api import AwsApi
from support.chromium import NOT_INSTALLED, Browser
from support.documents import ALLOW_ALL, trust
from support.server import Credentials

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]


@pytest.fixture
def visitor(tmp_path):
    """A browser of its own."""
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def link(account):
    """A link that signs in as a session of a role, to the page of users."""
    root = AwsApi(account, account.root)
    role = root.call("CreateRole", RoleName="guest", AssumeRolePolicyDocument=trust(account.account))["Role"]["Arn"]
    root.call("PutRolePolicy", RoleName="guest", PolicyName="all", PolicyDocument=ALLOW_ALL)
    root.call("CreateUser", UserName="broker")
    root.call("PutUserPolicy", UserName="broker", PolicyName="all", PolicyDocument=ALLOW_ALL)
    broker = AwsApi(account, Credentials.of(root.call("CreateAccessKey", UserName="broker")["AccessKey"]))
    lent = broker.call("AssumeRole", RoleArn=role, RoleSessionName="Ada")["Credentials"]
    session = {"sessionId": lent["AccessKeyId"], "sessionKey": lent["SecretAccessKey"], "sessionToken": lent["SessionToken"]}
    query = urlencode({"Action": "getSigninToken", "Session": json.dumps(session)})
    with urllib.request.urlopen(f"{account.url}/federation?{query}", timeout=60) as answer:
        token = json.loads(answer.read())["SigninToken"]
    members = {"Action": "login", "Issuer": "https://broker.example.com", "Destination": f"{account.url}/console/users", "SigninToken": token}
    return f"{account.url}/federation?{urlencode(members)}"


def follow(visitor, link):
    """Follows the link from a page of another site."""
    page = f'<!doctype html><title>Broker</title><a href="{link.replace("&", "&amp;")}">Open the console</a>'
    visitor.open("data:text/html," + quote(page))
    visitor.driver.find_element(By.TAG_NAME, "a").click()
    WebDriverWait(visitor.driver, 30).until(lambda driver: driver.current_url.startswith("http") and "Continue" not in driver.title)


def test_a_link_of_another_site_signs_in(visitor, link):
    follow(visitor, link)
    assert visitor.path == "/console/users" and "guest/Ada" in visitor.text and "bob" in visitor.text
    assert not visitor.violations() and "SigninToken" not in visitor.driver.current_url


def test_a_link_asks_before_it_replaces_a_session(account, visitor, link):
    visitor.sign_in(account.url, account.account, PASSWORD, "admin")
    follow(visitor, link)
    assert "user/admin" in visitor.text and "Stay signed in" in visitor.text and not visitor.violations()
    visitor.open(account.url + "/console/profile")
    assert "user/admin" in visitor.text
    follow(visitor, link)
    visitor.press("Sign in with the link")
    assert visitor.path == "/console/users" and "guest/Ada" in visitor.text
