"""Every text member of every handled operation accepts or refuses any text, and never causes a server error."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from support.api import ApiError, service_of
from support.coverage import handled_operations
from support.documents import ALLOW_ALL
from support.proto import descriptors
from support.raw import IAM, STS, post

TEXTS = {
    "quotes": "'\"`",
    "markup": "\"><b>&amp;]]></b><!--",
    "percent": "%00%0a%41%zz",
    "null": "a\u0000b",
    "controls": "a\u0001\u0008\u001f\u007f",
    "lines": "a\r\nSet-Cookie: b\r\n\r\nc",
    "directions": "\u202e\ufeff\u200b",
    "astral": "\U0001f4a3\U0001d54f",
    "combining": "e\u0301\u0327" * 20,
    "noncharacter": "\ufffe\uffff",
    "variables": "${aws:username}${*}${$}",
    "wildcards": "*?[a-z]",
    "path": "../../../etc/passwd",
    "arn": "arn:aws:iam::111122223333:user/*",
    "json": '{"a":[1,{"b":null}]}',
    "policy": ALLOW_ALL,
    "long": "x" * 20_000,
    "blank": " ",
    "empty": "",
    "number": "-1e999",
}

FINE = {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED", "ABORTED"}  # fmt: skip


def filled(descriptor, text, depth=0):
    """A request with this text in every text member."""
    members = {}
    for field in descriptor.fields:
        value = None
        if field.type == FieldDescriptor.TYPE_STRING:
            value = text
        elif field.type == FieldDescriptor.TYPE_MESSAGE and depth < 4:
            if field.message_type.GetOptions().map_entry:
                members[field.json_name] = {text: filled(field.message_type, text, depth + 1).get("value", text)}
                continue
            if field.message_type.full_name.startswith("google.protobuf."):
                continue
            value = filled(field.message_type, text, depth + 1)
        elif field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
            value = 900
        elif field.type == FieldDescriptor.TYPE_BOOL:
            value = True
        if value is None or (field.containing_oneof and not field.has_presence):
            continue
        if field.containing_oneof and any(other.json_name in members for other in field.containing_oneof.fields):
            continue  # one of several
        members[field.json_name] = [value] if field.is_repeated else value
    return members


@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_in_all_members(api, kind):
    called = 0
    for operation in handled_operations():
        if api.front == "aws" and not service_of(operation):
            continue
        members = filled(descriptors().method(operation).input.DESCRIPTOR, TEXTS[kind])
        try:
            api.call(operation, **members)
        except ApiError as error:
            assert error.code, error
            assert error.status in FINE or (isinstance(error.status, int) and 400 <= error.status < 500), error
        called += 1
    assert called > 70


def test_text_of_one_member_at_a_time(server, aws, rpc):
    """One invalid member at a time shows violations that others would hide."""
    for operation in handled_operations():
        descriptor = descriptors().method(operation).input.DESCRIPTOR
        good = filled(descriptor, "good-text")
        for member in good:
            for text in ("a\u0000b", "\U0001f4a3", "%", "'", "a\r\nb"):
                odd = good | {member: filled(descriptor, text)[member]}
                for api in (aws, rpc):
                    if api.front == "aws" and not service_of(operation):
                        continue
                    try:
                        api.call(operation, **odd)
                    except ApiError as error:
                        fine = error.status in FINE or (isinstance(error.status, int) and 400 <= error.status < 500)
                        assert error.code and fine, (member, text, error)


def test_errors_quote_what_xml_cannot_hold(server):
    """A refusal that names the caller's text is still XML."""
    for text in ("%00", "%01%08", "%EF%BF%BE", "%F0%9F%92%A3", "%0D%0A", "%3C%26%22%27%5D%5D%3E"):
        for body, service in ((f"Action=GetUser&Version={IAM}&UserName={text}", "iam"), (f"Action={text}&Version={STS}", "sts"),
                              (f"Action=GetUser&Version={IAM}&{text}=x", "iam")):  # fmt: skip
            answer = post(server, server.root, body, service)
            assert answer.status in (400, 404) and answer.code, (text, answer)
