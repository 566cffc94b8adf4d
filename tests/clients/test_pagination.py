"""Lists of several pages: in order, without duplicates or gaps; the marker is opaque and bound to its list."""

import pytest
from support.api import AwsApi, GrpcApi
from support.documents import ALLOW_ALL, trust
from support.expect import refused
from support.server import Credentials

COUNT = 7


@pytest.fixture(scope="module")
def world(server):
    """Objects of each kind for several small pages, in a path of their own."""
    root = AwsApi(server, server.root)
    arns = []
    for number in range(COUNT):
        root.call("CreateUser", UserName=f"user-{number}", Path="/paged/")
        root.call("CreateGroup", GroupName=f"group-{number}", Path="/paged/")
        root.call(
            "CreateRole", RoleName=f"role-{number}", Path="/paged/", AssumeRolePolicyDocument=trust(server.account)
        )
        made = root.call("CreatePolicy", PolicyName=f"policy-{number}", Path="/paged/", PolicyDocument=ALLOW_ALL)
        arns.append(made["Policy"]["Arn"])
    for number in range(COUNT):
        root.call("AddUserToGroup", GroupName="group-0", UserName=f"user-{number}")
        root.call("AddUserToGroup", GroupName=f"group-{number}", UserName="user-0")
        for kind in ("User", "Group", "Role"):
            identity = {f"{kind}Name": f"{kind.lower()}-0"}
            root.call(f"Attach{kind}Policy", **identity, PolicyArn=arns[number])
            root.call(f"Put{kind}Policy", **identity, PolicyName=f"inline-{number}", PolicyDocument=ALLOW_ALL)
        root.call("AttachUserPolicy", UserName=f"user-{number}", PolicyArn=arns[0])
        root.call("AttachRolePolicy", RoleName=f"role-{number}", PolicyArn=arns[0])
    tags = [{"Key": f"key-{number}", "Value": "v"} for number in range(COUNT)]
    root.call("TagUser", UserName="user-0", Tags=tags)
    for _ in range(4):
        root.call("CreatePolicyVersion", PolicyArn=arns[1], PolicyDocument=ALLOW_ALL)
    for _ in range(2):
        root.call("CreateAccessKey", UserName="user-0")
    return arns


# operation, members, the list in the answer, its sort key, its length
LISTS = [
    ("ListUsers", {"PathPrefix": "/paged/"}, "Users", "UserName", COUNT),
    ("ListGroups", {"PathPrefix": "/paged/"}, "Groups", "GroupName", COUNT),
    ("ListRoles", {"PathPrefix": "/paged/"}, "Roles", "RoleName", COUNT),
    ("ListPolicies", {"PathPrefix": "/paged/", "Scope": "Local"}, "Policies", "PolicyName", COUNT),
    ("GetGroup", {"GroupName": "group-0"}, "Users", "UserName", COUNT),
    ("ListGroupsForUser", {"UserName": "user-0"}, "Groups", "GroupName", COUNT),
    ("ListAttachedUserPolicies", {"UserName": "user-0"}, "AttachedPolicies", "PolicyName", COUNT),
    ("ListAttachedGroupPolicies", {"GroupName": "group-0"}, "AttachedPolicies", "PolicyName", COUNT),
    ("ListAttachedRolePolicies", {"RoleName": "role-0"}, "AttachedPolicies", "PolicyName", COUNT),
    ("ListUserPolicies", {"UserName": "user-0"}, "PolicyNames", None, COUNT),
    ("ListGroupPolicies", {"GroupName": "group-0"}, "PolicyNames", None, COUNT),
    ("ListRolePolicies", {"RoleName": "role-0"}, "PolicyNames", None, COUNT),
    ("ListUserTags", {"UserName": "user-0"}, "Tags", "Key", COUNT),
    ("ListPolicyVersions", {"PolicyArn": 1}, "Versions", None, 5),
    ("ListAccessKeys", {"UserName": "user-0"}, "AccessKeyMetadata", None, 2),
]


@pytest.mark.parametrize("size", [1, 3, COUNT, 1000])
@pytest.mark.parametrize(["operation", "members", "key", "sort", "count"], LISTS, ids=[row[0] for row in LISTS])
def test_all_pages_together_have_all_items(api, world, operation, members, key, sort, count, size):
    if "PolicyArn" in members:
        members = {"PolicyArn": world[members["PolicyArn"]]}
    whole = api.call(operation, **members)[key]
    assert len(whole) == count
    pages = api.pages(operation, **members, MaxItems=size)
    assert all(len(page[key]) <= size for page in pages)
    assert [len(page[key]) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert [item for page in pages for item in page[key]] == whole
    names = [item[sort] if sort else item for item in whole]
    if sort or isinstance(whole[0], str):
        assert names == sorted(names)


@pytest.mark.parametrize("size", [1, 4])
def test_entities_of_a_policy(api, world, size):
    pages = api.pages("ListEntitiesForPolicy", PolicyArn=world[0], MaxItems=size)
    keys = ["PolicyGroups", "PolicyUsers", "PolicyRoles"]
    assert all(sum(len(page[key]) for key in keys) <= size for page in pages)
    assert [group["GroupName"] for page in pages for group in page["PolicyGroups"]] == ["group-0"]
    users = [user["UserName"] for page in pages for user in page["PolicyUsers"]]
    roles = [role["RoleName"] for page in pages for role in page["PolicyRoles"]]
    assert sorted(users) == [f"user-{number}" for number in range(COUNT)]
    assert sorted(roles) == [f"role-{number}" for number in range(COUNT)]


def test_every_page_of_members_has_the_group(api, world):
    pages = api.pages("GetGroup", GroupName="group-0", MaxItems=2)
    assert {page["Group"]["GroupName"] for page in pages} == {"group-0"}


# operation, members, the list, how an item is named, how items are created and deleted
CHURNED = [
    ("ListUsers", {"PathPrefix": "/churn/"}, "Users", "UserName", ("CreateUser", "DeleteUser", "UserName", {"Path": "/churn/"})),
    ("ListGroups", {"PathPrefix": "/churn/"}, "Groups", "GroupName", ("CreateGroup", "DeleteGroup", "GroupName", {"Path": "/churn/"})),
    ("ListRoles", {"PathPrefix": "/churn/"}, "Roles", "RoleName", ("CreateRole", "DeleteRole", "RoleName", {"Path": "/churn/", "AssumeRolePolicyDocument": trust("111122223333")})),
    ("ListInstanceProfiles", {"PathPrefix": "/churn/"}, "InstanceProfiles", "InstanceProfileName", ("CreateInstanceProfile", "DeleteInstanceProfile", "InstanceProfileName", {"Path": "/churn/"})),
    ("ListGroupPolicies", {"GroupName": "group-0"}, "PolicyNames", None, ("PutGroupPolicy", "DeleteGroupPolicy", "PolicyName", {"GroupName": "group-0", "PolicyDocument": ALLOW_ALL})),
    ("ListRoleTags", {"RoleName": "role-1"}, "Tags", "Key", ("TagRole", "UntagRole", None, {"RoleName": "role-1"})),
]  # fmt: skip


@pytest.mark.parametrize(["operation", "members", "key", "named", "how"], CHURNED, ids=[row[0] for row in CHURNED])
def test_changes_between_pages_cause_no_gap_or_duplicate(api, world, name, operation, members, key, named, how):
    create, delete, member, more = how
    prefix = name("churn")

    def change(call, letter):
        item = f"{prefix}-{letter}"
        if member:
            given = {at: value for at, value in more.items() if call == create or at in ("GroupName", "RoleName")}
            api.call(call, **{member: item}, **given)
        else:
            api.call(call, **more, **({"Tags": [{"Key": item, "Value": "v"}]} if call == create else {"TagKeys": [item]}))

    def seen(page):
        items = [item[named] if named else item for item in page[key]]
        return [item.rsplit("-", 1)[1] for item in items if item.startswith(prefix)]

    for letter in "abcdefg":
        change(create, letter)
    whole = [item[named] if named else item for item in api.items(operation, key, **members)]
    first = api.call(operation, **members, MaxItems=whole.index(f"{prefix}-c") + 1)
    shown = seen(first)
    assert shown == list("abc")
    change(delete, "c")  # the last one seen
    change(create, "aa")  # before the last one seen
    change(create, "h")  # after it
    change(delete, "f")
    change(delete, "g")
    change(create, "g")
    rest = seen(api.call(operation, **members, MaxItems=1000, Marker=first["Marker"]))
    assert shown + rest == list("abcdegh")
    for letter in ("a", "aa", "b", "d", "e", "g", "h"):
        change(delete, letter)


def test_markers_are_checked(api, world, name, server):
    for marker in ("nonsense", "AAAA", "x" * 300):
        refused(api, "ValidationError", "ListUsers", Marker=marker)
    marker = api.call("ListUsers", PathPrefix="/paged/", MaxItems=2)["Marker"]
    assert "user-" not in marker
    refused(api, "ValidationError", "ListGroups", Marker=marker)
    for other in ({}, {"PathPrefix": "/"}, {"PathPrefix": "/paged/user"}):
        refused(api, "ValidationError", "ListUsers", **other, Marker=marker)
    assert api.call("ListUsers", PathPrefix="/paged/", Marker=marker, MaxItems=5)["Users"]
    broken = marker[:-2] + ("AA" if not marker.endswith("AA") else "BB")
    refused(api, "ValidationError", "ListUsers", PathPrefix="/paged/", Marker=broken)
    for size in (0, -1, 1001):
        refused(api, "ValidationError", "ListUsers", MaxItems=size)


def test_markers_are_valid_on_both_front_ends(server, world):
    by_aws, by_grpc = AwsApi(server, server.root), GrpcApi(server, server.root)
    members = {"PathPrefix": "/paged/", "MaxItems": 4}
    for one, other in ((by_aws, by_grpc), (by_grpc, by_aws)):
        marker = one.call("ListUsers", **members)["Marker"]
        rest = other.call("ListUsers", **members, Marker=marker)["Users"]
        assert [user["UserName"] for user in rest] == [f"user-{number}" for number in range(4, COUNT)]


def test_a_marker_is_for_its_caller(server, aws, world, new_user, name):
    """Also for the next session of the same role: clients renew their credentials between pages."""
    role = name("role")
    arn = aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    aws.call("PutRolePolicy", RoleName=role, PolicyName="all", PolicyDocument=ALLOW_ALL)
    _, keys = new_user(ALLOW_ALL)
    user = aws.signed_by(keys)
    first, second = (
        aws.signed_by(Credentials.of(user.call("AssumeRole", RoleArn=arn, RoleSessionName=session)["Credentials"]))
        for session in ("first", "second")
    )
    page = {"MaxItems": 1, "PathPrefix": "/paged/"}
    marker = first.call("ListUsers", **page)["Marker"]
    for other in (aws, user, GrpcApi(server, keys)):
        refused(other, "ValidationError", "ListUsers", **page, Marker=marker)
    assert first.call("ListUsers", **page, Marker=marker)["Users"] == second.call("ListUsers", **page, Marker=marker)["Users"]


def test_more_than_a_hundred(api, aws, name):
    path = f"/{name('many')}/"
    names = [f"{path[1:-1]}-{number:03}" for number in range(105)]
    for identity in names:
        aws.call("CreateUser", UserName=identity, Path=path)
    pages = api.pages("ListUsers", PathPrefix=path)
    assert [len(page["Users"]) for page in pages] == [100, 5]
    assert [user["UserName"] for page in pages for user in page["Users"]] == names
    assert len(api.call("ListUsers", PathPrefix=path, MaxItems=1000)["Users"]) == 105
