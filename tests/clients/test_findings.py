"""`ListFindings` and `bailiwick findings`: what differs from best practice."""

import json

from support.api import GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.expect import refused
from support.server import client_environment, run

KINDS = {"FINDING_KIND_DIRECT_POLICY", "FINDING_KIND_ADMINISTRATOR", "FINDING_KIND_USER_WITHOUT_MFA"}


def of(listed, arn):
    """The kinds of the findings about one resource."""
    return {finding["kind"] for finding in listed if finding["resource"] == arn}


def all_findings(rpc, **members):
    found, marker = [], {}
    while True:
        page = rpc.call("ListFindings", **members, **marker)
        found += page["findings"]
        if not page["isTruncated"]:
            return found
        marker = {"marker": page["marker"]}


def test_a_user_is_found_and_mended(api, rpc, name):
    user = name("user")
    arn = api.call("CreateUser", UserName=user)["User"]["Arn"]
    assert of(all_findings(rpc), arn) == set()
    api.call("CreateLoginProfile", UserName=user, Password="Correct-horse-battery-1")
    api.call("PutUserPolicy", UserName=user, PolicyName="all", PolicyDocument=ALLOW_ALL)
    assert of(all_findings(rpc), arn) == KINDS
    assert of(all_findings(rpc, maxItems=1), arn) == KINDS
    assert of(all_findings(rpc, kinds=["FINDING_KIND_ADMINISTRATOR"]), arn) == {"FINDING_KIND_ADMINISTRATOR"}
    assert of(all_findings(rpc, minimumSeverity="FINDING_SEVERITY_HIGH"), arn) == {"FINDING_KIND_USER_WITHOUT_MFA"}
    api.call("DeleteUserPolicy", UserName=user, PolicyName="all")
    api.call("DeleteLoginProfile", UserName=user)
    assert of(all_findings(rpc), arn) == set()


def test_roles_that_trust_everyone(api, rpc, name):
    role = name("role")
    arn = api.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust({"AWS": "*"}))["Role"]["Arn"]
    found = [finding for finding in all_findings(rpc) if finding["resource"] == arn]
    assert [(f["kind"], f["severity"]) for f in found] == [("FINDING_KIND_PUBLIC_TRUST", "FINDING_SEVERITY_CRITICAL")]


def test_a_marker_is_of_one_request(rpc):
    page = rpc.call("ListFindings", maxItems=1)
    assert page["isTruncated"]
    refused(rpc, "ValidationError", "ListFindings", maxItems=1, unusedDays=3, marker=page["marker"])


def test_who_may_ask(server, new_user):
    _, credentials = new_user(policy({"Action": "iam:*"}))
    refused(GrpcApi(server, credentials), "AccessDenied", "ListFindings")


def test_the_command(server, new_user):
    _, credentials = new_user(policy({"Action": "bailiwick:ListFindings"}))
    environment = client_environment(server, credentials)
    done = run("findings", environment=environment)
    assert done.returncode == 1 and "critical" in done.stdout and ":root" in done.stdout, done.stderr
    done = run("findings", "--json", "--severity", "critical", environment=environment)
    listed = json.loads(done.stdout)["findings"]
    assert done.returncode == 1 and {finding["severity"] for finding in listed} == {"FINDING_SEVERITY_CRITICAL"}
    _, powerless = new_user(policy({"Action": "iam:*"}))
    done = run("findings", environment=client_environment(server, powerless))
    assert done.returncode == 2 and "AccessDenied" in done.stderr
