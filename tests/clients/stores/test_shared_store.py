"""Several servers on one PostgreSQL database."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from support import audit
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import policy, trust
from support.received import received
from support.server import Credentials, Server, run
from support.waiting import until

LISTS_USERS = policy("iam:ListUsers")
# A revocation is in force within this time on every server that reaches the database.
WITHIN = 1.0


def api(server, credentials=None):
    return AwsApi(server, credentials or server.root)


def code(call, *arguments, **parameters):
    """The error code of a call; none if it succeeds."""
    try:
        call(*arguments, **parameters)
    except ApiError as error:
        return error.code
    return None


def records(server):
    """The records of a stopped server's trail, which may continue that of another store."""
    lines = [audit.text(path).splitlines() for path in sorted((server.data / "audit").glob("audit-*.jsonl*"))]
    return [json.loads(line) for each in lines for line in each]


def ready(server):
    """The status of `/readyz`."""
    answer = subprocess.run(
        ["curl", "-s", "-m", "5", "-o", os.devnull, "-w", "%{http_code}", f"{server.url}/readyz"],
        capture_output=True, text=True,
    )  # fmt: skip
    return answer.stdout


def seconds_until(condition):
    begun = time.monotonic()
    until(condition, "the other server sees it")
    return time.monotonic() - begun


def user_with_key(server, name):
    api(server).call("CreateUser", UserName=name)
    return Credentials.of(api(server).call("CreateAccessKey", UserName=name)["AccessKey"])


def test_every_server_answers_alike(three):
    first, second, third = three
    key = user_with_key(first, "alice")
    for server in three:
        # Callers are proven on the view that decisions read, which follows within a second.
        until(lambda: code(api(server, key).call, "GetCallerIdentity") is None, "the key is known")
        assert api(server, key).call("GetCallerIdentity")["Arn"].endswith(":user/alice")
    # What was acknowledged by one server is read at once on the others.
    for number in range(20):
        api(three[number % 3]).call("CreateUser", UserName=f"user-{number}")
        found = api(three[(number + 1) % 3]).call("GetUser", UserName=f"user-{number}")
        assert found["User"]["UserName"] == f"user-{number}"
    assert code(api(second).call, "CreateUser", UserName="ALICE") == "EntityAlreadyExists"
    names = [[user["UserName"] for user in api(server).call("ListUsers")["Users"]] for server in three]
    assert names[0] == names[1] == names[2] and len(names[0]) == 21
    assert third.account in api(third).call("GetUser", UserName="alice")["User"]["Arn"]


def test_a_revocation_is_in_force_everywhere_within_a_second(three):
    first, second, third = three
    key = user_with_key(first, "alice")
    times = []
    for _ in range(10):
        api(first).call("PutUserPolicy", UserName="alice", PolicyName="lists", PolicyDocument=LISTS_USERS)
        until(lambda: code(api(second, key).call, "ListUsers") is None, "the policy is in force")
        api(third).call("DeleteUserPolicy", UserName="alice", PolicyName="lists")
        times.append(seconds_until(lambda: code(api(second, key).call, "ListUsers") == "AccessDenied"))
    api(first).call("UpdateAccessKey", UserName="alice", AccessKeyId=key.access_key_id, Status="Inactive")
    times.append(seconds_until(lambda: code(api(third, key).call, "GetCallerIdentity") == "InvalidClientTokenId"))
    print(f"median {statistics.median(times) * 1000:.0f} ms, at most {max(times) * 1000:.0f} ms")
    assert statistics.median(times) < WITHIN, times


def test_sessions_are_known_to_every_server(three):
    first, second, third = three
    created = api(first).call("CreateRole", RoleName="reader", AssumeRolePolicyDocument=trust(first.account))
    role = created["Role"]["Arn"]
    key = user_with_key(second, "alice")
    allow = policy({"Action": "sts:AssumeRole", "Resource": role})
    api(third).call("PutUserPolicy", UserName="alice", PolicyName="assume", PolicyDocument=allow)
    until(lambda: code(api(second, key).call, "AssumeRole", RoleArn=role, RoleSessionName="one") is None, "it may be assumed")
    answer = api(second, key).call("AssumeRole", RoleArn=role, RoleSessionName="one")
    session = Credentials.of(answer["Credentials"])
    for server in three:
        assert api(server, session).call("GetCallerIdentity")["Arn"].endswith("assumed-role/reader/one")
    # A marker of one server continues the list on another.
    for number in range(5):
        api(first).call("CreateUser", UserName=f"user-{number}")
    page = api(first).call("ListUsers", MaxItems=2)
    rest = api(second).call("ListUsers", Marker=page["Marker"])["Users"]
    assert [user["UserName"] for user in page["Users"] + rest] == ["alice", *(f"user-{number}" for number in range(5))]


def test_concurrent_writers_lose_nothing_and_each_change_is_on_record_once(three):
    def create(number):
        try:
            api(three[number % 3]).call("CreateUser", UserName=f"user-{number}")
        except Exception:  # noqa: BLE001  what the killed server does not acknowledge does not count
            return None
        return f"user-{number}"

    with ThreadPoolExecutor(12) as pool:
        made = [pool.submit(create, number) for number in range(240)]
        time.sleep(0.5)
        # One of them ends without notice.
        three[2].kill()
        acknowledged = {each.result() for each in made} - {None}
    three[2].start()
    names = {user["UserName"] for user in api(three[2]).call("ListUsers", MaxItems=1000)["Users"]}
    assert acknowledged <= names and len(acknowledged) >= 160
    for server in three:
        server.stop()
    recorded = [
        record["requestParameters"]["userName"]
        for server in three
        for record in audit.records(server)
        if record["eventName"] == "CreateUser" and "errorCode" not in record
    ]
    assert sorted(recorded) == sorted(names), "each user has one record, in the trail of one server"
    for server in three:
        done = run("audit", "verify", "--folder", server.data / "audit")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_is_cut_off_stops_deciding(new_servers, postgres):
    [server] = new_servers(1, arguments=["--max-staleness", "2"])
    server.start()
    key = user_with_key(server, "alice")
    rpc = GrpcApi(server, server.root)
    question = {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "resourceAccount": server.account}

    def decision():
        handle = rpc.call("Authenticate", signedRequest=received(key))["handle"]
        return rpc.call("Authorize", caller={"handle": handle}, **question)["decision"]

    assert decision() == "DECISION_IMPLICIT_DENY"
    processes = [int(pid) for pid in postgres.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'bailiwick'").split()]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert decision() == "DECISION_IMPLICIT_DENY", "it decides from what it read"
        until(lambda: ready(server) == "503", "it is not ready")
        assert 1 < time.monotonic() - begun < 5
        assert code(api(server, key).call, "ListUsers") == "ServiceUnavailable"
        assert code(decision) == "ServiceUnavailable"
        with pytest.raises(HTTPError) as refusal:
            urlopen(f"{server.url}/readyz", timeout=5)
        assert refusal.value.read().startswith(b"decisions are refused: the ")
        time.sleep(2)
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    until(lambda: ready(server) == "200", "it is ready again")
    assert decision() == "DECISION_IMPLICIT_DENY"
    assert code(api(server, key).call, "ListUsers") == "AccessDenied"
    for failure in ("cannot build the snapshot", "requested credential reports could not be"):
        assert server.output.count(failure) <= 3, "a failure that goes on is in the log once"


def test_connections_that_the_database_ends_are_replaced(three, postgres):
    key = user_with_key(three[0], "alice")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bailiwick'"
    for number in range(3):
        postgres.sql(end)
        until(lambda: code(api(three[0]).call, "CreateUser", UserName=f"user-{number}") in (None, "EntityAlreadyExists"), "writes")
        until(lambda: code(api(three[1], key).call, "GetCallerIdentity") is None, "decisions")


def test_first_starts_at_the_same_time_make_one_deployment(new_servers, tmp_path):
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    servers = new_servers(3, arguments=["--init"])
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.start, servers))
    accounts = {api(server).call("GetCallerIdentity")["Arn"] for server in servers}
    assert accounts == {f"arn:aws:iam::{servers[0].account}:root"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mysql://host/iam", "it does not begin with postgres://"),
        ("postgres://root@127.0.0.1:1/iam", "cannot open the store in the database iam on 127.0.0.1:1"),
        ("postgres://root:hidden-word@127.0.0.1:1/iam?colour=1", "colour"),
    ],
)
def test_unusable_addresses(tmp_path, address, expected):
    done = run("serve", "--data-dir", tmp_path / "data", environment={"BAILIWICK_STORE": address})
    assert done.returncode != 0 and expected in done.stderr and "hidden-word" not in done.stdout + done.stderr, done
    assert not (tmp_path / "data.key").exists(), "nothing is made"


def test_a_refused_connection_is_named(postgres, tmp_path):
    address = postgres.database().rsplit("/", 1)[0] + "/missing"
    done = run("serve", "--data-dir", tmp_path / "data", "--store", address)
    assert done.returncode == 1 and 'database "missing" does not exist' in done.stderr, done


def test_passwords_are_in_no_list_of_processes(tmp_path):
    address = "postgres://me:hidden-word@127.0.0.1:1/iam"
    done = run("serve", "--data-dir", tmp_path / "data", "--store", address)
    assert done.returncode == 2 and "--store-password-file" in done.stderr and "hidden-word" not in done.stderr, done
    done = run("serve", "--help", environment={"BAILIWICK_STORE": address})
    assert "BAILIWICK_STORE" in done.stdout and "hidden-word" not in done.stdout


def test_passwords_from_files(new_servers, postgres, tmp_path):
    postgres.sql("CREATE ROLE iam LOGIN PASSWORD 'hidden-word' SUPERUSER")
    configuration = postgres.sql("SHOW hba_file").strip()
    postgres.sql(f"COPY (SELECT 'host all iam 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'host all all 127.0.0.1/32 trust') TO '{configuration}'")
    postgres.sql("SELECT pg_reload_conf()")
    address = postgres.database().replace("postgres@", "iam@")
    password = tmp_path / "password"
    password.write_text("hidden-word\n")
    done = run("serve", "--data-dir", tmp_path / "data", "--store", address, "--store-password-file", password)
    assert done.returncode == 1 and "other users can read it" in done.stderr
    password.chmod(0o600)
    server, other = new_servers(2, address=address)
    server.arguments += ["--store-password-file", str(password)]
    server.start()
    passes = tmp_path / "passes"
    passes.write_text("*:*:*:iam:hidden-word\n")
    passes.chmod(0o600)
    other.environment["PGPASSFILE"] = str(passes)
    other.start()
    assert "hidden-word" not in server.output + other.output
    for process in (server.process, other.process):
        command = open(f"/proc/{process.pid}/cmdline").read()
        assert "hidden-word" not in command


def test_data_folders_are_not_mixed(new_servers, new_server, tmp_path):
    embedded = new_server().start()
    embedded.stop()
    [server] = new_servers(1)
    server.start()
    done = run("serve", "--data-dir", embedded.data, environment=server.environment)
    assert done.returncode == 1 and "has an embedded store" in done.stderr
    done = run("serve", "--data-dir", server.data, *server.arguments, environment=server.environment)
    assert done.returncode == 1 and "is in use: each server has a folder of its own" in done.stderr
    server.stop()
    done = run("serve", "--data-dir", server.data, *server.arguments)
    assert done.returncode == 1 and "there is no store in" in done.stderr, "the database is expected"


def test_a_copy_of_a_data_folder_is_refused(new_servers):
    server, other = new_servers(2)
    server.start()
    shutil.copytree(server.data, other.data, ignore=shutil.ignore_patterns("control"))
    other.environment = server.environment
    other.spawn()
    assert other.wait() == 1 and "another server with the same id uses the database" in other.output
    api(server).call("CreateUser", UserName="alice")
    # A server that was killed is followed by its next start within seconds.
    server.kill()
    begun = time.monotonic()
    server.start()
    assert time.monotonic() - begun < 15
    assert api(server).call("GetUser", UserName="alice")["User"]["UserName"] == "alice"

    # The copy is started while the first one does nothing; when that goes on, the copy stops.
    server.signal(signal.SIGSTOP)
    try:
        other.start()
        assert ready(other) == "200"
    finally:
        server.signal(signal.SIGCONT)
    until(lambda: ready(other) == "503", "the copy refuses everything")
    until(lambda: "this one stops" in other.output, "the log says why")
    until(lambda: code(api(server).call, "GetUser", UserName="alice") is None, "the first one goes on")
    assert code(api(other).call, "CreateUser", UserName="bob") == "ServiceUnavailable"


def test_another_database_is_not_started_with_the_old_key(new_servers, store):
    [server] = new_servers(1)
    server.start()
    server.stop()
    done = run("serve", "--data-dir", server.data, *server.arguments, environment={"BAILIWICK_STORE": store.database()})
    assert done.returncode == 1 and "there is no store in the" in done.stderr, done.stderr


def test_a_missing_row_is_found(new_servers, store):
    [server] = new_servers(1)
    server.start()
    user_with_key(server, "alice")
    server.stop()
    store.remove_user(server.environment["BAILIWICK_STORE"])
    server.spawn()
    assert server.wait() == 1 and "the store is damaged" in server.output


def test_json_log_has_no_address(new_servers):
    [server] = new_servers(1, arguments=["--log-format", "json"])
    scheme = server.environment["BAILIWICK_STORE"].split("//")[0] + "//"
    server.start()
    server.stop()
    for line in server.lines:
        if line.startswith("{"):
            assert scheme not in json.dumps(json.loads(line))


def test_a_backup_moves_into_a_database_and_back(new_servers, new_server, store, tmp_path):
    embedded = new_server(arguments=["--master-key-file", str(tmp_path / "key")]).start()
    key = user_with_key(embedded, "alice")
    api(embedded).call("PutUserPolicy", UserName="alice", PolicyName="lists", PolicyDocument=LISTS_USERS)
    given = ["--master-key-file", tmp_path / "key"]
    done = run("backup", "--data-dir", embedded.data, "--to", tmp_path / "first", *given)
    assert done.returncode == 0, done.stderr
    embedded.stop()

    address = store.database()
    first, second = new_servers(2, address=address)
    for expected in (0, 1):
        done = run("restore", "--from", tmp_path / "first", "--data-dir", first.data, *given, environment=first.environment)
        assert done.returncode == expected, done.stderr
        for path in (first.data / "lock", first.data / "server-id"):
            assert path.exists()
        # The second attempt is from another folder, into the same database.
        first.data = first.folder / f"data{expected}"
    assert "already: restore needs a new database" in done.stderr
    first.data = first.folder / "data"
    for server in (first, second):
        server.start()
        assert code(api(server, key).call, "ListUsers") is None
    api(second, embedded.root).call("CreateUser", UserName="bob")
    done = run("backup", "--data-dir", first.data, "--to", tmp_path / "second")
    assert done.returncode == 0, done.stderr
    for server in (first, second):
        server.stop()

    back = new_server("back", arguments=[str(each) for each in given])
    done = run("restore", "--from", tmp_path / "second", "--data-dir", back.data, *given)
    assert done.returncode == 0, done.stderr
    done = run("doctor", "--data-dir", back.data, *given)
    assert done.returncode == 0 and "sound" in done.stdout, done.stdout
    back.start()
    assert [user["UserName"] for user in api(back, key).call("ListUsers")["Users"]] == ["alice", "bob"]
    back.stop()
    # Records that waited in a backup are also written by the servers of the store that was made of it.
    names = {r["requestParameters"]["userName"] for r in records(second) if r["eventName"] == "CreateUser"}
    assert names == {"bob"}
    for server in (first, back):
        assert "RestoreBackup" in {r["eventName"] for r in records(server)}
