"""AWS Query as bytes: requests that no client library sends are refused with AWS's codes in XML, never with a 5xx."""

import json
import socket
import xml.etree.ElementTree as ElementTree

import pytest
from support.api import REGION
from support.documents import ALLOW_ALL, policy
from support.raw import FORM, IAM, STS, post, presigned, request, send, signed
from support.server import Credentials

IDENTITY = f"Action=GetCallerIdentity&Version={STS}"


def refuse(answer, status, code):
    """Asserts an error of this status and code, with a request id in header and body."""
    assert (answer.status, answer.code) == (status, code), (answer.status, answer.body[:500])
    assert answer.error["Type"] == "Sender"
    assert answer.error["RequestId"] == answer.headers["x-amzn-requestid"]
    assert answer.headers["content-type"].startswith("text/xml")
    return answer


def test_an_answer_in_xml(server):
    answer = post(server, server.root, IDENTITY, "sts")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    tree = ElementTree.fromstring(answer.body)
    space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    assert tree.tag == f"{space}GetCallerIdentityResponse"
    assert tree.findtext(f"{space}GetCallerIdentityResult/{space}Account") == server.account
    request_id = tree.findtext(f"{space}ResponseMetadata/{space}RequestId")
    assert request_id == answer.headers["x-amzn-requestid"] == answer.headers["x-bailiwick-request-id"]
    assert answer.headers["x-bailiwick-revision"]


def test_an_operation_without_output_has_no_result(server, name):
    user_name = name("user")
    post(server, server.root, f"Action=CreateUser&Version={IAM}&UserName={user_name}")
    answer = post(server, server.root, f"Action=DeleteUser&Version={IAM}&UserName={user_name}")
    assert answer.status == 200
    assert b"DeleteUserResult" not in answer.body
    assert b'xmlns="https://iam.amazonaws.com/doc/2010-05-08/"' in answer.body


def test_sts_answers_json_when_asked(server):
    answer = post(server, server.root, IDENTITY, "sts", headers=[("Accept", "application/json")])
    assert answer.headers["content-type"].startswith("application/json")
    result = json.loads(answer.body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result["Account"] == server.account


def test_get_with_a_query_string(server):
    target = f"/?{IDENTITY}"
    headers = [pair for pair in signed(server, server.root, b"", "sts", method="GET", target=target)]
    answer = send(server, request(server, method="GET", target=target, headers=headers))
    assert answer.status == 200, answer.body


def test_presigned(server, name):
    answer = send(server, request(server, method="GET", target=presigned(server, server.root, IDENTITY, "sts")))
    assert answer.status == 200, answer.body
    query = f"Action=CreateUser&Version={IAM}&UserName={name('user')}"
    answer = send(server, request(server, method="GET", target=presigned(server, server.root, query)))
    assert answer.status == 200, answer.body
    tampered = presigned(server, server.root, query).replace("UserName=", "UserName=x")
    refuse(send(server, request(server, method="GET", target=tampered)), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ["body", "service", "status", "code"],
    [
        (f"Action=NoSuchThing&Version={IAM}", "iam", 400, "InvalidAction"),
        (f"Action=getuser&Version={IAM}", "iam", 400, "InvalidAction"),
        ("Action=GetUser&Version=2001-01-01", "iam", 400, "NoSuchVersion"),
        (f"Version={IAM}", "iam", 400, "MissingAction"),
        ("", "iam", 400, "MissingAction"),
        (f"Action=&Version={IAM}", "iam", 400, "MissingAction"),
        # The signature must be for the service that the request goes to.
        (f"Action=GetUser&Version={IAM}", "sts", 403, "SignatureDoesNotMatch"),
        (IDENTITY, "iam", 403, "SignatureDoesNotMatch"),
        (IDENTITY, "s3", 403, "SignatureDoesNotMatch"),
        # A repeated parameter is refused, whatever the values.
        (f"Action=GetUser&Action=GetUser&Version={IAM}", "iam", 400, "InvalidQueryParameter"),
        (f"Action=GetUser&Version={IAM}&UserName=a&UserName=b", "iam", 400, "InvalidQueryParameter"),
        (f"Action=GetUser&Version={IAM}&UserName=a&User%4eame=b", "iam", 400, "InvalidQueryParameter"),
        # Invalid text.
        (b"Action=GetUser&Version=2010-05-08&UserName=%ff%fe", "iam", 404, "MalformedQueryString"),
        (b"Action=GetUser&Version=2010-05-08&UserName=\xff\xfe", "iam", 404, "MalformedQueryString"),
        (b"Action=GetUser&Version=2010-05-08&UserName=%c0%af", "iam", 404, "MalformedQueryString"),
        (b"Action=GetUser&Version=2010-05-08&UserName=%zz", "iam", 404, "MalformedQueryString"),
        # Unknown parameters.
        (f"Action=GetUser&Version={IAM}&Nonsense=1", "iam", 400, "InvalidQueryParameter"),
        (f"Action=GetUser&Version={IAM}&UserName.member.1=a", "iam", 400, "MalformedInput"),
        # Lists with gaps, leading zeros, or indexes over the limit.
        (f"Action=CreateUser&Version={IAM}&UserName=a&Tags.member.99999999999.Key=a", "iam", 400, "MalformedInput"),
        (f"Action=CreateUser&Version={IAM}&UserName=a&Tags.member.0.Key=a", "iam", 400, "MalformedInput"),
        (f"Action=CreateUser&Version={IAM}&UserName=a&Tags.member.-1.Key=a", "iam", 400, "MalformedInput"),
        (f"Action=CreateUser&Version={IAM}&UserName=a&Tags.member.x.Key=a", "iam", 400, "MalformedInput"),
        (f"Action=CreateUser&Version={IAM}&UserName=a&Tags.member.1=a", "iam", 400, "MalformedInput"),
        (f"Action=ListUsers&Version={IAM}&MaxItems=ten", "iam", 400, "MalformedInput"),
        (f"Action=ListUsers&Version={IAM}&MaxItems=99999999999999999999", "iam", 400, "MalformedInput"),
        (f"Action=ListPolicies&Version={IAM}&OnlyAttached=maybe", "iam", 400, "MalformedInput"),
    ],
)  # fmt: skip
def test_signed_requests_that_are_invalid(server, body, service, status, code):
    refuse(post(server, server.root, body, service), status, code)


def test_a_version_that_is_left_out_is_the_services(server):
    assert post(server, server.root, "Action=ListUsers").status == 200
    assert post(server, server.root, "Action=GetCallerIdentity", "sts").status == 200


def unsigned(server, headers=(), body=IDENTITY.encode()):
    """Sends a form with exactly these headers."""
    return send(server, request(server, body, headers=[("Content-Type", FORM), *headers]))


def test_without_a_signature(server):
    refuse(unsigned(server), 403, "MissingAuthenticationToken")
    refuse(send(server, request(server, method="GET", target=f"/?{IDENTITY}")), 403, "MissingAuthenticationToken")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/x/sts/aws4_request, SignedHeaders=host, Signature=",
        "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/1/2/3, SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 " + "Credential=a, " * 50,
        "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 " + "x" * 5000,
    ],
)
def test_malformed_authorization_headers(server, value):
    answer = unsigned(server, [("Authorization", value), ("X-Amz-Date", "20260101T000000Z")])
    assert answer.status in (400, 403), answer.body
    assert answer.code in ("IncompleteSignature", "MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch")


def test_changing_anything_that_is_signed(server):
    body = IDENTITY.encode()
    headers = signed(server, server.root, body, "sts")

    def replaced(name, value):
        return [(key, value if key.lower() == name else old) for key, old in headers]

    date = dict((key.lower(), value) for key, value in headers)["x-amz-date"]
    authorization = dict((key.lower(), value) for key, value in headers)["authorization"]
    other_hex = "0" if authorization[-1] != "0" else "1"
    changes = {
        "body": request(server, body + b"&x=y", headers=headers),
        "target": request(server, body, target="/x", headers=headers),
        "host": request(server, body, headers=headers, host="127.0.0.1:1"),
        "method": request(server, body, method="PUT", headers=headers),
        "date": request(server, body, headers=replaced("x-amz-date", date[:-2] + "9Z" if date[-2] != "9" else date[:-2] + "8Z")),
        "signature": request(server, body, headers=replaced("authorization", authorization[:-1] + other_hex)),
        "region": request(server, body, headers=replaced("authorization", authorization.replace(REGION, "us-east-1"))),
        "service": request(server, body, headers=replaced("authorization", authorization.replace("/sts/", "/iam/"))),
    }
    for what, sent in changes.items():
        answer = send(server, sent)
        assert answer.status in (400, 403, 404, 405), (what, answer.status, answer.body)
        refusals = ("SignatureDoesNotMatch", "IncompleteSignature", *(["InvalidAction"] if what == "target" else []))
        assert answer.status in (404, 405) or answer.code in refusals, (what, answer.code)
    assert send(server, request(server, body, headers=headers)).status == 200


def test_errors_do_not_show_the_computed_signature(server):
    wrong = Credentials(server.root.access_key_id, "x" * 40)
    answer = refuse(post(server, wrong, IDENTITY, "sts"), 403, "SignatureDoesNotMatch")
    assert b"Canonical" not in answer.body and b"String-to-Sign" not in answer.body


def test_two_authorizations_are_refused(server):
    body = IDENTITY.encode()
    headers = signed(server, server.root, body, "sts")
    again = [pair for pair in headers if pair[0].lower() == "authorization"]
    assert send(server, request(server, body, headers=headers + again)).status in (400, 403)
    target = presigned(server, server.root, IDENTITY, "sts")
    both = send(server, request(server, method="GET", target=target, headers=headers))
    assert both.status in (400, 403), both.body
    dates = [pair for pair in headers if pair[0].lower() == "x-amz-date"]
    assert send(server, request(server, body, headers=headers + dates)).status in (400, 403)
    assert send(server, request(server, body, headers=headers + [("Host", "other")])).status in (400, 403)


def test_an_old_signature(server, monkeypatch):
    import botocore.auth
    import datetime

    class Past(datetime.datetime):
        """Half an hour ago."""

        @classmethod
        def utcnow(cls):
            return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(minutes=30)

        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) - datetime.timedelta(minutes=30)

    now = datetime.datetime.now(datetime.timezone.utc)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now.replace(tzinfo=None) - datetime.timedelta(minutes=30))
    else:
        monkeypatch.setattr(botocore.auth.datetime, "datetime", Past)
    answer = post(server, server.root, IDENTITY, "sts")
    assert answer.status == 403 and answer.code == "SignatureDoesNotMatch", answer.body
    target = presigned(server, server.root, f"Action=ListUsers&Version={IAM}", "iam", expires=60)
    answer = send(server, request(server, method="GET", target=target))
    assert answer.status in (400, 403) and answer.code in ("SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "RequestExpired")


def test_bodies_over_the_limit(server):
    huge = b"Action=GetUser&Version=2010-05-08&UserName=" + b"x" * (2 * 1024 * 1024)
    answer = send(server, request(server, huge, headers=signed(server, server.root, huge)))
    assert answer.status in (400, 413), answer.status
    many = b"Action=GetUser&Version=2010-05-08" + b"".join(b"&a%d=b" % number for number in range(3000))
    answer = send(server, request(server, many, headers=signed(server, server.root, many)))
    assert (answer.status, answer.code) == (404, "MalformedQueryString")
    announced = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    assert send(server, announced + b"Action=").status in (400, 403, 413)


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"h%d: %s\r\n" % (n, b"v" * 200) for n in range(1000)) + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        bytes(range(256)) * 16,
    ],
)
def test_bytes_that_are_not_http(server, sent):
    """Refused, or the connection closed; the server continues."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass  # closed by the server, which is allowed
    assert not received.startswith(b"HTTP/1.1 5") or received.startswith(b"HTTP/1.1 505"), received[:200]
    assert not received.startswith(b"HTTP/1.1 2"), received[:200]
    assert post(server, server.root, IDENTITY, "sts").status == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_bodies_that_are_not_forms(server, kind):
    body = IDENTITY.encode()
    headers = signed(server, server.root, body, "sts", headers=[("Content-Type", kind)])
    answer = send(server, request(server, body, headers=headers))
    assert 400 <= answer.status < 500, (answer.status, answer.body)


def test_parameters_in_both_places(server):
    """The parameters of a form are only those of its body."""
    body = f"Action=GetUser&Version={IAM}".encode()
    target = "/?UserName=other"
    headers = signed(server, server.root, body, target=target)
    answer = send(server, request(server, body, target=target, headers=headers))
    assert answer.status == 400, answer.body


def test_unusual_forms_that_are_valid(server, name):
    user_name = name("user") + "+=,.@-_"
    encoded = "".join(f"%{byte:02x}" for byte in user_name.encode())
    answer = post(server, server.root, f"UserName={encoded}&Version={IAM}&Action=CreateUser&Path=%2Fa%2Bb%2F")
    assert answer.status == 200, answer.body
    assert f"<UserName>{user_name}</UserName>".encode() in answer.body
    assert b"<Path>/a+b/</Path>" in answer.body


def test_markup_in_values_is_escaped(server, aws, name):
    role = name("role")
    text = "<i>&\"'</i>"
    aws.call("CreateRole", RoleName=role, AssumeRolePolicyDocument=policy({"Principal": {"AWS": server.account}, "Action": "sts:AssumeRole"}), Description=text)
    answer = post(server, server.root, f"Action=GetRole&Version={IAM}&RoleName={role}")
    assert b"<i>" not in answer.body
    space = "{https://iam.amazonaws.com/doc/2010-05-08/}"
    found = ElementTree.fromstring(answer.body).findtext(f"{space}GetRoleResult/{space}Role/{space}Description")
    assert found == text


def test_documents_are_percent_encoded(server, aws, name):
    user_name = name("user")
    aws.call("CreateUser", UserName=user_name)
    aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=ALLOW_ALL)
    answer = post(server, server.root, f"Action=GetUserPolicy&Version={IAM}&UserName={user_name}&PolicyName=p")
    assert b"<PolicyDocument>%7B%22Version%22%3A%20%222012-10-17%22" in answer.body, answer.body


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2"])
def test_any_region_of_the_partition(server, region):
    assert post(server, server.root, IDENTITY, "sts", region=region).status == 200


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "No Where", ""])
def test_no_region_beyond_it(server, region):
    assert post(server, server.root, IDENTITY, "sts", region=region).status in (400, 403)
