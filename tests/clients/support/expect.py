"""Assertions about refusals."""

import re

import pytest

from .api import ApiError

# AWS's code → the HTTP status of AWS Query and the status of gRPC.
STATUS = {
    "ValidationError": (400, "INVALID_ARGUMENT"),
    "InvalidInput": (400, "INVALID_ARGUMENT"),
    "InvalidParameterValue": (400, "INVALID_ARGUMENT"),
    "MalformedPolicyDocument": (400, "INVALID_ARGUMENT"),
    "MalformedCertificate": (400, "INVALID_ARGUMENT"),
    "InvalidCertificate": (400, "INVALID_ARGUMENT"),
    "PackedPolicyTooLarge": (400, None),
    "NoSuchEntity": (404, "NOT_FOUND"),
    "ResourceNotFoundException": (404, "NOT_FOUND"),
    "ReportNotPresent": (410, "NOT_FOUND"),
    "EntityAlreadyExists": (409, "ALREADY_EXISTS"),
    "NameConflict": (409, "ALREADY_EXISTS"),
    "DuplicateCertificate": (409, "ALREADY_EXISTS"),
    "RequestEntityTooLarge": (413, "OUT_OF_RANGE"),
    "DeleteConflict": (409, "FAILED_PRECONDITION"),
    "LimitExceeded": (409, "RESOURCE_EXHAUSTED"),
    "EntityTemporarilyUnmodifiable": (409, "FAILED_PRECONDITION"),
    "PasswordPolicyViolation": (400, "FAILED_PRECONDITION"),
    "KeyPairMismatch": (400, "INVALID_ARGUMENT"),
    "UnrecognizedPublicKeyEncoding": (400, "INVALID_ARGUMENT"),
    "InvalidPublicKey": (400, "INVALID_ARGUMENT"),
    "DuplicateSSHPublicKey": (400, "ALREADY_EXISTS"),
    "InvalidUserType": (400, "INVALID_ARGUMENT"),
    "FeatureDisabled": (404, "FAILED_PRECONDITION"),
    "FeatureEnabled": (409, "FAILED_PRECONDITION"),
    "AccountNotManagementOrDelegatedAdministratorException": (400, "FAILED_PRECONDITION"),
    "CallerIsNotManagementAccountException": (400, "FAILED_PRECONDITION"),
    "UnmodifiableEntity": (400, "FAILED_PRECONDITION"),
    "PolicyNotAttachable": (400, "FAILED_PRECONDITION"),
    "ConcurrentModification": (409, "ABORTED"),
    "InvalidIdentityToken": (400, "INVALID_ARGUMENT"),
    "InvalidAuthorizationMessageException": (400, "INVALID_ARGUMENT"),
    "JWTPayloadSizeExceededException": (400, "INVALID_ARGUMENT"),
    "SessionDurationEscalationException": (403, "PERMISSION_DENIED"),
    "OutboundWebIdentityFederationDisabledException": (403, "PERMISSION_DENIED"),
    "CloudTrailARNInvalidException": (400, "INVALID_ARGUMENT"),
    "InvalidEventCategoryException": (400, "INVALID_ARGUMENT"),
    "InvalidLookupAttributesException": (400, "INVALID_ARGUMENT"),
    "InvalidMaxResultsException": (400, "INVALID_ARGUMENT"),
    "InvalidNextTokenException": (400, "INVALID_ARGUMENT"),
    "InvalidTimeRangeException": (400, "INVALID_ARGUMENT"),
    "InvalidTrailNameException": (400, "INVALID_ARGUMENT"),
    "TrailNotFoundException": (400, "NOT_FOUND"),
    "InvalidSubjectCredentials": (400, "UNAUTHENTICATED"),
    "InsufficientSessionLifetime": (400, "FAILED_PRECONDITION"),
    "AccessDenied": (403, "PERMISSION_DENIED"),
    "InvalidClientTokenId": (403, "UNAUTHENTICATED"),
    "SignatureDoesNotMatch": (403, "UNAUTHENTICATED"),
    "InvalidAuthenticationCode": (403, "UNAUTHENTICATED"),
    "ExpiredToken": (403, "UNAUTHENTICATED"),
    "NotImplemented": (501, "UNIMPLEMENTED"),
    "ServiceFailure": (500, "INTERNAL"),
    "ServiceUnavailable": (503, "UNAVAILABLE"),
}


def refused(api, code, operation, /, **members):
    """The error of a refused operation; asserts its code and statuses."""
    with pytest.raises(ApiError) as caught:
        api.call(operation, **members)
    error = caught.value
    assert error.code == code, error
    http, grpc = STATUS[code]
    expected = http if api.front == "aws" else grpc
    assert expected is None or error.status == expected, error
    assert error.details.get("request_id"), f"{error}: no request id"
    return error


def fails(server, *words, code=1):
    """Asserts that the server exits with this code and one line with these words; returns the line."""
    server.spawn()
    assert server.wait() == code, server.output
    logged = re.compile(r"\d{4}-\d\d-\d\dT")
    lines = [line for line in server.output.splitlines() if line.strip() and not logged.match(line)]
    assert len(lines) == 1, server.output
    assert "panicked" not in server.output
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]
