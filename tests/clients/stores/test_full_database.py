"""A database whose disk is full, under concurrent clients whose history is checked."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from support.deployment import STALENESS, Deployment
from support.fault_run import ROUNDS, run_faults
from support.replicas import Node
from support.small_disk import fill, small_disk

# As few files as possible, so that the disk can be small.
SETTINGS = """
wal_keep_size = 0
min_wal_size = '32MB'
max_wal_size = '32MB'
"""
MEGABYTES = 192


class OnSmallDisk(Deployment):
    """Three servers on one database, on a disk of its own."""

    def __init__(self, folder, disk, node):
        super().__init__(folder, [("127.0.0.1", node.port)], lambda hosts: f"postgres://postgres@{hosts}/postgres")
        self.disk, self.node = disk, node

    def fill_disk(self, _):
        """The disk is full for some seconds; PostgreSQL ends when it cannot write its log, and is started when there is space."""
        filler = fill(self.disk)
        time.sleep(1)
        # It refuses changes as soon as a file must grow.
        for _ in range(20):
            if not self.write_more():
                break
        else:
            raise AssertionError("the database goes on without space")
        time.sleep(STALENESS + 1)
        filler.unlink()
        self.node.stop(signal.SIGQUIT)
        self.node.start()

    def write_more(self):
        """Whether the database takes a megabyte."""
        try:
            self.node.sql("CREATE TABLE IF NOT EXISTS other AS SELECT repeat('x', 8000) FROM generate_series(1, 1)")
            self.node.sql("INSERT INTO other SELECT md5(random()::text) || repeat(md5(random()::text), 30) FROM generate_series(1, 1000)")
        except subprocess.SubprocessError:
            return False
        return True


@pytest.fixture
def deployment(tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="bailiwick-disk."))
    try:
        with small_disk(folder, MEGABYTES) as disk:
            if os.getuid() == 0:
                shutil.chown(disk, "postgres", "postgres")
            node = Node(disk, "node", SETTINGS)
            made = OnSmallDisk(tmp_path, disk, node)
            try:
                node.create()
                yield made
            finally:
                made.end()
                node.stop(signal.SIGQUIT)
    finally:
        folder.rmdir()


def test_a_full_disk_loses_no_write_and_undoes_no_revocation(deployment):
    run_faults(deployment.start(), [OnSmallDisk.fill_disk, OnSmallDisk.kill_server, OnSmallDisk.fill_disk], ROUNDS // 10)
