"""The server that is attacked."""

import pytest
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that reports every failed authentication, so that the tests see why each attempt is refused. How failures
    are limited is `test_guessing`'s."""
    server = Server(tmp_path_factory.mktemp("server"), environment={"BAILIWICK_FAILED_AUTHENTICATIONS": "0"}).start()
    yield server
    server.stop()
