"""A PostgreSQL server, and servers of Bailiwick that share a database of it."""

import subprocess

import pytest
from support.server import ROOT, clean_environment, free_port
from support.shared_store import SharedStoreServers, started


class Postgres:
    """PostgreSQL in a temporary folder, until this process ends."""

    def __init__(self):
        self.port = free_port()
        script = [ROOT / "tests" / "stores" / "postgres.sh", str(self.port), "fsync=off"]
        self.process = subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "PostgreSQL must be installed: apt-get install postgresql"
        self._count = 0

    def sql(self, text, database="postgres"):
        """What a statement returns, as text."""
        command = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qtAc", text, database]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment()).stdout

    def database(self):
        """The address of a new database."""
        self._count += 1
        name = f"iam{self._count}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.stop()


@pytest.fixture
def new_servers(tmp_path, postgres):
    """Makes servers on one new database, not yet started; all are stopped after the test."""
    made = SharedStoreServers(tmp_path, postgres.database)
    yield made.make
    made.kill()


@pytest.fixture
def three(new_servers):
    """Three running servers on one database."""
    return started(new_servers(3))
