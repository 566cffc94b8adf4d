"""`cargo xtask cluster`: the example of three servers on one store."""

import re
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.api import AwsApi
from support.server import BINARY, ROOT, Credentials, clean_environment, free_port


class Running:
    """One server of the example."""

    def __init__(self, url):
        self.url, self.port = url, int(url.rsplit(":", 1)[1])
        self.scheme, self.target = "http", url.removeprefix("http://")


@pytest.fixture
def folder():
    """A temporary folder with a short path, since PostgreSQL makes a socket in it, and which the user of PostgreSQL may use."""
    with tempfile.TemporaryDirectory(prefix="bailiwick-") as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.mark.parametrize("by_signal", [True, False])
def test_three_servers_start_and_leave_nothing(folder, example, by_signal):
    port = free_port()
    script, address, *options = example
    command = [ROOT / "tests/stores/cluster.sh", BINARY, script, str(port), address.replace("PORT", str(port)), *options]
    process = subprocess.Popen(
        command, env=clean_environment() | {"TMPDIR": str(folder)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    said = ""
    while "Ctrl-C ends everything" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    exports = dict(re.findall(r"export (\w+)=(\S+)", said))
    root = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    servers = [Running(url) for url in re.findall(r"^  (http://\S+)$", said, re.M)]
    assert len(servers) == 3
    AwsApi(servers[0], root).call("CreateUser", UserName="alice")
    for server in servers:
        assert AwsApi(server, root).call("GetUser", UserName="alice")["User"]["UserName"] == "alice"
    if by_signal:
        process.send_signal(signal.SIGINT)
    else:
        process.stdin.close()
    assert process.wait(timeout=60) == 0
    assert not list(folder.iterdir())
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(folder) not in arguments.read_text(errors="replace"), "a process is left"
        except OSError:
            pass  # It has ended.
