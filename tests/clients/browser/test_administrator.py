"""A day of an administrator in the console: a group with a policy, a user, a role, policies and their end."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.chromium import NOT_INSTALLED, PATIENCE
from support.documents import policy

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

FIRST = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


class Day:
    """The browser of the administrator, which looks at each page that it comes to."""

    def __init__(self, account, browser):
        self.account, self.browser = account, browser
        browser.sign_in(account.url, account.account, PASSWORD, "admin")
        browser.complaints()

    def look(self, words=""):
        """The page is accessible, quiet, not too wide, and says this."""
        assert words in self.browser.text, self.browser.text
        assert self.browser.violations() == [], self.browser.path
        assert self.browser.overflow() <= 0, self.browser.path

    def open(self, path):
        self.browser.open(self.account.url + path)
        self.look()

    def follow(self, words):
        self.browser.follow(words)
        self.look()

    def unfold(self, words):
        """Opens the form with this title."""
        for summary in self.browser.driver.find_elements(By.TAG_NAME, "summary"):
            if summary.text == words:
                if summary.find_element(By.XPATH, "..").get_attribute("open") is None:
                    summary.click()
                return summary.find_element(By.XPATH, "..")
        raise AssertionError(f"no form {words!r} in:\n{self.browser.text}")

    def send(self, button, says, fields=()):
        """Fills in a form, sends it, and looks at the page that follows."""
        for label, value in dict(fields).items():
            self.browser.fill(label, value)
        self.browser.press(button)
        self.look(says)

    def destroy(self, title, name, says):
        """Types the name of what is destroyed."""
        part = self.unfold(title)
        part.find_element(By.NAME, "confirm").send_keys(name)
        self.browser.press(title)
        self.look(says)

    def until(self, words):
        """Waits until the script has shown this."""
        WebDriverWait(self.browser.driver, PATIENCE).until(lambda _: words in self.browser.text)

    def write(self, document):
        """Replaces the document in the editor."""
        area = self.browser.driver.find_element(By.ID, "document")
        area.clear()
        area.send_keys(document)


def test_a_day_of_an_administrator(account, browser):
    day = Day(account, browser)
    # A policy, with the findings of the script while it is written.
    day.open("/console/policies")
    day.follow("Create a policy")
    day.write('{"Version": "2012-10-17",\n"Statement": [{"Effekt": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}')
    day.until("← Error")
    day.look("Line 2:")
    # An alert of a script would make this fail.
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    day.write('{"Version": "2012-10-17",\n"Statement": [{"Effect": "' + hostile + '", "Action": "s3:GetObject", "Resource": "*"}]}')
    day.until(hostile)
    day.look("← Error")
    day.write(FIRST)
    WebDriverWait(browser.driver, PATIENCE).until(lambda _: "← Error" not in browser.text)
    day.send("Create the policy", "The policy day-reads was created.", {"Policy name": "day-reads"})
    # A group with it, and a user in the group.
    day.open("/console/groups")
    day.follow("Create a group")
    day.send("Create a group", "The group day-team was created.", {"Group name": "day-team", "day-reads": True})
    day.unfold("Add members")
    day.send("Add members", "The users were added to the group.", {"bob": True})
    # An inline policy by the form for statements.
    day.follow("Permissions")
    day.follow("Create an inline policy")
    day.unfold("Add a statement by a form")
    day.send("Show the actions of this service", "iam:CreateUser", {"Service": "iam"})
    day.send("Add the statement", "New inline policy", {"iam:CreateUser": True})
    assert '"iam:CreateUser"' in browser.driver.find_element(By.ID, "document").get_attribute("value")
    day.send("Create the policy", "The inline policy own was created.", {"Policy name": "own"})
    # A role for another purpose, whose trust policy is changed.
    day.open("/console/roles")
    day.follow("Create a role")
    day.follow("A service")
    day.send(
        "Create a role", "The role day-role was created.",
        {"Role name": "day-role", "Name of another service": "ec2.amazonaws.com", "day-reads": True, "Tags": "team=day"},
    )  # fmt: skip
    day.follow("Trust")
    day.follow("Edit the trust policy")
    document = browser.driver.find_element(By.ID, "document").get_attribute("value")
    day.write(document.replace("ec2.amazonaws.com", "lambda.amazonaws.com"))
    day.send("Save the trust policy", "The trust policy was changed.")
    # A second version, compared with the first.
    day.open(f"/console/policies/policy?arn=arn:aws:iam::{account.account}:policy/day-reads")
    day.follow("Create a version from the shown one")
    document = browser.driver.find_element(By.ID, "document").get_attribute("value")
    day.write(document.replace("s3:GetObject", "s3:PutObject"))
    day.send("Create the version", "v2 was created.")
    day.follow("Versions")
    day.follow("Compare with the default")
    day.look('−       "Action": "s3:GetObject"')
    day.look('+       "Action": "s3:PutObject"')
    # The end of all of them.
    day.open("/console/roles/role?name=day-role&tab=settings")
    day.destroy("Delete the role", "day-role", "The role day-role was deleted.")
    day.open(f"/console/policies/policy?arn=arn:aws:iam::{account.account}:policy/day-reads&tab=settings")
    day.destroy("Delete the policy", "day-reads", "is attached")
    day.open("/console/groups/group?name=day-team&tab=settings")
    day.destroy("Delete the group", "day-team", "The group day-team was deleted.")
    day.open(f"/console/policies/policy?arn=arn:aws:iam::{account.account}:policy/day-reads&tab=settings")
    day.destroy("Delete the policy", "day-reads", "The policy day-reads was deleted.")
    # A refused form answers with an error status, which the browser reports.
    assert [one for one in browser.complaints() if "409 (Conflict)" not in one] == []
