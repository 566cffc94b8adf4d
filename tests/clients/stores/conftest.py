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
