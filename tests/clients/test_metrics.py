"""The metrics page for Prometheus."""

import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from support.api import AwsApi, GrpcApi
from support.expect import refused
from support.server import ACCOUNT, ROOT, Credentials


def page(server):
    with urllib.request.urlopen(f"{server.metrics_url}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def samples(server):
    """The values by name with labels."""
    lines = [line for line in page(server).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def families(text):
    return re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)


@pytest.fixture(scope="module")
def used(server):
    """A server after calls of many kinds."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="bob")
    bob = Credentials.of(root.call("CreateAccessKey", UserName="bob")["AccessKey"])
    GrpcApi(server, server.root).call("CreateUser", UserName="eve")
    refused(AwsApi(server, bob), "AccessDenied", "ListUsers")
    refused(AwsApi(server, Credentials("AKIA" + "Z" * 16, "y" * 40)), "InvalidClientTokenId", "ListUsers")
    refused(root, "NoSuchEntity", "GetUser", UserName="nobody")
    question = {"caller": {"principalArn": root.call("GetUser", UserName="bob")["User"]["Arn"]},
                "action": "photos:Get", "resource": f"arn:aws:photos::{ACCOUNT}:one"}  # fmt: skip
    GrpcApi(server, server.root).call("Authorize", **question)
    return server


def test_a_server_without_calls_has_a_short_metrics_page(new_server):
    server = new_server().start()
    text = page(server)
    assert len(text.splitlines()) < 100, text
    assert "bailiwick_calls_total" not in text


def test_calls_are_counted_by_operation_and_outcome(used):
    found = samples(used)
    assert found['bailiwick_calls_total{operation="CreateUser"}'] == 2
    assert found['bailiwick_call_duration_seconds_count{operation="CreateUser"}'] == 2
    assert found['bailiwick_call_failures_total{code="NoSuchEntity",operation="GetUser"}'] == 1
    assert found['bailiwick_call_failures_total{code="AccessDenied",operation="ListUsers"}'] == 1
    assert found['bailiwick_authentication_failures_total{code="InvalidClientTokenId"}'] == 1
    assert found["bailiwick_panics_total"] == 0 and found["bailiwick_calls_in_flight"] == 0
    assert not any("DeleteRole" in name for name in found), "an operation that was not called has no series"


def test_decisions_are_counted_by_origin_outcome_and_step(used):
    found = {name: value for name, value in samples(used).items() if name.startswith("bailiwick_decisions_total")}
    decisions = 'bailiwick_decisions_total{{asked_by="{}",outcome="{}",step="{}"}}'
    assert found[decisions.format("operation", "allowed", "root")] >= 4
    assert found[decisions.format("operation", "implicitDeny", "sameAccount")] == 1
    assert found[decisions.format("service", "implicitDeny", "sameAccount")] == 1
    assert len(found) == 3


def test_the_process_and_its_store(used):
    found = samples(used)
    assert abs(found["process_start_time_seconds"] - time.time()) < 3_600
    assert found["process_resident_memory_bytes"] > 1e6
    assert 5 < found["process_open_fds"] < found["process_max_fds"]
    assert found["process_cpu_seconds_total"] > 0
    assert found["bailiwick_store_size_bytes"] == (used.data / "bailiwick.redb").stat().st_size
    assert found['bailiwick_queue_length{queue="store"}'] == 0
    assert [value for name, value in found.items() if name.startswith("bailiwick_build_info")] == [1]
    revision = found["bailiwick_store_revision"]
    AwsApi(used, used.root).call("TagUser", UserName="bob", Tags=[{"Key": "a", "Value": str(revision)}])
    assert samples(used)["bailiwick_store_revision"] > revision


def test_the_metrics_page_is_sorted_documented_and_without_secrets(used):
    text = page(used)
    names = families(text)
    assert names == sorted(names) and len(names) == len(set(names))
    assert len(re.findall(r"^# HELP ", text, re.MULTILINE)) == len(names)
    documented = (ROOT / "docs" / "metrics.md").read_text()
    assert [name for name in names if f"`{name}`" not in documented] == []
    for secret in (used.root.access_key_id, used.root.secret_access_key, "bob"):
        assert secret not in text


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_accepts_the_page(used):
    done = subprocess.run(["promtool", "check", "metrics"], input=page(used), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def test_the_metrics_have_their_own_port(server):
    for url in (f"{server.url}/metrics", f"{server.metrics_url}/?Action=ListUsers"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url, timeout=10)
        caught.value.close()
