"""`bailiwick credential-process`: what AWS's clients run for the `credential_process` of a profile."""

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from support.agent import Relay
from support.api import AwsApi
from support.documents import policy, trust
from support.server import ACCOUNT, BINARY, Credentials, clean_environment, free_port, run
from support.terminal import on_terminal

from test_profiles import AWS

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
OUTSIDE = f"arn:aws:iam::{ACCOUNT}:role/outside"


@pytest.fixture(scope="module")
def keys(aws):
    """The settings of a profile with the keys of a user who may assume roles."""
    aws.call("CreateUser", UserName="ann")
    aws.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    external = {"StringEquals": {"sts:ExternalId": "42"}}
    aws.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust(ACCOUNT))
    aws.call("CreateRole", RoleName="outside", AssumeRolePolicyDocument=trust(ACCOUNT, Condition=external))
    key = aws.call("CreateAccessKey", UserName="ann")["AccessKey"]
    return f"aws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"


@pytest.fixture
def home(server, keys, tmp_path):
    """A home folder with a profile `ann`, and the variables to use it; more profiles are added by `write`."""
    (tmp_path / ".aws").mkdir()
    environment = {
        "HOME": str(tmp_path), "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": "", "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }  # fmt: skip

    def write(profiles=""):
        (tmp_path / ".aws" / "config").write_text(f"[profile ann]\n{keys}{profiles}")
        return environment

    return write


def identity(server, printed):
    """Who the printed credentials belong to."""
    made = Credentials(printed["AccessKeyId"], printed["SecretAccessKey"], printed.get("SessionToken"))
    return AwsApi(server, made).call("GetCallerIdentity")["Arn"]


def test_a_role_is_printed_as_aws_documents_it(server, home):
    done = run("credential-process", "--profile", "ann", "--role-arn", ROLE, "--session-name", "ses", environment=home())
    assert done.returncode == 0 and done.stderr == "", done
    printed = json.loads(done.stdout)
    assert list(printed) == ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"]
    assert printed["Version"] == 1 and done.stdout.count("\n") == 1
    remaining = datetime.fromisoformat(printed["Expiration"]) - datetime.now(UTC)
    assert 3500 < remaining.total_seconds() <= 3600 and printed["Expiration"].endswith("Z")
    assert identity(server, printed) == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ses"


def test_external_id_and_duration(server, home):
    flags = ["credential-process", "--profile", "ann", "--role-arn", OUTSIDE, "--duration", "900"]
    done = run(*flags, environment=home())
    assert done.returncode == 1 and done.stdout == "" and "AccessDenied" in done.stderr, done
    done = run(*flags, "--external-id", "42", environment=home())
    assert done.returncode == 0, done
    remaining = datetime.fromisoformat(json.loads(done.stdout)["Expiration"]) - datetime.now(UTC)
    assert 800 < remaining.total_seconds() <= 900


def test_a_profile_without_a_role(server, home):
    done = run("credential-process", "--profile", "ann", environment=home())
    printed = json.loads(done.stdout)
    assert list(printed) == ["Version", "AccessKeyId", "SecretAccessKey"]
    assert identity(server, printed) == f"arn:aws:iam::{ACCOUNT}:user/ann"


def program(*arguments):
    return f"credential_process = {BINARY} credential-process {' '.join(arguments)}\n"


def by_cli(environment, profile):
    done = subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", "--profile", profile],
        env=clean_environment() | {name: value for name, value in environment.items() if value}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_aws_cli_runs_it(server, home):
    profiles = "[profile d]\n" + program("--profile", "ann", "--role-arn", ROLE, "--session-name", "cli")
    # A role that is assumed with what the program prints, and a program that reads a profile with a program.
    profiles += f"[profile o]\nrole_arn = {OUTSIDE}\nexternal_id = 42\nrole_session_name = out\nsource_profile = ann\n"
    profiles += "[profile oo]\n" + program("--profile", "o")
    profiles += "[profile dd]\n" + program("--profile", "d")
    environment = home(profiles)
    for profile, expected in [("d", "deploy/cli"), ("o", "outside/out"), ("oo", "outside/out"), ("dd", "deploy/cli")]:
        code, said = by_cli(environment, profile)
        assert code == 0 and f"assumed-role/{expected}" in said, said
        assert json.loads(run("whoami", "--json", "--profile", profile, environment=environment).stdout)["Arn"].endswith(expected)


def test_a_program_that_reads_its_own_profile_ends(home):
    environment = home("[profile me]\n" + program("--role-arn", ROLE)) | {"AWS_PROFILE": "me"}
    done = run("credential-process", "--role-arn", ROLE, environment=environment)
    assert done.returncode == 2 and done.stdout == "", done
    assert "`credential_process` runs itself: name the profile" in done.stderr, done


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "said"),
    [
        (["--profile", "nobody"], {}, 2, "there is no profile `nobody`"),
        (["--profile", "ann", "--role-arn", "x"], {}, 1, "cannot assume x: ValidationError"),
        (["--profile", "ann", "--role-arn", ROLE, "--duration", "10"], {}, 2, "900..=129600"),
        (["--profile", "ann", "--external-id", "10"], {}, 2, "--role-arn"),
        (["--profile", "ann", "--role-arn", ROLE], {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 1, "is the server running?"),
        (["--profile", "ann", "--role-arn", ROLE, "--mfa-serial", "arn:aws:iam::1:mfa/x"], {}, 2, "must be answered on a terminal"),
        (["--profile", "ann", "--mfa-serial", "arn:aws:iam::1:mfa/x"], {}, 2, "must be answered on a terminal"),
        (["--role-arn", ROLE], {}, 2, "there are no credentials to sign with"),
        (["--profile", "ann", "--cache"], {"HOME": "", "AWS_CONFIG_FILE": "CONFIG"}, 2, "HOME is not set"),
    ],
)  # fmt: skip
def test_errors(home, tmp_path, arguments, variables, code, said):
    variables = {name: value.replace("CONFIG", str(tmp_path / ".aws" / "config")) for name, value in variables.items()}
    done = subprocess.run(
        [BINARY, "credential-process", *arguments], env=clean_environment() | home() | variables, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == code and said in done.stderr and done.stdout == "", done


def test_the_cache(server, home, tmp_path):
    flags = ["credential-process", "--profile", "ann", "--role-arn", ROLE, "--cache"]
    environment = home()
    folder = tmp_path / ".aws" / "bailiwick" / "cache"

    def printed(*more, **variables):
        done = run(*flags, *more, environment=environment | variables)
        assert done.returncode == 0, done
        return json.loads(done.stdout), done.stderr

    first, _ = printed()
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert printed()[0] == first
    # Other settings have another session.
    other, _ = printed("--session-name", "other")
    assert other != first and len(list(folder.iterdir())) == 2
    assert printed()[0] == first
    # A file that others can read is not used.
    file.chmod(0o644)
    second, _ = printed()
    assert second != first and stat.S_IMODE(file.stat().st_mode) == 0o600
    # Neither is one that is broken, nor one that has expired; one that must be renewed is.
    content = json.loads(file.read_text())
    file.write_text(file.read_text()[:-20])
    third, _ = printed()
    assert third != second
    for expiration, renewed in [("2020-01-01T00:00:00Z", True), (content["Credentials"]["Expiration"], False)]:
        kept = {"Obtained": content["Obtained"], "Credentials": third | {"Expiration": expiration}}
        file.write_text(json.dumps(kept))
        assert (printed()[0]["AccessKeyId"] != third["AccessKeyId"]) is renewed, expiration


def test_the_cache_while_the_server_is_away(server, home, tmp_path):
    """A session that is to be renewed and is still valid is printed; one that is not due needs no server."""
    port = free_port()
    relay = Relay(port, server)
    environment = home() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    flags = ["credential-process", "--profile", "ann", "--role-arn", ROLE, "--cache"]
    first = json.loads(run(*flags, environment=environment).stdout)
    relay.close()
    done = run(*flags, environment=environment)
    assert json.loads(done.stdout) == first and done.stderr == ""
    (file,) = (tmp_path / ".aws" / "bailiwick" / "cache").iterdir()
    content = json.loads(file.read_text())
    content["Obtained"] = "2020-01-01T00:00:00Z"
    content["Credentials"]["Expiration"] = soon = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    file.write_text(json.dumps(content))
    done = run(*flags, environment=environment)
    assert json.loads(done.stdout) == first | {"Expiration": soon}
    assert "is the server running?" in done.stderr and "from the cache" in done.stderr


def test_the_code_is_asked_for_on_the_terminal_and_not_shown(home):
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/nothing"
    flags = ["credential-process", "--profile", "ann", "--role-arn", ROLE, "--mfa-serial", serial]
    question = f"MFA code of {serial}: "
    out, err, shown = on_terminal(flags, home(), [(question, "123456\r")], expected=1)
    assert out == "" and "123456" not in shown + err and "cannot assume" in err, (out, err, shown)
    out, err, _ = on_terminal(flags, home(), [(question, "12\x03")], expected=130)
    assert out == "" and "interrupted" in err
    out, err, _ = on_terminal(flags, home(), [(question, "\x04")], expected=2)
    assert out == "" and "not answered" in err
