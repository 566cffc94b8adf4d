"""Servers and databases that are killed, paused, cut off and replaced, under concurrent clients whose history is checked."""

import signal
import time

import pytest
from support.deployment import CLOCK_FAULTS, STALENESS, Deployment
from support.fault_run import ROUNDS, run_faults
from support.replicas import Pair


class OnPair(Deployment):
    """Three servers on a primary with a synchronous standby."""

    def __init__(self, folder):
        self.pair = Pair()
        nodes = [("127.0.0.1", node.port) for node in self.pair.nodes]
        super().__init__(folder, nodes, lambda hosts: f"postgres://postgres@{hosts}/postgres")

    def end(self):
        """Ends everything."""
        super().end()
        self.pair.end()

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

    def pause_standby(self, _):
        """The machine of the standby hangs, for which each change waits."""
        self.pair.standby.pause()
        time.sleep(STALENESS + 1)
        self.pair.standby.resume()

    def vacuum(self, _):
        """All tables are written again, during which changes wait."""
        self.pair.primary.sql("VACUUM FULL")

    def promote(self, _):
        """The standby takes over from a primary that hangs, which goes on later, is then ended, and becomes the standby."""
        self.replaced_at = min(self.replaced_at, time.monotonic())
        self.pair.primary.pause()
        old = self.pair.promoted()
        time.sleep(1)
        old.resume()
        time.sleep(STALENESS + 1)
        old.stop(signal.SIGQUIT)
        old.follow(self.pair.primary)


FAULTS = [
    OnPair.kill_server, OnPair.pause_server, OnPair.cut_off, OnPair.silence, OnPair.end_connections, OnPair.crash_database,
    OnPair.stop_database, OnPair.pause_database, OnPair.pause_standby, OnPair.vacuum, OnPair.promote,
]  # fmt: skip


@pytest.fixture
def deployment(tmp_path):
    made = OnPair(tmp_path)
    yield made
    made.end()


def test_no_fault_loses_a_write_or_undoes_a_revocation(deployment):
    run_faults(deployment.start(), FAULTS)


def test_no_clock_loses_a_write_or_undoes_a_revocation(deployment):
    run_faults(deployment.with_clocks().start(), CLOCK_FAULTS, ROUNDS // 10)
