"""`bailiwick agent`: AWS's clients find a role's credentials by their default chain and renew them."""

import json
import os
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime

import boto3
import botocore.session
import pytest
from support.agent import Agent, Relay
from support.documents import policy, trust
from support.server import ACCOUNT, BINARY, ROOT, Credentials, client_environment, free_port, run
from support.waiting import until

ROLE = f"arn:aws:iam::{ACCOUNT}:role/app/reader"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/svc"


@pytest.fixture(scope="module", autouse=True)
def role(aws):
    aws.call("CreateRole", RoleName="reader", Path="/app/", AssumeRolePolicyDocument=trust(ACCOUNT))
    aws.call("PutRolePolicy", RoleName="reader", PolicyName="p", PolicyDocument=policy("iam:ListUsers"))
    aws.call("CreateUser", UserName="ann")
    aws.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))


@pytest.fixture(scope="module")
def caller(server, aws):
    """The variables of a user who may assume the role."""
    key = aws.call("CreateAccessKey", UserName="ann")["AccessKey"]
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": server.url, "AWS_REGION": "eu-central-1",
    }  # fmt: skip


@pytest.fixture
def start(tmp_path):
    """Starts agents; all are stopped after the test."""
    started = []

    def make(environment, *arguments, name="agent"):
        started.append(Agent(tmp_path / name, environment, *arguments))
        return started[-1]

    yield make
    for agent in started:
        agent.stop()


def boto(environment, monkeypatch):
    """A session of boto3 in this environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return boto3.Session(botocore_session=botocore.session.Session())


@pytest.mark.parametrize("kind", ["CONTAINER", "METADATA"])
def test_the_default_chain_finds_the_credentials(server, caller, start, monkeypatch, kind):
    agent = start(caller, "--role-arn", ROLE, "--session-name", "svc", "--imds")
    assert agent.identity(server, kind) == SESSION
    session = boto(agent.client_environment(server, kind), monkeypatch)
    assert session.client("sts").get_caller_identity()["Arn"] == SESSION
    assert session.get_credentials().method == {"CONTAINER": "container-role", "METADATA": "iam-role"}[kind]
    assert "ann" in [user["UserName"] for user in session.client("iam").list_users()["Users"]]
    assert agent.stop() == 0
    assert not agent.token_file.exists()
    for secret in [caller["AWS_SECRET_ACCESS_KEY"], session.get_credentials().secret_key, session.get_credentials().token]:
        assert secret not in agent.said()


@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
@pytest.mark.parametrize("kind", ["CONTAINER", "METADATA"])
def test_the_sdk_for_javascript(server, caller, start, tmp_path, kind):
    for name in ("package.json", "package-lock.json", "iam.mjs"):
        shutil.copy(ROOT / "tests" / "node" / name, tmp_path)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=tmp_path, check=True, timeout=300)
    agent = start(caller, "--role-arn", ROLE, "--imds")
    done = subprocess.run(
        ["node", "iam.mjs"], cwd=tmp_path, env=agent.client_environment(server, kind), input=json.dumps([["ListUsers", {}]]),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ann" in [user["UserName"] for user in json.loads(done.stdout)[0]["Users"]]


def ask(agent, token=None):
    """Status and JSON of the container endpoint."""
    request = urllib.request.Request(
        agent.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token or agent.token}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_token_file_is_private_and_new_at_each_start(server, caller, start):
    first = start(caller, "--role-arn", ROLE)
    token = first.token
    assert stat.S_IMODE(first.token_file.stat().st_mode) == 0o600
    assert len(token) == 64 and ask(first)[0] == 200
    assert first.stop() == 0
    second = start(caller, "--role-arn", ROLE)
    assert second.token != token
    assert ask(second, token)[0] == 401


def test_a_profile_with_a_role(server, caller, start, tmp_path):
    keys = f"aws_access_key_id = {caller['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {caller['AWS_SECRET_ACCESS_KEY']}\n"
    config = f"[default]\n{keys}[profile r]\nrole_arn = {ROLE}\nrole_session_name = svc\nsource_profile = default\nduration_seconds = 900\n"
    (tmp_path / "config").write_text(config)
    agent = start({"AWS_CONFIG_FILE": str(tmp_path / "config")}, "--profile", "r", "--endpoint", server.url)
    status, found = ask(agent)
    assert (status, found["RoleArn"], found["AccountId"]) == (200, ROLE, ACCOUNT)
    remaining = datetime.fromisoformat(found["Expiration"]) - datetime.now(UTC)
    assert 800 < remaining.total_seconds() <= 900


# A program whose credentials are a session of the role that claims to end in a few seconds.
SHORT = f"""#!{sys.executable}
import json, subprocess
from datetime import UTC, datetime, timedelta
done = subprocess.run(["{BINARY}", "credential-process", "--role-arn", "{ROLE}", "--session-name", "svc"], capture_output=True, check=True)
session = json.loads(done.stdout)
session["Expiration"] = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
print(json.dumps(session))
"""


def test_clients_have_new_credentials_when_the_old_ones_end(server, caller, start, tmp_path, monkeypatch):
    program = tmp_path / "program"
    program.write_text(SHORT)
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {program}\n")
    agent = start(caller | {"AWS_CONFIG_FILE": str(tmp_path / "config")}, "--profile", "p")
    session = boto(agent.client_environment(server, "CONTAINER"), monkeypatch)
    client, credentials = session.client("sts"), session.get_credentials()
    seen = []

    def renewed():
        assert client.get_caller_identity()["Arn"] == SESSION
        key = credentials.get_frozen_credentials().access_key
        if key not in seen:
            seen.append(key)
        assert datetime.fromisoformat(ask(agent)[1]["Expiration"]) > datetime.now(UTC)
        return len(seen) >= 3

    until(renewed, lambda: (seen, agent.said()))


def test_the_session_is_served_while_the_server_is_away(server, caller, start):
    port = free_port()
    relay = Relay(port, server)
    agent = start(caller | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}, "--role-arn", ROLE)
    before = ask(agent)
    assert before[0] == 200
    relay.close()
    agent.process.send_signal(1)  # SIGHUP renews
    until(lambda: "could not be obtained" in agent.said(), agent.said)
    assert ask(agent) == before
    Relay(port, server)
    # It tries again by itself.
    until(lambda: ask(agent)[1]["AccessKeyId"] != before[1]["AccessKeyId"], agent.said)


def test_an_agent_starts_before_its_server(server, caller, start):
    port = free_port()
    agent = start(caller | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}, "--role-arn", ROLE)
    status, found = ask(agent)
    assert status == 503 and "is the server running?" in found["message"], found
    Relay(port, server)
    until(lambda: ask(agent)[0] == 200, agent.said)
    assert "is the server running?" in agent.said()


def test_a_revoked_caller_ends_the_renewal_and_not_the_agent(server, aws, caller, start):
    agent = start(caller, "--role-arn", ROLE)
    aws.call("UpdateAssumeRolePolicy", RoleName="reader", PolicyDocument=trust(ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "x"}}))
    try:
        agent.process.send_signal(1)
        until(lambda: "AccessDenied" in agent.said(), agent.said)
        assert ask(agent)[0] == 200, "the session that it has is for the server to refuse"
    finally:
        aws.call("UpdateAssumeRolePolicy", RoleName="reader", PolicyDocument=trust(ACCOUNT))


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["--role-arn", f"arn:aws:iam::{ACCOUNT}:role/nowhere"], {}, 1, "AccessDenied"),
        (["--role-arn", "reader"], {}, 1, "reader"),
        (["--role-arn", ROLE, "--duration", "899"], {}, 2, "899"),
        (["--session-name", "x"], {}, 2, "--role-arn"),
        (["--role-arn", ROLE, "--listen", "0.0.0.0:0"], {}, 2, "loopback only"),
        (["--role-arn", ROLE, "--listen", "[::]:0"], {}, 2, "loopback only"),
        (["--role-arn", ROLE, "--listen", "example"], {}, 2, "the port is missing"),
        (["--role-arn", ROLE, "--profile", "nobody"], {}, 2, "there is no profile `nobody`"),
        (["--role-arn", ROLE, "--token-file", "/nowhere/token"], {}, 2, "--token-file"),
        (["--role-arn", ROLE], {"AWS_SECRET_ACCESS_KEY": "x" * 40}, 1, "SignatureDoesNotMatch"),
        (["--role-arn", ROLE], {"AWS_SECRET_ACCESS_KEY": ""}, 2, "AWS_SECRET_ACCESS_KEY is not"),
        (["--role-arn", ROLE, "--mfa-serial", f"arn:aws:iam::{ACCOUNT}:mfa/x"], {}, 2, "must be answered on a terminal"),
    ],
)  # fmt: skip
def test_an_agent_that_cannot_serve_says_why(server, caller, tmp_path, arguments, variables, code, said):
    defaults = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
    defaults += [] if "--token-file" in arguments else ["--token-file", tmp_path / "token"]
    done = run("agent", *defaults, *arguments, environment=caller | variables)
    assert done.returncode == code and said in done.stderr and done.stdout == "", done
    assert not (tmp_path / "token").exists()
    assert caller["AWS_SECRET_ACCESS_KEY"] not in done.stderr


def test_credentials_that_cannot_be_renewed_are_refused(server, aws, caller, tmp_path):
    ann = aws.signed_by(Credentials(caller["AWS_ACCESS_KEY_ID"], caller["AWS_SECRET_ACCESS_KEY"]))
    session = Credentials.of(ann.call("AssumeRole", RoleArn=ROLE, RoleSessionName="ses")["Credentials"])
    done = run(
        "agent", "--listen", "127.0.0.1:0", "--token-file", tmp_path / "token", environment=client_environment(server, session)
    )
    assert done.returncode == 2 and "when the credentials expire" in done.stderr, done


def test_the_port_is_taken(server, caller, start, tmp_path):
    agent = start(caller, "--role-arn", ROLE)
    done = run(
        "agent", "--role-arn", ROLE, "--listen", f"127.0.0.1:{agent.port}", "--token-file", agent.token_file, environment=caller
    )
    assert done.returncode == 1 and "--listen" in done.stderr, done
    assert ask(agent)[0] == 200, "the token of the first agent is still there"
