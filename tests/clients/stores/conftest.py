"""A PostgreSQL server, for servers of Bailiwick that share a database of it."""

import pytest
from support.postgres import Postgres


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def store(postgres):
    """The store that the servers of `new_servers` share."""
    return postgres


@pytest.fixture
def example():
    """How the example of three servers runs the store: its script, its address, and options."""
    return ["postgres.sh", "postgres://postgres@127.0.0.1:PORT/postgres", "fsync=off"]
