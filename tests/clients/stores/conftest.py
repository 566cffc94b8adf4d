"""A PostgreSQL server, and servers of Bailiwick that share a database of it."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.server import ROOT, Server, clean_environment, free_port, random_root


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
    made = []

    def make(count, address=None, arguments=()):
        address, root = address or postgres.database(), random_root()
        servers = []
        for number in range(count):
            folder = tmp_path / f"server{len(made)}"
            folder.mkdir()
            key = ["--master-key-file", str(tmp_path / "key")]
            server = Server(folder, root=root, arguments=[*key, *arguments], environment={"BAILIWICK_STORE": address})
            servers.append(server)
            made.append(server)
        return servers

    yield make
    for each in made:
        if each.process and each.process.poll() is None:
            each.kill()


@pytest.fixture
def three(new_servers):
    """Three running servers on one database."""
    servers = new_servers(3)
    servers[0].start()
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.start, servers[1:]))
    return servers
