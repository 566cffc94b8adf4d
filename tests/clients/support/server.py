"""The real binary as a process: started on free ports and its own folder, stopped or killed, its output kept."""

import http.client
import os
import queue
import secrets
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BINARY = Path(os.environ.get("BAILIWICK_BINARY", TARGET / "debug" / "bailiwick"))
READY = "bailiwick is listening on "
ACCOUNT = "111122223333"
PATIENCE = 60


@dataclass(frozen=True)
class Credentials:
    """Credentials to sign with, or a bearer token instead."""

    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str | None = None
    bearer: str | None = None

    @staticmethod
    def of(answer):
        """From an answer of CreateAccessKey or AssumeRole."""
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))


_ports = set()


def _never_given_out():
    """The ports that the system gives to no connection and no listener by itself: below its ephemeral range."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32768
    return range(10_000, max(first, 20_000))


def free_port():
    """A port that was free just now, another one at each call.

    A port of the ephemeral range could become the source port of another test's connection before the server
    listens on it.
    """
    while True:
        port = secrets.choice(_never_given_out())
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _ports:
            _ports.add(port)
            return port


def random_root():
    """Root credentials in the format of those that the server makes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    name = "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
    return Credentials(name, secrets.token_urlsafe(30)[:40])


def clean_environment():
    """This process's environment without anything that an AWS client or the server would take from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BAILIWICK_"))}


def client_environment(server, credentials):
    """The environment of a command that calls a server, as for the AWS CLI."""
    token = {"AWS_SESSION_TOKEN": credentials.session_token} if credentials.session_token else {}
    return token | {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


class Server:
    """One `bailiwick serve` over one data folder; it may be started, stopped and killed repeatedly."""

    def __init__(self, folder, root=None, account=ACCOUNT, arguments=(), environment=None, scheme="http"):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.account = account
        self.root = random_root() if root is None else root
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.scheme = scheme
        self.port = None
        self.metrics_port = None
        self.process = None
        self.lines = []
        self._arrived = None

    @property
    def url(self):
        """The address of both front ends."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def target(self):
        """The address for gRPC clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def metrics_url(self):
        """The address of the metrics."""
        return f"http://127.0.0.1:{self.metrics_port}"

    @property
    def output(self):
        """Everything that the server wrote since the first start, both streams."""
        return "".join(self.lines)

    def store_size(self):
        """Bytes of the files of the store itself."""
        return sum(path.stat().st_size for path in self.data.iterdir() if path.is_file())

    def command(self):
        """The command line of the next start."""
        return [
            str(BINARY), "serve", "--listen", f"127.0.0.1:{self.port}", "--metrics-listen",
            f"127.0.0.1:{self.metrics_port}", "--data-dir", str(self.data), *self.arguments,
        ]  # fmt: skip

    def spawn(self):
        """Starts the process without waiting for it."""
        self.port, self.metrics_port = free_port(), free_port()
        environment = clean_environment() | {"NO_COLOR": "1"}
        if self.root:
            environment |= {
                "BAILIWICK_ROOT_ACCESS_KEY_ID": self.root.access_key_id,
                "BAILIWICK_ROOT_SECRET_ACCESS_KEY": self.root.secret_access_key,
                "BAILIWICK_ACCOUNT_ID": self.account,
            }
        environment |= self.environment
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        self._arrived = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self.process, self._arrived), daemon=True)
        self._reader.start()
        return self

    def _read(self, process, arrived):
        for line in process.stdout:
            self.lines.append(line)
            arrived.put(line)
        arrived.put(None)

    def start(self):
        """Starts the process and waits until it reports that it listens."""
        self.spawn()
        self.wait_for(READY)
        return self

    def wait_for(self, words):
        """The next line of the running process that contains these words."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._arrived.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the server did not say {words!r} in {PATIENCE} s; it said:\n{self.output}") from None
            if line is None:
                code = self.process.wait()
                raise AssertionError(f"the server ended with {code} before it said {words!r}; it said:\n{self.output}")
            if words in line:
                return line

    def date(self):
        """The time of the server's clock, in seconds since 1970."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return parsedate_to_datetime(connection.getresponse().headers["Date"]).timestamp()
        finally:
            connection.close()

    def signal(self, number):
        """Sends a signal and returns at once."""
        self.process.send_signal(number)

    def wait(self):
        """The exit code, once the process has ended and all that it wrote is read."""
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join(timeout=PATIENCE)
        self.process.stdout.close()
        return code

    def stop(self):
        """Stops the server, and waits."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                return self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the server did not end after SIGTERM; it said:\n{self.output}") from None
        return self.process.returncode if self.process else None

    def kill(self):
        """Kills the process, similar to a power failure."""
        self.process.kill()
        return self.wait()


def run(*arguments, environment=None, stdin=None, cwd=None):
    """Runs another command of the binary until it exits."""
    nothing = {"NO_COLOR": "1", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(
        [str(BINARY), *map(str, arguments)], env=clean_environment() | nothing | (environment or {}),
        input=stdin, capture_output=True, text=True, timeout=PATIENCE, cwd=cwd,
    )  # fmt: skip
