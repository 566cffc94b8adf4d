"""`bailiwick login` and `bailiwick logout`: a person signs in on a terminal, and AWS's clients use the profile."""

import json
import os
import re
import stat
import subprocess
import sys

import pytest
from support.api import AwsApi
from support.documents import policy
from support.server import ACCOUNT, Credentials, clean_environment, run
from support.terminal import on_terminal
from support.totp import Authenticator

from test_profiles import AWS

PASSWORD, NEW, WEAK = "Correct-Horse-1", "Battery-Staple-2", "short"


@pytest.fixture
def person(aws, name):
    """Creates a user who can sign in."""

    def make(reset=False, statements=("iam:GetUser", "iam:ChangePassword")):
        user_name = name("person")
        aws.call("CreateUser", UserName=user_name)
        aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=policy(*statements))
        aws.call("CreateLoginProfile", UserName=user_name, Password=PASSWORD, PasswordResetRequired=reset)
        return user_name

    return make


@pytest.fixture
def home(server, tmp_path):
    """The variables of a person with a home folder, and the server in a variable."""
    return {"HOME": str(tmp_path), "AWS_ENDPOINT_URL_IAM": server.url, "AWS_ENDPOINT_URL_STS": server.url, "AWS_REGION": "eu-central-1"}


def login(home, user_name, *arguments, answers=(("Password: ", f"{PASSWORD}\r"),), expected=0, account=ACCOUNT):
    return on_terminal(["login", "--account", account, "--user", user_name, *arguments], home, answers, expected)


def arn(user_name):
    return f"arn:aws:iam::{ACCOUNT}:user/{user_name}"


def by_cli(home, *arguments):
    """The AWS CLI, which has nothing but the files in the home folder."""
    environment = clean_environment() | {"HOME": home["HOME"]}
    return subprocess.run([sys.executable, str(AWS), *arguments], env=environment, capture_output=True, text=True, timeout=120)


def test_the_profile_works_with_the_aws_cli_until_the_sign_out(server, person, home, tmp_path):
    ann = person()
    out, err, shown = login(home, ann, "--profile", "work")
    assert f"Signed in as {arn(ann)} until" in out and "profile `work`" in out and err == "", (out, err)
    assert PASSWORD not in out + err + shown
    credentials, config = tmp_path / ".aws" / "credentials", tmp_path / ".aws" / "config"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600 and stat.S_IMODE(credentials.parent.stat().st_mode) == 0o700
    assert PASSWORD not in credentials.read_text() + config.read_text()
    done = by_cli(home, "sts", "get-caller-identity", "--profile", "work")
    assert done.returncode == 0 and json.loads(done.stdout)["Arn"] == arn(ann), done.stderr
    done = by_cli(home, "iam", "get-user", "--user-name", ann, "--profile", "work")
    assert done.returncode == 0, done.stderr
    # Bailiwick's commands find the server in the profile too, and know when the credentials end.
    done = run("whoami", "--profile", "work", environment={"HOME": home["HOME"], "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""})
    assert done.returncode == 0 and "expires:" in done.stdout and server.url in done.stdout, done
    text = credentials.read_text()
    session = Credentials(*(re.search(rf"{setting} = (.*)", text)[1] for setting in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")))
    assert AwsApi(server, session).call("GetCallerIdentity")["Arn"] == arn(ann)
    done = run("logout", "--profile", "work", environment=home | {"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""})
    assert done.returncode == 0 and "Signed out" in done.stdout, done
    assert "aws_" not in credentials.read_text()
    with pytest.raises(Exception, match="InvalidClientTokenId|ExpiredToken"):
        AwsApi(server, session).call("GetCallerIdentity")
    done = run("logout", "--profile", "work", environment=home | {"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""})
    assert done.returncode == 2 and "no session" in done.stderr, done


def test_everything_else_in_the_files_stays(person, home, tmp_path):
    folder = tmp_path / ".aws"
    folder.mkdir()
    credentials = "# mine\n[default]\naws_access_key_id = AKIAAAAAAAAAAAAAAAAA\naws_secret_access_key=x  # not a comment\n\n\n[other]\n;  keep\n  a = 1\n"
    config = "[default]\nregion=eu-west-1\ns3 =\n  max_concurrent_requests = 1\n# end"
    (folder / "credentials").write_text(credentials)
    (folder / "config").write_text(config)
    login(home, person(), "--profile", "work")
    added = (folder / "credentials").read_text()
    assert added.startswith(credentials + "\n[work]\naws_access_key_id = ")
    assert (folder / "config").read_text().startswith(config + "\n\n[services bailiwick]\n")
    # A second sign-in replaces the first; a sign-out leaves what was there before.
    login(home, person(), "--profile", "work")
    again = (folder / "credentials").read_text()
    assert again != added and again.count("aws_session_token") == 1
    done = run("logout", "--profile", "work", environment=home | {"AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""})
    assert done.returncode == 0, done
    assert (folder / "credentials").read_text() == credentials


@pytest.mark.parametrize(
    ("credentials", "config", "said"),
    [
        ("[work]\naws_access_key_id = A\naws_secret_access_key = B\n", "", "a long-term access key"),
        ("", "[profile work]\nrole_arn = R\nsource_profile = x\n", "`role_arn`"),
        ("", "[profile work]\ncredential_process = x\n", "`credential_process`"),
        ("", "[profile work]\nsso_session = x\n", "`sso_session`"),
        ("", "[profile work]\naws_access_key_id = A\n", "keys in the config file"),
        ("[work]\n[work]\n", "", "duplicated"),
    ],
)  # fmt: skip
def test_other_credentials_are_not_replaced(home, tmp_path, credentials, config, said):
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(credentials)
    (folder / "config").write_text(config)
    # Nothing is asked before it is clear that the profile can be written.
    _, err, shown = on_terminal(["login", "--profile", "work"], home, [], 2)
    assert said in err and shown == "", (err, shown)
    assert (folder / "credentials").read_text() == credentials and (folder / "config").read_text() == config


def test_a_second_factor(aws, person, home):
    ann = person()
    device = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=ann)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=ann, SerialNumber=device.serial, **device.pair(-1))
    question = f"MFA code of {device.serial}: "
    wrong = "000000" if device.code() != "000000" else "000001"
    _, err, shown = login(home, ann, answers=[("Password: ", f"{PASSWORD}\r"), (question, f"{wrong}\r")], expected=1)
    assert "InvalidAuthenticationCode" in err and wrong not in shown + err
    code = device.code(0)
    out, err, shown = login(home, ann, answers=[("Password: ", f"{PASSWORD}\r"), (question, f"{code}\r")])
    assert f"Signed in as {arn(ann)}" in out and code not in shown + out + err


def test_the_first_sign_in_changes_the_password(home, person):
    ann = person(reset=True)
    new = [("New password: ", f"{NEW}\r"), ("New password again: ", f"{NEW}\r")]
    weak = [("New password: ", f"{WEAK}\r"), ("New password again: ", f"{WEAK}\r")]
    different = [("New password: ", f"{NEW}\r"), ("New password again: ", f"{NEW}x\r")]
    out, err, shown = login(home, ann, answers=[("Password: ", f"{PASSWORD}\r"), *different, *weak, *new])
    assert f"Signed in as {arn(ann)}" in out, (out, err)
    assert "must be changed" in shown and "are different" in shown and not any(each in shown for each in (PASSWORD, NEW, WEAK))
    login(home, ann, answers=[("Password: ", f"{NEW}\r")])


def test_an_expired_password_is_changed_with_a_code(aws, person, home):
    ann = person(reset=True)
    device = Authenticator(aws.call("CreateVirtualMFADevice", VirtualMFADeviceName=ann)["VirtualMFADevice"])
    aws.call("EnableMFADevice", UserName=ann, SerialNumber=device.serial, **device.pair(-1))
    answers = [
        ("Password: ", f"{PASSWORD}\r"), ("New password: ", f"{NEW}\r"), ("New password again: ", f"{NEW}\r"),
        (f"MFA code of {device.serial}: ", f"{device.code(0)}\r"),
    ]  # fmt: skip
    out, err, _ = login(home, ann, answers=answers)
    assert f"Signed in as {arn(ann)}" in out, (out, err)


def test_account_and_user_are_asked_for(aws, home, person):
    ann = person()
    answers = [("Account (id or alias): ", f"{ACCOUNT}\n"), ("User name: ", f"{ann}\n"), ("Password: ", f"{PASSWORD}\n")]
    out, _, shown = on_terminal(["login"], home, answers)
    assert f"Signed in as {arn(ann)}" in out and ann in shown and PASSWORD not in shown
    assert "profile `default`" in out


@pytest.mark.parametrize(
    ("user", "account", "password"), [("ANN", ACCOUNT, "Another-Horse-1"), ("nobody", ACCOUNT, PASSWORD), ("ANN", "no-such-account", PASSWORD)]
)  # fmt: skip
def test_a_refused_sign_in_writes_nothing(home, person, tmp_path, user, account, password):
    user = person() if user == "ANN" else user
    out, err, _ = login(home, user, answers=[("Password: ", f"{password}\r")], expected=1, account=account)
    assert out == "" and "cannot sign in: AccessDenied" in err and password not in err
    assert not (tmp_path / ".aws").exists()


def test_without_a_terminal_nothing_is_asked(home):
    done = subprocess.run(
        [os.fspath(on_terminal.__globals__["BINARY"]), "login", "--account", ACCOUNT, "--user", "ann"], env=clean_environment() | home,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 2 and "must be answered on a terminal" in done.stderr, done
