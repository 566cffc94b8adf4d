"""A full disk stops changes and nothing else, and changes succeed again when there is space.

The disk is a tmpfs of a few megabytes, which needs the permission to mount.
"""

import os
import urllib.error
import urllib.request

import pytest
from support import audit
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy
from support.expect import refused
from support.server import Credentials
from support.small_disk import fill, small_disk
from support.waiting import until


@pytest.fixture
def disk(tmp_path):
    """A folder on a file system of six megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, 6):
        yield folder


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_full_disk_stops_only_changes_until_there_is_space(new_server, disk):
    server = new_server()
    server.data = disk / "data"
    server.start()
    root, rpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    root.call("CreateUser", UserName="alice")
    root.call("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=policy("iam:GetUser"))
    alice = AwsApi(server, Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"]))
    assert get(server.url + "/readyz") == (200, "ready\n")

    filler = fill(disk)
    made, refusals = [], []
    # Free pages of the file still allow some changes.
    for count in range(500):
        try:
            root.call("CreateUser", UserName=f"user-{count}")
            made.append(f"user-{count}")
        except ApiError as error:
            refusals.append((count, error))
            break
    assert refusals, "the disk is full"
    assert refusals[0][1].code == "ServiceUnavailable" and refusals[0][1].status == 503, refusals

    # Reads and decisions continue while the disk is full.
    for _ in range(3):
        for page in (server.url + "/readyz", server.metrics_url + "/readyz"):
            status, text = until(lambda: (found := get(page))[0] == 503 and found, f"{page} tells")
            assert text == "changes are refused: no space left on device\n"
        assert get(server.url + "/healthz")[0] == 200
        for api in (root, rpc):
            error = refused(api, "ServiceUnavailable", "CreateUser", UserName="nobody")
            assert "reads still work" in error.message
            assert {user["UserName"] for user in api.items("ListUsers", "Users", MaxItems=1000)} == {"alice", *made}
        assert alice.call("GetUser", UserName="alice")["User"]["UserName"] == "alice"
        # A denial is recorded before the answer; while that fails, the call fails and is not allowed.
        with pytest.raises(ApiError) as denied:
            alice.call("ListUsers")
        assert denied.value.code in ("AccessDenied", "ServiceUnavailable")
        arn = f"arn:aws:iam::{server.account}:user/alice"
        for action, decision in (("iam:GetUser", "DECISION_ALLOW"), ("iam:DeleteUser", "DECISION_IMPLICIT_DENY")):
            asked = {"caller": {"principalArn": arn}, "action": action, "resource": arn}
            assert rpc.call("Authorize", **asked)["decision"] == decision
        assert "bailiwick_store_writable 0" in get(server.metrics_url + "/metrics")[1]

    os.unlink(filler)
    assert until(lambda: (found := get(server.url + "/readyz"))[0] == 200 and found, "changes are taken again")[1] == "ready\n"
    root.call("CreateUser", UserName="zoe")
    assert "bailiwick_store_writable 1" in get(server.metrics_url + "/metrics")[1]
    everybody = {"alice", "zoe", *made}
    server.kill()
    server.start()
    assert {user["UserName"] for user in AwsApi(server, server.root).items("ListUsers", "Users", MaxItems=1000)} == everybody
    assert "panicked" not in server.output and "a panic" not in server.output
    server.stop()
    created = [one for one in audit.records(server) if one["eventName"] == "CreateUser" and "errorCode" not in one]
    assert sorted(one["requestParameters"]["userName"] for one in created) == sorted(everybody), "each change has one record"
