"""Kills the real process during writes: every answered write exists afterwards, and no partial one.

`BAILIWICK_CRASH_ROUNDS` sets the number of rounds; the long run has hundreds.
"""

import os
import random
import threading

from support.api import ApiError, AwsApi, GrpcApi, document
from support.documents import ALLOW_ALL, policy, trust
from support.server import Credentials
from support.waiting import until

ROUNDS = int(os.environ.get("BAILIWICK_CRASH_ROUNDS", "4"))
WRITERS = 4
WRITES_PER_ROUND = 120


class Writer(threading.Thread):
    """Writes objects of many records until the server has exited, and keeps the answered operations."""

    def __init__(self, server, number, round_number):
        super().__init__()
        self.api = (AwsApi if number % 2 else GrpcApi)(server, server.root)
        self.name_of = f"w{number}-r{round_number}"
        self.answered = []  # (operation, members) in order
        self.pending = None
        self.errors = []

    def run(self):
        for count in range(1_000_000):
            for operation, members in self.script(count):
                self.pending = (operation, members)
                try:
                    answer = self.api.call(operation, **members)
                except ApiError as error:
                    if error.code is not None:
                        self.errors.append(error)
                    return
                except Exception:  # the connection was lost, and with it the answer
                    return
                self.answered.append((operation, members, answer))
                self.pending = None

    def script(self, count):
        """A user with dependent objects, some of which are then deleted."""
        identity_name = f"{self.name_of}-{count}"
        user = {"UserName": identity_name}
        yield "CreateUser", {**user, "Tags": [{"Key": "n", "Value": str(count)}]}
        yield "CreateGroup", {"GroupName": identity_name}
        yield "AddUserToGroup", {**user, "GroupName": identity_name}
        yield "PutUserPolicy", {**user, "PolicyName": "inline", "PolicyDocument": policy({"Sid": f"S{count}", "Action": "*"})}
        yield "CreateAccessKey", user
        if count % 3 == 0:
            yield "UpdateUser", {**user, "NewUserName": f"{identity_name}-renamed"}
        elif count % 3 == 1:
            yield "RemoveUserFromGroup", {**user, "GroupName": identity_name}
            yield "DeleteGroup", {"GroupName": identity_name}


def expected(answered):
    """The expected content after these operations were answered."""
    users, groups = {}, {}
    for operation, members, answer in answered:
        identity_name = members.get("UserName")
        if operation == "CreateUser":
            users[identity_name] = {"tags": members["Tags"], "groups": [], "policy": None, "key": None}
        elif operation == "CreateGroup":
            groups[members["GroupName"]] = True
        elif operation == "AddUserToGroup":
            users[identity_name]["groups"] = [members["GroupName"]]
        elif operation == "PutUserPolicy":
            users[identity_name]["policy"] = members["PolicyDocument"]
        elif operation == "CreateAccessKey":
            users[identity_name]["key"] = Credentials.of(answer["AccessKey"])
        elif operation == "UpdateUser":
            users[members["NewUserName"]] = users.pop(identity_name)
        elif operation == "RemoveUserFromGroup":
            users[identity_name]["groups"] = []
        elif operation == "DeleteGroup":
            del groups[members["GroupName"]]
    return users, groups


def check_round(server, writers):
    """Asserts that every answered write exists, and the pending one completely or not at all."""
    root = AwsApi(server, server.root)
    details = {user["UserName"]: user for user in root.items("GetAccountAuthorizationDetails", "UserDetailList", Filter=["User"], MaxItems=1000)}
    groups_there = {group["GroupName"] for group in root.items("ListGroups", "Groups", MaxItems=1000)}
    writes = 0
    for writer in writers:
        assert not writer.errors, writer.errors
        writes += len(writer.answered)
        users, groups = expected(writer.answered)
        pending = writer.pending[1] if writer.pending else {}
        touched = {pending.get("UserName"), pending.get("GroupName"), pending.get("NewUserName")}
        for identity_name, wanted in users.items():
            if identity_name in touched:
                continue
            found = details.get(identity_name)
            assert found, f"{identity_name} was answered and is lost"
            assert found.get("Tags") == wanted["tags"], identity_name
            assert found["GroupList"] == wanted["groups"], identity_name
            policies = found.get("UserPolicyList", [])
            assert [document(p["PolicyDocument"]) for p in policies] == ([document(wanted["policy"])] if wanted["policy"] else []), identity_name
        for group in groups:
            assert group in groups_there or group in touched, f"group {group} was answered and is lost"
        # The last created key works: its record, its index and its sealed secret exist.
        keys = [user["key"] for identity_name, user in users.items() if user["key"] and identity_name not in touched]
        if keys:
            AwsApi(server, keys[-1]).call("GetCallerIdentity")
    # Indexes and objects are consistent: each name has its object and the reverse.
    by_list = {user["UserName"] for user in root.items("ListUsers", "Users", MaxItems=1000)}
    assert by_list == set(details)
    for identity_name in random.sample(sorted(by_list), min(10, len(by_list))):
        assert root.call("GetUser", UserName=identity_name)["User"]["UserId"] == details[identity_name]["UserId"]
        for group in details[identity_name]["GroupList"]:
            assert identity_name in [user["UserName"] for user in root.items("GetGroup", "Users", GroupName=group)]
    return writes, by_list, groups_there


def clean(server, users, groups):
    """Deletes everything, so that rounds do not grow; deleting a partial object would fail."""
    root = AwsApi(server, server.root)
    for user in root.items("GetAccountAuthorizationDetails", "UserDetailList", Filter=["User"], MaxItems=1000):
        identity_name = user["UserName"]
        for group in user["GroupList"]:
            root.call("RemoveUserFromGroup", UserName=identity_name, GroupName=group)
        for each in user.get("UserPolicyList", []):
            root.call("DeleteUserPolicy", UserName=identity_name, PolicyName=each["PolicyName"])
        for key in root.call("ListAccessKeys", UserName=identity_name)["AccessKeyMetadata"]:
            root.call("DeleteAccessKey", UserName=identity_name, AccessKeyId=key["AccessKeyId"])
        root.call("DeleteUser", UserName=identity_name)
    for group in groups:
        root.call("DeleteGroup", GroupName=group)
    summary = root.call("GetAccountSummary")["SummaryMap"]
    assert (summary["Users"], summary["Groups"]) == (0, 0), "the counters are not what the lists say"


def test_answered_writes_survive_kill_9(new_server):
    server = new_server().start()
    total = 0
    for number in range(ROUNDS):
        writers = [Writer(server, each, number) for each in range(WRITERS)]
        for writer in writers:
            writer.start()
        wanted = random.randint(WRITES_PER_ROUND // 3, WRITES_PER_ROUND)
        is_enough = lambda: sum(len(writer.answered) for writer in writers) >= wanted  # noqa: E731
        until(lambda: is_enough() or not any(writer.is_alive() for writer in writers), "enough writes are answered", seconds=120)
        server.kill()
        for writer in writers:
            writer.join()
        server.start()
        writes, users, groups = check_round(server, writers)
        total += writes
        clean(server, users, groups)
    print(f"{total} answered writes over {ROUNDS} kills: none lost, no half one")
    assert total >= ROUNDS * WRITES_PER_ROUND // 3


def everything(root):
    """What the account contains, without last uses: those are written within a second, so a kill may come before or after."""
    details = root.call("GetAccountAuthorizationDetails", Filter=["User", "Role", "LocalManagedPolicy"])
    for role in details["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    return [details, root.call("ListAccountAliases"), root.call("GetAccountSummary")]


def test_everything_survives_a_restart(new_server, name):
    server = new_server().start()
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="alice", Path="/a/", Tags=[{"Key": "k", "Value": "v"}])
    key = Credentials.of(root.call("CreateAccessKey", UserName="alice")["AccessKey"])
    root.call("PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=ALLOW_ALL)
    arn = root.call("CreateRole", RoleName="role", AssumeRolePolicyDocument=trust(server.account))["Role"]["Arn"]
    root.call("PutRolePolicy", RoleName="role", PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    made = root.call("CreatePolicy", PolicyName="policy", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    root.call("AttachUserPolicy", UserName="alice", PolicyArn=made)
    root.call("CreateAccountAlias", AccountAlias="my-alias")
    alice = AwsApi(server, key)
    session = Credentials.of(alice.call("AssumeRole", RoleArn=arn, RoleSessionName="session")["Credentials"])
    bearer = Credentials(bearer=GrpcApi(server, key).call("CreateToken")["token"])
    before = everything(root)
    for end in (server.stop, server.kill):
        end()
        server.start()
        after = everything(AwsApi(server, server.root))
        assert after == before
        AwsApi(server, key).call("ListUsers")
        AwsApi(server, session).call("ListUsers")
        GrpcApi(server, bearer).call("ListUsers")


def test_two_changes_of_the_same_thing_never_both_win(server, aws):
    """Many clients compete for one name and one quota: one succeeds each time, and every answer is correct."""
    outcomes = []
    barrier = threading.Barrier(8)

    def race(front):
        api = front(server, server.root)
        barrier.wait()
        try:
            api.call("CreateUser", UserName="contested")
            outcomes.append("made")
        except ApiError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=race, args=(front,)) for front in [AwsApi, GrpcApi] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["EntityAlreadyExists"] * 7 + ["made"]
    outcomes.clear()
    barrier.reset()

    def keys(front):
        api = front(server, server.root)
        barrier.wait()
        try:
            api.call("CreateAccessKey", UserName="contested")
            outcomes.append("made")
        except ApiError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=keys, args=(front,)) for front in [AwsApi, GrpcApi] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LimitExceeded"] * 6 + ["made"] * 2
    assert len(aws.call("ListAccessKeys", UserName="contested")["AccessKeyMetadata"]) == 2


def test_a_permission_revoked_while_it_is_used(server, aws, new_user):
    """Calls sent after the answer of the revocation are refused; changes answered before it remain."""
    user, credentials = new_user(policy("iam:TagUser"))
    tagged, refusals, late = [], [], []
    withdrawn = threading.Event()

    def tag(number):
        api = (AwsApi if number % 2 else GrpcApi)(server, credentials)
        for count in range(100_000):
            sent_late = withdrawn.is_set()
            try:
                api.call("TagUser", UserName=user["UserName"], Tags=[{"Key": f"t{number}", "Value": str(count)}])
            except ApiError as error:
                refusals.append(error.code)
                return
            tagged.append((number, count))
            if sent_late:
                late.append((number, count))

    threads = [threading.Thread(target=tag, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len({number for number, _ in list(tagged)}) == 4 and len(tagged) >= 40, lambda: f"each thread tags: {refusals}")
    aws.call("DeleteUserPolicy", UserName=user["UserName"], PolicyName="inline")
    withdrawn.set()
    for thread in threads:
        thread.join(timeout=60)
    assert refusals == ["AccessDenied"] * 4
    assert not late
    tags = {tag["Key"]: tag["Value"] for tag in aws.call("ListUserTags", UserName=user["UserName"])["Tags"]}
    for number in range(4):
        assert tags[f"t{number}"] == str(max(count for identity_name, count in tagged if identity_name == number))
