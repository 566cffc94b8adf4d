"""botocore's models of the services."""

import functools
import re

import botocore.loaders
import botocore.model

SERVICES = ("cloudtrail", "iam", "iam-toolbox", "sts")

# Of these services only some operations are served.
SERVED = {
    "cloudtrail": {"DescribeTrails", "GetEventSelectors", "GetTrail", "GetTrailStatus", "ListTrails", "LookupEvents"},
}

# Members whose rules the handler checks, with an error of its own.
RULES_OF_HANDLERS = {("LookupEventsRequest", "EventCategory"), ("LookupEventsRequest", "MaxResults")}

# Operations that issue credentials are not reads, independent of their names.
ISSUING = {
    "GetSessionToken", "GetFederationToken", "GetDelegatedAccessToken", "GetScopedCredentials", "GetWebIdentityToken"
}  # fmt: skip

# Maps that an answer has even when they are empty, in which structure, and beside what: the API reference says so of a
# simulation that names resources, the models do not.
EMPTY_MAPS = [("EvaluationResult", "EvalDecisionDetails", "ResourceSpecificResults")]


@functools.cache
def load(service: str) -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


@functools.cache
def paginators(service: str) -> dict:
    return botocore.loaders.Loader().load_service_model(service, "paginators-1")["pagination"]


def operations():
    """All operations that are served, with their service."""
    for service in SERVICES:
        for name in load(service).operation_names:
            if name in SERVED.get(service, {name}):
                yield service, load(service).operation_model(name)


def protocol(operation) -> str:
    """`query`, `json` or `rest-json`."""
    return operation.service_model.metadata["protocol"]


def signing_name(service: str) -> str:
    return load(service).metadata.get("signingName", load(service).metadata["endpointPrefix"])


def proof(operation) -> str:
    unsigned = operation.auth_type == "none"
    return "AUTHENTICATION_IN_REQUEST" if unsigned else "AUTHENTICATION_CALLER"


def is_read(name: str) -> bool:
    return re.match("Get|List|Lookup|Describe|Simulate|Decode", name) is not None and name not in ISSUING
