"""Concurrent changes of one object: one or both succeed, and the result is consistent."""

import concurrent.futures
import os
import threading

import pytest
from attacks.helpers import ssh_line
from attacks.watch import well
from support.api import ApiError, AwsApi, GrpcApi
from support.certificates import make_certificate
from support.documents import ALLOW_ALL, policy, trust
from support.server import Credentials

ROUNDS = 12 * int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))


@pytest.fixture(scope="module", autouse=True)
def well_afterwards(server):
    yield
    well(server)


@pytest.fixture
def both(server):
    """Calls functions at the same moment; returns their outcomes: an answer, or an error code."""
    clients = [GrpcApi(server, server.root) for _ in range(8)]

    def at_once(*calls):
        barrier = threading.Barrier(len(calls))

        def run(api, operation, members):
            barrier.wait()
            try:
                return None, api.call(operation, **members)
            except ApiError as error:
                assert error.code not in ("ServiceFailure", "ServiceUnavailable", None), error
                return error.code, None

        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(run, clients[n % 8], operation, members) for n, (operation, members) in enumerate(calls)]
            return [future.result() for future in futures]

    return at_once


def codes(outcomes):
    return [code for code, _ in outcomes]


def test_a_user_is_deleted_while_a_key_is_created(aws, both, name):
    for _ in range(ROUNDS):
        user_name = name()
        aws.call("CreateUser", UserName=user_name)
        deleted, made = both(("DeleteUser", {"UserName": user_name}), ("CreateAccessKey", {"UserName": user_name}))
        if deleted[0] is None:
            assert made[0] == "NoSuchEntity"
        else:
            assert (deleted[0], made[0]) == ("DeleteConflict", None)
            aws.call("DeleteAccessKey", UserName=user_name, AccessKeyId=made[1]["AccessKey"]["AccessKeyId"])
            aws.call("DeleteUser", UserName=user_name)


def test_a_user_is_deleted_while_they_get_a_policy_or_join(aws, both, name):
    group = name()
    aws.call("CreateGroup", GroupName=group)
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for operation, members, undo in (
        ("PutUserPolicy", {"PolicyName": "p", "PolicyDocument": ALLOW_ALL}, ("DeleteUserPolicy", {"PolicyName": "p"})),
        ("AttachUserPolicy", {"PolicyArn": managed}, ("DetachUserPolicy", {"PolicyArn": managed})),
        ("AddUserToGroup", {"GroupName": group}, ("RemoveUserFromGroup", {"GroupName": group})),
    ):
        for _ in range(ROUNDS // 2):
            user_name = name()
            aws.call("CreateUser", UserName=user_name)
            deleted, given = both(("DeleteUser", {"UserName": user_name}), (operation, {"UserName": user_name} | members))
            assert (deleted[0], given[0]) in ((None, "NoSuchEntity"), ("DeleteConflict", None)), operation
            if deleted[0]:
                aws.call(undo[0], UserName=user_name, **undo[1])
                aws.call("DeleteUser", UserName=user_name)
    assert aws.call("GetGroup", GroupName=group)["Users"] == []


def test_a_group_is_deleted_while_a_user_joins(aws, both, name):
    user_name = name()
    aws.call("CreateUser", UserName=user_name)
    for _ in range(ROUNDS):
        group = name()
        aws.call("CreateGroup", GroupName=group)
        deleted, joined = both(("DeleteGroup", {"GroupName": group}), ("AddUserToGroup", {"GroupName": group, "UserName": user_name}))
        assert (deleted[0], joined[0]) in ((None, "NoSuchEntity"), ("DeleteConflict", None))
        if deleted[0]:
            aws.call("RemoveUserFromGroup", GroupName=group, UserName=user_name)
            aws.call("DeleteGroup", GroupName=group)
    assert aws.call("ListGroupsForUser", UserName=user_name)["Groups"] == []


def test_names_are_unique_without_regard_to_case(aws, both, name):
    for _ in range(ROUNDS):
        called = "Name-" + name()
        spelled = [called, called.upper(), called.lower(), called.swapcase()]
        outcomes = both(*(("CreateUser", {"UserName": each}) for each in spelled))
        assert sorted(codes(outcomes), key=str) == ["EntityAlreadyExists"] * 3 + [None]
        there = aws.call("GetUser", UserName=called.title())["User"]
        assert there["UserName"] == next(answer for _, answer in outcomes if answer)["User"]["UserName"]
        # Two users are renamed to one name.
        other = name()
        aws.call("CreateUser", UserName=other)
        target = "To-" + name()
        renamed = both(
            ("UpdateUser", {"UserName": called, "NewUserName": target}), ("UpdateUser", {"UserName": other, "NewUserName": target.upper()})
        )  # fmt: skip
        assert sorted(codes(renamed), key=str) == ["EntityAlreadyExists", None]


def test_quotas_hold_against_many_at_once(aws, both, name):
    for _ in range(ROUNDS // 4):
        user_name = name()
        aws.call("CreateUser", UserName=user_name)
        made = both(*[("CreateAccessKey", {"UserName": user_name})] * 8)
        assert codes(made).count(None) == 2 and set(codes(made)) == {None, "LimitExceeded"}
        assert len(aws.call("ListAccessKeys", UserName=user_name)["AccessKeyMetadata"]) == 2
        arns = [aws.call("CreatePolicy", PolicyName=name(), PolicyDocument=policy("s3:GetObject"))["Policy"]["Arn"] for _ in range(13)]
        for arn in arns[:8]:
            aws.call("AttachUserPolicy", UserName=user_name, PolicyArn=arn)
        attached = both(*(("AttachUserPolicy", {"UserName": user_name, "PolicyArn": arn}) for arn in arns[8:]))
        assert codes(attached).count(None) == 2 and set(codes(attached)) == {None, "LimitExceeded"}
        assert len(aws.call("ListAttachedUserPolicies", UserName=user_name)["AttachedPolicies"]) == 10
        versions = both(*[("CreatePolicyVersion", {"PolicyArn": arns[-1], "PolicyDocument": policy("s3:PutObject")})] * 7)
        assert codes(versions).count(None) == 4 and set(codes(versions)) <= {None, "LimitExceeded", "ConcurrentModification"}
        # Inline policies are counted together.
        half = policy({"Action": ["s3:" + "a" * 60] * 14})
        put = both(*(("PutUserPolicy", {"UserName": user_name, "PolicyName": f"p{n}", "PolicyDocument": half}) for n in range(6)))
        assert codes(put).count(None) == 2 and set(codes(put)) == {None, "LimitExceeded"}
        tagged = both(*(("TagUser", {"UserName": user_name, "Tags": [{"Key": f"k{n}-{m}", "Value": "v"} for m in range(20)]}) for n in range(4)))
        assert codes(tagged).count(None) == 2 and set(codes(tagged)) == {None, "LimitExceeded"}
        assert len(aws.items("ListUserTags", "Tags", UserName=user_name)) == 40


def test_quotas_of_credentials_hold_against_many_at_once(aws, both, name, tmp_path):
    for number in range(ROUNDS // 4):
        user_name = name()
        aws.call("CreateUser", UserName=user_name)
        lines = [ssh_line() for _ in range(7)]
        keys = both(*(("UploadSSHPublicKey", {"UserName": user_name, "SSHPublicKeyBody": line}) for line in lines))
        assert codes(keys).count(None) == 5 and set(codes(keys)) == {None, "LimitExceeded"}
        assert len(aws.call("ListSSHPublicKeys", UserName=user_name)["SSHPublicKeys"]) == 5
        bodies = [make_certificate(tmp_path, f"{number}-{n}")[0].read_text() for n in range(6)]
        made = both(*(("UploadSigningCertificate", {"UserName": user_name, "CertificateBody": body}) for body in bodies))
        assert codes(made).count(None) == 2 and set(codes(made)) == {None, "LimitExceeded"}
        service = {"UserName": user_name, "ServiceName": "codecommit.amazonaws.com"}
        made = both(*[("CreateServiceSpecificCredential", service)] * 6)
        assert codes(made).count(None) == 2 and set(codes(made)) == {None, "LimitExceeded"}
        listed = aws.call("ListServiceSpecificCredentials", UserName=user_name)["ServiceSpecificCredentials"]
        assert len({each["ServiceUserName"] for each in listed}) == 2
        # One key and one certificate for many at once, and a user who is deleted meanwhile.
        other = name()
        aws.call("CreateUser", UserName=other)
        same = both(*[("UploadSSHPublicKey", {"UserName": other, "SSHPublicKeyBody": lines[0]})] * 4)
        assert sorted(codes(same), key=str) == ["DuplicateSSHPublicKey"] * 3 + [None]
        aws.call("DeleteSSHPublicKey", UserName=other, SSHPublicKeyId=next(answer for _, answer in same if answer)["SSHPublicKey"]["SSHPublicKeyId"])
        deleted, made = both(("DeleteUser", {"UserName": other}), ("CreateServiceSpecificCredential", service | {"UserName": other}))
        assert (deleted[0], made[0]) in ((None, "NoSuchEntity"), ("DeleteConflict", None))


def test_a_policy_is_deleted_while_it_is_attached(aws, both, name):
    user_name = name()
    aws.call("CreateUser", UserName=user_name)
    for operation, undo in (("AttachUserPolicy", "DetachUserPolicy"), ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary")):
        for _ in range(ROUNDS // 2):
            arn = aws.call("CreatePolicy", PolicyName=name(), PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
            member = "PolicyArn" if operation == "AttachUserPolicy" else "PermissionsBoundary"
            deleted, given = both(("DeletePolicy", {"PolicyArn": arn}), (operation, {"UserName": user_name, member: arn}))
            assert (deleted[0], given[0]) in ((None, "NoSuchEntity"), ("DeleteConflict", None)), operation
            if deleted[0]:
                aws.call(undo, UserName=user_name, **({"PolicyArn": arn} if member == "PolicyArn" else {}))
                aws.call("DeletePolicy", PolicyArn=arn)


def test_a_role_is_deleted_while_it_is_trusted_or_assumed(aws, both, server, name):
    aws.call("CreateUser", UserName=(user_name := name()))
    aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=ALLOW_ALL)
    caller = AwsApi(server, Credentials.of(aws.call("CreateAccessKey", UserName=user_name)["AccessKey"]))
    for _ in range(ROUNDS):
        role = aws.call("CreateRole", RoleName=name(), AssumeRolePolicyDocument=trust(server.account))["Role"]
        trusting = name()
        deleted, made = both(
            ("DeleteRole", {"RoleName": role["RoleName"]}), ("CreateRole", {"RoleName": trusting, "AssumeRolePolicyDocument": trust(role["Arn"])})
        )  # fmt: skip
        assert deleted[0] is None and made[0] in (None, "MalformedPolicyDocument")
        again = aws.call("CreateRole", RoleName=role["RoleName"], AssumeRolePolicyDocument=trust(server.account))["Role"]
        if made[0] is None:
            assert again["Arn"] not in str(aws.call("GetRole", RoleName=trusting)), "the new one is not the one that was trusted"
        try:
            session = Credentials.of(caller.call("AssumeRole", RoleArn=again["Arn"], RoleSessionName="session")["Credentials"])
        except ApiError as error:
            raise AssertionError("a role that is there can be assumed") from error
        both(("DeleteRole", {"RoleName": again["RoleName"]}), ("GetRole", {"RoleName": again["RoleName"]}))
        with pytest.raises(ApiError) as caught:
            AwsApi(server, session).call("GetCallerIdentity")
        assert caught.value.code == "InvalidClientTokenId"


def test_permissions_revoked_during_a_change_do_not_allow_it(aws, server, name):
    """After the answer that a policy is detached, no further change that needs it succeeds."""
    for _ in range(ROUNDS // 3):
        user_name = name()
        aws.call("CreateUser", UserName=user_name)
        aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=ALLOW_ALL)
        keys = Credentials.of(aws.call("CreateAccessKey", UserName=user_name)["AccessKey"])
        taken, late, stop = threading.Event(), [], threading.Event()

        def make(api=GrpcApi(server, keys)):
            while not stop.is_set():
                was_taken = taken.is_set()
                try:
                    api.call("CreateGroup", GroupName=name())
                    if was_taken:
                        late.append(1)
                except ApiError as error:
                    assert error.code == "AccessDenied", error
                    return

        makers = [threading.Thread(target=make) for _ in range(3)]
        for maker in makers:
            maker.start()
        aws.call("DeleteUserPolicy", UserName=user_name, PolicyName="p")
        taken.set()
        for maker in makers:
            maker.join(timeout=10)
        stop.set()
        assert not late


def test_all_writers_of_one_object_succeed_in_the_end(server, aws, name):
    """None of many concurrent writers is asked to retry."""
    user_name = name()
    aws.call("CreateUser", UserName=user_name)

    def change(number):
        api = (AwsApi if number % 2 else GrpcApi)(server, server.root)
        for count in range(ROUNDS):
            api.call("TagUser", UserName=user_name, Tags=[{"Key": f"of-{number}", "Value": str(count)}])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(change, number) for number in range(16)]:
            future.result()
    tags = aws.call("ListUserTags", UserName=user_name)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {f"of-{number}": str(ROUNDS - 1) for number in range(16)}
