"""Lists in the console: sorted, searched and paged in the server, over plain HTTP."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from support.api import GrpcApi
from support.browser import Browser
from support.waiting import until

PASSWORD = "heron-In-7-reeds"
# More than one call of the console reads.
MANY = 1_150


@pytest.fixture(scope="module")
def crowd(server):
    """The names of many users, in the order of their names."""
    names = [f"bird-{number:04}" for number in range(MANY)]
    api = GrpcApi(server, server.root)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: api.call("CreateUser", UserName=name, Path=f"/{name[-1]}/"), names))
    return names


def shown(page):
    """The names of the users in a page's table, in order."""
    return re.findall(r'<th scope="row"><a href="/console/users/user\?name=([^"]+)"', page.html)


def sorting(page, label):
    """The address of the head of a column."""
    return html.unescape(re.search(rf'<th scope="col"[^>]*><a href="([^"]+)">{label}', page.html)[1])


def test_heads_sort_and_keep_the_search(browser, crowd):
    page = browser.open("/console/users?q=bird-00&more=")
    assert shown(page) == crowd[:100] and 'aria-sort="ascending"' in page.html and "100 found" in page.text
    page = browser.open(sorting(page, "User"))
    assert shown(page) == crowd[:100][::-1] and 'aria-sort="descending"' in page.html
    page = browser.open(sorting(page, "Created"))
    times = re.findall(r'<time datetime="([^"]+)"', page.html)
    assert times == sorted(times, reverse=True) and sorted(shown(page)) == crowd[:100]
    assert parse_qs(urlsplit(page.address).query) == {"q": ["bird-00"], "sort": ["-created"]}
    page = browser.open(sorting(page, "Created"))
    times = re.findall(r'<time datetime="([^"]+)"', page.html)
    assert times == sorted(times)
    assert page.form(q="bird-00", sort="created")


def test_pages_of_a_sorted_list_have_each_item_once(browser, crowd):
    page, seen = browser.open("/console/users?sort=-name&q=IRD-"), []
    assert f"1 to 100 of {MANY}." in page.text
    while True:
        seen += shown(page)
        links = [link for link in page.links if "page=" in (link or "") and int(parse_qs(urlsplit(link).query)["page"][0]) > len(seen) // 100]
        if not links:
            break
        page = browser.open(links[-1])
        assert "First page" in page.text
    assert seen == crowd[::-1]
    assert "Previous page" in page.text and "Next page" not in page.text
    for address in ("/console/users?sort=-name&page=99999999999", "/console/users?sort=-name&page=-3", "/console/users?sort=%3Ci%3E&page=x"):
        page = browser.open(address)
        assert page.status == 200 and "<i>" not in page.html, address
    assert shown(page) == shown(browser.open("/console/users"))


def test_a_path_is_searched_in_every_order(browser, crowd):
    own = [name for name in crowd if name.endswith("7")]
    assert shown(browser.open("/console/users?q=%2F7%2F")) == own[:100]
    page = browser.open("/console/users?q=%2F7%2F&sort=-name")
    assert shown(page) == own[::-1][:100] and f"of {len(own)}." in page.text


def test_a_kept_list_shows_what_the_console_has_changed(browser, aws, crowd, name):
    user = name("newest")
    page = browser.open("/console/users?sort=-created")
    assert "As of" in page.text and user not in shown(page)
    browser.send(browser.open("/console/users/create").form(do="create"), name=user)
    assert shown(browser.open("/console/users?sort=-created"))[0] == user
    aws.call("DeleteUser", UserName=user)


def test_a_kept_list_is_shown_only_to_those_who_may_list(browser, server, aws, crowd, name):
    assert len(shown(browser.open("/console/users?sort=-name"))) == 100
    user = name("blind")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    other = Browser(server)
    other.sign_in(user, PASSWORD)
    for address in ("/console/users?sort=-name", "/console/users?q=bird", "/console/users?more=1"):
        page = other.open(address)
        assert "iam:ListUsers" in page.text and "bird-" not in page.text, address


def test_more_columns_are_asked_for(browser, aws, name):
    group, user, role = name("flock"), name("aaa-keyed"), name("worker")
    aws.call("CreateGroup", GroupName=group)
    aws.call("CreateUser", UserName=user)
    aws.call("AddUserToGroup", GroupName=group, UserName=user)
    aws.call("CreateAccessKey", UserName=user)
    # A list that was kept may be some seconds old.
    until(lambda: user in shown(browser.open(f"/console/users?q={user}")), "the user is found")
    page = browser.page
    assert group not in page.text
    (more,) = [link for link in page.links if "more=1" in (link or "")]
    page = browser.open(more)
    assert f'<td data-label="Groups">{group}</td>' in page.html and '<td data-label="MFA">no</td>' in page.html
    assert re.search(r'data-label="Oldest active key"><time', page.html)
    browser.send(browser.open("/console/roles/create").form(do="create"), name=role)
    page = browser.open(f"/console/roles?q={role}&more=1&sort=-created")
    assert 'data-label="Last used"' in page.html, page.html


def test_each_list_has_its_orders(browser, aws, name):
    names = [name("sorted") for _ in range(3)]
    for one in names:
        aws.call("CreateGroup", GroupName=one)
    page = browser.open("/console/groups?q=sorted-&sort=-name")
    found = re.findall(r'groups/group\?name=([^"]+)"', page.html)
    assert [one for one in found if one in names] == sorted(names, reverse=True)
    page = browser.open("/console/policies?q=Access&sort=-count")
    counts = [int(count) for count in re.findall(r'data-label="Attached">(\d+)', page.html)]
    assert len(counts) > 3 and counts == sorted(counts, reverse=True)
