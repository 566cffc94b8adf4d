"""Bailiwick's own commands find endpoint, region and credentials as the AWS CLI does."""

import json
import os
import subprocess
import sys

import pytest
from support.agent import AWS
from support.certificates import make_certificate
from support.documents import policy, trust
from support.server import ACCOUNT, clean_environment, run


@pytest.fixture(scope="module")
def world(server, aws, tmp_path_factory):
    """Users, roles and a program that prints credentials, for the profiles below."""
    keys = {}
    for user_name in ("ann", "ben"):
        aws.call("CreateUser", UserName=user_name)
        aws.call("PutUserPolicy", UserName=user_name, PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
        key = aws.call("CreateAccessKey", UserName=user_name)["AccessKey"]
        keys[user_name] = f"aws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
        keys[f"{user_name}_env"] = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        keys[f"{user_name}_json"] = json.dumps({"Version": 1, **{name: key[name] for name in ("AccessKeyId", "SecretAccessKey")}})
    external = {"StringEquals": {"sts:ExternalId": "42"}}
    aws.call("CreateRole", RoleName="deploy", AssumeRolePolicyDocument=trust(ACCOUNT))
    aws.call("CreateRole", RoleName="outside", AssumeRolePolicyDocument=trust(ACCOUNT, Condition=external))
    # The next role of a chain.
    aws.call("PutRolePolicy", RoleName="deploy", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
    folder = tmp_path_factory.mktemp("a folder")
    program = folder / "print it"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(open(sys.argv[1]).read())\n")
    program.chmod(0o755)
    (folder / "ben.json").write_text(keys["ben_json"])
    keys["process"] = f"credential_process = '{program}' '{folder / 'ben.json'}'\n"
    return keys


def role(name):
    return f"role_arn = arn:aws:iam::{ACCOUNT}:role/{name}\nrole_session_name = ses\n"


# name: config file, credentials file, variables, arguments; the caller that the AWS CLI reports (None: it refuses).
CASES = {
    "variables": ("", "", ["ann_env"], [], "user/ann"),
    "default profile": ("[default]\n{ann}", "", [], [], "user/ann"),
    "credentials file": ("", "[default]\n{ann}", [], [], "user/ann"),
    "variables before a profile in a variable": ("[profile b]\n{ben}", "", ["ann_env", {"AWS_PROFILE": "b"}], [], "user/ann"),
    "a flag before variables": ("[profile b]\n{ben}", "", ["ann_env"], ["--profile", "b"], "user/ben"),
    "a profile in a variable": ("[profile b]\n{ben}", "", [{"AWS_PROFILE": "b"}], [], "user/ben"),
    "a quoted profile": ('[profile "b c"]\n{ben}', "", [{"AWS_PROFILE": "b c"}], [], "user/ben"),
    "the credentials file comes first": ("[profile b]\n{ann}", "[b]\n{ben}", [], ["--profile", "b"], "user/ben"),
    "comments, blank lines, capitals": (
        "# one\n\n[default]\n; two\nREGION = eu-central-1\n\n[profile b]\n# three\n{ben}", "", [], ["--profile", "b"], "user/ben",
    ),
    "nested settings": ("[profile b]\ns3 =\n  max_concurrent_requests = 1\n{ben}", "", [], ["--profile", "b"], "user/ben"),
    "a program": ("[profile b]\n{process}", "", [], ["--profile", "b"], "user/ben"),
    "a program before keys of the config file": ("[profile b]\n{process}{ann}", "", [], ["--profile", "b"], "user/ben"),
    "keys of the credentials file before a program": ("[profile b]\n{process}", "[b]\n{ann}", [], ["--profile", "b"], "user/ann"),
    "a role": ("[default]\n{ann}[profile r]\n{deploy}source_profile = default\n", "", [], ["--profile", "r"], "assumed-role/deploy/ses"),
    "a role by its own keys": ("[profile r]\n{deploy}source_profile = r\n{ann}", "", [], ["--profile", "r"], "assumed-role/deploy/ses"),
    "a role by variables": (
        "[profile r]\n{deploy}credential_source = Environment\n", "", ["ben_env"], ["--profile", "r"], "assumed-role/deploy/ses",
    ),
    "a role by a program": (
        "[profile p]\n{process}[profile r]\n{deploy}source_profile = p\n", "", [], ["--profile", "r"], "assumed-role/deploy/ses",
    ),
    "a role by a role": (
        "[profile r]\n{outside}external_id = 42\nsource_profile = d\n[profile d]\n{deploy}source_profile = default\n[default]\n{ann}", "",
        [], ["--profile", "r"], "assumed-role/outside/ses",
    ),
    "a role that wants an external id": (
        "[default]\n{ann}[profile r]\n{outside}source_profile = default\n", "", [], ["--profile", "r"], None,
    ),
    "a duration": (
        "[default]\n{ann}[profile r]\n{deploy}source_profile = default\nduration_seconds = 900\n", "", [], ["--profile", "r"],
        "assumed-role/deploy/ses",
    ),
    "no such profile": ("[default]\n{ann}", "", [], ["--profile", "nobody"], None),
    "no such profile in a variable": ("", "", ["ann_env", {"AWS_PROFILE": "nobody"}], [], None),
    "no such source": ("[profile r]\n{deploy}source_profile = nobody\n", "", [], ["--profile", "r"], None),
    "profiles in a circle": (
        "[profile a]\n{deploy}source_profile = b\n[profile b]\n{deploy}source_profile = a\n", "", [], ["--profile", "a"], None,
    ),
    "half of the keys": ("", "[default]\naws_access_key_id = AKIAAAAAAAAAAAAAAAAA\n", [], [], None),
    "no credentials": ("[default]\nregion = eu-central-1\n", "", [{"AWS_EC2_METADATA_DISABLED": "true"}], [], None),
    "a broken file": ("[default\n", "", ["ann_env"], [], None),
    "a section twice": ("[default]\n[default]\n", "", ["ann_env"], [], None),
    "a setting twice": ("[default]\nregion = a\nREGION = b\n", "", ["ann_env"], [], None),
    "a line that is no setting": ("[default]\nregion\n", "", ["ann_env"], [], None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_profiles_are_read_as_the_aws_cli_reads_them(server, world, tmp_path, case):
    config, credentials, variables, arguments, expected = CASES[case]
    fill = world | {"deploy": role("deploy"), "outside": role("outside")}
    for name, text in (("config", config), ("credentials", credentials)):
        (tmp_path / name).write_text(text.format_map(fill))
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "eu-central-1", "HOME": str(tmp_path),
    }  # fmt: skip
    for each in variables:
        environment |= world[each] if isinstance(each, str) else each
    theirs = subprocess.run(
        [sys.executable, str(AWS), "sts", "get-caller-identity", *arguments], env=clean_environment() | environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    ours = run("whoami", "--json", *arguments, environment=environment)
    if expected is None:
        assert theirs.returncode != 0, theirs.stdout
        assert ours.returncode in (1, 2) and ours.stdout == "" and ours.stderr.startswith("bailiwick: "), ours
        secrets = [line for line in world["ann"].splitlines() + world["ben"].splitlines() if "secret" in line]
        assert not any(line.split(" = ")[1] in ours.stderr for line in secrets)
        return
    assert (theirs.returncode, ours.returncode) == (0, 0), theirs.stderr + ours.stderr
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert json.loads(ours.stdout)["Arn"].endswith(f":{expected}")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("sso_session = x", ["sso_session", "export-credentials"]),
        ("sso_start_url = https://example.com", ["sso_start_url", "export-credentials"]),
        ("login_session = x", ["login_session", "export-credentials"]),
        ("role_arn = x\ncredential_source = Ec2InstanceMetadata", ["Ec2InstanceMetadata", "source_profile"]),
        ("role_arn = x\ncredential_source = EcsContainer", ["EcsContainer", "source_profile"]),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path, setting, words):
    (tmp_path / "config").write_text(f"[profile p]\n{setting}\n")
    done = run("whoami", "--profile", "p", environment={"AWS_CONFIG_FILE": str(tmp_path / "config")})
    assert done.returncode == 2 and "not supported" in done.stderr, done
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        ("nothing", 0, "did not print the expected JSON"),
        ('{"AccessKeyId": "A", "SecretAccessKey": "hidden"}', 0, "did not print `Version`"),
        ('{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "hidden"}', 0, "printed version 2"),
        ('{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hidden", "Expiration": "2020-01-01T00:00:00Z"}', 0, "expired at 2020"),
        ('{"Version": 1, "AccessKeyId": "A"}', 3, "exit status: 3"),
    ],
)
def test_a_program_with_invalid_output(tmp_path, printed, code, said):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit {code}\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {program}\n")
    done = run("whoami", "--profile", "p", environment={"AWS_CONFIG_FILE": str(tmp_path / "config")})
    assert done.returncode == 2 and said in done.stderr and "profile `p`" in done.stderr, done
    assert "hidden" not in done.stderr


def endpoints(server, variables, config="", arguments=()):
    """The endpoint that `whoami` used, or its error."""
    environment = {
        "AWS_ACCESS_KEY_ID": server.root.access_key_id, "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key, **variables,
    }  # fmt: skip
    path = server.folder / "config"
    path.write_text(config)
    done = run("whoami", *arguments, environment=environment | {"AWS_CONFIG_FILE": str(path)})
    return done.returncode, done.stdout + done.stderr


def test_the_endpoint(server):
    bad = "http://127.0.0.1:1"
    good = f"server:     {server.url}"

    def reached(variables, config="", *arguments):
        code, said = endpoints(server, variables, config, arguments)
        assert code == 0 and good in said, said

    reached({"AWS_ENDPOINT_URL": server.url})
    reached({"AWS_ENDPOINT_URL": bad, "AWS_ENDPOINT_URL_STS": server.url})
    reached({"AWS_ENDPOINT_URL": bad, "AWS_ENDPOINT_URL_STS": bad, "AWS_ENDPOINT_URL_IAM": server.url})
    reached({"AWS_ENDPOINT_URL": server.url}, f"[default]\nendpoint_url = {bad}\n")
    reached({}, f"[default]\nendpoint_url = {server.url}\n")
    services = f"[default]\nendpoint_url = {bad}\nservices = mine\n[services mine]\niam =\n  endpoint_url = {server.url}\n"
    reached({}, services)
    reached({"AWS_ENDPOINT_URL_IAM": bad, "AWS_ENDPOINT_URL": bad}, "", "--endpoint", server.url)
    reached({"AWS_ENDPOINT_URL": bad}, "", "--endpoint", server.target)
    code, said = endpoints(server, {"AWS_ENDPOINT_URL": server.url, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
    assert code == 1 and "http://127.0.0.1:7470" in said
    for wrong, hint in [("127.0.0.1", "write http://127.0.0.1:7470"), ("iam.example.com", "write https://iam.example.com"),
                        ("ftp://x", "expected http://host:port"), (":7470", "write http://127.0.0.1:7470"),
                        ("https://iam.example.com/x", "write https://iam.example.com"), ("http://", "expected http://host:port")]:  # fmt: skip
        code, said = endpoints(server, {}, "", ("--endpoint", wrong))
        assert code == 2 and hint in said and "--endpoint" in said, said
        code, said = endpoints(server, {"AWS_ENDPOINT_URL_STS": wrong})
        assert code == 2 and hint in said and "AWS_ENDPOINT_URL_STS" in said, said
    code, said = endpoints(server, {"AWS_ENDPOINT_URL": bad})
    assert code == 1 and "is the server running?" in said


def test_certificates(new_server, tmp_path):
    certificate, key = make_certificate(tmp_path)
    other, _ = make_certificate(tmp_path, "other")
    server = new_server(arguments=["--tls-cert", str(certificate), "--tls-key", str(key)], scheme="https").start()

    def reached(variables, *arguments, config="", endpoint=server.url):
        return endpoints(server, {"AWS_ENDPOINT_URL": endpoint, **variables}, config, arguments)

    # `openssl req -x509` marks its certificates as those of an authority, like this one.
    for variables, arguments, config in [
        ({}, ["--ca-file", certificate], ""),
        ({"AWS_CA_BUNDLE": str(certificate)}, [], ""),
        ({}, [], f"[default]\nca_bundle = {certificate}\n"),
        ({"AWS_CA_BUNDLE": str(other)}, ["--ca-file", certificate], ""),
    ]:
        code, said = reached(variables, *arguments, config=config)
        assert code == 0 and f"arn:aws:iam::{ACCOUNT}:root" in said, said
    code, said = reached({})
    assert code == 1 and "not trusted" in said and "--ca-file" in said, said
    code, said = reached({}, "--ca-file", other)
    assert code == 1 and "not trusted" in said and str(other) in said, said
    code, said = reached({}, "--ca-file", key)
    assert code == 2 and "no certificate in PEM form" in said, said
    # It is valid for one address.
    code, said = reached({}, "--ca-file", certificate, endpoint=server.url.replace("127.0.0.1", "localhost"))
    assert code == 1 and "not valid for" in said, said
    code, said = reached({}, endpoint=server.url.replace("https", "http"))
    assert code == 1 and "write https://" in said, said
    # An expired one is not trusted, even if it is given.
    expired = make_certificate(tmp_path, "expired", days=-1)
    late = new_server("late", arguments=["--tls-cert", str(expired[0]), "--tls-key", str(expired[1])], scheme="https").start()
    code, said = reached({}, "--ca-file", expired[0], endpoint=late.url)
    assert code == 1 and "expired" in said, said
    # A certificate that signs itself and is not marked as one of an authority.
    plain = make_certificate(tmp_path, "plain", authority=False)
    third = new_server("third", arguments=["--tls-cert", str(plain[0]), "--tls-key", str(plain[1])], scheme="https").start()
    code, said = endpoints(third, {"AWS_ENDPOINT_URL": third.url}, "", ["--ca-file", plain[0]])
    assert code == 0, said


def test_files_in_another_folder_than_home(server, tmp_path):
    folder = tmp_path / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id={server.root.access_key_id}\naws_secret_access_key={server.root.secret_access_key}\n"
    (folder / "credentials").write_text(f"[default]\n{keys}")
    (folder / "config").write_text(f"[default]\nendpoint_url={server.url}\nregion=eu-central-1\n")
    unset = {name: "" for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    done = run("whoami", environment=unset | {"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert os.fspath(folder) not in done.stdout
