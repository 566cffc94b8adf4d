"""The search of the audit trail in the console, over plain HTTP."""

import html
import re
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from urllib.parse import urlencode

import pytest
from support.api import ApiError, AwsApi
from support.browser import Browser
from support.documents import policy
from support.waiting import until

PASSWORD = "heron-In-7-reeds"


def search(browser, **members):
    return browser.open("/console/audit?" + urlencode(members))


def events(page):
    """The names of the events on a page, newest first."""
    return re.findall(r'<th scope="row"><a href="/console/audit/event[^"]*">([^<]*)</a>', page.html)


def test_events_are_found_by_each_field(server, browser, aws, new_user, name):
    user, credentials = new_user(None)
    arn, key = user["Arn"], credentials.access_key_id
    with pytest.raises(ApiError):
        AwsApi(server, credentials).call("ListUsers")
    aws.call("TagUser", UserName=user["UserName"], Tags=[{"Key": "a", "Value": "b"}])
    aws.call("GetUser", UserName=user["UserName"])
    until(lambda: {"GetUser", "TagUser"} <= set(events(search(browser, resource=arn))), "the events are found")
    assert events(search(browser, resource=user["UserName"], kind="changes"))[0] == "TagUser"
    assert set(events(search(browser, resource=arn, kind="reads"))) == {"GetUser"}
    until(lambda: events(search(browser, key=key)) == ["ListUsers"], "the denied call is found")
    for members in ({"user": user["UserName"]}, {"user": arn}, {"user": arn, "error": "AccessDenied"}, {"key": key, "address": "127.0.0.1"}):
        assert events(search(browser, **members)) == ["ListUsers"], members
    assert events(search(browser, event="TagUser", resource=arn, **{"from": "2020-01-01", "to": "2999-12-31T23:59"})) == ["TagUser"]
    for nothing in ({"from": "2999-01-01T00:00"}, {"to": "2020-01-01"}, {"error": "NoSuchEntity"}, {"address": "192.0.2.1"}):
        page = search(browser, resource=arn, **nothing)
        assert page.status == 200 and events(page) == [] and "No event on this page." in page.text, nothing
    page = search(browser, **{"from": "<i>yesterday"})
    assert page.status == 400 and "is not a time such as 2026-11-30T09:15" in page.text and "<i>" not in page.html


def test_an_event_has_its_record_and_its_denial(server, browser, aws, new_user):
    user, credentials = new_user(None)
    with pytest.raises(ApiError):
        AwsApi(server, credentials).call("CreateGroup", GroupName="x")
    bold = policy({"Action": "s3:*", "Resource": "arn:aws:s3:::<b>bold</b>"})
    aws.call("PutUserPolicy", UserName=user["UserName"], PolicyName="p", PolicyDocument=bold)
    until(lambda: "PutUserPolicy" in events(search(browser, resource=user["Arn"])), "the event is found")

    def opened(**members):
        page = search(browser, **members)
        return browser.open(next(link for link in page.links if link.startswith("/console/audit/event")))

    page = opened(resource=user["Arn"], event="PutUserPolicy")
    assert page.heads == ["PutUserPolicy"] and "changes" in page.text and user["UserName"] in page.text
    assert '"eventName": "PutUserPolicy"' in page.text and "<b>bold" in page.text and "<b>bold" not in page.html
    assert not any(link.startswith("/console/denials?") for link in page.links)
    until(lambda: events(search(browser, key=credentials.access_key_id)), "the denied call is found")
    page = opened(key=credentials.access_key_id)
    why = next(link for link in page.links if link.startswith("/console/denials?"))
    explained = browser.open(why)
    assert explained.status == 200 and "CreateGroup" in explained.text and user["Arn"] in explained.text
    page = browser.open("/console/audit/event?id=%3Ci%3E")
    assert page.status in (400, 404) and "<i>" not in page.html


def test_a_long_search_has_pages(browser, aws, new_user):
    user, _ = new_user(None)
    for _ in range(60):
        aws.call("TagUser", UserName=user["UserName"], Tags=[{"Key": "a", "Value": "b"}])
    asked = {"event": "TagUser", "resource": user["Arn"]}

    def both():
        first = search(browser, **asked)
        following = [link for link in first.links if "marker=" in link]
        return (events(first), events(browser.open(following[0]))) if following else None

    until(lambda: both() == (["TagUser"] * 50, ["TagUser"] * 10), "all events are found")
    page = search(browser, marker="x", **asked)
    assert page.status == 400 and "Invalid Marker" in page.text


def test_only_permitted_persons_search(server, aws, name):
    user = name("plain")
    aws.call("CreateUser", UserName=user)
    aws.call("CreateLoginProfile", UserName=user, Password=PASSWORD)
    browser = Browser(server)
    browser.sign_in(user, PASSWORD)
    page = search(browser, user=user)
    assert page.status == 403 and "not authorized to perform: cloudtrail:LookupEvents" in page.text
    assert browser.open("/console/audit/event?id=" + "0" * 32).status == 403


def tail_of(page):
    """The address that the script of the live tail asks next."""
    return html.unescape(re.search(r'data-tail="([^"]+)"', page.html)[1])


def test_the_live_tail_shows_what_came_since(browser, aws, name):
    user = name("live")
    page = browser.open("/console/audit/live?" + urlencode({"resource": user, "kind": "changes"}))
    assert page.heads == ["Audit trail"] and "No event yet" in page.text and [current for _, current in page.tabs] == [False, True]
    first = tail_of(page)
    aws.call("CreateUser", UserName=user, Path="/<b>/")
    aws.call("TagUser", UserName=user, Tags=[{"Key": "a", "Value": "b"}])
    # The script waits for an event; a person loads the page again.
    found = until(lambda: found if len(events(found := browser.open(first))) == 2 else None, "both events are there")
    assert found.status == 200 and events(found) == ["TagUser", "CreateUser"] and "<b>" not in found.html
    until(lambda: events(browser.open(page.address)) == ["TagUser", "CreateUser"], "the page has the last events")
    following = tail_of(found)
    aws.call("DeleteUser", UserName=user)
    assert events(browser.open(following)) == ["DeleteUser"]
    page = browser.open("/console/audit/live/next?after=%3Ci%3E")
    assert page.status == 400 and "<i>" not in page.html


def test_the_live_tail_ends_with_the_permission(server, aws, signed_in, name):
    allowed = policy({"Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*"})
    reader = signed_in(allowed)
    (own,) = re.findall(r"<strong>(person-[^<]+)</strong>", reader.page.html)
    group = name("group")
    waits = tail_of(reader.open("/console/audit/live?" + urlencode({"resource": group})))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.request, "GET", waits)
        aws.call("DeleteUserPolicy", UserName=own, PolicyName="own")
        aws.call("CreateGroup", GroupName=group)
        page = waiting.result()
    assert page.status == 403 and "cloudtrail:LookupEvents" in page.text and group not in page.text
    assert reader.open(waits).status == 403
    page = reader.open("/console/audit/live")
    assert page.status == 403 and "cloudtrail:LookupEvents" in page.text and "data-tail=" not in page.html


def test_few_requests_of_a_session_wait(browser, name):
    waits = tail_of(browser.open("/console/audit/live?" + urlencode({"resource": name("nothing")})))
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(browser.request, "GET", waits) for _ in range(4)]
        done, _ = wait(asked, return_when=FIRST_COMPLETED)
        # One is answered at once; the others wait for the event that never comes.
        assert len(done) == 1 and done.pop().result().status == 200
        assert all(one.result().status == 200 for one in asked)
