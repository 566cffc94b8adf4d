"""People who are signed in to the console."""

import pytest
from support.browser import Browser
from support.documents import ALLOW_ALL

PASSWORD = "heron-In-7-reeds"


@pytest.fixture
def person(aws, name):
    """A user with all permissions and a password."""
    user = name("person")
    aws.call("CreateUser", UserName=user)
    aws.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    return user


@pytest.fixture
def signed_in(server, aws, name):
    """Makes browsers in which a new user with these permissions is signed in."""

    def make(permissions=ALLOW_ALL):
        user = name("person")
        aws.call("CreateUser", UserName=user)
        aws.call("PutUserPolicy", UserName=user, PolicyName="own", PolicyDocument=permissions)
        aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
        browser = Browser(server)
        assert browser.sign_in(user, PASSWORD).heads == ["Home"]
        return browser

    return make


@pytest.fixture
def browser(server, person):
    """A browser in which the person is signed in."""
    browser = Browser(server)
    assert browser.sign_in(person, PASSWORD).heads == ["Home"]
    return browser
