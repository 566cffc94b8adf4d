"""An etcd cluster of three members, and servers of Bailiwick that share a store in it."""

import base64
import json
import os
import signal
import subprocess

import pytest
from support.server import ROOT, free_port
from support.shared_store import SharedStoreServers, started

# Tests of what holds for every shared store.
pytest.register_assert_rewrite("stores.test_shared_store")


class Etcd:
    """etcd in a temporary folder, until this process ends."""

    def __init__(self, members=3):
        ports = [free_port() for _ in range(2 * members)]
        self.ports = ports[:members]
        names = ",".join(f"{port}:{peer}" for port, peer in zip(self.ports, ports[members:]))
        script = [ROOT / "tests" / "stores" / "etcd.sh", names]
        self.process = subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), "etcd must be installed: apt-get install etcd-server"
        self.members = [int(process) for process in line.split()[1:]]
        self._count = 0

    def call(self, method, **request):
        """Calls etcd's API as JSON; bytes are in base64."""
        url = f"http://127.0.0.1:{self.ports[0]}/v3/{method}"
        done = subprocess.run(["curl", "-sSf", "-m", "10", "-d", json.dumps(request), url], check=True, capture_output=True)
        return json.loads(done.stdout)

    def hosts(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def database(self):
        """The address of a new store."""
        self._count += 1
        return f"etcd://{self.hosts()}/iam{self._count}"

    def signal(self, which):
        for member in self.members:
            os.kill(member, which)

    def stop(self):
        self.signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def etcd():
    made = Etcd()
    yield made
    made.stop()


@pytest.fixture
def new_servers(tmp_path, etcd):
    """Makes servers on one new store, not yet started; all are stopped after the test."""
    made = SharedStoreServers(tmp_path, etcd.database)
    yield made.make
    made.kill()


@pytest.fixture
def three(new_servers):
    """Three running servers on one store."""
    return started(new_servers(3))
