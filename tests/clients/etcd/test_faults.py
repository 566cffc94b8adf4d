"""Servers and members of etcd that are killed, paused, cut off and moved, under concurrent clients whose history is checked."""

import signal
import time

import pytest
from support.deployment import CLOCK_FAULTS, STALENESS, Deployment
from support.fault_run import ROUNDS, run_faults
from support.members import Cluster
from support.namespaces import Namespaces


class OnCluster(Deployment):
    """Three servers on three members."""

    def __init__(self, folder, namespaces=None):
        self.namespaces = namespaces
        self.cluster = Cluster(namespaces=namespaces).start()
        nodes = [(member.host, member.port) for member in self.cluster.members]
        super().__init__(folder, nodes, lambda hosts: f"etcd://{hosts}/iam")

    def end(self):
        """Ends everything."""
        super().end()
        self.cluster.end()

    def kill_member(self, number):
        """Ends a member without notice, and starts it later."""
        self.cluster.members[number].kill()
        time.sleep(STALENESS + 1)
        self.cluster.start()

    def kill_leader(self, _):
        """The same for the one that leads."""
        self.kill_member(self.cluster.members.index(self.cluster.leader()))

    def kill_members(self, _):
        """All members lose their power, and start again."""
        for member in self.cluster.members:
            member.kill()
        self.cluster.start()

    def replace_member(self, number):
        """A member loses its data, and joins again."""
        self.cluster.replace(self.cluster.members[number])

    def pause_leader(self, _):
        """The machine of the leader hangs, and goes on when another one leads."""
        old = self.cluster.leader()
        old.pause()
        time.sleep(STALENESS + 1)
        old.resume()

    def pause_majority(self, number):
        """Two members hang, so that the third one has no quorum."""
        others = [member for member in self.cluster.members if member is not self.cluster.members[number]]
        for member in others:
            member.pause()
        time.sleep(STALENESS + 1)
        for member in others:
            member.resume()

    def divide_member(self, number):
        """A member is cut off from the others, and not from the servers."""
        self.namespaces.divide(number)
        time.sleep(STALENESS + 1)
        assert not self.cluster.members[number].is_healthy(), "it has no quorum"
        self.namespaces.join(number)

    def divide_leader(self, _):
        """The same for the one that leads: another one leads, and it does not know for a while."""
        self.divide_member(self.cluster.members.index(self.cluster.leader()))

    def divide_all(self, _):
        """Each member is alone."""
        for number in (0, 1):
            self.namespaces.divide(number)
        time.sleep(STALENESS + 1)
        for number in (0, 1):
            self.namespaces.join(number)

    def move_leader(self, _):
        """Another member leads, again and again."""
        for _ in range(3):
            self.cluster.move_leader()
            time.sleep(0.5)

    def compact_while_paused(self, server):
        """A server hangs shortly, and what it would read next of etcd's history is removed meanwhile."""
        self.servers[server].signal(signal.SIGSTOP)
        time.sleep(STALENESS / 2)
        self.cluster.compact()
        self.servers[server].signal(signal.SIGCONT)

    def compact_and_defragment(self, _):
        """Old versions are removed, and each member frees their space, during which it does not answer."""
        self.cluster.compact()
        for member in self.cluster.members:
            member.call("maintenance/defragment", timeout=60)


FAULTS = [
    OnCluster.kill_server, OnCluster.pause_server, OnCluster.cut_off, OnCluster.silence, OnCluster.kill_member, OnCluster.kill_leader,
    OnCluster.kill_members, OnCluster.replace_member, OnCluster.pause_leader, OnCluster.pause_majority, OnCluster.move_leader,
    OnCluster.compact_while_paused, OnCluster.compact_and_defragment,
]  # fmt: skip

DIVISIONS = [
    OnCluster.divide_member, OnCluster.divide_leader, OnCluster.divide_all, OnCluster.kill_server, OnCluster.divide_leader,
]  # fmt: skip


@pytest.fixture
def deployment(tmp_path):
    made = OnCluster(tmp_path)
    yield made
    made.end()


def test_no_fault_loses_a_write_or_undoes_a_revocation(deployment):
    run_faults(deployment.start(), FAULTS)


def test_no_clock_loses_a_write_or_undoes_a_revocation(deployment):
    run_faults(deployment.with_clocks().start(), CLOCK_FAULTS, ROUNDS // 10)


def test_no_divided_network_loses_a_write_or_undoes_a_revocation(tmp_path):
    namespaces = Namespaces(3)
    try:
        made = OnCluster(tmp_path, namespaces)
        try:
            run_faults(made.start(), DIVISIONS, ROUNDS // 10)
        finally:
            made.end()
    finally:
        namespaces.end()
