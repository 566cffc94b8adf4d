"""Several servers on one etcd cluster."""

import time

import pytest
from stores.test_shared_store import (  # noqa: F401
    api,
    code,
    ready,
    test_a_backup_moves_into_a_database_and_back,
    test_a_copy_of_a_data_folder_is_refused,
    test_a_missing_row_is_found,
    test_another_database_is_not_started_with_the_old_key,
    test_data_folders_are_not_mixed,
    test_concurrent_writers_lose_nothing_and_each_change_is_on_record_once,
    test_every_server_answers_alike,
    test_first_starts_at_the_same_time_make_one_deployment,
    test_json_log_has_no_address,
    test_a_revocation_is_in_force_everywhere_within_a_second,
    test_sessions_are_known_to_every_server,
    user_with_key,
)
from support.api import GrpcApi
from support.received import received
from support.saml import make_metadata
from support.server import run
from support.waiting import until


def test_a_server_without_the_quorum_stops_deciding(new_servers, etcd):
    [server] = new_servers(1, arguments=["--max-staleness", "2"])
    server.start()
    key = user_with_key(server, "alice")
    rpc = GrpcApi(server, server.root)
    question = {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "resourceAccount": server.account}

    def decision():
        handle = rpc.call("Authenticate", signedRequest=received(key))["handle"]
        return rpc.call("Authorize", caller={"handle": handle}, **question)["decision"]

    assert decision() == "DECISION_IMPLICIT_DENY"
    # One member answers still, alone.
    for member in etcd.members[1:]:
        member.pause()
    try:
        begun = time.monotonic()
        assert decision() == "DECISION_IMPLICIT_DENY", "it decides from what it read"
        until(lambda: ready(server) == "503", "it is not ready")
        assert 1 < time.monotonic() - begun < 5
        assert code(api(server, key).call, "ListUsers") == "ServiceUnavailable"
        assert code(decision) == "ServiceUnavailable"
    finally:
        etcd.resume()
    until(lambda: ready(server) == "200", "it is ready again")
    assert decision() == "DECISION_IMPLICIT_DENY"
    assert code(api(server, key).call, "ListUsers") == "AccessDenied"


def test_members_that_stop_in_turn_are_replaced(three, etcd):
    key = user_with_key(three[0], "alice")
    until(lambda: code(api(three[1], key).call, "GetCallerIdentity") is None, "the key is known")
    for number, member in enumerate(etcd.members):
        member.pause()
        try:
            until(
                lambda: code(api(three[number]).call, "CreateUser", UserName=f"user-{number}") in (None, "EntityAlreadyExists"),
                "writes go on",
                seconds=30,
            )
            until(lambda: code(api(three[(number + 1) % 3], key).call, "GetCallerIdentity") is None, "decisions go on", seconds=30)
        finally:
            member.resume()
    until(lambda: len(api(three[0]).call("ListUsers")["Users"]) == 4, "all are there")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("etcd://root@127.0.0.1:1/iam", "cannot open the store in the keys iam/ of etcd on 127.0.0.1:1"),
        ("etcd://root:hidden-word@127.0.0.1:1/iam?colour=1", "colour"),
        ("etcd://root:hidden-word@127.0.0.1:1/a%20b", "the prefix"),
    ],
)
def test_unusable_addresses(tmp_path, address, expected):
    done = run("serve", "--data-dir", tmp_path / "data", environment={"BAILIWICK_STORE": address})
    assert done.returncode != 0 and expected in done.stderr and "hidden-word" not in done.stdout + done.stderr, done
    assert not (tmp_path / "data.key").exists(), "nothing is made"


def test_passwords_are_in_no_list_of_processes(tmp_path):
    done = run("serve", "--data-dir", tmp_path / "data", "--store", "etcd://me:hidden-word@127.0.0.1:1/iam")
    assert done.returncode == 2 and "--store-password-file" in done.stderr and "hidden-word" not in done.stderr, done


def test_changes_that_are_too_large_are_refused(new_servers, tmp_path):
    [server] = new_servers(1)
    server.start()
    plain = make_metadata(tmp_path)

    def create(name, size):
        document = plain.replace("<md:IDPSSODescriptor", f"<!--{'x' * size}--><md:IDPSSODescriptor", 1)
        return api(server).call("CreateSAMLProvider", Name=name, SAMLMetadataDocument=document)["SAMLProviderArn"]

    arn = create("small", 1_200_000)
    assert len(api(server).call("GetSAMLProvider", SAMLProviderArn=arn)["SAMLMetadataDocument"]) > 1_200_000
    assert code(create, "large", 1_500_000) == "LimitExceeded"
    assert code(api(server).call, "CreateUser", UserName="bob") is None, "other changes go on"
    assert len(api(server).call("ListSAMLProviders")["SAMLProviderList"]) == 1
