"""The server that is attacked."""

import pytest
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that reports every failed authentication, so that the tests see the reason of each refusal. The limits
    of failures are tested in `test_guessing`."""
    server = Server(tmp_path_factory.mktemp("server"), environment={"BAILIWICK_FAILED_AUTHENTICATIONS": "0"}).start()
    yield server
    server.stop()
