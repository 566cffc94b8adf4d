"""Random calls of every operation: valid shapes with hostile values. Each is answered or refused; never a 5xx, never a hang.

`BAILIWICK_RANDOM_SEED` repeats a run, which prints its seed; `BAILIWICK_ATTACK_ROUNDS` makes it longer.
"""

import os
import random

import pytest
from attacks.test_powerless import house, request  # noqa: F401
from attacks.watch import well
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field
from support.api import ApiError, AwsApi, GrpcApi, service_of
from support.documents import ALLOW_ALL, policy, trust
from support.proto import descriptors

ROUNDS = 10 * int(os.environ.get("BAILIWICK_ATTACK_ROUNDS", "1"))
# What says that a server failed. An operation without a handler is said to be one.
FAULTS = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"}
TEXTS = [
    "", " ", "\0", "\n", "\r\nX: y", "*", "?", "${*}", "${aws:username}", "$", "%00", "%2e%2e/", "../../etc/passwd", "' OR '1'='1", "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "{}", "[]", "null", "{" * 500, '{"Version":"2012-10-17","Statement":[]}', '{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}', "\ud7ff", "\U0010ffff", "\u202e",
    "\u2028", "İ", "ß", "🦜" * 64, "a" * 64, "a" * 129, "a" * 2_049, "x" * 40_000, "/", "//", "/a/", "a/b", "-1", "0", "1e999", "9" * 30, "NaN", "true", "2026-13-99T99:99:99Z",
    "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "arn:", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/hidden/There", "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::111122223333:role/hidden/There", "arn:aws:s3:::a*b", "arn:aws:sts::111122223333:assumed-role/There/x", "There", "THERE", "111122223333", "000000000000",
    "AIDAAAAAAAAAAAAAAAAAA", "AKIAIOSFODNN7EXAMPLE", "s3:GetObject", "s3:*", "iam:PassRole", "a:b:c", "https://id.example.com/", "http://127.0.0.1:1/", "file:///etc/passwd",
    "===", "QUJD", "A" * 100, "a.b.c", "v1", "v0", "v99999999999999999999", ALLOW_ALL, policy("s3:*"), trust("*"),
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 20, 900, 3_600, 43_200, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**63 - 1, -(2**63)]
RANGES = {
    Field.TYPE_INT32: (-(2**31), 2**31 - 1), Field.TYPE_SINT32: (-(2**31), 2**31 - 1), Field.TYPE_UINT32: (0, 2**32 - 1), Field.TYPE_INT64: (-(2**63), 2**63 - 1),
    Field.TYPE_SINT64: (-(2**63), 2**63 - 1), Field.TYPE_UINT64: (0, 2**63 - 1),
}  # fmt: skip


def value(chance, field):
    """A hostile value of the type of a field."""
    match field.type:
        case Field.TYPE_STRING:
            return chance.choice(TEXTS) if chance.random() < 0.9 else chance.choice(TEXTS) + chance.choice(TEXTS)
        case Field.TYPE_BYTES:
            return chance.choice([b"", b"\0", b"\xff" * 32, chance.randbytes(64), chance.randbytes(5_000)])
        case Field.TYPE_BOOL:
            return chance.random() < 0.5
        case Field.TYPE_ENUM:
            known = [each.number for each in field.enum_type.values]
            return chance.choice([*known, *known, 9_999])
        case Field.TYPE_FLOAT | Field.TYPE_DOUBLE:
            return chance.choice([0.0, -1.0, 1e308, float("inf"), float("nan")])
    low, high = RANGES[field.type]
    return chance.choice([number for number in NUMBERS if low <= number <= high])


def fill(chance, message, field, depth=0):
    """Sets a field to a hostile value."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        entry = getattr(message, field.name)
        names = field.message_type.fields_by_name
        for _ in range(chance.randrange(4)):
            key = value(chance, names["key"])
            if names["value"].message_type:
                fill_some(chance, entry[key], depth + 1)
            else:
                entry[key] = value(chance, names["value"])
        return
    count = chance.choice([0, 1, 1, 2, 3, 30]) if field.is_repeated else 1
    if field.message_type:
        for _ in range(min(count, 3)):
            fill_some(chance, getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name), depth + 1)
        if not field.is_repeated:
            getattr(message, field.name).SetInParent()
    elif field.is_repeated:
        getattr(message, field.name).extend(value(chance, field) for _ in range(count))
    else:
        setattr(message, field.name, value(chance, field))


def fill_some(chance, message, depth=0):
    """Sets some fields of a message."""
    for field in message.DESCRIPTOR.fields:
        if depth < 5 and chance.random() < 0.6:
            fill(chance, message, field, depth)


def call(chance, method, valid):
    """A random message of an operation; every other one is a valid one, of which some fields are changed."""
    message = method.input()
    if chance.random() < 0.5:
        fill_some(chance, message)
        return message
    json_format.ParseDict(valid, message)
    fields = method.input.DESCRIPTOR.fields
    for field in chance.sample(list(fields), min(len(fields), chance.randrange(1, 3))):
        message.ClearField(field.name)
        fill(chance, message, field)
    return message


@pytest.mark.parametrize("front", [GrpcApi, AwsApi])
def test_random_calls_of_every_operation(server, house, front):  # noqa: F811
    seed = int(os.environ.get("BAILIWICK_RANDOM_SEED", random.SystemRandom().randrange(2**32)))
    print(f"BAILIWICK_RANDOM_SEED={seed}")
    chance = random.Random(seed)
    api = front(server, server.root)
    answered = refused = unsent = 0
    for operation, method in sorted(descriptors().methods.items()):
        if front is AwsApi and service_of(operation) is None:
            continue
        valid = request(server, house, operation, "There", house["member"], house["key"])
        for _ in range(ROUNDS):
            message = call(chance, method, valid)
            try:
                if front is GrpcApi:
                    api.exchange(method, message)
                else:
                    api._call(operation, json_format.MessageToDict(message))
                answered += 1
            except ApiError as error:
                is_fault = error.status in FAULTS if front is GrpcApi else error.status >= 500
                assert not is_fault or error.code == "NotImplemented", (seed, operation, error, message)
                refused += 1
            except (AttributeError, KeyError, TypeError, ValueError, json_format.Error):
                # The client cannot write such a value.
                unsent += 1
    assert refused > 500 and answered > 20 and unsent < refused, (answered, refused, unsent)
    well(server)
