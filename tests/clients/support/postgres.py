"""A PostgreSQL server of one test file."""

import subprocess

from .server import ROOT, clean_environment, free_port

# The keys of users.
USERS = "SELECT key FROM bailiwick_rows WHERE substring(key FROM 6 FOR 1) = '\\x10' ORDER BY key"


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

    def is_empty(self, address):
        """Whether there is nothing of Bailiwick in a database."""
        return self.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'bailiwick%'", address.rsplit("/", 1)[1]) == "0\n"

    def remove_user(self, address):
        """Removes the row of a user from a store."""
        self.sql(f"DELETE FROM bailiwick_rows WHERE key IN ({USERS} LIMIT 1)", address.rsplit("/", 1)[1])

    def change_user(self, address):
        """Changes the row of a user in a store."""
        self.sql(f"UPDATE bailiwick_rows SET stored = stored || '\\x00' WHERE key IN ({USERS} LIMIT 1)", address.rsplit("/", 1)[1])

    def stop(self):
        """Ends it and removes its files."""
        self.process.stdin.close()
        self.process.wait()
