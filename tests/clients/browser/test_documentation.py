"""The pictures of docs/console.md: each is taken of a small, plausible account, and shown there."""

import re
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.api import AwsApi
from support.chromium import NOT_INSTALLED, PATIENCE, Browser
from support.documents import policy, trust

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

DOCS = Path(__file__).parents[3] / "docs"
# What a picture may weigh, and how many there may be, since they stay in the history of the repository.
MOST_BYTES, MOST_PICTURES = 120_000, 5
READ_PHOTOS = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"})
KEYS = policy({"Effect": "Allow", "Action": ["iam:*AccessKey*", "iam:GetUser"], "Resource": "arn:aws:iam::*:user/${aws:username}"})
DRAFT = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["iam:GetUser", "iam:ListUser"],
      "Resource": "*"
    }
  ]
}"""


@pytest.fixture(scope="module")
def people(server):
    """Alice administers, Bob develops, and a role deploys."""
    aws = AwsApi(server, server.root)
    aws.call("CreateGroup", GroupName="developers")
    photos = aws.call("CreatePolicy", PolicyName="ReadPhotos", PolicyDocument=READ_PHOTOS)["Policy"]["Arn"]
    aws.call("AttachGroupPolicy", GroupName="developers", PolicyArn=photos)
    aws.call("PutGroupPolicy", GroupName="developers", PolicyName="OwnKeys", PolicyDocument=KEYS)
    aws.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust(server.account))
    aws.call("AttachRolePolicy", RoleName="deploy", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    for user in ("alice", "bob"):
        aws.call("CreateUser", UserName=user)
        aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    aws.call("AttachUserPolicy", UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    aws.call("AddUserToGroup", GroupName="developers", UserName="bob")
    aws.call("CreateAccessKey", UserName="bob")
    return server


@pytest.fixture
def alice(people, tmp_path):
    """A browser in which Alice is signed in."""
    browser = Browser(tmp_path, width=1024, height=640)
    browser.sign_in(people.url, people.account, PASSWORD, "alice")
    yield browser
    browser.close()


def test_the_pictures_of_the_documentation_are_taken(people, alice):
    bob = f"arn:aws:iam::{people.account}:user/bob"
    taken = set()

    def take(name, path, words, draft=None, top=None):
        alice.open(people.url + path)
        if draft:
            area = alice.driver.find_element(By.ID, "document")
            area.clear()
            area.send_keys(draft)
        WebDriverWait(alice.driver, PATIENCE).until(lambda _: words in alice.text)
        if top:
            alice.driver.execute_script("arguments[0].scrollIntoView()", alice.driver.find_element(By.XPATH, top))
        alice.screenshot(f"docs-{name}")
        taken.add(f"{name}.png")

    take("home", "/console", "Recent changes")
    take("user", "/console/users/user?name=bob&tab=credentials", "Deactivate")
    take("access-check", f"/console/access?principal={bob}&action=iam:DeleteUser&resource={bob}", "Nearest misses", top="//button[text()='Check']")
    take("policy-editor", "/console/policies/create", "did you mean `iam:ListUsers`?", DRAFT, top="//label[@for='document']")
    take("who-can", f"/console/who-can?action=iam:CreateAccessKey&resource={bob}", "OwnKeys", top="//label[@for='resource']")

    shown = re.findall(r"!\[([^]]{20,})\]\(images/([\w-]+\.png)\)", (DOCS / "console.md").read_text())
    assert sorted(name for _, name in shown) == sorted(taken), "each is shown once, with a description"


def test_the_pictures_are_few_and_small():
    pictures = list((DOCS / "images").iterdir())
    assert 0 < len(pictures) <= MOST_PICTURES, pictures
    for picture in pictures:
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG\r\n") and len(content) <= MOST_BYTES, picture
