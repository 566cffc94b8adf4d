"""A PostgreSQL primary with a synchronous standby, whose processes are stopped, paused, ended and promoted."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .server import clean_environment, free_port
from .waiting import until

# The servers of a test connect through TCP only.
SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 200
wal_level = replica
hot_standby = on
wal_keep_size = '256MB'
wal_receiver_status_interval = '1s'
fsync = off
include = 'node.conf'
"""


def _programs():
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
    assert found, "PostgreSQL must be installed: apt-get install postgresql"
    return Path(found).resolve().parent


class Node:
    """One PostgreSQL server in a folder, which is a primary or a standby."""

    def __init__(self, folder, name, settings=""):
        self.data = folder / name
        self.folder = folder
        # Lines of the configuration, in addition.
        self.settings = settings
        self.port = free_port()
        self.process = None

    def _command(self, program, *arguments):
        # PostgreSQL refuses to run as root.
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.getuid() == 0 else []
        return [*user, str(_programs() / program), *map(str, arguments)]

    def _run(self, program, *arguments):
        done = subprocess.run(
            self._command(program, *arguments), cwd=self.folder, env=clean_environment(), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def create(self):
        """Makes an empty primary."""
        self._run(
            "initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C", f"--pgdata={self.data}"
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS + self.settings)
        return self.start()

    def follow(self, primary):
        """Becomes a new standby of another node, which from then on waits for it at each commit."""
        shutil.rmtree(self.data, ignore_errors=True)
        address = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        self._run("pg_basebackup", "--pgdata", self.data, "--dbname", address, "--checkpoint=fast", "--wal-method=stream", "--no-sync", "-R")
        self.start()
        primary.configure(synchronous_standby_names="standby")
        state = "SELECT sync_state FROM pg_stat_replication"
        until(lambda: primary.sql(state) == "sync\n" and primary.sql("SHOW synchronous_standby_names") == "standby\n", "it follows")

    def configure(self, **settings):
        """Sets what differs between nodes; a running server reads it again."""
        lines = [f"port = {self.port}", f"unix_socket_directories = '{self.folder}'"]
        lines += [f"{name} = '{value}'" for name, value in settings.items()]
        (self.data / "node.conf").write_text("\n".join(lines) + "\n")
        (self.data / "node.conf").chmod(0o644)
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def start(self):
        """Starts the server, which waits for no standby, and waits until it answers."""
        self.configure()
        with (self.folder / f"log{self.port}").open("ab") as log:
            command = self._command("postgres", "-D", self.data)
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        ready = self._command("pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}")
        until(lambda: subprocess.run(ready).returncode == 0, "PostgreSQL answers")
        return self

    def stop(self, number=signal.SIGINT):
        """Ends the server: with SIGINT in order, with SIGQUIT as in a crash."""
        if self.process:
            self.resume()
            self.process.send_signal(number)
            self.process.wait(timeout=60)
            self.process = None

    def _processes(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid, *map(int, children)]

    def _signal(self, number):
        for process in self._processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass  # It has ended.

    def pause(self):
        """Stops all processes where they are: clients wait, as for a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        """Lets them go on."""
        self._signal(signal.SIGCONT)

    def sql(self, text, database="postgres"):
        """What a statement returns, as text."""
        command = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-qtAc", text, database]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment(), timeout=60)
        return done.stdout

    def promote(self):
        """Makes a primary of the standby, which waits for no other."""
        self._run("pg_ctl", "promote", "-D", self.data)
        until(lambda: self.sql("SELECT pg_is_in_recovery()") == "f\n", "it is a primary")


class Pair:
    """A primary and its standby; they exchange places."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="bailiwick-pair."))
        self.folder.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.nodes = [Node(self.folder, name) for name in ("a", "b")]
        self.primary, self.standby = self.nodes
        self.primary.create()
        self.standby.follow(self.primary)

    def promoted(self):
        """The standby takes over; returns the old primary, which may still run."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        return self.standby

    def restarted(self):
        """Requires the standby again, after the primary was started."""
        self.primary.configure(synchronous_standby_names="standby")
        until(lambda: self.primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync\n", "the standby follows")

    def end(self):
        """Ends both and removes their files."""
        for node in self.nodes:
            node.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
