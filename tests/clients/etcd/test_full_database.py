"""An etcd cluster that has no space, or one of whose members has none, under concurrent clients whose history is checked."""

import http.client
import os
import secrets
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.deployment import STALENESS, Deployment
from support.fault_run import ROUNDS, run_faults
from support.members import Cluster, encoded
from support.small_disk import fill, small_disk
from support.waiting import until

# Of the disk of one member, which has two files of 64 MB for its log.
MEGABYTES = 160
OTHER = encoded("other")


def readiness(server):
    """What `/readyz` returns."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class OnSmallCluster(Deployment):
    """Three servers on three members with a small quota."""

    def __init__(self, folder, cluster):
        nodes = [(member.host, member.port) for member in cluster.members]
        super().__init__(folder, nodes, lambda hosts: f"etcd://{hosts}/iam")
        self.cluster = cluster

    def write_more(self, timeout=10):
        """Whether etcd takes a megabyte that is not compressed."""
        try:
            self.cluster.leader().call("kv/put", timeout, key=OTHER, value=encoded(secrets.token_bytes(1 << 20)))
        except (OSError, http.client.HTTPException) as error:
            # Otherwise a member has ended, which may have been the leader.
            return "space exceeded" not in str(error)
        return True

    def exceed_quota(self, _):
        """Something else fills the database, so that etcd raises its alarm; an administrator makes room, and ends the alarm."""
        until(lambda: not self.write_more(), "the quota is exceeded")
        time.sleep(STALENESS + 1)
        for server in self.servers:
            until(lambda: "the database has no space left" in readiness(server), lambda: f"the reason is shown: {readiness(server)}")
        self.cluster.call("kv/deleterange", key=OTHER)
        self.cluster.compact()
        for member in self.cluster.members:
            member.call("maintenance/defragment", timeout=60)
        alarms = self.cluster.call("maintenance/alarm", action="GET")["alarms"]
        assert {each["alarm"] for each in alarms} == {"NOSPACE"}
        for each in alarms:
            self.cluster.call("maintenance/alarm", action="DEACTIVATE", memberID=each["memberID"], alarm="NOSPACE")

    def fill_disk(self, _):
        """The disk of one member is full: it ends, and is started when there is space."""
        member = self.cluster.members[0]
        filler = fill(member.folder)
        until(lambda: member.process.poll() is not None or not self.write_more(), "the member ends")
        assert member.process.poll() is not None
        member.kill()
        time.sleep(STALENESS + 1)
        filler.unlink()
        self.cluster.start()


@contextmanager
def deployed(folder, quota):
    """Members with a quota in megabytes, and servers; not yet started."""
    cluster = Cluster(options=[f"--quota-backend-bytes={quota << 20}"])
    made = OnSmallCluster(folder, cluster)
    try:
        yield made
    finally:
        made.end()
        cluster.end()


def test_an_exceeded_quota_loses_no_write_and_undoes_no_revocation(tmp_path):
    with deployed(tmp_path, quota=16) as deployment:
        deployment.cluster.start()
        run_faults(deployment.start(), [OnSmallCluster.exceed_quota, OnSmallCluster.kill_server, OnSmallCluster.exceed_quota], ROUNDS // 10)


@pytest.fixture
def disk():
    """A small disk, which the members may use."""
    folder = Path(tempfile.mkdtemp(prefix="bailiwick-disk."))
    try:
        with small_disk(folder, MEGABYTES) as disk:
            if os.getuid() == 0:
                shutil.chown(disk, "nobody", "nogroup")
            yield disk
    finally:
        folder.rmdir()


def test_a_member_without_space_loses_no_write_and_undoes_no_revocation(tmp_path, disk):
    with deployed(tmp_path, quota=1024) as deployment:
        deployment.cluster.members[0].folder = disk
        deployment.cluster.start()
        run_faults(deployment.start(), [OnSmallCluster.fill_disk, OnSmallCluster.kill_server, OnSmallCluster.fill_disk], ROUNDS // 10)
