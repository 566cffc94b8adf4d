"""Instance profiles."""

import re

import pytest
from support.documents import policy, trust
from support.expect import refused
from test_administrator import Cli


@pytest.fixture
def role(api, name, server):
    """A role, by name."""
    return api.call("CreateRole", RoleName=name("role"), AssumeRolePolicyDocument=trust(server.account))["Role"]["RoleName"]


def test_a_profile_is_created_filled_emptied_and_deleted(api, name, role, server):
    profile = {"InstanceProfileName": name("profile")}
    made = api.call("CreateInstanceProfile", **profile, Path="/web/", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    arn = f"arn:aws:iam::{server.account}:instance-profile/web/{profile['InstanceProfileName']}"
    assert (made["Arn"], made["Path"], made["Roles"], made["Tags"]) == (arn, "/web/", [], [{"Key": "a", "Value": "b"}])
    assert re.fullmatch(r"AIPA[A-Z2-7]{17}", made["InstanceProfileId"])
    assert api.call("GetInstanceProfile", **profile)["InstanceProfile"] == made

    api.call("AddRoleToInstanceProfile", **profile, RoleName=role)
    shown = api.call("GetInstanceProfile", **profile)["InstanceProfile"]
    assert shown["Tags"] == made["Tags"]
    (inside,) = shown["Roles"]
    assert set(inside) - {"Tags"} == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    assert inside["RoleName"] == role
    full = refused(api, "LimitExceeded", "AddRoleToInstanceProfile", **profile, RoleName=role)
    assert full.message == "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    for operation, members in {"DeleteRole": {"RoleName": role}, "DeleteInstanceProfile": profile}.items():
        held = refused(api, "DeleteConflict", operation, **members)
        assert held.message == "Cannot delete entity, must remove roles from instance profile first."

    listed = api.items("ListInstanceProfiles", "InstanceProfiles", PathPrefix="/web/")
    details = api.items("GetAccountAuthorizationDetails", "RoleDetailList", Filter=["Role"])
    for each in (
        *[each for each in listed if each["Arn"] == arn],
        *api.call("ListInstanceProfilesForRole", RoleName=role)["InstanceProfiles"],
        *next(each for each in details if each["RoleName"] == role)["InstanceProfileList"],
    ):
        assert each | {"Tags": []} == shown | {"Tags": []} and not each.get("Tags")

    api.call("RemoveRoleFromInstanceProfile", **profile, RoleName=role)
    again = refused(api, "NoSuchEntity", "RemoveRoleFromInstanceProfile", **profile, RoleName=role)
    assert again.message == f"Role {role} in Instance Profile {profile['InstanceProfileName']} cannot be found."
    assert api.call("ListInstanceProfilesForRole", RoleName=role) == {"InstanceProfiles": [], "IsTruncated": False}
    api.call("DeleteInstanceProfile", **profile)
    missing = refused(api, "NoSuchEntity", "GetInstanceProfile", **profile)
    assert missing.message == f"Instance Profile {profile['InstanceProfileName']} cannot be found."


def test_names_are_unique_without_case(api, name):
    profile = name("profile")
    api.call("CreateInstanceProfile", InstanceProfileName=profile)
    taken = refused(api, "EntityAlreadyExists", "CreateInstanceProfile", InstanceProfileName=profile.upper())
    assert taken.message == f"Instance Profile {profile.upper()} already exists."
    refused(api, "NoSuchEntity", "AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName="nobody-here")
    invalid = refused(api, "ValidationError", "CreateInstanceProfile", InstanceProfileName="a b")
    assert invalid.message.startswith("The specified value for instanceProfileName is invalid.")


def test_profiles_are_listed_in_pages(api, name, role):
    names = sorted(name("profile") for _ in range(3))
    for profile in names:
        api.call("CreateInstanceProfile", InstanceProfileName=profile)
        api.call("AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName=role)
    pages = api.pages("ListInstanceProfilesForRole", RoleName=role, MaxItems=2)
    assert [[each["InstanceProfileName"] for each in page["InstanceProfiles"]] for page in pages] == [names[:2], names[2:]]
    listed = [each["InstanceProfileName"] for each in api.items("ListInstanceProfiles", "InstanceProfiles", MaxItems=2)]
    assert [each for each in listed if each in names] == names
    refused(api, "ValidationError", "ListInstanceProfiles", Marker="x")


def test_adding_a_role_passes_it(api, new_user, name, role, server):
    """AddRoleToInstanceProfile alone gives no role: it must be passed, and to EC2."""
    profile = {"InstanceProfileName": name("profile")}
    api.call("CreateInstanceProfile", **profile)
    arn = f"arn:aws:iam::{server.account}:role/{role}"
    add, passing = "iam:AddRoleToInstanceProfile", {"Action": "iam:PassRole", "Resource": arn}
    to = lambda service: {"StringEquals": {"iam:PassedToService": service}}  # noqa: E731
    for statements in (
        [add],
        [add, passing | {"Resource": arn + "-other"}],
        [add, passing | {"Condition": to("lambda.amazonaws.com")}],
        ["iam:PassRole"],
    ):
        _, credentials = new_user(policy(*statements))
        refused(api.signed_by(credentials), "AccessDenied", "AddRoleToInstanceProfile", **profile, RoleName=role)
    _, credentials = new_user(policy(add, passing | {"Condition": to("ec2.amazonaws.com")}))
    api.signed_by(credentials).call("AddRoleToInstanceProfile", **profile, RoleName=role)


def test_the_aws_cli_shows_a_profile(server, name):
    cli = Cli(server, server.root.access_key_id, server.root.secret_access_key)
    profile = name("profile")
    made = cli.run("iam", "create-instance-profile", "--instance-profile-name", profile)
    assert made.returncode == 0, made.stderr
    shown = cli.run("iam", "get-instance-profile", "--instance-profile-name", profile, "--query", "InstanceProfile.[Path,Roles,Tags]")
    assert shown.stdout.split() == ["[", '"/",', "[],", "[]", "]"], shown.stdout


def test_tags(api, name):
    profile = {"InstanceProfileName": name("profile")}
    api.call("CreateInstanceProfile", **profile)
    api.call("TagInstanceProfile", **profile, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    api.call("UntagInstanceProfile", **profile, TagKeys=["a"])
    assert api.items("ListInstanceProfileTags", "Tags", **profile) == [{"Key": "c", "Value": "d"}]
    api.call("DeleteInstanceProfile", **profile)
    refused(api, "NoSuchEntity", "ListInstanceProfileTags", **profile)
