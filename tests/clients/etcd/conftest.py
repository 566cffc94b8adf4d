"""An etcd cluster of three members, for servers of Bailiwick that share a store in it."""

import pytest
from support.members import Cluster

# Tests of what holds for every shared store.
pytest.register_assert_rewrite(
    *(f"stores.{name}" for name in ("test_shared_store", "test_maintenance", "test_store_copy", "test_clocks", "test_cluster"))
)


@pytest.fixture(scope="module")
def etcd():
    made = Cluster()
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="module")
def store(etcd):
    """The store that the servers of `new_servers` share."""
    return etcd


@pytest.fixture
def example():
    """How the example of three servers runs the store: its script and its address."""
    return ["etcd.sh", "etcd://127.0.0.1:PORT/bailiwick"]
