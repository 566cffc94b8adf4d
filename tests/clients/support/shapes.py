"""Answers against botocore's service models: only members of the model, the required ones present, of the right type."""

import re

# Values that AWS answers although its model does not have them, by shape.
BEYOND = {"PermissionsBoundaryAttachmentType": ["Policy"], "PolicySourceType": ["IAM Policy"]}
# Shapes whose lengths AWS's own answers do not have: a fingerprint has 47 characters.
OTHER_LENGTH = {"publicKeyFingerprintType"}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)$")


def problems(value, shape, at=""):
    """The errors of the CLI's JSON of a shape, as sentences."""
    at = at or shape.name
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{at} is {value!r}, expected an object"]
        found = [f"{at}.{name} is not in the model" for name in value if name not in shape.members]
        found += [f"{at}.{name} is missing" for name in shape.required_members if name not in value]
        for name, each in value.items():
            if name in shape.members:
                found += problems(each, shape.members[name], f"{at}.{name}")
        return found
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{at} is {value!r}, expected an array"]
        return [each for n, item in enumerate(value) for each in problems(item, shape.member, f"{at}[{n}]")]
    if shape.type_name == "map":
        if not isinstance(value, dict):
            return [f"{at} is {value!r}, expected an object"]
        return [each for key, item in value.items() for each in problems(item, shape.value, f"{at}.{key}")]
    return _scalar(value, shape, at)


def _scalar(value, shape, at):
    is_document = shape.type_name == "string" and "policydocument" in shape.name.lower() and isinstance(value, dict)
    kinds = {"boolean": bool, "integer": int, "long": int, "float": float, "double": float}
    expected = kinds.get(shape.type_name, str)
    if is_document:
        # The CLI decodes policy documents.
        return []
    if shape.type_name == "timestamp" and isinstance(value, (int, float)):
        # The CLI shows what the wire has, which in the JSON protocols are seconds.
        return []
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        return [f"{at} is {value!r}, expected {shape.type_name}"]
    if shape.type_name == "timestamp" and not DATE.match(value):
        return [f"{at} is {value!r}, expected a date"]
    enum = getattr(shape, "enum", None)
    if enum and value not in [*enum, *BEYOND.get(shape.name, ())]:
        return [f"{at} is {value!r}, expected one of {enum}"]
    if shape.type_name == "string" and shape.name not in OTHER_LENGTH:
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
        if not low <= len(value) <= high:
            return [f"{at} has {len(value)} characters, expected {low} to {high}"]
    return []
