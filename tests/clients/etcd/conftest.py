"""An etcd cluster of three members, for servers of Bailiwick that share a store in it."""

import pytest
from support.members import Cluster

# Tests of what holds for every shared store.
pytest.register_assert_rewrite("stores.test_shared_store", "stores.test_maintenance", "stores.test_store_copy", "stores.test_clocks")


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
