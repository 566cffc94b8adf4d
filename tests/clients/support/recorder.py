"""Concurrent clients of servers that share a store, and the history of what they saw."""

import http.client
import random
import re
import threading
import time
from urllib.parse import urlencode

import grpc
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from .api import ApiError, GrpcApi
from .documents import policy
from .histories import FAILED, OK, UNKNOWN, Change, Decision, Operation
from .received import received

KEYS = ["user-a", "user-b", "user-c", "user-d"]
READER = "reader"
MAY_READ = policy({"Action": "s3:GetObject", "Resource": "*"})


class Refused(Exception):
    """An error that was answered: nothing was changed if it is `ServiceUnavailable`."""


def query(server, key, timeout=8, **parameters):
    """Calls an operation of IAM; any other exception than `Refused` means that the outcome is not known."""
    body = urlencode({"Version": "2010-05-08", **parameters})
    request = AWSRequest("POST", f"{server.url}/", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(BotoCredentials(key.access_key_id, key.secret_access_key), "iam", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("POST", "/", body, dict(request.headers))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status == 200:
        return text
    code = re.search(r"<Code>(\w+)</Code>", text)
    if code and code[1] == "ServiceUnavailable":
        raise Refused(text)
    raise OSError(text)


class Clients:
    """Threads that use the servers until they are stopped.

    They write and read tags of the users `KEYS`, give a permission to the user `READER` and take it away, and ask each server whether
    the reader has it. After each time it was taken away, `pause` seconds pass.
    """

    def __init__(self, deployment, reader, seed, pause):
        self.servers, self.root = deployment.servers, deployment.root
        self.reader, self.seed, self.pause = reader, seed, pause
        self.operations, self.changes, self.decisions = [], [], []
        self.unexpected = []
        self._stop = threading.Event()
        self._value = 0
        self._lock = threading.Lock()
        work = [(self.write, number) for number in range(4)] + [(self.read, number) for number in range(3)]
        work += [(self.decide, number) for number in range(len(self.servers))] + [(self.revoke, 0)]
        self._threads = [threading.Thread(target=self._repeat, args=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Waits until all have ended."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def acknowledged(self):
        """The number of acknowledged writes."""
        return len([op for op in self.operations if op.outcome == OK and op.is_write])

    def _repeat(self, step, number):
        choice = random.Random(f"{self.seed} {step.__name__} {number}")
        while not self._stop.is_set():
            try:
                step(choice, number)
            except (Refused, OSError, http.client.HTTPException):
                time.sleep(0.05)
            except Exception as error:  # noqa: BLE001  it is reported at the end
                self.unexpected.append(error)
                return
            time.sleep(0.01)

    def _attempt(self, call):
        """The times and the outcome of a change."""
        begun = time.monotonic()
        try:
            call()
            outcome = OK
        except Refused:
            outcome = FAILED
        except (OSError, http.client.HTTPException):
            outcome = UNKNOWN
        return begun, time.monotonic(), outcome

    def write(self, choice, _):
        """Writes a new value through any server."""
        with self._lock:
            self._value += 1
            value = str(self._value)
        key, server = choice.choice(KEYS), choice.choice(self.servers)
        tag = {"Action": "TagUser", "UserName": key, "Tags.member.1.Key": "value", "Tags.member.1.Value": value}
        begun, ended, outcome = self._attempt(lambda: query(server, self.root, **tag))
        self.operations.append(Operation(key, True, value, begun, ended, outcome))

    def read(self, choice, _):
        """Reads a value through any server."""
        self.read_from(choice.choice(KEYS), choice.choice(self.servers))

    def read_from(self, key, server):
        """Reads a value through a server."""
        begun = time.monotonic()
        text = query(server, self.root, Action="ListUserTags", UserName=key)
        found = re.search(r"<Value>(\d+)</Value>", text)
        value = found and found[1]
        self.operations.append(Operation(key, False, value, begun, time.monotonic()))

    def revoke(self, choice, _):
        """Gives a permission, and takes it away."""
        common = {"UserName": READER, "PolicyName": "reads"}
        for is_grant in (True, False):
            action = {"Action": "PutUserPolicy", "PolicyDocument": MAY_READ} if is_grant else {"Action": "DeleteUserPolicy"}
            server = choice.choice(self.servers)
            begun, ended, outcome = self._attempt(lambda: query(server, self.root, **action, **common))
            self.changes.append(Change(is_grant, begun, ended, outcome))
            self._stop.wait(self.pause if not is_grant and outcome == OK else 0.3)

    def decide(self, _, number):
        """Asks one server for a decision."""
        server = self.servers[number]
        rpc = GrpcApi(server, self.root)
        question = {"action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a", "resourceAccount": server.account}
        try:
            handle = rpc.call("Authenticate", signedRequest=received(self.reader))["handle"]
            begun = time.monotonic()
            decision = rpc.call("Authorize", caller={"handle": handle}, **question)["decision"]
        except (ApiError, grpc.RpcError):
            time.sleep(0.05)
            return
        self.decisions.append(Decision(decision == "DECISION_ALLOW", begun, time.monotonic()))
        time.sleep(0.03)
