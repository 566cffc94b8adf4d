"""Bytes on a socket: requests that no client library would send."""

import hashlib
import re
import socket
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from .api import REGION

IAM = "2010-05-08"
STS = "2011-06-15"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass
class Answer:
    """An HTTP answer as it was received."""

    status: int
    headers: dict
    body: bytes
    error: dict = field(default_factory=dict)

    @property
    def code(self):
        """AWS's code of an XML error."""
        return self.error.get("Code")


def send(server, request, timeout=60, source="127.0.0.1"):
    """Sends bytes from an address of this machine and reads one answer, to the end of the connection or of what it
    announces."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout, source_address=(source, 0)) as connection:
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: the answer can be read
        received = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                break
            if not chunk:
                break
            received += chunk
            head, end, body = received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            if end and length and len(body) >= int(length[1]):
                break
    return parse(received)


def parse(received):
    """Parses an answer; errors must be AWS's XML."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), received[:200]
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    answer = Answer(int(lines[0].split()[1]), headers, body)
    if answer.status >= 400 and body.startswith(b"<"):
        tree = ElementTree.fromstring(body)
        tag = tree.tag.rsplit("}", 1)[-1]
        assert tag == "ErrorResponse", body
        namespace = tree.tag[: -len(tag)]
        answer.error = {child.tag.rsplit("}", 1)[-1]: child.text for child in tree.find(f"{namespace}Error")}
        answer.error["RequestId"] = tree.findtext(f"{namespace}RequestId")
    return answer


def request(server, body=b"", method="POST", target="/", headers=(), host=None):
    """A request as bytes, without additional headers."""
    host = server.target if host is None else host
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def signed(server, credentials, body, service="iam", method="POST", target="/", region=REGION, headers=()):
    """The headers of a signed form, and its body."""
    url = server.url + target
    made = AWSRequest(method, url, headers={"Content-Type": FORM, **dict(headers)}, data=body)
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    made.context["payload"] = hashlib.sha256(body).hexdigest()
    SigV4Auth(keys, service, region).add_auth(made)
    return [(name, value) for name, value in made.headers.items()]


def post(server, credentials, body, service="iam", **more):
    """Sends a signed form."""
    body = body.encode() if isinstance(body, str) else body
    return send(server, request(server, body, headers=signed(server, credentials, body, service, **more)))


def presigned(server, credentials, query, service="iam", expires=60, region=REGION):
    """The target of a presigned GET."""
    made = AWSRequest("GET", f"{server.url}/?{query}")
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    SigV4QueryAuth(keys, service, region, expires=expires).add_auth(made)
    return made.url[len(server.url) :]
