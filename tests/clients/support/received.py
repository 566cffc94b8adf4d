"""Signed requests, as the service that received them forwards them."""

import base64

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from .api import REGION


def received(credentials, signer=S3SigV4Auth, service="s3", method="GET", url="https://s3.example.com/reports/a", body=b"", **auth):
    """The parts of an HTTP request as a service receives it, signed by a client."""
    request = AWSRequest(method, url, headers={"Host": url.split("/")[2]}, data=body)
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    signer(keys, service, REGION, **auth).add_auth(request)
    target = "/" + request.url.split("/", 3)[3]
    headers = [{"name": name, "value": value} for name, value in request.headers.items()]
    http = {"method": method, "target": target, "headers": headers, "body": base64.b64encode(body).decode()}
    return {"httpRequest": http, "service": service}
