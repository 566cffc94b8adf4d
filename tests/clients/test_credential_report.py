"""The credential report of an account."""

from support.expect import refused
from support.report import rows
from support.totp import Authenticator
from support.waiting import until


def test_a_report_is_generated_once_and_read_by_both_front_ends(aws, rpc, server, new_user, name):
    """One account has one report, so one test has all of its life."""
    _, powerless = new_user()
    for front in (aws, rpc):
        refused(front.signed_by(powerless), "AccessDenied", "GenerateCredentialReport")
        refused(front.signed_by(powerless), "AccessDenied", "GetCredentialReport")
        refused(front, "ReportNotPresent", "GetCredentialReport")
    user = name("user")
    made = aws.call("CreateUser", UserName=user, Path="/team/")["User"]
    aws.call("CreateAccessKey", UserName=user)
    careful = name("careful")
    aws.call("CreateUser", UserName=careful)
    aws.call("CreateLoginProfile", UserName=careful, Password="Hidden-Marsh-7")
    app = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=careful)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=careful, SerialNumber=app.serial, **app.pair())
    started = aws.call("GenerateCredentialReport")
    assert started["State"] == "STARTED"
    assert started["Description"] == "No report exists. Starting a new report generation task"
    until(lambda: rpc.call("GenerateCredentialReport")["State"] == "COMPLETE", "the report is complete")
    report = aws.call("GetCredentialReport")
    assert report["ReportFormat"] == "text/csv"
    found = rows(report)
    assert found == rows(rpc.call("GetCredentialReport"))
    root = found["<root_account>"]
    assert next(iter(found)) == "<root_account>"
    assert (root["arn"], root["access_key_1_active"]) == (f"arn:aws:iam::{server.account}:root", "true")
    # Root has just used it: the report names the use before it is stored.
    assert (root["access_key_1_last_used_service"], root["access_key_1_last_used_region"]) == ("iam", aws.region)
    assert (root["password_enabled"], root["password_last_used"], root["password_last_changed"]) == ("false", "N/A", "N/A")
    bob = found[user]
    assert bob["arn"] == made["Arn"]
    assert (bob["password_enabled"], bob["mfa_active"], bob["cert_1_active"]) == ("false", "false", "false")
    assert (bob["access_key_1_active"], bob["access_key_1_last_used_date"], bob["access_key_2_active"]) == ("true", "N/A", "false")
    assert (found[careful]["password_enabled"], found[careful]["mfa_active"]) == ("true", "true")
    # Valid for four hours: what is created now is not in it.
    late = name("late")
    aws.call("CreateUser", UserName=late)
    assert aws.call("GenerateCredentialReport")["State"] == "COMPLETE"
    assert late not in rows(rpc.call("GetCredentialReport"))
