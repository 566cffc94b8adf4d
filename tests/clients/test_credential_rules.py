"""Credential rules: access keys and passwords that end by themselves, with a warning before."""

import json

from support import audit
from support.api import GrpcApi
from support.documents import policy
from support.expect import refused
from support.server import Credentials, client_environment, run


def test_rules_by_command_and_over_grpc(new_server):
    server = new_server()
    server.start()
    root = GrpcApi(server, server.root)
    environment = client_environment(server, server.root)
    assert root.call("GetCredentialRules") == {"rules": {"warningDays": 14}}
    done = run("credential-rules", "set", "--key-max-age-days", 365, "--warning-days", 365, "--exempt-tag", "Robot", environment=environment)
    assert done.returncode == 0 and "access keys expire:             after 365 days\n" in done.stdout, done.stderr
    assert "exempt are users with the tag:  Robot\n" in done.stdout
    done = run("credential-rules", "show", "--json", environment=environment)
    rules = {"accessKeyMaxAgeDays": 365, "warningDays": 365, "exemptTag": "Robot", "includeRoot": False}
    assert json.loads(done.stdout)["rules"] == rules
    keys = {}
    for user in ("ann", "bob"):
        root.call("CreateUser", UserName=user)
        keys[user] = root.call("CreateAccessKey", UserName=user)["AccessKey"]
    root.call("TagUser", UserName="bob", Tags=[{"Key": "robot", "Value": ""}])
    ending = root.call("ListFindings", kinds=["FINDING_KIND_CREDENTIAL_ENDS"])["findings"]
    assert [found["subject"] for found in ending] == [keys["ann"]["AccessKeyId"]]
    # A start looks at once.
    for _ in range(2):
        server.stop()
        server.start()
        server.stop()
        warnings = [record for record in audit.records(server) if record["eventName"] == "WarnOfCredentialEnd"]
        assert [record["requestParameters"]["accessKeyId"] for record in warnings] == [keys["ann"]["AccessKeyId"]]
        assert warnings[0]["userIdentity"] == {"type": "AWSService", "principalId": "", "accountId": server.account}
        server.start()
    ann = Credentials.of(keys["ann"])
    # The key works until its end, and the account sees the warning.
    refused(GrpcApi(server, ann), "AccessDenied", "PutCredentialRules", rules={})
    refused(GrpcApi(server, ann), "AccessDenied", "GetCredentialRules")
    # The port is another one now.
    environment, root = client_environment(server, server.root), GrpcApi(server, server.root)
    found = run("audit", "search", "--event", "WarnOfCredentialEnd", environment=environment)
    assert found.stdout.count("WarnOfCredentialEnd") == 1, found
    assert run("credential-rules", "set", environment=environment).stdout.startswith("access keys expire:             never\n")
    assert root.call("ListFindings", kinds=["FINDING_KIND_CREDENTIAL_ENDS"])["findings"] == []
    root.call("PutCredentialRules", rules={"passwordUnusedDays": 90})
    assert root.call("GetCredentialRules")["rules"]["passwordUnusedDays"] == 90
    server.stop()
    assert run("doctor", "--data-dir", server.data).returncode == 0


def test_who_may_and_what_is_wrong(server, rpc, new_user):
    _, credentials = new_user(policy("bailiwick:GetCredentialRules"))
    own = GrpcApi(server, credentials)
    assert "rules" in own.call("GetCredentialRules")
    refused(own, "AccessDenied", "PutCredentialRules", rules={})
    for wrong in ({"warningDays": 0}, {"accessKeyMaxAgeDays": 0}, {"passwordUnusedDays": 3651}, {"exemptTag": ""}):
        refused(rpc, "ValidationError", "PutCredentialRules", rules=wrong)
