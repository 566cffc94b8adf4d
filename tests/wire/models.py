"""botocore's models of the two services."""

import functools
import re

import botocore.loaders
import botocore.model

SERVICES = ("iam", "sts")

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
    """All operations of both models, with their service."""
    for service in SERVICES:
        for name in load(service).operation_names:
            yield service, load(service).operation_model(name)


def proof(operation) -> str:
    unsigned = operation.auth_type == "none"
    return "AUTHENTICATION_IN_REQUEST" if unsigned else "AUTHENTICATION_CALLER"


def is_read(name: str) -> bool:
    return re.match("Get|List|Simulate|Decode", name) is not None and name not in ISSUING
