"""The settings of `bailiwick serve`: options, variables, and the errors of invalid ones."""

import socket

import pytest
from support.api import ApiError, AwsApi
from support.expect import fails
from support.server import ACCOUNT, BINARY, READY, free_port, run


def test_a_port_that_is_taken(new_server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = new_server()
        fixed = server.command
        server.command = lambda: [part if part != f"127.0.0.1:{server.port}" else f"127.0.0.1:{port}" for part in fixed()]
        fails(server, str(port))


def listening(server, address):
    """A command line of the server that listens on an address."""
    return [str(BINARY), "serve", "--listen", address, "--metrics-listen", "none", "--data-dir", str(server.data), *server.arguments]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_beyond_loopback_needs_tls_or_an_explicit_setting(new_server, address):
    server = new_server()
    server.command = lambda: listening(server, address)
    fails(server, "--insecure-allow-clear", code=2)
    if address == "0.0.0.0:0":
        server.arguments.append("--insecure-allow-clear")
        server.lines.clear()
        server.start()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "nowhere"],
        ["--account-id", "12"],
        ["--account-id", "abcdefghijkl"],
        ["--partition", "no such"],
        ["--no-such-flag"],
        ["--tls-cert", "/no/such/file"],
        ["--region", "cn-north-1"],
        ["--log-format", "xml"],
        ["--insecure-allow-clear=perhaps"],
        ["--listen", "127.0.0.1:7999", "--metrics-listen", "127.0.0.1:7999"],
    ],
)
def test_invalid_flags(tmp_path, arguments):
    done = run("serve", "--data-dir", tmp_path / "data", *arguments)
    assert done.returncode == 2
    assert "panicked" not in done.stderr
    assert done.stderr.strip()
    assert not (tmp_path / "data").exists(), "refused before anything is made"


@pytest.mark.parametrize(
    ["address", "advice"],
    [
        (":7470", "`127.0.0.1:7470`"),
        ("7470", "`127.0.0.1:7470`"),
        ("127.0.0.1", "`127.0.0.1:7470`"),
        ("localhost", "`localhost:7470`"),
        ("::1:7470", "`[::1]:7470`"),
        ("http://localhost:7470", "`localhost:7470`"),
    ],
)
@pytest.mark.parametrize("option", ["--listen", "--metrics-listen"])
def test_an_incomplete_address_is_answered_with_a_complete_one(option, address, advice):
    done = run("serve", option, address)
    assert done.returncode == 2
    assert advice in done.stderr and option in done.stderr


def test_a_host_name_to_listen_on(new_server):
    server = new_server()
    fixed = server.command
    server.command = lambda: [part.replace("127.0.0.1", "localhost") for part in fixed()]
    server.start()
    AwsApi(server, server.root).call("GetCallerIdentity")
    server.stop()
    server.lines.clear()
    server.command = lambda: [part.replace("127.0.0.1", "no-such-host.invalid") for part in fixed()]
    fails(server, "`no-such-host.invalid`")


@pytest.mark.parametrize("word", ["1", "true", "YES", "On"])
def test_words_for_on(new_server, word):
    server = new_server(environment={"BAILIWICK_INSECURE_ALLOW_CLEAR": word})
    server.command = lambda: listening(server, "0.0.0.0:0")
    server.start()


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF", ""])
def test_words_for_off(new_server, word):
    server = new_server(environment={"BAILIWICK_INSECURE_ALLOW_CLEAR": word})
    server.command = lambda: listening(server, "0.0.0.0:0")
    fails(server, "--insecure-allow-clear", code=2)


@pytest.mark.parametrize(
    ["variable", "value"],
    [
        ("BAILIWICK_INSECURE_ALLOW_CLEAR", "perhaps"),
        ("BAILIWICK_NO_REFLECTION", "2"),
        ("BAILIWICK_CONSOLE_IDLE_SECONDS", "901"),
        ("BAILIWICK_CONSOLE_SESSION_SECONDS", "0"),
        ("BAILIWICK_LISTEN", "7470"),
        ("BAILIWICK_ACCOUNT_ID", "twelve"),
        ("BAILIWICK_LOG", "verbose"),
        ("BAILIWICK_LOG_FORMAT", "xml"),
        ("BAILIWICK_PARTITION", "mars"),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path, variable, value):
    done = run("serve", "--data-dir", tmp_path / "data", environment={variable: value})
    assert done.returncode == 2
    assert variable in done.stderr and value in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_empty_variable_is_one_that_is_not_set(new_server):
    names = ("LISTEN", "ACCOUNT_ID", "MASTER_KEY_FILE", "MASTER_KEY", "TLS_CERT", "TLS_KEY", "LOG", "PARTITION", "INIT",
             "NO_REFLECTION", "ROOT_CREDENTIALS_FILE")  # fmt: skip
    server = new_server(environment={f"BAILIWICK_{name}": "" for name in names}).start()
    assert server.data.with_name("data.key").exists()
    AwsApi(server, server.root).call("GetCallerIdentity")


def test_a_mistyped_variable_is_warned_about(new_server):
    server = new_server(environment={"BAILIWICK_DATADIR": "/nowhere", "BAILIWICK_SERVICE_HOST": "10.0.0.1"}).start()
    warned = [line for line in server.output.splitlines() if "BAILIWICK_DATADIR" in line]
    assert len(warned) == 1 and "did you mean BAILIWICK_DATA_DIR?" in warned[0]
    assert "BAILIWICK_SERVICE_HOST" not in server.output


def test_an_invalid_data_folder(new_server, tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    cases = ((path, "is a file: --data-dir expects"), (path / "data", "is a file"), (tmp_path / "a" / "b", "does not exist"))
    for number, (data, words) in enumerate(cases):
        server = new_server(f"server-{number}")
        server.data = data
        fails(server, str(data), words)
    assert path.read_text() == "precious"


def test_a_data_folder_behind_a_link_or_by_a_relative_path(new_server):
    server = new_server()
    (server.folder / "volume").mkdir()
    (server.folder / "link").symlink_to(server.folder / "volume" / "data")
    (server.folder / "volume" / "data").mkdir(mode=0o700)
    server.data = server.folder / "link"
    server.start()
    assert (server.folder / "link.key").exists() and (server.folder / "volume" / "data" / "bailiwick.redb").exists()
    server.stop()
    relative = new_server("relative")
    fixed = relative.command
    relative.command = lambda: [part.replace(str(relative.data), "data/") for part in fixed()]
    relative.start()
    assert (relative.folder / "data.key").exists() and (relative.folder / "data" / "bailiwick.redb").exists()


def test_a_key_file_that_is_a_folder(new_server, tmp_path):
    (tmp_path / "key").mkdir(mode=0o700)
    fails(new_server(arguments=["--master-key-file", str(tmp_path / "key"), "--init"]), "master key", str(tmp_path / "key"))


def test_flags_may_come_from_the_environment(new_server):
    server = new_server()
    port, metrics = free_port(), free_port()
    server.command = lambda: [str(BINARY), "serve"]
    server.environment = {
        "BAILIWICK_LISTEN": f"127.0.0.1:{port}",
        "BAILIWICK_METRICS_LISTEN": f"127.0.0.1:{metrics}",
        "BAILIWICK_DATA_DIR": str(server.data),
        "BAILIWICK_ACCOUNT_ID": "444455556666",
        "BAILIWICK_REGION": "eu-west-1",
    }
    server.spawn()
    server.port, server.metrics_port = port, metrics
    server.wait_for(READY)
    assert server.data.exists()
    assert AwsApi(server, server.root).call("GetCallerIdentity")["Account"] == "444455556666"


def test_help_has_an_example():
    commands = (
        ["serve"],
        ["recover-root"],
        ["doctor"],
        ["rotate-master-key"],
        ["backup"],
        ["restore"],
        ["policy", "validate"],
        ["policy", "format"],
        ["evaluate"],
        ["import", "managed-policies"],
        ["catalogue", "export"],
        ["catalogue", "import"],
    )
    for command in commands:
        done = run(*command, "--help")
        assert done.returncode == 0
        assert f"\n  bailiwick {' '.join(command)}" in done.stdout
    shown = run("--help").stdout
    assert all(command[0] in shown for command in commands)
    done = run("serve", "--help")
    for flag in ("--listen", "--metrics-listen", "--data-dir", "--master-key-file", "--account-id", "--partition", "--region",
                 "--tls-cert", "--tls-key", "--insecure-allow-clear"):  # fmt: skip
        assert flag in done.stdout, flag
        assert "BAILIWICK_" + flag.strip("-").upper().replace("-", "_") in done.stdout, flag


def test_another_partition(new_server):
    server = new_server(arguments=["--partition", "aws-cn", "--region", "cn-north-1"]).start()
    identity = AwsApi(server, server.root, region="cn-north-1").call("GetCallerIdentity")
    assert identity["Arn"] == f"arn:aws-cn:iam::{ACCOUNT}:root"
    with pytest.raises(ApiError) as caught:
        AwsApi(server, server.root, region="eu-central-1").call("GetCallerIdentity")
    assert caught.value.status in (400, 403)
