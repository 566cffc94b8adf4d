"""Commands on a database: doctor, recover-root and rotate-master-key, beside running servers."""

import json
import re
import secrets

from support import audit
from support.api import ApiError, AwsApi
from support.documents import trust
from support.server import Credentials, run
from support.waiting import until


def api(server, credentials=None):
    return AwsApi(server, credentials or server.root)


def code(call, *arguments, **parameters):
    """The error code of a call; none if it succeeds."""
    try:
        call(*arguments, **parameters)
    except ApiError as error:
        return error.code
    return None


def command(name, server, *arguments):
    """A command for the store and the data folder of a server."""
    given = ["--data-dir", server.data, *server.arguments]
    return run(name, *given, *arguments, environment=server.environment)


def key_file(path):
    path.write_text(secrets.token_hex(32) + "\n")
    path.chmod(0o400)
    return path


def identity(server, key):
    return code(api(server, key).call, "GetCallerIdentity")


def test_doctor_checks_a_database_while_servers_use_it(three, store):
    api(three[0]).call("CreateUser", UserName="alice")
    done = command("doctor", three[1], "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sound"] and found["rows"] > 50 and found["faults"] == [], found
    api(three[1]).call("CreateUser", UserName="bob")
    for server in three:
        server.stop()
    later = json.loads(command("doctor", three[1], "--json").stdout)
    assert later["sound"] and later["revision"] > found["revision"]
    # A row is taken away, and another one is changed.
    address = three[0].environment["BAILIWICK_STORE"]
    store.remove_user(address)
    done = command("doctor", three[1], "--json")
    assert done.returncode == 1, done.stderr
    assert "incomplete" in {fault["fault"] for fault in json.loads(done.stdout)["faults"]}
    store.change_user(address)
    done = command("doctor", three[1], "--json")
    assert "damaged" in {fault["fault"] for fault in json.loads(done.stdout)["faults"]}, done.stdout


def test_doctor_changes_nothing_where_no_store_is(new_servers, store):
    address = store.database()
    [server] = new_servers(1, address=address)
    for name, *arguments in (["doctor"], ["recover-root"], ["rotate-master-key", "--new-master-key-file", "x"]):
        done = command(name, server, *arguments)
        assert done.returncode != 0 and done.stdout == "", done
    assert "there is no store in the" in command("doctor", server).stderr
    assert store.is_empty(address)
    assert not server.data.exists()


def test_root_is_recovered_beside_running_servers(three):
    first, second, third = three
    done = command("recover-root", first)
    assert done.returncode == 1 and "needs that of a stopped server" in done.stderr, done.stderr
    first.stop()
    done = command("recover-root", first)
    assert done.returncode == 0, done.stderr
    path = first.data.with_name("data.root-credentials")
    exports = dict(re.findall(r"export (\w+)=(\S+)", path.read_text()))
    new = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    assert new.secret_access_key not in done.stdout + done.stderr
    for server in (second, third):
        until(lambda: identity(server, new) is None, "the new key is known")
        until(lambda: identity(server, server.root) == "InvalidClientTokenId", "the old key is refused")
    first.start()
    assert identity(first, new) is None
    first.stop()
    assert [record["eventName"] for record in audit.records(first)].count("RecoverRoot") == 1
    other = first.folder / "other"
    other.mkdir(mode=0o700)
    done = run("recover-root", "--data-dir", other, *first.arguments, environment=first.environment)
    assert done.returncode == 1 and "is not the data folder of a server with a database" in done.stderr
    assert not list(other.iterdir())


def session(server):
    """The credentials of a new session, which need the token keys of the server."""
    role = f"arn:aws:iam::{server.account}:role/reader"
    answer = api(server, server.alice).call("AssumeRole", RoleArn=role, RoleSessionName="one")
    return Credentials.of(answer["Credentials"])


def test_the_master_key_is_replaced_beside_running_servers(three, tmp_path):
    first, second, third = three
    api(first).call("CreateUser", UserName="alice")
    created = api(first).call("CreateRole", RoleName="reader", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{first.account}:user/alice"))
    assert created["Role"]["RoleName"] == "reader"
    alice = Credentials.of(api(first).call("CreateAccessKey", UserName="alice")["AccessKey"])
    for server in three:
        server.alice = alice
        until(lambda: identity(server, alice) is None, "the key is known")
    until(lambda: code(session, third) is None, "the role may be assumed")
    before = session(first)

    # The new key is where the settings expect it before the rotation, which one running server makes.
    key, old = tmp_path / "key", tmp_path / "old"
    key.rename(old)
    new = key_file(key)
    given = ["--data-dir", first.data, "--new-master-key-file", new, "--master-key-file", old]
    done = run("rotate-master-key", *given)
    assert done.returncode == 0, done.stderr
    for server in (second, third):
        server.wait_for("read again from the master key")
    for server in three:
        assert identity(server, before) is None
        for other in three:
            assert identity(other, session(server)) is None

    # That of a stopped server makes the next one, before the key is where the settings expect it.
    third.stop()
    key.rename(old)
    new = key_file(tmp_path / "new")
    third.arguments = ["--master-key-file", str(old)]
    done = command("rotate-master-key", third, "--new-master-key-file", new)
    assert done.returncode == 0, done.stderr
    second.wait_for("put the new key where the settings of this server expect it")
    assert identity(first, session(second)) is None, "the servers go on with the keys that they have"
    third.arguments = ["--master-key-file", str(key)]
    third.spawn()
    assert third.wait() == 1 and "is missing" in third.output
    new.rename(key)
    second.wait_for("read again from the master key")
    third.start()
    for server in three:
        assert identity(server, session(third)) is None and identity(server, before) is None
    for server in three:
        server.stop()
    rotations = [r for server in three for r in audit.records(server) if r["eventName"] == "RotateMasterKey"]
    assert len(rotations) == 2
    assert command("doctor", second).returncode == 0
