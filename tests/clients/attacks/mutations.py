"""Changes of a signed request. Each takes a signed request and returns one that its signature does not cover."""

import random
import string
from urllib.parse import quote

from .forge import digest

# Name of the class of mutation → its function.
HEADER = {}
QUERY = {}


def _into(table, name):
    def add(function):
        assert name not in table, name
        table[name] = function
        return function

    return add


def header(name):
    """A mutation of a request signed in its header."""
    return _into(HEADER, name)


def query(name):
    """A mutation of a presigned request."""
    return _into(QUERY, name)


def signature_of(request):
    """The signature in the Authorization header."""
    return request.values("Authorization")[0].rpartition("Signature=")[2]


def resign(request, value):
    """The same with another signature."""
    return request.edit("Authorization", signature_of(request), value)


def _bit(text):
    at = random.randrange(len(text))
    return text[:at] + random.choice([c for c in "0123456789abcdef" if c != text[at]]) + text[at + 1 :]


for _number, _change in enumerate(
    [
        _bit,
        lambda s: s[:-1],
        lambda s: s[1:],
        lambda s: s[:32],
        lambda s: "",
        lambda s: s + "0",
        lambda s: s + s,
        lambda s: "0" * 64,
        lambda s: "f" * 64,
        lambda s: s.upper(),
        lambda s: s[::-1],
        lambda s: s[:-1] + "\u0660",
        lambda s: s[:-1] + "g",
        lambda s: "0x" + s[2:],
        lambda s: "%" + s[1:],
        lambda s: s[:20] + " " + s[20:],
        lambda s: s + ", Signature=" + s,
        lambda s: s + "/../",
    ]
):
    HEADER[f"signature {_number}"] = lambda r, change=_change: resign(r, change(signature_of(r)))

for _method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "post", "Post", "POSTS", "CONNECT", "TRACE"):

    def _swap(r, method=_method):
        r.method = method
        return r

    HEADER[f"method {_method}"] = _swap

for _path in ("//", "/.", "/./", "/../", "/%2F", "/%2e", "/a", "/ ", "/%00", "*", "", "/index", "/\\", "/;a=b", "http://evil/"):

    def _walk(r, path=_path):
        r.path = path
        return r

    HEADER[f"path {_path!r}"] = _walk

for _added in ("a=b", "a", "=", "&", "UserName=x", "Action=ListUsers", "X-Amz-Foo=1", "%", "%zz", "a=%00", "a=+", "X-Amz-Date=1"):

    def _ask(r, added=_added):
        r.query = added
        return r

    HEADER[f"query {_added}"] = _ask

for _name in ("X-Amz-Target", "x-amz-meta-a", "X-AMZ-ANYTHING", "X-Amz-Security-Token", "X-Amz-Content-SHA256"):
    HEADER[f"unsigned {_name}"] = lambda r, name=_name: r.set(name + "", "value")

for _name in ("Authorization", "X-Amz-Date", "Host"):
    HEADER[f"twice {_name}"] = lambda r, name=_name: r.headers.append((name, r.values(name)[0])) or r
    HEADER[f"twice, other case {_name}"] = lambda r, name=_name: r.headers.insert(0, (name.upper(), r.values(name)[0])) or r
    HEADER[f"without {_name}"] = lambda r, name=_name: r.drop(name)
    HEADER[f"empty {_name}"] = lambda r, name=_name: r.set(name, "")

HEADER["content type changed"] = lambda r: r.set("Content-Type", "application/x-www-form-urlencoded")
HEADER["content type gone"] = lambda r: r.drop("Content-Type")
HEADER["content type twice"] = lambda r: r.headers.append(("Content-Type", r.values("Content-Type")[0])) or r
HEADER["host changed"] = lambda r: r.set("Host", "iam.amazonaws.com")
HEADER["host without port"] = lambda r: r.set("Host", r.values("Host")[0].partition(":")[0])
HEADER["host with a dot"] = lambda r: r.set("Host", r.values("Host")[0].replace(":", ".:"))
HEADER["host with user"] = lambda r: r.set("Host", "a@" + r.values("Host")[0])


@header("date a second later")
def _later(r):
    value = r.values("X-Amz-Date")[0]
    return r.set("X-Amz-Date", value[:13] + f"{(int(value[13:15]) + 1) % 60:02}Z")


for _date in (
    "20000101T000000Z", "99991231T235959Z", "00000000T000000Z", "20260101", "2026-01-01T00:00:00Z", "now", "20261301T000000Z",
    "-0260101T000000Z", "20260101T000000z", "20260101T000000Z0", "Sun, 01 Mar 2026 12:00:00 GMT", "\u0662" * 8 + "T000000Z",
):  # fmt: skip
    HEADER[f"date {_date}"] = lambda r, date=_date: r.set("X-Amz-Date", date)

for _old, _new in (
    ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 "),
    ("AWS4-HMAC-SHA256 ", "AWS4-ECDSA-P256-SHA256 "),
    ("AWS4-HMAC-SHA256 ", "aws4-hmac-sha256 "),
    ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"),
    ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256\t"),
    ("AWS4-HMAC-SHA256 ", "AWS AKIA:"),
    ("AWS4-HMAC-SHA256 ", "Bearer "),
    ("AWS4-HMAC-SHA256 ", "Basic "),
    ("AWS4-HMAC-SHA256 ", ""),
    ("Credential=", "credential="),
    ("Credential=", "Credential=Credential="),
    ("Credential=", ""),
    ("Credential=", "Credential=/"),
    ("SignedHeaders=", "Signedheaders="),
    ("SignedHeaders=", "SignedHeaders=;"),
    ("SignedHeaders=", "SignedHeaders=authorization;"),
    ("SignedHeaders=", "SignedHeaders=a;"),
    ("content-type;host", "host"),
    ("content-type;host", "host;content-type"),
    ("content-type;host", "content-type;content-type;host"),
    ("content-type;host", "Content-Type;Host"),
    ("content-type;host", "content-type; host"),
    ("content-type;host", "content-type,host"),
    ("content-type;host", "content-type"),
    (";host;", ";"),
    (";x-amz-date", ""),
    (";x-amz-date", ";x-amz-date;"),
    (";x-amz-date", ";x-amz-date;x-missing"),
    ("/aws4_request", "/aws4_requests"),
    ("/aws4_request", "/AWS4_REQUEST"),
    ("/aws4_request", ""),
    ("/aws4_request", "/aws4_request/"),
    ("/iam/", "/sts/"),
    ("/iam/", "/IAM/"),
    ("/iam/", "/iam\u00a0/"),
    ("/iam/", "/bailiwick/"),
    ("/iam/", "//"),
    ("/iam/", "/s3/"),
    ("/eu-central-1/", "/us-east-1/"),
    ("/eu-central-1/", "/cn-north-1/"),
    ("/eu-central-1/", "/us-gov-west-1/"),
    ("/eu-central-1/", "/EU-CENTRAL-1/"),
    ("/eu-central-1/", "//"),
    ("/eu-central-1/", "/aws-global/"),
    ("/eu-central-1/", "/*/"),
    (", Signature=", ", Foo=bar, Signature="),
    (", Signature=", ", signature="),
    (", Signature=", " Signature="),
    ("Credential=", "Credential=AKIAAAAAAAAAAAAAAAAA/20260101/eu-central-1/iam/aws4_request, Credential="),
):
    HEADER[f"authorization {_old!r} {_new!r}"] = lambda r, old=_old, new=_new: r.edit("Authorization", old, new)


@header("another day in the scope")
def _day(r):
    day = r.values("X-Amz-Date")[0][:8]
    return r.edit("Authorization", f"/{day}/", f"/{int(day) - 1}/")


@header("key id in lower case")
def _lower(r):
    text = r.values("Authorization")[0]
    key = text.partition("Credential=")[2].partition("/")[0]
    return r.edit("Authorization", key, key.lower())


@header("unknown key id")
def _unknown(r):
    text = r.values("Authorization")[0]
    key = text.partition("Credential=")[2].partition("/")[0]
    return r.edit("Authorization", key, "AKIA" + "".join(random.choices(string.ascii_uppercase, k=16)))


@header("key id too long")
def _long(r):
    text = r.values("Authorization")[0]
    key = text.partition("Credential=")[2].partition("/")[0]
    return r.edit("Authorization", key, key + "A" * 5000)


def body_with(r, body):
    """The same headers around another body of any length."""
    r.body = body
    return r.set("Content-Length", str(len(body)))


HEADER["body swapped"] = lambda r: body_with(r, r.body.replace(b"enemy", b"other"))
HEADER["body emptied"] = lambda r: body_with(r, b"")
HEADER["body longer"] = lambda r: body_with(r, r.body + b"&Path=%2Fa%2F")
HEADER["body with an empty parameter"] = lambda r: body_with(r, r.body + b"&")
HEADER["body before"] = lambda r: body_with(r, b"&" + r.body)
HEADER["body's last byte"] = lambda r: body_with(r, r.body[:-1])
HEADER["body in other escapes"] = lambda r: body_with(r, r.body.replace(b"enemy", b"%65nemy"))
HEADER["body in another order"] = lambda r: body_with(r, b"&".join(reversed(r.body.split(b"&"))))
HEADER["body moved to the query"] = lambda r: _moved(r)
HEADER["body and hash swapped"] = lambda r: _hashed(r, digest(b"x"), b"x")
HEADER["declared hash of the new body, unsigned"] = lambda r: _hashed(r, digest(b"Action=ListUsers"), b"Action=ListUsers")
for _word in ("UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "unsigned-payload", "", "0" * 64, digest(b"").upper()):
    HEADER[f"declared {_word!r}"] = lambda r, word=_word: r.set("X-Amz-Content-SHA256", word)


def _moved(r):
    r.query = r.body.decode()
    return body_with(r, b"")


def _hashed(r, value, body):
    return body_with(r, body).set("X-Amz-Content-SHA256", value)


def parameter(r, name):
    """The value of a parameter of the query string, still encoded."""
    found = [part.partition("=")[2] for part in r.query.split("&") if part.partition("=")[0] == name]
    assert len(found) == 1, (name, r.query)
    return found[0]


def put_parameter(r, name, value):
    """Replaces a parameter of the query string; `None` removes it."""
    parts = [part for part in r.query.split("&") if part.partition("=")[0] != name]
    r.query = "&".join(parts + ([f"{name}={value}"] if value is not None else []))
    return r


PARAMETERS = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"]
for _name in PARAMETERS:
    _full = "X-Amz-" + _name
    QUERY[f"without {_full}"] = lambda r, name=_full: put_parameter(r, name, None)
    QUERY[f"empty {_full}"] = lambda r, name=_full: put_parameter(r, name, "")
    QUERY[f"twice {_full}"] = lambda r, name=_full: _again(r, name, name)
    QUERY[f"twice, escaped {_full}"] = lambda r, name=_full: _again(r, name, name.replace("-", "%2D"))
    QUERY[f"twice, other case {_full}"] = lambda r, name=_full: _again(r, name, name.lower())
    QUERY[f"other case {_full}"] = lambda r, name=_full: _renamed(r, name, name.upper())


def _again(r, name, spelled):
    r.query += f"&{spelled}={parameter(r, name)}"
    return r


def _renamed(r, name, spelled):
    value = parameter(r, name)
    return put_parameter(put_parameter(r, name, None), spelled, value)


for _expires in ("604801", "0", "-1", "+60", "1e3", "60.0", " 60", "99999999999999999999", "6O", "059", "61", "604800"):
    QUERY[f"expires {_expires}"] = lambda r, value=_expires: put_parameter(r, "X-Amz-Expires", quote(value))
for _number, _change in enumerate([_bit, lambda s: s[:-2], lambda s: s + "00", lambda s: s.upper(), lambda s: "0" * 64]):
    QUERY[f"signature {_number}"] = lambda r, change=_change: put_parameter(
        r, "X-Amz-Signature", change(parameter(r, "X-Amz-Signature"))
    )
for _added in (
    "UserName=other", "Path=%2Fa%2F", "x", "X-Amz-Security-Token=abc", "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", "X-Amz-Foo=1",
    "=", "%zz=1", "Action=ListUsers",
):  # fmt: skip

    def _add(r, added=_added):
        r.query += "&" + added
        return r

    QUERY[f"added {_added}"] = _add


@query("body")
def _posted(r):
    r.method = "POST"
    r.body = b"Action=CreateUser&UserName=enemy-posted"
    return r.set("Content-Type", "application/x-www-form-urlencoded").set("Content-Length", str(len(r.body)))


@query("body on GET")
def _got(r):
    r.body = b"Action=CreateUser&UserName=enemy-got"
    return r.set("Content-Length", str(len(r.body)))


@query("method POST without body")
def _bare(r):
    r.method = "POST"
    return r.set("Content-Length", "0")


@query("authorization header beside")
def _both(r):
    return r.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/iam/aws4_request, SignedHeaders=host, Signature=" + "0" * 64)


QUERY["unsigned x-amz header"] = lambda r: r.set("x-amz-target", "a")
QUERY["unsigned date header"] = lambda r: r.set("x-amz-date", parameter(r, "X-Amz-Date"))
QUERY["token header"] = lambda r: r.set("x-amz-security-token", "abc")
QUERY["host"] = lambda r: r.set("Host", "iam.amazonaws.com")
QUERY["two hosts"] = lambda r: r.headers.append(("Host", r.values("Host")[0])) or r
QUERY["no host"] = lambda r: r.drop("Host")
QUERY["action changed"] = lambda r: put_parameter(r, "Action", "ListUsers")
QUERY["name changed"] = lambda r: put_parameter(r, "UserName", "enemy-2")
QUERY["name gone"] = lambda r: put_parameter(r, "UserName", None)
