"""A passkey in a real browser with a virtual authenticator: made in the profile, then asked for at the sign-in."""

import pytest
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from support.api import AwsApi, GrpcApi
from support.chromium import NOT_INSTALLED, Browser
from support.documents import ALLOW_ALL
from support.server import Server

from .conftest import PASSWORD

pytestmark = [pytest.mark.skipif(bool(NOT_INSTALLED), reason=NOT_INSTALLED or "installed")]


class Localhost(Server):
    """A server with the one domain for which browsers permit passkeys without TLS."""

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    def command(self):
        return [*super().command(), "--public-url", self.url]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server with a domain, a user and root, who have passwords."""
    server = Localhost(tmp_path_factory.mktemp("server")).start()
    aws = AwsApi(server, server.root)
    aws.call("CreateUser", UserName="anna")
    aws.call("PutUserPolicy", UserName="anna", PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName="anna", Password=PASSWORD)
    GrpcApi(server, server.root).call("PutRootPassword", password=PASSWORD)
    yield server
    server.stop()


@pytest.fixture
def visitor(tmp_path):
    """A browser with an authenticator of its own, which verifies its user."""
    browser = Browser(tmp_path / "profile")
    options = VirtualAuthenticatorOptions()
    options.protocol, options.transport = "ctap2", "internal"
    options.has_resident_key = options.has_user_verification = options.is_user_verified = True
    browser.driver.add_virtual_authenticator(options)
    yield browser
    browser.close()


@pytest.mark.parametrize("user", ["anna", None], ids=["user", "root"])
def test_a_passkey_is_made_and_signs_in(site, visitor, user):
    visitor.sign_in(site.url, site.account, PASSWORD, user)
    visitor.open(site.url + "/console/profile")
    visitor.follow("Add a passkey")
    assert not visitor.violations()
    visitor.fill("Name of the passkey", "laptop")
    visitor.press("Make the passkey")
    assert visitor.heading == "Your profile" and "is enabled" in visitor.text, visitor.text
    visitor.press("Sign out")
    visitor.sign_in(site.url, site.account, PASSWORD, user)
    assert visitor.heading == "Second factor"
    visitor.press("Use a passkey")
    assert visitor.heading == "Home" and "without a second factor" not in visitor.text
    assert not visitor.complaints()
