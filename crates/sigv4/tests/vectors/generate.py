"""Writes botocore.jsonl: requests of our own, signed by botocore, which is what most AWS clients sign with.

Run `python3 generate.py > botocore.jsonl` where botocore is installed. The output is checked in, and is the same
for the same botocore: the clock is fixed and the dice are seeded.
"""

import datetime
import json
import random
import string
from unittest import mock
from urllib.parse import quote, urlencode, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

dice = random.Random(20260301)
NOW = datetime.datetime(2026, 3, 1, 12, 34, 56, tzinfo=datetime.timezone.utc)
KEY = Credentials("AKIDPONDSKATER000001", "kQ9+frog/pond=Skater7reedsAndLilies00000")
SESSION = Credentials("ASIDPONDSKATER000002", "mR3+newt/brook=Otter5fernsAndMoss111111", "dG9rZW4+with/slash==")
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def request(method, url, headers=None, body=b"", params=None):
    return AWSRequest(method=method, url=url, headers=headers or {}, data=body, params=params or {})


def emit(name, req, credentials, service, region, rule, presigned):
    parts = urlsplit(req.url)
    headers = [[k, v] for k, v in req.headers.items()]
    if "host" not in (k.lower() for k, _ in headers):
        headers.insert(0, ["Host", parts.netloc])
    body = req.data if isinstance(req.data, bytes) else req.data.encode()
    print(
        json.dumps(
            {
                "name": name,
                "method": req.method,
                "path": parts.path,
                "query": parts.query,
                "headers": headers,
                "body": body.decode(),
                "access_key_id": credentials.access_key,
                "secret_access_key": credentials.secret_key,
                "session_token": credentials.token,
                "service": service,
                "region": region,
                "now": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "path_rule": rule,
                "presigned": presigned,
            }
        )
    )


def sign(name, req, service="iam", region="us-east-1", credentials=KEY, signer=botocore.auth.SigV4Auth, **kwargs):
    s3 = signer in (botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth)
    presigned = issubclass(signer, botocore.auth.SigV4QueryAuth)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW, create=True):
        signer(credentials, service, region, **kwargs).add_auth(req)
    rule = "object-key" if s3 else "normalize"
    emit(name, req, credentials, service, region, rule, presigned)


def text(alphabet, most):
    return "".join(dice.choice(alphabet) for _ in range(dice.randint(1, most)))


WORDS = string.ascii_letters + string.digits + "-_.~"
RUDE = WORDS + " +%/=&?:;,*'\"()!@#$[]{}<>|\\^`äß漢🐸"


def all_vectors():
    form = {"Content-Type": FORM}
    body = b"Action=ListUsers&Version=2010-05-08"
    iam = "https://iam.example.com/"
    sign("post form", request("POST", iam, dict(form), body))
    sign("post form, session", request("POST", iam, dict(form), body), credentials=SESSION)
    sign("empty body", request("POST", iam, dict(form)))
    sign("port in host", request("POST", "http://127.0.0.1:7470/", dict(form), body))
    sign("other scope", request("POST", "https://sts.example.com/", dict(form), body), "sts", "eu-north-1")
    sign("unicode body", request("POST", iam, dict(form), "UserName=Jürgen 漢🐸".encode()))
    sign("grpc-like path", request("POST", "https://b.example.com/bailiwick.iam.v1.UserService/CreateUser"), "bailiwick")
    sign("date header", request("POST", iam, {"Date": "Sat, 28 Feb 2026 00:00:00 GMT", **form}, body))
    sign("spaces in headers", request("POST", iam, {"X-Note": "  a   b  c ", **form}, body))
    sign("user agent stays unsigned", request("POST", iam, {"User-Agent": "test/1", **form}, body))
    for path in ["//", "/a//b/", "/./a/../b", "/%20x", "/a%2Fb/ü", "/*", "/a=b;c,d@e:f"]:
        sign(f"path {path}", request("GET", "https://x.example.com" + path), "execute-api")
    for path in ["/key", "/a//b", "/a/../b", "/%20x", "/a%2Bb/~.-_", "/%C3%BC"]:
        sign(f"object {path}", request("GET", "https://s.example.com" + path), "s3", signer=botocore.auth.S3SigV4Auth)
    for query in ["a=1", "b=2&a=1", "a=2&a=1", "a-b=1&a=2", "a", "a=&b", "a=x%20y", "a=%2B%2F%3D", "A=1&a=2&B=3"]:
        sign(f"query {query}", request("GET", iam + "?" + query))
    query_auth = botocore.auth.SigV4QueryAuth
    params = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    sts = "https://sts.example.com/"
    sign("presigned", request("GET", sts, params=params), "sts", signer=query_auth, expires=60)
    sign("presigned, session", request("GET", sts, params=params), "sts", credentials=SESSION, signer=query_auth)
    sign("presigned, header", request("GET", sts, {"x-k8s-aws-id": "frogs"}, params=params), "sts", signer=query_auth, expires=60)
    sign("presigned object", request("GET", "https://s.example.com/a%20b"), "s3", signer=botocore.auth.S3SigV4QueryAuth)
    for i in range(120):
        params = {text(RUDE, 12): text(RUDE, 24) for _ in range(dice.randint(0, 6))}
        headers = {f"x-{text(string.ascii_lowercase, 8)}": text(WORDS + "  ,;=", 20).strip() or "x" for _ in range(dice.randint(0, 4))}
        credentials = dice.choice([KEY, SESSION])
        if dice.random() < 0.3:
            sign(f"random presigned {i}", request("GET", iam, headers, params=params), credentials=credentials, signer=query_auth)
        else:
            req = request(dice.choice(["GET", "POST", "PUT"]), iam, headers, text(RUDE, 60).encode())
            if params:
                req.url += "?" + urlencode(params, quote_via=quote, safe="-_.~")
            sign(f"random {i}", req, credentials=credentials)


all_vectors()
