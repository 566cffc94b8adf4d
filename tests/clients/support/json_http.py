"""Requests with JSON bodies, as curl sends them, with whatever headers a test wants."""

import http.client
import json

SERVICE = "/bailiwick.signin.v1.SignInService/"


class JsonAnswer:
    """An answer: its status, its headers by lower-case name, its text, and what the text is in JSON."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()
        assert self.headers.get("content-type") == "application/json", (self.status, self.headers, self.text)
        assert self.headers["cache-control"] == "no-store" and self.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in self.headers if name.startswith("access-control-")], self.headers
        self.json = json.loads(self.text)

    @property
    def code(self):
        """AWS's code of an error; `OK` for an answer."""
        if self.status == 200:
            return "OK"
        assert set(self.json) == {"code", "message", "requestId"} and self.json["requestId"] == self.headers["x-bailiwick-request-id"]
        return self.json["code"]


def post(server, method, body, headers=(), verb="POST", path=None, bearer=None, port=None):
    """Sends one request and returns its answer. A body that is not bytes is written as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port or server.port, timeout=60)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.putrequest(verb, path or SERVICE + method, skip_host=any(name.lower() == "host" for name, _ in headers))
        given = {name.lower() for name, _ in headers}
        defaults = {"Content-Type": "application/json", "Content-Length": str(len(data or b""))}
        if bearer:
            defaults["Authorization"] = f"Bearer {bearer}"
        for name, value in [*((name, value) for name, value in defaults.items() if name.lower() not in given), *headers]:
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        return JsonAnswer(connection.getresponse())
    finally:
        connection.close()
