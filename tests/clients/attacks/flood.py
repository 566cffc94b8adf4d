"""Attacks of unauthenticated clients, from their own addresses, on the memory and the connections of a server."""

import contextlib
import copy
import resource
import socket
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0, 1, 4, 6, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
CREATE_USER = "/bailiwick.iam.v1.UserService/CreateUser"


def many_sockets():
    """Raises this process's limit of open files to the maximum."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 20_000), most))


def frame(kind, flags, stream, payload=b""):
    """One frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def number(value, bits, first):
    """A number as HPACK encodes it: in the low bits of the first byte, and in further bytes."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytes([first | most]), value - most
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def literal(name, value):
    """A header that is not added to the table."""
    name, value = name.encode(), value.encode()
    return b"\0" + number(len(name), 7, 0) + name + number(len(value), 7, 0) + value


def head(path, more=()):
    """The header block of a gRPC call."""
    block = b"\x83\x86" + literal(":path", path) + literal(":authority", "a") + literal("content-type", "application/grpc")
    return block + b"".join(literal(name, value) for name, value in more)


def headers(stream, block, flags=END_HEADERS):
    """A header block as frames."""
    pieces = [block[at : at + 16_000] for at in range(0, len(block), 16_000)] or [b""]
    out = b""
    for at, piece in enumerate(pieces):
        ends = END_HEADERS if at == len(pieces) - 1 and flags & END_HEADERS else 0
        out += frame(HEADERS if at == 0 else CONTINUATION, ends | (flags & END_STREAM if at == 0 else 0), stream, piece)
    return out


def message(size, sent=b""):
    """The beginning of a gRPC message."""
    return b"\0" + size.to_bytes(4, "big") + sent


class Source:
    """Connections from one address, held until the server closes them."""

    def __init__(self, server, last=2):
        number = last + 2
        self.port, self.address = server.port, f"127.0.{number // 250}.{number % 250}"
        self.held = []

    def on(self, port):
        """The same source on another port of the server."""
        other = copy.copy(self)
        other.port, other.held = port, []
        return other

    def connect(self, data=b"", timeout=5):
        """Opens another connection, without waiting until the server takes all data."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout, source_address=(self.address, 0))
        self.held.append(connection)
        self.send(connection, data)
        return connection

    def send(self, connection, data):
        """Sends as much as possible: the server may close the connection, or stop reading."""
        with contextlib.suppress(OSError):
            connection.sendall(data)

    def h2(self, frames=b"", settings=b""):
        """Opens another HTTP/2 connection; the frames are sent after the server's settings."""
        connection = self.connect(PREFACE + frame(SETTINGS, 0, 0, settings))
        with contextlib.suppress(OSError):
            connection.recv(65536)
        self.send(connection, frames)
        return connection

    def open(self):
        """The number of connections that the server has not closed."""
        return sum(is_open(connection) for connection in self.held)

    def close(self):
        for connection in self.held:
            connection.close()


def is_open(connection):
    """Whether the other side has not closed it. Discards received data."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


@contextlib.contextmanager
def open_sources(server, count, first=0):
    """A number of sources, each with an address of its own."""
    many_sockets()
    made = [Source(server, first + number) for number in range(count)]
    try:
        yield made
    finally:
        for source in made:
            source.close()


@contextlib.contextmanager
def working(call, least=20, longest=2.0):
    """Calls the server during an attack: asserts a minimal number of answers and a maximal latency."""
    took, failed, stop = [], [], threading.Event()

    def work():
        while not failed and not (stop.is_set() and len(took) >= least):
            begin = time.monotonic()
            try:
                call()
            except Exception as error:  # noqa: BLE001
                failed.append(error)
            took.append(time.monotonic() - begin)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()
    assert not failed, failed
    assert max(took) < longest, (len(took), max(took))
