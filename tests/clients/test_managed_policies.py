"""Managed policies under AWS's names: built-in and imported ones."""

import json

import pytest
from support.api import AwsApi, document
from support.documents import ALLOW_ALL, policy
from support.expect import refused
from support.server import Credentials, client_environment, run

PREFIX = "arn:aws:iam::aws:policy/"
USUAL = [
    "AdministratorAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "IAMUserChangePassword",
    "AmazonSSMManagedInstanceCore",
    "AmazonEKSClusterPolicy",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AmazonECSTaskExecutionRolePolicy",
]


def test_usual_policies_are_built_in(api):
    listed = {p["Arn"] for p in api.items("ListPolicies", "Policies", Scope="AWS")}
    assert {PREFIX + name for name in USUAL} <= listed and len(listed) >= 120
    for name in USUAL:
        found = api.call("GetPolicy", PolicyArn=PREFIX + name)["Policy"]
        assert (found["Arn"], found["PolicyName"]) == (PREFIX + name, name.rsplit("/", 1)[-1])
        version = api.call("GetPolicyVersion", PolicyArn=found["Arn"], VersionId=found["DefaultVersionId"])
        assert document(version["PolicyVersion"]["Document"])["Statement"]
    assert not {p["Arn"] for p in api.items("ListPolicies", "Policies", Scope="Local")} & listed
    everything = {p["Arn"] for p in api.items("ListPolicies", "Policies")}
    assert listed <= everything


def test_other_policies_can_be_imported(api, new_user):
    user, _ = new_user()
    missing = PREFIX + "service-role/NobodyKnowsThis"
    hint = "bailiwick import managed-policies FILE"
    error = refused(api, "NoSuchEntity", "GetPolicy", PolicyArn=missing)
    assert error.message == f"Policy {missing} was not found." and error.details["explained"].endswith(hint)
    for operation, member, called in (
        ("AttachUserPolicy", "PolicyArn", "Policy"),
        ("PutUserPermissionsBoundary", "PermissionsBoundary", "Scope ARN:"),
    ):
        error = refused(api, "NoSuchEntity", operation, UserName=user["UserName"], **{member: missing})
        assert error.message == f"{called} {missing} does not exist or is not attachable."
        # Over gRPC it is in the metadata of ErrorInfo: BadRequest names members, and `PermissionsBoundary` is not a `PolicyArn`.
        assert error.details["explained"].endswith(hint)


def test_managed_policies_decide(api, new_user):
    user, credentials = new_user()
    mine = api.signed_by(credentials)
    refused(mine, "AccessDenied", "ListUsers")
    api.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=PREFIX + "IAMReadOnlyAccess")
    mine.call("ListUsers")
    refused(mine, "AccessDenied", "DeleteUser", UserName=user["UserName"])
    api.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=PREFIX + "AdministratorAccess")
    mine.call("TagUser", UserName=user["UserName"], Tags=[{"Key": "a", "Value": "b"}])


def test_a_power_user_does_not_administer_iam(api, new_user):
    user, credentials = new_user()
    api.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=PREFIX + "PowerUserAccess")
    refused(api.signed_by(credentials), "AccessDenied", "CreateUser", UserName="other")


def test_managed_policies_cannot_be_changed(api):
    arn = PREFIX + "ReadOnlyAccess"
    for operation, members in {
        "DeletePolicy": {},
        "CreatePolicyVersion": {"PolicyDocument": ALLOW_ALL, "SetAsDefault": True},
        "DeletePolicyVersion": {"VersionId": "v1"},
        "SetDefaultPolicyVersion": {"VersionId": "v1"},
        "TagPolicy": {"Tags": [{"Key": "a", "Value": "b"}]},
    }.items():
        refused(api, "AccessDenied", operation, PolicyArn=arn, **members)


def as_the_cli_prints(count):
    """The output of `aws iam get-account-authorization-details --filter AWSManagedPolicy`."""
    policies = []
    for number in range(count):
        name = f"Imported{number:04}"
        statement = {"Action": f"service{number}:*"}
        policies.append(
            {
                "PolicyName": name,
                "PolicyId": "ANPA" + f"{number:017}".replace("0", "A").replace("1", "B").replace("8", "C").replace("9", "D"),
                "Arn": f"arn:aws:iam::aws:policy/service-role/{name}",
                "Path": "/service-role/",
                "DefaultVersionId": "v3",
                "AttachmentCount": 0,
                "PermissionsBoundaryUsageCount": 0,
                "IsAttachable": True,
                "CreateDate": "2020-01-01T00:00:00+00:00",
                "UpdateDate": "2024-01-01T00:00:00+00:00",
                "PolicyVersionList": [
                    {
                        "Document": json.loads(policy(statement)),
                        "VersionId": "v3",
                        "IsDefaultVersion": True,
                        "CreateDate": "2024-01-01T00:00:00+00:00",
                    }
                ],
            }
        )
    return {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": policies}


def test_a_thousand_are_imported_in_seconds(server, aws, rpc, tmp_path, new_user):
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(as_the_cli_prints(1200)))
    done = run("import", "managed-policies", path, environment=client_environment(server, server.root))
    assert done.returncode == 0, done.stderr
    assert "1200" in done.stdout + done.stderr
    for api in (aws, rpc):
        listed = [p for p in api.items("ListPolicies", "Policies", Scope="AWS", MaxItems=1000) if p["PolicyName"].startswith("Imported")]
        assert len(listed) == 1200
        found = api.call("GetPolicy", PolicyArn=f"{PREFIX}service-role/Imported0007")["Policy"]
        assert (found["DefaultVersionId"], found["Path"]) == ("v3", "/service-role/")
    user, credentials = new_user()
    aws.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=f"{PREFIX}service-role/Imported0007")
    decided = rpc.call(
        "Authorize", caller={"principalArn": user["Arn"]}, action="service7:Anything",
        resource=f"arn:aws:service7:eu-central-1:{server.account}:thing",
    )  # fmt: skip
    assert decided["decision"] == "DECISION_ALLOW"
    again = run("import", "managed-policies", path, environment=client_environment(server, server.root))
    assert again.returncode == 0, again.stderr
    listed = [p for p in aws.items("ListPolicies", "Policies", Scope="AWS", MaxItems=1000) if p["PolicyName"].startswith("Imported")]
    assert len(listed) == 1200


def test_an_import_keeps_what_comes_with_bailiwick_unless_named(new_server, tmp_path):
    server = new_server().start()
    aws = AwsApi(server, server.root)
    file = as_the_cli_prints(1)
    theirs = file["Policies"][0] | {"PolicyName": "AdministratorAccess", "Path": "/", "Arn": PREFIX + "AdministratorAccess"}
    file["Policies"].append(theirs)
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(file))

    def default():
        found = aws.call("GetPolicy", PolicyArn=theirs["Arn"])["Policy"]["DefaultVersionId"]
        return document(aws.call("GetPolicyVersion", PolicyArn=theirs["Arn"], VersionId=found)["PolicyVersion"]["Document"])

    def imported(*arguments):
        done = run("import", "managed-policies", path, *arguments, environment=client_environment(server, server.root))
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    before = default()
    kept = f"kept {theirs['Arn']}: it comes with Bailiwick, --replace-built-in replaces its document"
    first, second, total = imported()
    assert (first, second) == (f"created {PREFIX}service-role/Imported0000", kept)
    assert total == "1 created, 0 updated, 0 unchanged, 1 kept as they come with Bailiwick"
    assert default() == before
    assert imported("--replace-built-in") == [f"updated {theirs['Arn']}", "0 created, 1 updated, 1 unchanged"]
    replaced = default()
    assert replaced == theirs["PolicyVersionList"][0]["Document"] != before
    # An imported policy with a built-in name stays unchanged when the server restarts.
    server.stop()
    server.start()
    aws = AwsApi(server, server.root)
    assert default() == replaced


def test_an_import_of_what_was_exported_changes_nothing(server, aws, tmp_path, name, new_user):
    """The AWS CLI prints documents with its own white space."""
    called = name("Exported")
    spaced = json.dumps(json.loads(policy({"Sid": "One", "Action": ["a:b", "a:c"]}, "d:*")), indent=3)
    user, _ = new_user()
    admin = client_environment(server, server.root)
    file = as_the_cli_prints(1)
    file["Policies"][0] |= {"PolicyName": called, "Arn": f"{PREFIX}service-role/{called}"}
    file["Policies"][0]["PolicyVersionList"][0]["Document"] = spaced
    done = run("import", "managed-policies", "-", environment=admin, stdin=json.dumps(file))
    assert done.stdout.splitlines() == [f"created {PREFIX}service-role/{called}", "1 created, 0 updated, 0 unchanged"]
    aws.call("AttachUserPolicy", UserName=user["UserName"], PolicyArn=f"{PREFIX}service-role/{called}")
    pages = aws.pages("GetAccountAuthorizationDetails", Filter=["AWSManagedPolicy"])
    exported = {"Policies": [each for page in pages for each in page["Policies"]]}
    assert called in {each["PolicyName"] for each in exported["Policies"]}
    for indent in (None, 4, "\t"):
        path = tmp_path / "exported.json"
        path.write_text(json.dumps(exported, indent=indent, default=str))
        done = run("import", "managed-policies", path, environment=admin)
        assert done.stdout == f"0 created, 0 updated, {len(exported['Policies'])} unchanged\n", done.stderr
    assert aws.call("GetPolicy", PolicyArn=f"{PREFIX}service-role/{called}")["Policy"]["DefaultVersionId"] == "v3"


def test_an_import_is_authorized(server, tmp_path, new_user):
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(as_the_cli_prints(1)))
    _, credentials = new_user(policy("iam:*"))
    done = run("import", "managed-policies", path, environment=client_environment(server, credentials))
    assert done.returncode != 0
    assert "AccessDenied" in done.stderr or "not authorized" in done.stderr
    done = run("import", "managed-policies", path, environment=client_environment(server, Credentials("AKIA" + "A" * 16, "x" * 40)))
    assert done.returncode != 0


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"Policies":[{}]}', '{"Policies":[{"PolicyName":"X"}]}'])
def test_an_invalid_file(server, tmp_path, text):
    path = tmp_path / "policies.json"
    path.write_text(text)
    done = run("import", "managed-policies", path, environment=client_environment(server, server.root))
    assert done.returncode != 0
    assert "panicked" not in done.stderr
    assert str(path) in done.stderr or "policies.json" in done.stderr


def test_an_import_imports_nothing_of_this_account(server, aws, tmp_path):
    wrong = as_the_cli_prints(1)
    wrong["Policies"][0]["Arn"] = f"arn:aws:iam::{server.account}:policy/Local"
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(wrong))
    done = run("import", "managed-policies", path, environment=client_environment(server, server.root))
    refused(aws, "NoSuchEntity", "GetPolicy", PolicyArn=f"arn:aws:iam::{server.account}:policy/Local")
    assert done.returncode != 0


def test_an_import_makes_updates_and_leaves(rpc, aws, name):
    called = name("Imported")
    one = {"policyName": called, "path": "/x/", "version": 2, "policyDocument": policy("a:b")}
    assert counts(rpc.call("ImportManagedPolicies", policies=[one])) == (1, 0, 0)
    assert counts(rpc.call("ImportManagedPolicies", policies=[one])) == (0, 0, 1)
    better = one | {"version": 3, "policyDocument": policy("a:c")}
    assert counts(rpc.call("ImportManagedPolicies", policies=[better])) == (0, 1, 0)
    arn = f"{PREFIX}x/{called}"
    assert aws.call("GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    version = aws.call("GetPolicyVersion", PolicyArn=arn, VersionId="v3")["PolicyVersion"]
    assert document(version["Document"]) == json.loads(policy("a:c"))
    broken = [one | {"policyName": name("Imported")}, one | {"policyName": name("Imported"), "policyDocument": "{"}]
    refused(rpc, "MalformedPolicyDocument", "ImportManagedPolicies", policies=broken)
    refused(aws, "NoSuchEntity", "GetPolicy", PolicyArn=f"{PREFIX}x/{broken[0]['policyName']}")  # all or none


def counts(answer):
    """Created, updated, unchanged."""
    return answer["created"], answer["updated"], answer["unchanged"]
