"""Sends random messages of all operations through botocore and through the codec, and compares what arrives."""

import base64
import datetime
import json
import urllib.parse

import botocore.parsers
import botocore.serialize

import models

ALPHABET = "abcXYZ019 _-+=,.@/:*?%&<>\"'\\#;${}[]()\n\t\réßÄ値🙂\u2028\u00a0"


def check(program, rounds: int, dice) -> tuple[int, list[str]]:
    """The number of messages sent, and what went wrong."""
    count, wrong = 0, []
    for service, operation in models.operations():
        for _ in range(rounds):
            for send in SENT[models.protocol(operation)] + ([response_in_json] if service == "sts" else []):
                count += 1
                difference = send(program, operation, dice)
                if difference is not None:
                    wrong.append(f"{operation.name} {send.__name__}: {difference}")
    return count, wrong


def request(program, operation, dice) -> str | None:
    sent = random_value(dice, operation.input_shape, True) if operation.input_shape else {}
    serializer = botocore.serialize.create_serializer("query", include_validation=False)
    form = urllib.parse.urlencode(serializer.serialize_to_request(sent, operation)["body"])
    answer = program.ask(request=form)
    expected = {"operation": operation.name, "message": without_empty_lists(sent)}
    return None if answer == expected else f"{form} arrived as {answer}, sent was {expected}"


def response(program, operation, dice) -> str | None:
    shape = operation.output_shape
    sent = random_value(dice, shape, False) if shape else {}
    answer = program.ask(response=operation.name, message=on_the_line(sent), json=False)
    if "error" in answer:
        return answer["error"]
    namespace = operation.service_model.metadata["xmlNamespace"]
    if not answer["body"].startswith(f'<{operation.name}Response xmlns="{namespace}">'):
        return f"the root is {answer['body'][:200]}"
    parser = botocore.parsers.create_parser("query")
    body = {"status_code": 200, "headers": {}, "body": answer["body"].encode()}
    arrived = parser.parse(body, shape)
    if arrived.pop("ResponseMetadata").get("RequestId") != "request-1":
        return "no request id"
    missing = [name for name in always_there(shape) if name not in arrived]
    if missing:
        return f"{missing} are not there"
    arrived = without_empty_lists(decoded(arrived, shape))
    expected = without_empty_lists(with_empty_maps(sent, shape))
    return None if arrived == expected else f"{answer['body']} arrived as {arrived}, sent was {expected}"


def response_in_json(program, operation, dice) -> str | None:
    sent = random_value(dice, operation.output_shape, False)
    answer = program.ask(response=operation.name, message=on_the_line(sent), json=True)
    if "error" in answer:
        return answer["error"]
    arrived = json.loads(answer["body"])
    expected = {
        f"{operation.name}Response": {
            f"{operation.name}Result": on_the_line(sent),
            "ResponseMetadata": {"RequestId": "request-1"},
        }
    }
    return None if arrived == expected else f"{answer['body']}, sent was {expected}"


def json_request(program, operation, dice) -> str | None:
    sent = random_value(dice, operation.input_shape, True) if operation.input_shape else {}
    for name in operation.input_shape.required_members:
        sent[name] = sent.get(name) or "x"
    kind = models.protocol(operation)
    serializer = botocore.serialize.create_serializer(kind, include_validation=False)
    made = serializer.serialize_to_request(sent, operation)
    query = urllib.parse.urlencode(made["query_string"], quote_via=urllib.parse.quote, safe="-_.~")
    target = made["url_path"] + (f"?{query}" if query else "")
    body = made["body"].decode() if isinstance(made["body"], bytes) else ""
    given = {"method": made["method"], "target": target, "headers": dict(made["headers"]), "body": body}
    answer = program.ask(http=given)
    expected = {"operation": operation.name, "message": without_empty_lists(on_the_line(sent))}
    return None if answer == expected else f"{given} arrived as {answer}, sent was {expected}"


def json_answer(program, operation, dice) -> str | None:
    shape = operation.output_shape
    sent = random_value(dice, shape, False)
    answer = program.ask(json_response=operation.name, message=on_the_line(with_document_texts(sent, shape)))
    if "error" in answer:
        return answer["error"]
    parser = botocore.parsers.create_parser(models.protocol(operation))
    arrived = parser.parse({"status_code": 200, "headers": {}, "body": answer["body"].encode()}, shape)
    arrived.pop("ResponseMetadata")
    missing = [name for name in always_there(shape) if name not in arrived]
    if missing:
        return f"{missing} are not there"
    empty_maps = {name: {} for name in missing_maps(sent, shape)}
    arrived, expected = without_empty_lists(arrived), without_empty_lists(sent | empty_maps)
    return None if arrived == expected else f"{answer['body']} arrived as {arrived}, sent was {expected}"


def with_document_texts(value, shape):
    """A message with its documents as JSON texts, as the proto has them."""
    if getattr(shape, "is_document_type", False):
        return json.dumps(value)
    if shape.type_name == "structure":
        return {name: with_document_texts(v, shape.members[name]) for name, v in value.items()}
    if shape.type_name == "list":
        return [with_document_texts(v, shape.member) for v in value]
    if shape.type_name == "map":
        return {key: with_document_texts(v, shape.value) for key, v in value.items()}
    return value


# What is compared in each protocol.
SENT = {"query": [request, response], "json": [json_request, json_answer], "rest-json": [json_request, json_answer]}


def random_value(dice, shape, asked: bool):
    """A random value of a shape. Requests can't spell empty structures, so that theirs have a member at least."""
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return dice.choice([True, 5, random_text(dice), [1, "a"], {"Version": "2012-10-17", "Statement": [{}]}])
    if kind == "structure":
        members = [m for m in shape.members if dice.random() < 0.7]
        if asked and not members and shape.members:
            members = [dice.choice(list(shape.members))]
        value = {name: random_value(dice, shape.members[name], asked) for name in members}
        # A structure of empty lists alone is, inside a list, nothing at all on the wire.
        if asked and value and all(v == [] for v in value.values()):
            return random_value(dice, shape, asked)
        return value
    if kind == "list":
        return [random_value(dice, shape.member, asked) for _ in range(dice.choice([0, 1, 1, 2, 3, 11]))]
    if kind == "map":
        keys = [random_text(dice) for _ in range(dice.choice([1, 1, 2, 5]))]
        return {key: random_value(dice, shape.value, asked) for key in keys}
    if kind == "string":
        return random_text(dice)
    if kind == "integer":
        return dice.choice([0, 1, -1, 100, 2**31 - 1, -(2**31), dice.randrange(10**6)])
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "timestamp":
        seconds = dice.choice([0, 951_782_400, 1_767_323_045, dice.randrange(4 * 10**9)])
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    if kind == "blob":
        return dice.randbytes(dice.randrange(20))
    raise TypeError(kind)


def random_text(dice) -> str:
    return "".join(dice.choice(ALPHABET) for _ in range(dice.choice([0, 1, 5, 5, 20, 200])))


def on_the_line(value):
    """A message as the program takes it."""
    if isinstance(value, dict):
        return {key: on_the_line(v) for key, v in value.items()}
    if isinstance(value, list):
        return [on_the_line(v) for v in value]
    if isinstance(value, datetime.datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def decoded(value, shape):
    """What botocore parsed, with policy documents percent-decoded once."""
    if shape is None:
        return value
    if shape.type_name == "structure":
        return {name: decoded(v, shape.members[name]) for name, v in value.items()}
    if shape.type_name == "list":
        return [decoded(v, shape.member) for v in value]
    if shape.name == "policyDocumentType":
        return urllib.parse.unquote(value)
    return value


def with_empty_maps(value, shape):
    """What is sent, with the map that the answer has even when it is empty: where resources were named, and only there."""
    if shape is None:
        return value
    if shape.type_name == "list":
        return [with_empty_maps(v, shape.member) for v in value]
    if shape.type_name != "structure":
        return value
    value = {name: with_empty_maps(v, shape.members[name]) for name, v in value.items()}
    for structure, member, follows in models.EMPTY_MAPS:
        if shape.name == structure and value.get(follows):
            value.setdefault(member, {})
    return value


def without_empty_lists(value):
    """Neither protobuf nor the Query protocol distinguishes an empty list from an absent one."""
    if isinstance(value, dict):
        kept = {key: without_empty_lists(v) for key, v in value.items() if v != []}
        return kept
    if isinstance(value, list):
        return [without_empty_lists(v) for v in value]
    return value


def missing_maps(value, shape) -> list[str]:
    """Maps that an answer has, although they are not sent."""
    return [name for name in always_there(shape) if shape.members[name].type_name == "map" and name not in value]


def always_there(shape) -> list[str]:
    """Lists and maps that an answer has even when they are empty."""
    if shape is None:
        return []
    return [name for name in shape.required_members if shape.members[name].type_name in ("list", "map")]
