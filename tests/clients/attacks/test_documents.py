"""Policy documents of an attacker: refused with a message, or decided in time, and never read in two ways."""

import json
import os
import random
import time

import pytest
from attacks.watch import everything, memory, well
from support.api import ApiError, AwsApi, GrpcApi
from support.documents import ALLOW_ALL, policy, trust
from support.server import Credentials

ROUNDS = int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
HEAD = '"Version":"2012-10-17"'
GRANT = '{"Effect":"Allow","Action":"*","Resource":"*"}'
DENY = '{"Effect":"Deny","Action":"*","Resource":"*"}'


@pytest.fixture(scope="module", autouse=True)
def subject(server):
    """A user to attach policies to."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="subject")
    root.call("CreateRole", RoleName="subject", AssumeRolePolicyDocument=trust(server.account))
    yield
    well(server)


def with_condition(condition):
    return '{%s,"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}' % (HEAD, condition)


MALFORMED = [
    # Two readers of JSON could read these in two ways.
    '{%s,"Statement":%s,"Statement":%s}' % (HEAD, DENY, GRANT),
    '{%s,%s,"Statement":%s}' % (HEAD, HEAD, GRANT),
    '{%s,"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}' % HEAD,
    '{%s,"Statement":{"Effect":"Deny","\\u0045ffect":"Allow","Action":"*","Resource":"*"}}' % HEAD,
    '{%s,"Statement":{"Effect":"Allow","Action":"s3:Get*","Action":"*","Resource":"*"}}' % HEAD,
    with_condition('{"StringEquals":{"aws:username":"a"},"StringEquals":{"aws:username":"b"}}'),
    with_condition('{"StringEquals":{"aws:username":"a","aws:username":"b"}}'),
    '{%s,"Statement":%s}{%s}' % (HEAD, GRANT, HEAD),
    '{%s,"Statement":%s} x' % (HEAD, GRANT),
    '{%s,"Statement":%s,}' % (HEAD, GRANT),
    '{%s,"Statement":[%s,]}' % (HEAD, GRANT),
    '{%s,"Statement":%s /* comment */}' % (HEAD, GRANT),
    "{'Version':'2012-10-17','Statement':%s}" % GRANT,
    "\ufeff" + ALLOW_ALL,
    '{%s,"Statement":{"Effect":"Allow","Action":"*","Resource":"*\\ud800"}}' % HEAD,
    # Unknown elements, missing elements, elements of other types.
    '{%s,"statement":%s}' % (HEAD, GRANT), '{%s,"Statement":%s,"Extra":1}' % (HEAD, GRANT), '{%s}' % HEAD, '{%s,"Statement":[]}' % HEAD, '{%s,"Statement":{}}' % HEAD,
    '{%s,"Statement":null}' % HEAD, '{%s,"Statement":"x"}' % HEAD, '{%s,"Statement":[[%s]]}' % (HEAD, GRANT), '{%s,"Statement":[%s,null]}' % (HEAD, GRANT),
    '{"Version":"2013-10-17","Statement":%s}' % GRANT, '{"Version":20121017,"Statement":%s}' % GRANT, '{"Version":["2012-10-17"],"Statement":%s}' % GRANT,
    "", " ", "null", "[]", "{}", "1", "true", '"x"', "[" + ALLOW_ALL + "]", "{", "}", "\0", ALLOW_ALL + "\0",
    *(
        '{%s,"Statement":%s}' % (HEAD, statement)
        for statement in (
            '{"Effect":"allow","Action":"*","Resource":"*"}', '{"Effect":["Allow"],"Action":"*","Resource":"*"}', '{"Effect":true,"Action":"*","Resource":"*"}',
            '{"Action":"*","Resource":"*"}', '{"Effect":"Allow","Resource":"*"}', '{"Effect":"Allow","Action":"*"}', '{"Effect":"Allow","Action":[],"Resource":"*"}',
            '{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}', '{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}',
            '{"Effect":"Allow","Action":{"a":"b"},"Resource":"*"}', '{"Effect":"Allow","Action":[["*"]],"Resource":"*"}', '{"Effect":"Allow","Action":1,"Resource":"*"}',
            '{"Effect":"Allow","Action":"nothing","Resource":"*"}', '{"Effect":"Allow","Action":"a:b:c","Resource":"*"}', '{"Effect":"Allow","Action":"","Resource":"*"}',
            '{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}', '{"Effect":"Allow","Action":"s3:*","Resource":""}', '{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws"}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}', '{"Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":"*"}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}', '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Equals":{"a:b":"c"}}}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"stringequals":{"a:b":"c"}}}', '{"Effect":"Allow","Action":"*","Resource":"*","condition":{}}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":"x"}}', '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":null}}}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":{"c":"d"}}}}', '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a:b":[["c"]]}}}',
            '{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValues:StringEquals":{"a:b":"c"}}}', '{"Effect":"Allow","Action":"*","Resource":"*","Sid":1}',
        )
    ),
    # Deep and wide.
    "[" * 100_000, '{"a":' * 100_000, '{%s,"Statement":%s' % (HEAD, "[" * 5000), with_condition("[" * 200 + "]" * 200), with_condition('{"StringEquals":' * 30 + "{}" + "}" * 30),
    '{%s,"Id":"%s","Statement":%s}' % (HEAD, "a" * 200_000, GRANT),
    '{%s,"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":%s}}}}' % (HEAD, "9" * 100_000),
    *('{%s,"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":%s}}}}' % (HEAD, number)
      for number in ("NaN", "Infinity", "-", "01", "1.", ".5", "1e", "0x10", "+1", "1_000", "--1")),
]  # fmt: skip


@pytest.mark.parametrize("front", [AwsApi, GrpcApi])
def test_malformed_documents_are_refused_everywhere(server, front):
    root = front(server, server.root)
    before, taken = everything(server), []
    for text in MALFORMED:
        if front is GrpcApi and any(0xD800 <= ord(c) < 0xE000 for c in text):
            continue
        for operation, members in (
            ("PutUserPolicy", {"UserName": "subject", "PolicyName": "p", "PolicyDocument": text}),
            ("CreatePolicy", {"PolicyName": f"enemy-{len(taken)}", "PolicyDocument": text}),
            ("UpdateAssumeRolePolicy", {"RoleName": "subject", "PolicyDocument": text}),
        ):
            begin = time.monotonic()
            try:
                root.call(operation, **members)
            except ApiError as error:
                assert error.code in ("MalformedPolicyDocument", "ValidationError", "LimitExceeded", "InvalidInput", "RequestEntityTooLarge"), (text[:200], error)
                assert len(error.message) < 5000, text[:200]
            else:
                taken.append((operation, text[:300]))
            assert time.monotonic() - begin < 5, text[:200]
    assert not taken
    assert everything(server) == before


def test_a_document_is_decided_as_it_is_shown(server):
    """Escapes are decoded: another spelling of a character changes neither the decision nor the document."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="spelled")
    me = root.signed_by(Credentials.of(root.call("CreateAccessKey", UserName="spelled")["AccessKey"]))
    for text, granted in (
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:\\u004cist*","Resource":"*"}}' % HEAD, True),
        ('{%s,"Statement":{"\\u0045ffect":"\\u0041llow","Action":"iam:ListUsers","Resource":"\\u002a"}}' % HEAD, True),
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:ListUsers\\u0000","Resource":"*"}}' % HEAD, None),
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:Li\\u017ftUsers","Resource":"*"}}' % HEAD, None),
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:%%4cistUsers","Resource":"*"}}' % HEAD, None),
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}' % HEAD, False),
        ('{%s,"Statement":{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"aws:UserName":"SPELLED"}}}}' % HEAD, False),
    ):
        try:
            root.call("PutUserPolicy", UserName="spelled", PolicyName="p", PolicyDocument=text)
        except ApiError as error:
            assert granted is None and error.code == "MalformedPolicyDocument", (text, error)
            root.call("PutUserPolicy", UserName="spelled", PolicyName="p", PolicyDocument=policy("s3:GetObject"))
        else:
            assert granted is not None, f"{text} is saved"
        try:
            me.call("ListUsers")
            assert granted is True, text
        except ApiError as error:
            assert error.code == "AccessDenied" and granted is not True, text


def test_patterns_that_are_slow_elsewhere(server):
    """Patterns of many stars cost at most their length times the length of the text, also in `Explain`."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="asker")
    root.call("PutUserPolicy", UserName="asker", PolicyName="p", PolicyDocument=policy("bailiwick:*"))
    asker = GrpcApi(server, Credentials.of(root.call("CreateAccessKey", UserName="asker")["AccessKey"]))
    principal = {"principalArn": f"arn:aws:iam::{server.account}:user/subject"}
    resource = "arn:aws:s3:::" + "a" * 900
    patterns = ["a*" * 300 + "b", "*a" * 300 + "b", "?" * 800 + "*b", "*" * 800 + "b", "*" + "a" * 400 + "*" + "a" * 400 + "b", "*?" * 300 + "b"]
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:" + "G*" * 30, "Resource": [f"arn:aws:s3:::{pattern}" for pattern in patterns], "Sid": f"s{n}",
         "Condition": {"StringLike": {"aws:UserAgent": patterns}, "ForAnyValue:StringNotLike": {"aws:TagKeys": patterns}}}
        for n in range(7)
    ]  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    context = [
        {"key": "aws:UserAgent", "values": ["a" * 4000]}, {"key": "aws:TagKeys", "type": "CONTEXT_TYPE_STRING_LIST", "values": ["a" * 200] * 50},
    ]  # fmt: skip
    ask = {"caller": principal, "action": "s3:" + "G" * 120, "resource": resource, "resourceAccount": server.account, "resourcePolicy": document, "context": context}
    for operation, members in (("Authorize", ask), ("Explain", {"request": ask})):
        begin = time.monotonic()
        asker.call(operation, **members)
        assert time.monotonic() - begin < 5, operation


def test_new_policies_in_each_request_do_not_fill_the_memory(server):
    """Compiled policies of requests are cached; the cache is bounded, whatever the size of a compiled policy."""
    root = AwsApi(server, server.root)
    root.call("CreateUser", UserName="flood")
    root.call("PutUserPolicy", UserName="flood", PolicyName="p", PolicyDocument=policy("bailiwick:*"))
    asker = GrpcApi(server, Credentials.of(root.call("CreateAccessKey", UserName="flood")["AccessKey"]))
    principal = {"principalArn": f"arn:aws:iam::{server.account}:user/subject"}
    before = memory(server, "VmRSS")
    draw = random.Random(1)
    for _ in range(200 * ROUNDS):
        actions = [f"s3:{draw.randrange(1 << 30):x}*" for _ in range(8_000)]
        statement = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement}, separators=(",", ":"))
        asker.call("Authorize", caller=principal, action="s3:GetObject", resource="arn:aws:s3:::a/b", resourceAccount=server.account, resourcePolicy=document)
    grown = memory(server, "VmRSS") - before
    assert grown < 120 * 1024 * 1024, f"{grown // 1024 // 1024} MiB"
