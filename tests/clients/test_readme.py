"""The README's tours, run unchanged."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.proto import PROTO
from support.server import BINARY, ROOT, clean_environment, run

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def environment(server):
    """The variables of the `export` lines of a first start."""
    return clean_environment() | {
        "AWS_ACCESS_KEY_ID": server.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_IAM": server.url,
        "AWS_ENDPOINT_URL_STS": server.url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def section(title):
    """The text under a heading."""
    return re.search(rf"^## {title}\n(.*?)^## ", README, re.S | re.M)[1]


@pytest.fixture(scope="module")
def tour_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="module")
def cli_tour(environment, tour_folder):
    """The output of the tour by the AWS CLI, with its commands."""
    blocks = re.findall(r"((?:^    .*\n|^\n(?=    ))+)", section("Five minutes with the AWS CLI"), re.M)
    commands = [block.split("    An error occurred")[0] for block in blocks]
    lines = [line[4:] for block in commands for line in block.splitlines()]
    script = "trap 'echo \"FAILED: $BASH_COMMAND\"' ERR\n" + "\n".join(lines) + "\n"
    return subprocess.run(
        ["bash", "-c", script], stdin=subprocess.DEVNULL, cwd=tour_folder, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=300,
    ).stdout  # fmt: skip


def test_the_tour_by_the_aws_cli(cli_tour, server):
    failed = re.findall(r"^FAILED: .*", cli_tour, re.M)
    assert failed == ["FAILED: $BOB aws iam create-user --user-name mallory"], cli_tour
    shown = re.sub(r"\s+", " ", section("Five minutes with the AWS CLI")).replace("…", server.account)
    said = re.search(r"An error occurred \(AccessDenied\).*", cli_tour)[0]
    said = re.sub(r"[0-9a-f]{32}$", server.account, said)
    assert said in shown, said
    assert f"arn:aws:sts::{server.account}:assumed-role/deploy/release" in cli_tour
    assert f"arn:aws:iam::{server.account}:user/alice" in cli_tour


def test_the_files_with_keys_are_readable_only_by_their_owner(cli_tour, tour_folder):
    modes = {name: stat.S_IMODE((tour_folder / name).stat().st_mode) for name in ["alice.key", "bob.key", "deploy.session"]}
    assert set(modes.values()) == {0o600}, modes


def test_the_tour_over_grpc(cli_tour, environment, server, tmp_path):
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    made = [sys.executable, "-m", "grpc_tools.protoc", "-I", PROTO, f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    subprocess.run([*made, *sorted(PROTO.rglob("*.proto"))], check=True)
    program = re.search(r"<!-- tour -->\n```python\n(.*?)```", README, re.S)[1]
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment | {"PYTHONPATH": str(stubs)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    bob = f"arn:aws:iam::{server.account}:user/bob"
    assert f"bob {bob}" in done.stdout
    assert f"User: {bob} is not authorized to perform: iam:DeleteUser" in done.stdout


def test_the_tour_in_node(cli_tour, environment, server, tmp_path):
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    packages = re.search(r"`npm install (.*?)`", README)[1].split()
    pinned = json.loads((ROOT / "tests" / "tour" / "package.json").read_text())
    assert sorted(packages) == sorted(pinned["dependencies"])
    for name in ["package.json", "package-lock.json"]:
        shutil.copy(ROOT / "tests" / "tour" / name, tmp_path)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=tmp_path, check=True, timeout=300)
    (tmp_path / "proto").symlink_to(PROTO)
    (tmp_path / "tour.mjs").write_text(re.search(r"<!-- tour in Node -->\n```js\n(.*?)```", README, re.S)[1])
    done = subprocess.run(["node", "tour.mjs"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"bob arn:aws:iam::{server.account}:user/bob" in done.stdout


def test_the_tour_of_the_terminal(cli_tour, tour_folder, environment, server, tmp_path):
    """Each command, with its expected exit code."""
    block = re.search(r"<!-- terminal -->\n((?:    .*\n)+)", README)[1]
    identity, secret = (tour_folder / "bob.key").read_text().split()
    bob = f"env AWS_ACCESS_KEY_ID={identity} AWS_SECRET_ACCESS_KEY={secret}"
    codes = {}
    for line in block.splitlines():
        settings = environment | {"ACCOUNT": server.account, "BOB": bob, "NO_COLOR": "1", "PATH": f"{BINARY.parent}{os.pathsep}{environment['PATH']}"}
        done = subprocess.run(["bash", "-c", line], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        codes[re.search(r"bailiwick (\S+)", line)[1]] = done.returncode, done.stdout + done.stderr
    assert {name: code for name, (code, _) in codes.items()} == {
        "whoami": 0, "authorize": 0, "explain": 1, "who-can": 0, "what-can": 0, "findings": 1, "credential-process": 0, "version": 0, "completions": 0, "man": 0,
    }, codes  # fmt: skip
    assert f"arn:aws:iam::{server.account}:root" in codes["whoami"][1]
    assert "Denied" in codes["explain"][1] and '"Action": "iam:DeleteUser"' in codes["explain"][1]
    assert (tmp_path / "man1" / "bailiwick.1").exists() and (tmp_path / "bailiwick.bash").stat().st_size > 1000


def test_the_coverage_table_matches_the_binary():
    said = [line.split() for line in run("coverage").stdout.splitlines()]
    table = re.search(r"<!-- coverage: .*?-->(.*?)<!-- coverage ends -->", README, re.S)[1]
    rows = re.findall(r"^\| `([\w.]+)` \| \d+ of \d+ \| (.*?) \| (.*?) \|$", table, re.M)
    written = [
        [f"bailiwick.{service}", operation, state]
        for service, *cells in rows
        for state, cell in zip(("handled", "not-implemented"), cells, strict=True)
        for operation in cell.split(", ")
        if operation
    ]
    assert sorted(written) == sorted(said)
    assert f"{sum(state == 'handled' for *_, state in said)} of {len(said)} operations are handled" in table
