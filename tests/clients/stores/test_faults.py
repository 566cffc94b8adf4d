"""Servers and databases that are killed, paused, cut off and replaced, under concurrent clients whose history is checked.

`BAILIWICK_FAULT_ROUNDS` is the number of random faults after the fixed ones; `BAILIWICK_FAULT_SEED` repeats a run.
"""

import http.client
import math
import os
import random
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import grpc
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from support.api import ApiError, AwsApi, GrpcApi
from support.cuttable import Cuttable
from support.documents import policy
from support.histories import FAILED, OK, UNKNOWN, Change, Decision, Operation, faults_of_decisions, faults_of_register
from support.received import received
from support.replicas import Pair
from support.server import Credentials, Server, random_root, run
from support.waiting import until

SERVERS = 3
STALENESS = 2
KEYS = ["user-a", "user-b", "user-c", "user-d"]
# A revocation is in force within a second on servers that reach the database, and the others stop deciding. The rest is for a
# machine that does many other things.
WITHIN = STALENESS + 1 + 2.0
ROUNDS = int(os.environ.get("BAILIWICK_FAULT_ROUNDS", "0"))
SEED = int(os.environ.get("BAILIWICK_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
MAY_READ = policy({"Action": "s3:GetObject", "Resource": "*"})


class Refused(Exception):
    """An error that was answered: nothing was changed if it is `ServiceUnavailable`."""


def query(server, key, timeout=8, **parameters):
    """Calls an operation of IAM; any other exception than `Refused` means that the outcome is not known."""
    body = urlencode({"Version": "2010-05-08", **parameters})
    request = AWSRequest("POST", f"{server.url}/", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(BotoCredentials(key.access_key_id, key.secret_access_key), "iam", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("POST", "/", body, dict(request.headers))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status == 200:
        return text
    code = re.search(r"<Code>(\w+)</Code>", text)
    if code and code[1] == "ServiceUnavailable":
        raise Refused(code[1])
    raise OSError(text)


class World:
    """Three servers, each of which reaches each node of the database through a proxy of its own."""

    def __init__(self, tmp_path):
        self.pair = Pair()
        root = random_root()
        self.servers, self.proxies = [], []
        for number in range(SERVERS):
            proxies = [Cuttable(node.port) for node in self.pair.nodes]
            folder = tmp_path / f"server{number}"
            folder.mkdir()
            hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies)
            arguments = ["--master-key-file", str(tmp_path / "key"), "--max-staleness", str(STALENESS)]
            environment = {"BAILIWICK_STORE": f"postgres://postgres@{hosts}/postgres"}
            self.servers.append(Server(folder, root=root, arguments=arguments, environment=environment).start())
            self.proxies.append(proxies)
        self.root = root
        # When the standby took over for the first time.
        self.promoted_at = math.inf

    def end(self):
        """Ends everything."""
        for server in self.servers:
            if server.process.poll() is None:
                server.signal(signal.SIGCONT)
                server.kill()
        for proxy in sum(self.proxies, []):
            proxy.close()
        self.pair.end()

    # Faults: each one takes place for some seconds and is over at the end.

    def kill_server(self, server):
        """Ends a server without notice."""
        self.servers[server].kill()
        time.sleep(0.5)
        self.servers[server].start()

    def pause_server(self, server):
        """Stops a server for longer than it may decide without the database."""
        self.servers[server].signal(signal.SIGSTOP)
        time.sleep(STALENESS + 1)
        self.servers[server].signal(signal.SIGCONT)

    def cut_off(self, server, mode="cut"):
        """Cuts a server off from the database."""
        for proxy in self.proxies[server]:
            proxy.set(mode)
        time.sleep(STALENESS + 1)
        for proxy in self.proxies[server]:
            proxy.set("open")

    def silence(self, server):
        """The same without an end of the connections."""
        self.cut_off(server, "silent")

    def end_connections(self, _):
        """Ends all connections within the database."""
        for _ in range(3):
            self.pair.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bailiwick'")
            time.sleep(0.3)

    def crash_database(self, _):
        """Restarts the database as after a crash."""
        self.pair.primary.stop(signal.SIGQUIT)
        self.pair.primary.start()
        self.pair.restarted()

    def stop_database(self, _):
        """Stops the database in order, and starts it later."""
        self.pair.primary.stop()
        time.sleep(STALENESS + 1)
        self.pair.primary.start()
        self.pair.restarted()

    def pause_database(self, _):
        """The machine of the primary hangs."""
        self.pair.primary.pause()
        time.sleep(STALENESS + 1)
        self.pair.primary.resume()

    def promote(self, _):
        """The standby takes over from a primary that hangs, which goes on later, is then ended, and becomes the standby."""
        self.promoted_at = min(self.promoted_at, time.monotonic())
        self.pair.primary.pause()
        old = self.pair.promoted()
        time.sleep(1)
        old.resume()
        time.sleep(STALENESS + 1)
        old.stop(signal.SIGQUIT)
        old.follow(self.pair.primary)


FAULTS = [
    World.kill_server, World.pause_server, World.cut_off, World.silence, World.end_connections, World.crash_database,
    World.stop_database, World.pause_database, World.promote,
]  # fmt: skip


class Clients:
    """Threads that use the servers until they are stopped, and the history of what they saw."""

    def __init__(self, world, reader):
        self.world, self.reader = world, reader
        self.operations, self.changes, self.decisions = [], [], []
        self.unexpected = []
        self._stop = threading.Event()
        self._value = 0
        self._lock = threading.Lock()
        work = [(self.write, number) for number in range(4)] + [(self.read, number) for number in range(3)]
        work += [(self.decide, number) for number in range(SERVERS)] + [(self.revoke, 0)]
        self._threads = [threading.Thread(target=self._repeat, args=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Waits until all have ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _repeat(self, step, number):
        choice = random.Random(f"{SEED} {step.__name__} {number}")
        while not self._stop.is_set():
            try:
                step(choice, number)
            except (Refused, OSError, http.client.HTTPException):
                time.sleep(0.05)
            except Exception as error:  # noqa: BLE001  it is reported at the end
                self.unexpected.append(error)
                return
            time.sleep(0.01)

    def _attempt(self, call):
        """The times and the outcome of a change."""
        begun = time.monotonic()
        try:
            call()
            outcome = OK
        except Refused:
            outcome = FAILED
        except (OSError, http.client.HTTPException):
            outcome = UNKNOWN
        return begun, time.monotonic(), outcome

    def write(self, choice, _):
        """Writes a new value through any server."""
        with self._lock:
            self._value += 1
            value = str(self._value)
        key, server = choice.choice(KEYS), choice.choice(self.world.servers)
        tag = {"Action": "TagUser", "UserName": key, "Tags.member.1.Key": "value", "Tags.member.1.Value": value}
        begun, ended, outcome = self._attempt(lambda: query(server, self.world.root, **tag))
        self.operations.append(Operation(key, True, value, begun, ended, outcome))

    def read(self, choice, _):
        """Reads a value through any server."""
        self.read_from(choice.choice(KEYS), choice.choice(self.world.servers))

    def read_from(self, key, server):
        """Reads a value through a server."""
        begun = time.monotonic()
        text = query(server, self.world.root, Action="ListUserTags", UserName=key)
        found = re.search(r"<Value>(\d+)</Value>", text)
        value = found and found[1]
        self.operations.append(Operation(key, False, value, begun, time.monotonic()))

    def revoke(self, choice, _):
        """Gives a permission, and takes it away."""
        common = {"UserName": "reader", "PolicyName": "reads"}
        for is_grant in (True, False):
            action = {"Action": "PutUserPolicy", "PolicyDocument": MAY_READ} if is_grant else {"Action": "DeleteUserPolicy"}
            server = choice.choice(self.world.servers)
            begun, ended, outcome = self._attempt(lambda: query(server, self.world.root, **action, **common))
            self.changes.append(Change(is_grant, begun, ended, outcome))
            if not is_grant and outcome == OK:
                self._stop.wait(WITHIN + 1)
            else:
                self._stop.wait(0.3)

    def decide(self, _, number):
        """Asks one server for a decision."""
        server = self.world.servers[number]
        rpc = GrpcApi(server, self.world.root)
        question = {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "resourceAccount": server.account}
        try:
            handle = rpc.call("Authenticate", signedRequest=received(self.reader))["handle"]
            begun = time.monotonic()
            decision = rpc.call("Authorize", caller={"handle": handle}, **question)["decision"]
        except (ApiError, grpc.RpcError):
            time.sleep(0.05)
            return
        self.decisions.append(Decision(decision == "DECISION_ALLOW", begun, time.monotonic()))
        time.sleep(0.03)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.end()


def test_no_fault_loses_a_write_or_undoes_a_revocation(world):
    print(f"BAILIWICK_FAULT_SEED={SEED}")
    first = world.servers[0]
    api = AwsApi(first, world.root)
    for name in ["reader", *KEYS]:
        api.call("CreateUser", UserName=name)
    reader = Credentials.of(api.call("CreateAccessKey", UserName="reader")["AccessKey"])
    choice = random.Random(SEED)
    plan = [*FAULTS, *(choice.choice(FAULTS) for _ in range(ROUNDS))]
    clients = Clients(world, reader)
    try:
        time.sleep(1)
        for fault in plan:
            fault(world, choice.randrange(SERVERS))
            acknowledged = len([op for op in clients.operations if op.outcome == OK and op.is_write])
            until(
                lambda: len([op for op in clients.operations if op.outcome == OK and op.is_write]) >= acknowledged + 10,
                lambda: f"changes are accepted after {fault.__name__}; {[s.output[-2000:] for s in world.servers]}",
            )
            time.sleep(choice.random() * (2 if ROUNDS else 0.5))
    finally:
        clients.stop()
    assert not clients.unexpected, clients.unexpected
    for server in world.servers:
        until(lambda: all_read(clients, server), "every value is read at the end")

    for key in KEYS:
        operations = [op for op in clients.operations if op.key == key]
        before = [op for op in operations if op.is_write or op.ended < world.promoted_at]
        assert not (found := faults_of_register(before)), found[:5]
        # Until it must be confirmed again, a server may read from a primary that was replaced.
        assert not (found := faults_of_register(operations, stale=STALENESS)), found[:5]
    assert not (found := faults_of_decisions(clients.changes, clients.decisions, WITHIN)), found[:5]
    outcomes = [op.outcome for op in clients.operations if op.is_write]
    allowed = [decision.is_allowed for decision in clients.decisions]
    revoked = [change for change in clients.changes if not change.is_grant and change.outcome == OK]
    print({each: outcomes.count(each) for each in (OK, FAILED, UNKNOWN)}, len(allowed), sum(allowed), len(revoked))
    assert outcomes.count(OK) > 100 and 0 < sum(allowed) < len(allowed) and revoked
    for server in world.servers:
        assert server.stop() == 0
        done = run("audit", "verify", "--folder", server.data / "audit")
        assert done.returncode == 0, done.stdout + done.stderr
    store = {"BAILIWICK_STORE": world.servers[0].environment["BAILIWICK_STORE"]}
    done = run("doctor", "--data-dir", first.data, "--master-key-file", first.arguments[1], environment=store)
    assert done.returncode == 0, done.stdout + done.stderr


def all_read(clients, server):
    """Whether a server returns the values of all keys, which become part of the history."""
    with ThreadPoolExecutor() as pool:
        reads = [pool.submit(clients.read_from, key, server) for key in KEYS]
    return all(read.exception() is None for read in reads)
