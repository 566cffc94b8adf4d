"""Compares what the proto says of every operation with what botocore's models say."""

import models

TYPES = {"string": "string", "integer": "int32", "boolean": "bool", "blob": "bytes", "timestamp": "timestamp"}


class Comparison:
    """Counts what was compared and keeps what differs."""

    def __init__(self) -> None:
        self.facts = 0
        self.wrong: list[str] = []

    def same(self, where: str, ours: object, theirs: object) -> None:
        self.facts += 1
        if ours != theirs:
            self.wrong.append(f"{where}: {ours!r} in the proto, {theirs!r} in botocore")


def check(program) -> tuple[int, list[str]]:
    """The number of facts compared, and those that differ."""
    described = program.ask(describe=None)
    seen = Comparison()
    wanted = {operation.name: service for service, operation in models.operations()}
    seen.same("operations", sorted(described), sorted(wanted))
    for service, operation in models.operations():
        ours = described.get(operation.name)
        if ours is None:
            continue
        name = operation.name
        seen.same(f"{name} service", ours["module"], service.replace("-", ""))
        seen.same(f"{name} signing name", ours["service"], models.signing_name(service))
        seen.same(f"{name} is a read", ours["read"], models.is_read(name))
        seen.same(f"{name} is authenticated", ours["proof"], models.proof(operation))
        seen.same(f"{name} errors", ours["errors"], [error(shape) for shape in operation.error_shapes])
        structure(seen, f"{name} request", ours["request"], operation.input_shape, False)
        structure(seen, f"{name} response", ours["response"], operation.output_shape, True)
        pagination(seen, service, name, ours)
    return seen.facts, seen.wrong


def error(shape) -> list:
    stated = shape.metadata.get("error", {})
    return [stated.get("code", shape.name), stated.get("httpStatusCode", 400)]


def structure(seen: Comparison, where: str, ours: list, theirs, answer: bool) -> None:
    members = theirs.members if theirs is not None else {}
    seen.same(f"{where} members", [member["name"] for member in ours], list(members))
    for member in ours:
        if shape := members.get(member["name"]):
            required = member["name"] in theirs.required_members
            empty_map = (theirs.name, member["name"]) in [(holder, name) for holder, name, _ in models.EMPTY_MAPS]
            if (theirs.name, member["name"]) in models.RULES_OF_HANDLERS:
                shape = type(shape)(shape.name, {"type": shape.type_name}, theirs._shape_resolver)
            one(seen, f"{where} {member['name']}", member, shape, required, answer, empty_map)


def one(seen: Comparison, where: str, ours: dict, theirs, required: bool, answer: bool, empty_map: bool) -> None:
    asked = dict(ours["rules"])
    seen.same(f"{where} required", asked.pop("required", False), required)
    seen.same(f"{where} is a list", ours["list"], theirs.type_name == "list")
    item = theirs
    if is_document(theirs):
        seen.same(f"{where} type", ours["type"], "string")
        seen.same(f"{where} is a document", asked.pop("jsonDocument", False), True)
        seen.same(f"{where} further rules", asked, {})
        return
    if theirs.type_name == "list":
        item = theirs.member
        seen.same(f"{where} fewest items", asked.pop("minItems", None), theirs.metadata.get("min"))
        seen.same(f"{where} most items", asked.pop("maxItems", None), theirs.metadata.get("max"))
        always = asked.pop("alwaysPresent", False)
        if required and answer:
            seen.same(f"{where} always present", always, True)
    limits = item.metadata
    if item.type_name == "structure":
        seen.same(f"{where} type", ours["type"], "structure")
        structure(seen, where, ours["members"], item, answer)
    elif item.type_name == "map":
        value = "string" if is_document(item.value) else TYPES.get(item.value.type_name, "structure")
        kinds = f"map of {TYPES[item.key.type_name]} to {value}"
        seen.same(f"{where} type", ours["type"], kinds)
        seen.same(f"{where} fewest entries", asked.pop("minItems", None), item.metadata.get("min"))
        seen.same(f"{where} most entries", asked.pop("maxItems", None), item.metadata.get("max"))
        text(seen, f"{where} keys", asked.pop("keys", {}), item.key)
        if is_document(item.value):
            seen.same(f"{where} values are documents", asked.pop("values", {}), {"jsonDocument": True})
        elif item.value.type_name == "structure":
            structure(seen, f"{where} values", ours["members"], item.value, answer)
        else:
            text(seen, f"{where} values", asked.pop("values", {}), item.value)
        if item.value.metadata.get("sensitive"):
            seen.same(f"{where} is secret", ours["secret"], True)
        always = empty_map or (answer and required)
        seen.same(f"{where} always present", asked.pop("alwaysPresent", False), always)
    else:
        seen.same(f"{where} type", ours["type"], TYPES[item.type_name])
    if item.type_name == "string":
        text(seen, where, asked, item)
    if item.type_name == "integer":
        seen.same(f"{where} least", asked.pop("minValue", None), limits.get("min"))
        seen.same(f"{where} greatest", asked.pop("maxValue", None), limits.get("max"))
    if item.type_name != "structure" and (limits.get("sensitive") or theirs.metadata.get("sensitive")):
        seen.same(f"{where} is secret", ours["secret"], True)
    if answer:
        encoded = item.name == "policyDocumentType"
        seen.same(f"{where} is percent-encoded", asked.pop("policyDocument", False), encoded)
    seen.same(f"{where} further rules", asked, {})


def is_document(shape) -> bool:
    return getattr(shape, "is_document_type", False)


def text(seen: Comparison, where: str, asked: dict, theirs) -> None:
    limits = theirs.metadata
    seen.same(f"{where} shortest", asked.pop("minLength", None), limits.get("min"))
    seen.same(f"{where} longest", asked.pop("maxLength", None), limits.get("max"))
    seen.same(f"{where} pattern", asked.pop("pattern", None), limits.get("pattern"))
    seen.same(f"{where} allowed values", asked.pop("allowedValues", []), list(limits.get("enum", [])))


def pagination(seen: Comparison, service: str, name: str, ours: dict) -> None:
    stated = models.paginators(service).get(name)
    if stated is None:
        return
    asked = {member["name"] for member in ours["request"]}
    answered = {member["name"] for member in ours["response"]}
    results = stated["result_key"] if isinstance(stated["result_key"], list) else [stated["result_key"]]
    seen.same(f"{name} pagination asks", {stated["input_token"], stated.get("limit_key", stated["input_token"])} - asked, set())
    seen.same(f"{name} pagination answers", {stated["output_token"], stated.get("more_results", stated["output_token"]), *results} - answered, set())
