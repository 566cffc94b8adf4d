"""Faults of a deployment, one after the other, under concurrent clients whose history is checked.

`BAILIWICK_FAULT_ROUNDS` is the number of random faults after the fixed ones; `BAILIWICK_FAULT_SEED` repeats a run.
"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from .api import AwsApi
from .deployment import SERVERS, STALENESS
from .histories import FAILED, OK, UNKNOWN, faults_of_decisions, faults_of_register
from .recorder import KEYS, READER, Clients
from .server import Credentials, run
from .waiting import until

# A revocation is in force within a second on servers that reach the database, and the others stop deciding. The rest is for a
# machine that does many other things.
WITHIN = STALENESS + 1 + 2.0
ROUNDS = int(os.environ.get("BAILIWICK_FAULT_ROUNDS", "0"))
SEED = int(os.environ.get("BAILIWICK_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))


def run_faults(deployment, faults, rounds=ROUNDS):
    """Runs each fault, then as many random ones, and checks what clients saw meanwhile, the trails and the store."""
    print(f"BAILIWICK_FAULT_SEED={SEED}")
    api = AwsApi(deployment.servers[0], deployment.root)
    for name in [READER, *KEYS]:
        api.call("CreateUser", UserName=name)
    reader = Credentials.of(api.call("CreateAccessKey", UserName=READER)["AccessKey"])
    choice = random.Random(SEED)
    plan = [*faults, *(choice.choice(faults) for _ in range(rounds))]
    clients = Clients(deployment, reader, SEED, WITHIN + 1)
    try:
        time.sleep(1)
        for fault in plan:
            fault(deployment, choice.randrange(SERVERS))
            before = clients.acknowledged()
            until(
                lambda: clients.acknowledged() >= before + 10,
                lambda: f"changes are accepted after {fault.__name__}; {[s.output[-2000:] for s in deployment.servers]}",
                # A machine that does many other things confirms nothing in time for a while.
                seconds=90,
            )
            time.sleep(choice.random() * (2 if rounds else 0.5))
    finally:
        clients.stop()
    assert not clients.unexpected, clients.unexpected
    for server in deployment.servers:
        until(lambda: _all_read(clients, server), "every value is read at the end")
    _check_history(clients, deployment.replaced_at)
    _check_rest(deployment)


def _check_history(clients, replaced_at):
    """No acknowledged write is lost, every register is linearizable, and no revocation is undone."""
    for key in KEYS:
        operations = [op for op in clients.operations if op.key == key]
        before = [op for op in operations if op.is_write or op.ended < replaced_at]
        assert not (found := faults_of_register(before)), found[:5]
        # Until it must be confirmed again, a server may read from a node that was replaced.
        assert not (found := faults_of_register(operations, stale=STALENESS)), found[:5]
    assert not (found := faults_of_decisions(clients.changes, clients.decisions, WITHIN)), found[:5]
    outcomes = [op.outcome for op in clients.operations if op.is_write]
    allowed = [decision.is_allowed for decision in clients.decisions]
    revoked = [change for change in clients.changes if not change.is_grant and change.outcome == OK]
    print({each: outcomes.count(each) for each in (OK, FAILED, UNKNOWN)}, len(allowed), sum(allowed), len(revoked))
    assert 0 < sum(allowed) < len(allowed) and revoked


def _check_rest(deployment):
    """The audit trails are complete, and the store is sound."""
    for server in deployment.servers:
        assert server.stop() == 0
        done = run("audit", "verify", "--folder", server.data / "audit")
        assert done.returncode == 0, done.stdout + done.stderr
    first = deployment.servers[0]
    done = run("doctor", "--data-dir", first.data, "--master-key-file", deployment.key, environment=first.environment)
    assert done.returncode == 0, done.stdout + done.stderr


def _all_read(clients, server):
    """Whether a server returns the values of all keys, which become part of the history."""
    with ThreadPoolExecutor() as pool:
        reads = [pool.submit(clients.read_from, key, server) for key in KEYS]
    return all(read.exception() is None for read in reads)
