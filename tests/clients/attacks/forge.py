"""A signer with configurable mistakes, and requests as bytes that tests can change."""

import copy
import datetime
import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode

from support.api import REGION

ALGORITHM = "AWS4-HMAC-SHA256"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
EMPTY = hashlib.sha256(b"").hexdigest()


def now(**shift):
    """The present time, with an offset."""
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**shift)


def stamp(time):
    """A time in the format of signatures."""
    return time.strftime("%Y%m%dT%H%M%SZ")


def digest(data):
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def _mac(key, text):
    return hmac.new(key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()


def canonical_query(query):
    """A query string in canonical form."""
    pairs = [part.partition("=")[::2] for part in query.split("&")] if query else []
    encoded = [(quote(unquote_plus(name), safe="-_.~"), quote(unquote_plus(value), safe="-_.~")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded) if name != "X-Amz-Signature")


@dataclass
class Forged:
    """A request, whose parts can be changed before it becomes bytes."""

    method: str = "POST"
    path: str = "/"
    query: str = ""
    headers: list = field(default_factory=list)
    body: bytes = b""

    def copy(self):
        """A copy to change."""
        return copy.deepcopy(self)

    def values(self, name):
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def set(self, name, value):
        """Replaces the value of a header, in its place."""
        at = next((i for i, (key, _) in enumerate(self.headers) if key.lower() == name.lower()), len(self.headers))
        self.headers[at : at + 1] = [(name, value)]
        return self

    def drop(self, name):
        """Removes a header."""
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]
        return self

    def edit(self, name, old, new):
        """Replaces text within a header, which must be there."""
        value = self.values(name)[0]
        assert old in value, (old, value)
        return self.set(name, value.replace(old, new, 1))

    @property
    def target(self):
        """The target of the request line."""
        return self.path + ("?" + self.query if self.query else "")

    def wire(self):
        """The request as bytes."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        return head + b"\r\nConnection: close\r\n\r\n" + self.body


@dataclass
class Mistakes:
    """The mistakes of a signer."""

    service: str = "iam"
    region: str = REGION
    time: datetime.datetime | None = None
    day: str | None = None
    terminator: str = "aws4_request"
    algorithm: str = ALGORITHM
    signed: tuple | None = None
    payload: str | None = None
    declare: str | None = None
    token_header: bool = True
    date_header: str | None = "X-Amz-Date"
    prefix: str = "AWS4"
    method: str | None = None
    path: str | None = None
    query: str | None = None
    host: str | None = None


def form(**members):
    """A form body."""
    return urlencode(members).encode()


def post(server, body, **extra):
    """A request of the Query protocol, not signed yet."""
    headers = [("Host", server.target), ("Content-Type", FORM), ("Content-Length", str(len(body)))]
    return Forged(headers=headers + list(extra.items()), body=body)


def get(server, query):
    """The same as GET."""
    return Forged(method="GET", query=query, headers=[("Host", server.target)])


def _signature(request, keys, how, time, names, payload):
    lines = []
    for name in names:
        values = [how.host] if name == "host" and how.host else request.values(name)
        lines.append(f"{name}:{','.join(' '.join(value.split()) for value in values)}\n")
    path = request.path if how.path is None else how.path
    query = request.query if how.query is None else how.query
    canonical = "\n".join(
        [how.method or request.method, quote(path, safe="/-_.~"), canonical_query(query), "".join(lines), ";".join(names), payload]
    )
    day = how.day or stamp(time)[:8]
    scope = f"{day}/{how.region}/{how.service}/{how.terminator}"
    text = "\n".join([how.algorithm, stamp(time), scope, digest(canonical.encode("utf-8", "surrogateescape"))])
    key = (how.prefix + keys.secret_access_key).encode()
    for part in (day, how.region, how.service, how.terminator):
        key = _mac(key, part)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), scope


def sign(request, keys, **mistakes):
    """Signs in the Authorization header."""
    how = Mistakes(**mistakes)
    request = request.copy()
    time = how.time or now()
    if how.date_header:
        request.headers.append((how.date_header, stamp(time)))
    if keys.session_token and how.token_header:
        request.headers.append(("X-Amz-Security-Token", keys.session_token))
    if how.declare is not None:
        request.headers.append(("X-Amz-Content-SHA256", how.declare))
    names = sorted({name.lower() for name, _ in request.headers} - {"content-length", "connection"})
    names = names if how.signed is None else list(how.signed)
    payload = how.payload or how.declare or digest(request.body)
    signature, scope = _signature(request, keys, how, time, names, payload)
    credential = f"{keys.access_key_id}/{scope}"
    value = f"{how.algorithm} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    request.headers.append(("Authorization", value))
    return request


def presign(request, keys, expires="60", order=None, **mistakes):
    """Signs in the query string; without `X-Amz-Expires` if `expires` is None."""
    how = Mistakes(**mistakes)
    request = request.copy()
    time = how.time or now()
    names = list(how.signed or sorted({name.lower() for name, _ in request.headers} - {"content-length", "connection"}))
    day = how.day or stamp(time)[:8]
    pairs = {
        "X-Amz-Algorithm": how.algorithm,
        "X-Amz-Credential": f"{keys.access_key_id}/{day}/{how.region}/{how.service}/{how.terminator}",
        "X-Amz-Date": stamp(time),
        "X-Amz-Expires": expires,
        "X-Amz-SignedHeaders": ";".join(names),
    }
    if expires is None:
        del pairs["X-Amz-Expires"]
    if keys.session_token and how.token_header:
        pairs["X-Amz-Security-Token"] = keys.session_token
    encoded = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in pairs.items())
    request.query = f"{request.query}&{encoded}" if request.query else encoded
    signature, _ = _signature(request, keys, how, time, names, how.payload or digest(request.body))
    request.query += f"&X-Amz-Signature={signature}"
    return request
