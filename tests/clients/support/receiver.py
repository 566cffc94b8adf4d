"""Receivers of audit records: what `--audit-sink` delivers to, with failures on demand."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64encode(b"the secret of the tests, 32 byte").decode()


def write_secret(folder):
    """The file with the secret that signs."""
    path = folder / "webhook.secret"
    path.write_text(f"whsec_{SECRET}\n")
    path.chmod(0o600)
    return path


def is_signed(request):
    """Whether the signature is correct, computed as the Standard Webhooks specification says."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(base64.b64decode(SECRET), signed, hashlib.sha256).digest()).decode()
    is_recent = abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    return request.headers["webhook-signature"] == f"v1,{expected}" and is_recent


class Request:
    """One POST."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    @property
    def records(self):
        """The messages of the body: of an array, of lines, or one."""
        if self.headers["content-type"] == "application/x-ndjson":
            return [json.loads(line) for line in self.body.splitlines()]
        value = json.loads(self.body)
        return value if isinstance(value, list) else [value]


class HttpReceiver:
    """An HTTP server on a port that stays the same when it is stopped and started again."""

    def __init__(self, tls=None):
        self.tls = tls
        self.requests = []
        # What the next requests are answered with: a status, "hang", "drop", or "accept and drop"; then 200.
        self.plan = []
        self.answer = b""
        self.port = 0
        self.start()

    @property
    def url(self):
        """The address to deliver to."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/in"

    def start(self):
        """Listens."""
        receiver = self
        self.is_stopped = False
        self._released = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.is_stopped:
                    # A connection that was kept.
                    self.close_connection = True
                    return
                fate = receiver.plan.pop(0) if receiver.plan else 200
                if fate in (200, "accept and drop"):
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.requests.append(Request(self.path, headers, body))
                if fate == "hang":
                    receiver._released.wait(120)
                if not isinstance(fate, int):
                    self.close_connection = True
                    return
                self.send_response(fate)
                if fate in (301, 302, 307):
                    self.send_header("location", "http://127.0.0.1:9/elsewhere")
                content = receiver.answer if fate == 200 else b"no"
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Closes the port."""
        self.is_stopped = True
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def records(self):
        """All messages that were taken, in order."""
        return [record for request in self.requests for record in request.records]


def syslog_records(text):
    """The parsed messages of RFC 5424, each with its header."""
    header, body = text.split(" - ", 1)
    priority, time_, host, application, process, name = header.split(" ")
    assert priority[0] == "<" and priority.endswith(">1") and host and int(process) > 0 and time_.endswith("Z")
    return {"priority": int(priority[1:-2]), "application": application, "name": name, "record": json.loads(body)}


class SyslogReceiver:
    """A syslog server for datagrams and for streams with octet counts, on a port that stays the same."""

    def __init__(self):
        self.messages = []
        # What the next connections do: "reset" loses what they send.
        self.plan = []
        self.port = 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp_port = self.udp.getsockname()[1]
        threading.Thread(target=self._datagrams, daemon=True).start()
        self.start()

    def _datagrams(self):
        while True:
            try:
                text = self.udp.recv(70_000)
            except OSError:
                return
            self.messages.append(syslog_records(text.decode()))

    def start(self):
        """Listens for connections."""
        self.tcp = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        self.port = self.tcp.getsockname()[1]
        threading.Thread(target=self._connections, args=(self.tcp,), daemon=True).start()

    def _connections(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if self.plan and self.plan.pop(0) == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    continue
                text = b"".join(iter(lambda: connection.recv(65_536), b""))
            while text:
                length, _, rest = text.partition(b" ")
                message, text = rest[: int(length)], rest[int(length) :]
                assert len(message) == int(length)
                self.messages.append(syslog_records(message.decode()))

    def stop(self):
        """Closes the port of connections."""
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()

    @property
    def records(self):
        """The records that were taken, in order."""
        return [message["record"] for message in self.messages]
