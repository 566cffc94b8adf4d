"""A day of an administrator with the keyboard alone: each key goes to the element that has the focus."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from support.api import ApiError, AwsApi
from support.chromium import NOT_INSTALLED, PATIENCE, Browser
from support.documents import policy
from support.server import Credentials
from support.totp import Authenticator
from support.waiting import until

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]

# No page has more stops than this.
MOST_STOPS = 150
READS = policy({"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"})


class Keyboard:
    """Types, and looks only at what has the focus."""

    def __init__(self, browser):
        self.browser, self.driver = browser, browser.driver

    @property
    def active(self):
        return self.driver.switch_to.active_element

    def press(self, *keys):
        """Sends keys to what has the focus."""
        self.active.send_keys(*keys)

    def to(self, words):
        """Goes on by the tabulator to the element with this name. Each stop shows that it has the focus."""
        for _ in range(MOST_STOPS):
            self.press(Keys.TAB)
            active = self.active
            if active.tag_name == "body":
                continue
            name = active.accessible_name
            assert active.value_of_css_property("outline-style") != "none", f"the focus on {name!r} is not visible"
            if name == words or name.startswith(words + " "):
                return active
        raise AssertionError(f"{words!r} is not reached in:\n{self.browser.text}")

    def enter(self, words):
        """Goes to a link or button, presses it, and waits for the page that follows."""
        self.to(words)
        before = self.driver.find_element(By.TAG_NAME, "html")
        self.press(Keys.ENTER)
        self.browser.wait_until_replaced(before)

    def type(self, label, text):
        """Goes to a field, and types."""
        self.to(label)
        self.press(text)

    def choose(self, label):
        """Goes to a box, and ticks it."""
        box = self.to(label)
        self.press(Keys.SPACE)
        assert box.is_selected(), label

    def unfold(self, title):
        """Goes to a folded form, and opens it."""
        summary = self.to(title)
        assert summary.tag_name == "summary", summary.tag_name
        self.press(Keys.ENTER)

    def says(self, words):
        assert words in self.browser.text, self.browser.text


@pytest.fixture
def keyboard(account, tmp_path):
    """The keyboard of a browser at the sign-in page, where the first field has the focus."""
    browser = Browser(tmp_path / "profile")
    browser.open(account.url + "/console/sign-in")
    yield Keyboard(browser)
    browser.close()


def test_a_day_with_the_keyboard_alone(account, keyboard):
    aws = AwsApi(account, account.root)
    # Signing in.
    keyboard.press(account.account)
    keyboard.type("User name", "admin")
    keyboard.type("Password", PASSWORD)
    keyboard.enter("Sign in")
    keyboard.says("Findings")
    # The first stop of a page leads to its content.
    keyboard.press(Keys.TAB)
    assert keyboard.active.text == "Skip to the content" and keyboard.active.location["y"] >= 0
    keyboard.press(Keys.ENTER)
    keyboard.press(Keys.TAB)
    assert keyboard.active.find_elements(By.XPATH, "ancestor::main"), keyboard.active.text
    # A group with a member, and a policy that is written and attached.
    keyboard.enter("Policies")
    keyboard.enter("Create a policy")
    keyboard.type("Policy name", "key-reads")
    area = keyboard.to("Policy document")
    keyboard.press(Keys.CONTROL, "a")
    keyboard.press(READS)
    # The editor does not hold the focus.
    keyboard.press(Keys.TAB)
    assert keyboard.active != area
    keyboard.enter("Create the policy")
    keyboard.says("The policy key-reads was created.")
    keyboard.enter("Groups")
    keyboard.enter("Create a group")
    keyboard.type("Group name", "key-team")
    keyboard.enter("Create a group")
    keyboard.says("The group key-team was created.")
    keyboard.unfold("Add members")
    keyboard.choose("bob")
    keyboard.enter("Add members")
    keyboard.says("The users were added to the group.")
    keyboard.enter("Permissions")
    keyboard.unfold("Attach policies")
    keyboard.choose("key-reads")
    keyboard.enter("Attach policies")
    keyboard.says("The policies were attached.")
    # A role.
    keyboard.enter("Roles")
    keyboard.enter("Create a role")
    keyboard.type("Role name", "key-role")
    keyboard.enter("Create a role")
    keyboard.says("The role key-role was created.")
    # An access key is rotated.
    (old,) = [key["AccessKeyId"] for key in aws.call("ListAccessKeys", UserName="bob")["AccessKeyMetadata"]]
    keyboard.enter("Users")
    keyboard.enter("bob")
    keyboard.enter("Credentials")
    keyboard.unfold("Create an access key")
    keyboard.enter("Create an access key")
    values = [value.text for value in keyboard.driver.find_elements(By.CSS_SELECTOR, ".copy code")]
    keyboard.enter("Done: the secret access key is saved")
    keyboard.enter(f"Deactivate {old}")
    keyboard.says("is inactive now.")
    keyboard.unfold("Delete an access key")
    keyboard.type("Type the id of the key to delete", old)
    keyboard.enter("Delete an access key")
    keyboard.says(f"The access key {old} was deleted.")
    # A call with the new key is denied, and explained.
    with pytest.raises(ApiError) as denied:
        AwsApi(account, Credentials(*values)).call("ListUsers")
    keyboard.enter("Denied request")
    keyboard.type("Authorization id", denied.value.authorization_id)
    # The record is written within a second.
    until(lambda: keyboard.enter("Explain") or "ListUsers" in keyboard.browser.text, "the denial is explained")
    keyboard.says("user/field/bob")
    # An authenticator app of one's own.
    keyboard.enter("admin")
    keyboard.enter("Add an authenticator app")
    keyboard.enter("Add an authenticator app")
    (seed,) = [value.text for value in keyboard.driver.find_elements(By.CSS_SELECTOR, ".copy code")]
    serial = keyboard.driver.find_element(By.NAME, "serial").get_attribute("value")
    codes = Authenticator({"SerialNumber": serial, "Base32StringSeed": seed.encode()}).pair()
    keyboard.type("A code of the app", codes["AuthenticationCode1"])
    keyboard.type("The code that follows it", codes["AuthenticationCode2"])
    keyboard.enter("Enable")
    keyboard.says("The MFA device is enabled.")
    aws.call("DeactivateMFADevice", UserName="admin", SerialNumber=serial)


def test_a_list_is_sorted_with_the_keyboard(account, keyboard):
    keyboard.press(account.account)
    keyboard.type("User name", "admin")
    keyboard.type("Password", PASSWORD)
    keyboard.enter("Sign in")
    keyboard.enter("Users")
    keyboard.enter("Created")
    assert keyboard.browser.path == "/console/users?sort=-created"
    keyboard.type("Search", "bob")
    keyboard.press(Keys.ENTER)
    WebDriverWait(keyboard.driver, PATIENCE).until(lambda _: "q=bob" in keyboard.browser.path and "1 found" in keyboard.browser.text)
    assert keyboard.browser.path == "/console/users?q=bob&sort=-created"
