"""`bailiwick login` with a server that is not to be trusted, with a network that is read, and with itself at the same time."""

import configparser
import stat
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import json_format
from support.proto import descriptors
from support.server import ACCOUNT
from support.terminal import on_terminal

PASSWORD = "heron-In-7-reeds"
EVIL = "credential_process = /bin/false"


class Liar(grpc.GenericRpcHandler):
    """A server that answers a sign-in as it likes."""

    def __init__(self, answers):
        self.answers = {descriptors().method(name).path: (descriptors().method(name), answer) for name, answer in answers.items()}
        self.asked = []

    def service(self, call):
        self.asked.append(call.method)
        method, answer = self.answers.get(call.method, (None, None))
        if method is None:
            return None
        message = json_format.ParseDict(answer, method.output())
        return grpc.unary_unary_rpc_method_handler(lambda *_: message.SerializeToString())


@pytest.fixture
def lying():
    """Starts a server with these answers."""
    running = []

    def start(arn="arn:aws:iam::111122223333:user/ann", key="ASIAAAAAAAAAAAAAAAAA", secret="s", token="t"):
        expiration = "2099-01-01T00:00:00Z"
        liar = Liar({
            "SignIn": {"session": {"token": "b", "expiration": expiration, "sessionId": key[:20], "arn": arn}},
            "GetSignInCredentials": {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiration": expiration},
            "SignOut": {},
        })  # fmt: skip
        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[liar])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        running.append(server)
        return f"http://127.0.0.1:{port}", liar

    yield start
    for server in running:
        server.stop(None)


def login(tmp_path, url, *arguments, answers=(("Password: ", f"{PASSWORD}\r"),), expected=0):
    home = {"HOME": str(tmp_path), "AWS_REGION": "eu-central-1"}
    return on_terminal(["login", "--account", ACCOUNT, "--user", "ann", "--endpoint", url, *arguments], home, answers, expected)


@pytest.mark.parametrize("member", ["key", "secret", "token"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_server_adds_no_settings(lying, tmp_path, member, end):
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[mine]\nx = 1\n")
    url, liar = lying(**{member: f"A{end}{EVIL}{end}[default]{end}{EVIL}"})
    _, err, _ = login(tmp_path, url, "--profile", "work", expected=2)
    assert "cannot be changed" in err and EVIL not in err, err
    assert (folder / "credentials").read_text() == "[mine]\nx = 1\n"
    assert liar.asked[-1].endswith("/SignOut"), "the session is not left behind"


def test_a_server_does_not_control_the_terminal(lying, tmp_path):
    url, _ = lying(arn="arn:aws:iam::111122223333:user/\x1b]0;owned\x07\r\u202eann")
    out, err, _ = login(tmp_path, url, "--profile", "work")
    assert "\\u{1b}]0;owned\\u{7}\\r\\u{202e}ann" in out, out
    assert not any(character in out + err for character in "\x1b\x07\r\u202e")


@pytest.mark.parametrize("url", ["http://iam.example.com:7470", "http://192.0.2.1:7470", "http://localhost.example.com"])
def test_a_password_is_not_sent_in_clear_text(tmp_path, url):
    _, err, shown = login(tmp_path, url, answers=[], expected=2)
    assert "clear text" in err and shown == "", (err, shown)


def test_the_profile_of_all_profiles_is_refused(lying, tmp_path):
    url, liar = lying()
    _, err, shown = login(tmp_path, url, "--profile", "DEFAULT", answers=[], expected=2)
    assert "every profile" in err and shown == "" and not liar.asked


def test_sign_ins_at_the_same_time_keep_each_other(lying, tmp_path):
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[mine]\naws_access_key_id = KEEP\n")
    url, _ = lying()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: login(tmp_path, url, "--profile", f"p{number}"), range(6)))
    found = configparser.RawConfigParser()
    found.read(folder / "credentials")
    assert found["mine"]["aws_access_key_id"] == "KEEP"
    assert sorted(found.sections()) == ["mine", *(f"p{number}" for number in range(6))]
    assert stat.S_IMODE((folder / "credentials").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["config", "credentials"]
