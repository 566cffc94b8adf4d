"""Short forms of policy documents."""

import json

VERSION = "2012-10-17"


def policy(*statements):
    """A policy document as text; a statement's Effect is Allow and its Resource `*` by default."""
    return json.dumps({"Version": VERSION, "Statement": [_statement(statement) for statement in statements]})


def _statement(statement):
    if isinstance(statement, str):
        statement = {"Action": statement}
    full = {"Effect": "Allow"}
    if not any(key in statement for key in ("Resource", "NotResource", "Principal", "NotPrincipal")):
        full["Resource"] = "*"
    return full | statement


def trust(principal, action="sts:AssumeRole", **more):
    """A trust policy for one principal: an ARN or account id, or the value of `Principal`."""
    element = {"AWS": principal} if isinstance(principal, str) and principal != "*" else principal
    return policy({"Principal": element, "Action": action, **more})


ALLOW_ALL = policy("*")
READ_ONLY = policy({"Action": ["iam:Get*", "iam:List*"]})
