"""The commands without a server: validate a policy, decide cases."""

import json
import re

import pytest
from support.documents import ALLOW_ALL, policy, trust
from support.server import ROOT, run

VECTORS = sorted((ROOT / "tests" / "vectors" / "policy").glob("*.jsonl"))


def test_valid_policies_pass(tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(ALLOW_ALL)
    done = run("policy", "validate", *paths)
    assert done.returncode == 0, done.stderr


def test_errors_have_line_and_column(tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}}'
    )
    bad.write_text('{\n  "Version": "2012-10-17",\n  "Statement": [{"Effect": "Allowed", "Action": "*", "Resource": "*"}]\n}')
    done = run("policy", "validate", good, bad)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "bad.json:3:" in said, said
    assert "good.json" not in said


PASS_ROLE = """{
  "Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
}"""


@pytest.mark.parametrize(
    ("fail_on", "code"), [(None, 0), ("error", 0), ("security-warning", 1), ("warning", 1), ("suggestion", 1)]
)
def test_which_findings_fail_can_be_chosen(tmp_path, fail_on, code):
    path = tmp_path / "policy.json"
    path.write_text(PASS_ROLE)
    done = run("policy", "validate", *(["--fail-on", fail_on] if fail_on else []), path)
    assert done.returncode == code, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("policy.json:3:46: security warning PASS_ROLE_WITH_STAR_IN_RESOURCE"), lines[0]
    assert lines[2].startswith("  3 | ") and lines[3].strip(" |") == "^" * len('"iam:PassRole"')
    assert lines[3].index("^") == lines[2].index('"iam:PassRole"')
    assert done.stderr == "1 policy document: 1 security warning\n"


def test_an_unreachable_server_is_not_a_finding(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(ALLOW_ALL)
    keys = {"AWS_ACCESS_KEY_ID": "AKIA" + "B" * 16, "AWS_SECRET_ACCESS_KEY": "y" * 40}
    done = run("policy", "validate", "--server", "--endpoint", "http://127.0.0.1:1", path, environment=keys)
    assert done.returncode == 2 and "is the server running?" in done.stderr, done
    for flag in ("--profile", "--endpoint", "--region", "--ca-file"):
        done = run("policy", "validate", flag, "x", path)
        assert done.returncode == 2 and f"`{flag}` needs `--server`" in done.stderr, done


def test_findings_as_json(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(PASS_ROLE)
    findings = json.loads(run("policy", "validate", "--json", path).stdout)["findings"]
    assert [(each["findingType"], each["issueCode"]) for each in findings] == [
        ("SECURITY_WARNING", "PASS_ROLE_WITH_STAR_IN_RESOURCE")
    ]
    assert findings[0]["locations"][0]["span"]["start"]["line"] == 3
    log = json.loads(run("policy", "validate", "--sarif", path, path).stdout)
    assert log["version"] == "2.1.0"
    results = log["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [("PASS_ROLE_WITH_STAR_IN_RESOURCE", "warning")] * 2


def test_a_type_of_resource_goes_with_its_policy(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",'
        ' "Resource": "arn:aws:sqs:us-east-1:111122223333:q"}}'
    )
    usual = ["policy", "validate", path, "--type", "resource"]
    done = run(*usual, "--resource-type", "AWS::S3::Bucket")
    assert done.returncode == 1 and "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" in done.stdout, done.stdout
    assert "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" not in run(*usual).stdout
    assert run("policy", "validate", path, "--resource-type", "AWS::S3::Bucket").returncode == 2


def test_readable_files_are_checked_beside_unreadable_ones(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(PASS_ROLE)
    done = run("policy", "validate", tmp_path / "missing.json", path)
    assert done.returncode == 2
    assert "PASS_ROLE" in done.stdout and "missing.json" in done.stderr


def test_a_missing_file(tmp_path):
    done = run("policy", "validate", tmp_path / "missing.json")
    assert done.returncode != 0
    assert "missing.json" in done.stderr + done.stdout
    assert "panicked" not in done.stderr


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_the_vectors_are_decided_as_they_say(path):
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    done = run("evaluate", stdin=path.read_text())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [line["id"] for line in lines]
    wrong = [
        (line["id"], line["expected"], answer.get("decision"), answer.get("error"))
        for line, answer in zip(lines, answers, strict=True)
        if answer.get("decision") != line["expected"]
    ]
    assert not wrong, wrong[:20]
    assert done.returncode == 0


ALLOW, OTHER = json.loads(policy("s3:*")), json.loads(policy("sqs:*"))
DENY = json.loads(policy({"Effect": "Deny", "Action": "s3:GetObject"}))


def everyone(document):
    """The same document as a resource policy, with principals."""
    return document | {"Statement": [statement | {"Principal": "*"} for statement in document["Statement"]]}


# For each type of policy: its member in a case, its form there, and the outcome when it does not allow.
TYPES = [
    ("identityPolicies", lambda document: [document], "implicitDeny"),
    ("groupPolicies", lambda document: [document], "allowed"),
    ("boundary", lambda document: document, "implicitDeny"),
    ("sessionPolicies", lambda document: [document], "implicitDeny"),
    ("scps", lambda document: [[ALLOW], [document]], "implicitDeny"),
    ("rcps", lambda document: [[everyone(document)]] if document is DENY else [], "allowed"),
    ("resourcePolicy", everyone, "implicitDeny"),
    ("endpointPolicy", everyone, "implicitDeny"),
]


@pytest.mark.parametrize(("field", "written", "silence"), TYPES, ids=[each[0] for each in TYPES])
def test_every_type_of_policy_takes_part(field, written, silence):
    """A request to another account needs an Allow of every type; then one type does not allow, or denies."""
    case = {each: write(ALLOW) for each, write, _ in TYPES if each != "groupPolicies"} | {
        "request": {
            "principal": "arn:aws:sts::111122223333:assumed-role/a/session", "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/c", "resourceAccount": "444455556666", "context": {},
        },
    }  # fmt: skip
    silent, denied = {"id": "silent", field: written(OTHER)}, {"id": "denied", field: written(DENY)}
    cases = [case | {"id": "all"}, case | silent, case | denied]
    done = run("evaluate", stdin="\n".join(json.dumps(each) for each in cases))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("decision", answer) for answer in answers] == ["allowed", silence, "explicitDeny"]


@pytest.mark.parametrize(("case_id", "expected"), [("a", "allowed"), ("other", "implicitDeny")])
def test_trust_takes_part(case_id, expected):
    case = {
        "id": case_id,
        "request": {
            "principal": "arn:aws:iam::111122223333:user/a", "action": "sts:AssumeRole",
            "resource": "arn:aws:iam::111122223333:role/r", "resourceAccount": "111122223333", "context": {},
        },
        "identityPolicies": [json.loads(policy("sts:AssumeRole"))],
        "trust": json.loads(trust(f"arn:aws:iam::111122223333:user/{case_id}")),
    }  # fmt: skip
    done = run("evaluate", stdin=json.dumps(case))
    assert json.loads(done.stdout) == {"id": case_id, "decision": expected}


def test_an_invalid_line_does_not_stop_the_others():
    good = {
        "id": "good",
        "request": {
            "principal": "arn:aws:iam::111122223333:user/a", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/c",
            "resourceAccount": "111122223333", "context": {},
        },
        "identityPolicies": [json.loads(ALLOW_ALL)], "groupPolicies": [], "boundary": None, "sessionPolicies": [],
        "scps": [], "rcps": [], "resourcePolicy": None, "trust": None,
    }  # fmt: skip
    unknown = good | {"id": "unknown", "surprise": 1}
    organized = good | {"id": "organized", "scps": [[json.loads(ALLOW_ALL)]]}
    lines = [json.dumps(good), "{", json.dumps(unknown), json.dumps(organized), json.dumps(good | {"id": "last"})]
    done = run("evaluate", stdin="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 5
    assert [answer.get("decision") for answer in answers] == ["allowed", None, None, "allowed", "allowed"]
    assert "error" in answers[1] and "error" in answers[2]
    assert done.returncode != 0


CASE = {"id": "case", "request": {"principal": "*", "action": "s3:GetObject", "resource": "*"}}


def test_cases_come_from_files_as_well(tmp_path):
    lines, pretty, many = tmp_path / "lines.jsonl", tmp_path / "pretty.json", tmp_path / "many.json"
    lines.write_text("".join(json.dumps(CASE | {"id": f"line {number}"}) + "\n" for number in range(2)))
    pretty.write_text(json.dumps(CASE | {"id": "pretty"}, indent=4))
    many.write_text(json.dumps([CASE | {"id": "one"}, CASE | {"id": "two"}], indent=2))
    done = run("evaluate", lines, pretty, "-", many, stdin=json.dumps(CASE))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["line 0", "line 1", "pretty", "case", "one", "two"]
    assert (done.returncode, done.stderr) == (0, "")
    # The flag of earlier versions is still accepted.
    assert run("evaluate", "--jsonl", stdin=json.dumps(CASE)).stdout == '{"decision":"implicitDeny","id":"case"}\n'
    lines.write_text(json.dumps(CASE) + "\nnot json\n")
    done = run("evaluate", lines)
    assert done.returncode == 1 and "--format" in done.stderr
    error = json.loads(done.stdout.splitlines()[1])["error"]
    assert error.startswith(f"{lines}:2: not JSON: expected a case"), error
    assert run("evaluate", tmp_path / "missing").returncode == 2


def test_the_printed_format_of_evaluate_is_the_accepted_one():
    printed = run("evaluate", "--format").stdout
    cases = printed.split("```jsonl\n")[1].split("```")[0]
    answers = printed.split("```json\n")[1].split("```")[0]
    done = run("evaluate", stdin=cases)
    assert (done.returncode, done.stdout) == (0, answers)


# Invalid input that users may give by mistake.
MISTAKES = {
    "empty": b"", "blank": b" \n\n", "binary": bytes(range(256)), "word": b"hello\n", "number": b"42", "text": b'"text"', "null": b"null",
    "array": b"[1, 2]", "object": b"{}", "truncated": b'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Act',
    "huge": b" " * 3_000_000, "deep": b"[" * 100_000, "mark": b"\xef\xbb\xbf{}", "quotes": b"{'Version': '2012-10-17'}",
    "yaml": b"Version: 2012-10-17\nStatement: []\n", "comma": b'{"a": 1,}', "not a number": b'{"a": NaN}', "comment": b"// c\n{}",
    "twice": b'{"a": 1, "a": 2}', "surrogate": b'{"a": "\\ud800"}', "utf-16": "{}".encode("utf-16"),
}  # fmt: skip
COMMANDS = {
    "validate": ["policy", "validate"], "validate trust": ["policy", "validate", "--type", "trust"], "format": ["policy", "format"],
    "validate json": ["policy", "validate", "--json"], "validate sarif": ["policy", "validate", "--sarif"],
    "evaluate": ["evaluate"], "catalogue": ["catalogue", "import"], "managed": ["import", "managed-policies"],
    "validate catalogue": ["policy", "validate", "/dev/null", "--catalogue"],
}  # fmt: skip
# Words of the code, which messages must not contain.
INSIDE = re.compile(r"panicked|struct [A-Z]|expected ident|invalid type|RUST_BACKTRACE|Some\(|None\b|Err\(|::[a-z_]+::|that is none|: : ")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", MISTAKES)
def test_errors_in_input_are_explained(tmp_path, command, content):
    path = tmp_path / "input.json"
    path.write_bytes(MISTAKES[content])
    done = run(*COMMANDS[command], path, environment={"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"})
    said = done.stdout + done.stderr
    assert not INSIDE.search(said), said
    nothing = command == "evaluate" and content in ("empty", "blank", "huge")
    assert done.returncode == (0 if nothing else done.returncode) and done.returncode in ((0,) if nothing else (1, 2)), said
    if not nothing:
        assert "input.json" in said or command == "validate json" and json.loads(done.stdout)["findings"], said
        assert len(done.stderr) < 2000


def test_formatting_an_invalid_document(tmp_path):
    good, bad, misspelt = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "misspelt.json"
    good.write_text(ALLOW_ALL)
    bad.write_text("{")
    misspelt.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Actions": "*", "Resource": "*"}}')
    done = run("policy", "format", bad, misspelt, good)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"{bad}:1:2: not JSON: found the end of the text, expected a key in quotes or `}}`"
    assert "misspelt.json:1:45: in Statement: statement without action" in done.stderr or "did you mean `Action`?" in done.stderr
    assert json.loads(done.stdout) == json.loads(ALLOW_ALL)


def test_advice_for_aws_only_is_not_given(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(policy({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
                            "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}))  # fmt: skip
    assert run("policy", "validate", path).stdout == ""
    done = run("policy", "validate", "--target", "aws", path)
    assert done.returncode == 1 and "PRIVATE_IP_ADDRESS" in done.stdout
    path.write_text(policy({"Action": "s3:GetObject", "Resource": "arn:aws-cn:s3:::b/*"}))
    assert run("policy", "validate", path).returncode == 0
    assert run("policy", "validate", "--partition", "aws-cn", path).returncode == 0
    done = run("policy", "validate", path, environment={"BAILIWICK_PARTITION": "aws"})
    assert done.returncode == 1 and "INVALID_PARTITION" in done.stdout


def test_misspelt_names(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(policy({"Action": ["iam:CreatUser", "iam:Lits*"], "Condition": {"StringEqual": {"aws:usrname": "x"}}}))
    said = run("policy", "validate", path).stdout
    for meant in ("iam:CreateUser", "iam:List*", "StringEquals"):
        assert f"did you mean `{meant}`?" in said, said


def test_colours(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text("{")

    def coloured(*arguments, **variables):
        done = run(*arguments, "policy", "validate", path, environment={"NO_COLOR": "", **variables})
        return "\x1b[" in done.stdout

    assert not coloured()  # no terminal
    assert coloured("--color", "always") and coloured("--color=always")
    assert coloured(CLICOLOR_FORCE="1")
    assert not coloured(CLICOLOR_FORCE="1", NO_COLOR="1")
    assert not coloured("--color", "never", CLICOLOR_FORCE="1")
    help_text = run("--color", "always", "policy", "--help", environment={"NO_COLOR": ""})
    assert "\x1b[" in help_text.stdout
    assert "\x1b[" not in run("--color", "never", "policy", "--help", environment={"CLICOLOR_FORCE": "1"}).stdout
    assert "\x1b[" in run("--color", "always", "policy", "validate", tmp_path / "missing", environment={"NO_COLOR": ""}).stderr


def test_versions():
    short = run("--version").stdout
    assert re.fullmatch(r"bailiwick \d+\.\d+\.\d+( \([0-9a-f]+\))?\n", short), short
    assert run("version").stdout.startswith("bailiwick ")
    printed = json.loads(run("version", "--json").stdout)
    assert printed["version"] in short and printed["profile"] in ("debug", "release") and printed.keys() >= {"commit", "architecture", "os"}


def commands(*words):
    """Every subcommand, as words, from the output of --help."""
    text = run(*words, "--help").stdout
    listed = text.split("Commands:\n")[1].split("\n\n")[0] if "Commands:\n" in text else ""
    names = [line.split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)]
    found = [(*words, name) for name in names if name != "help"]
    return found + [each for one in found for each in commands(*one)]


def test_every_command_has_help_with_an_example():
    all_commands = commands()
    assert ("policy", "validate") in all_commands and ("whoami",) in all_commands
    for words in all_commands:
        text = run(*words, "--help").stdout
        if "Commands:\n" in text:
            continue
        assert f"bailiwick {' '.join(words)}" in text.split("Examples:\n")[1], words
        fails = words not in [("version",), ("completions",), ("man",), ("serve",)]
        assert not fails or "Exit codes: 0" in text, words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "elvish", "powershell"])
def test_completions(shell):
    done = run("completions", shell)
    assert done.returncode == 0 and "whoami" in done.stdout and "managed-policies" in done.stdout
    assert run("completions", "smalltalk").returncode == 2


def test_manual_pages(tmp_path):
    page = run("man")
    assert page.returncode == 0 and ".TH bailiwick 1" in page.stdout
    folder = tmp_path / "new" / "man1"
    assert run("man", folder).returncode == 0
    pages = {path.name for path in folder.iterdir()}
    assert {"bailiwick.1", "bailiwick-whoami.1", "bailiwick-policy-validate.1", "bailiwick-import-managed-policies.1"} <= pages
    assert "coverage" not in str(pages)
    assert "Exit codes" in (folder / "bailiwick-authorize.1").read_text()
    (tmp_path / "file").write_text("")
    assert run("man", tmp_path / "file").returncode == 1
