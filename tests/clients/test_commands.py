"""The commands that need no server: validate a policy, decide cases."""

import json

import pytest
from support.documents import ALLOW_ALL, policy, trust
from support.server import ROOT, run

VECTORS = sorted((ROOT / "tests" / "vectors" / "policy").glob("*.jsonl"))


def test_good_policies_pass(tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(ALLOW_ALL)
    done = run("policy", "validate", *paths)
    assert done.returncode == 0, done.stderr


def test_bad_ones_are_named_with_line_and_column(tmp_path):
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


def test_findings_for_programs(tmp_path):
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


def test_what_can_be_read_is_checked_beside_what_cannot(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(PASS_ROLE)
    done = run("policy", "validate", tmp_path / "missing.json", path)
    assert done.returncode == 2
    assert "PASS_ROLE" in done.stdout and "missing.json" in done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = run("policy", "validate", tmp_path / "missing.json")
    assert done.returncode != 0
    assert "missing.json" in done.stderr + done.stdout
    assert "panicked" not in done.stderr


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_the_vectors_are_decided_as_they_say(path):
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    done = run("evaluate", "--jsonl", stdin=path.read_text())
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
    """The same as the policy of a resource, which says whom it speaks to."""
    return document | {"Statement": [statement | {"Principal": "*"} for statement in document["Statement"]]}


# Where a type of policy stands in a case, how it is written there, and what its silence means.
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
    """A request to another account, which needs every type to allow; then one of them is silent, or denies."""
    case = {each: write(ALLOW) for each, write, _ in TYPES if each != "groupPolicies"} | {
        "request": {
            "principal": "arn:aws:sts::111122223333:assumed-role/a/session", "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/c", "resourceAccount": "444455556666", "context": {},
        },
    }  # fmt: skip
    silent, denied = {"id": "silent", field: written(OTHER)}, {"id": "denied", field: written(DENY)}
    cases = [case | {"id": "all"}, case | silent, case | denied]
    done = run("evaluate", "--jsonl", stdin="\n".join(json.dumps(each) for each in cases))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("decision", answer) for answer in answers] == ["allowed", silence, "explicitDeny"]


@pytest.mark.parametrize(("who", "expected"), [("a", "allowed"), ("other", "implicitDeny")])
def test_trust_takes_part(who, expected):
    case = {
        "id": who,
        "request": {
            "principal": "arn:aws:iam::111122223333:user/a", "action": "sts:AssumeRole",
            "resource": "arn:aws:iam::111122223333:role/r", "resourceAccount": "111122223333", "context": {},
        },
        "identityPolicies": [json.loads(policy("sts:AssumeRole"))],
        "trust": json.loads(trust(f"arn:aws:iam::111122223333:user/{who}")),
    }  # fmt: skip
    done = run("evaluate", "--jsonl", stdin=json.dumps(case))
    assert json.loads(done.stdout) == {"id": who, "decision": expected}


def test_a_line_that_cannot_be_read_stops_nothing():
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
    done = run("evaluate", "--jsonl", stdin="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 5
    assert [answer.get("decision") for answer in answers] == ["allowed", None, None, "allowed", "allowed"]
    assert "error" in answers[1] and "error" in answers[2]
    assert done.returncode != 0


def test_the_format_that_evaluate_tells_is_the_one_it_reads():
    told = run("evaluate", "--format").stdout
    cases = told.split("```jsonl\n")[1].split("```")[0]
    answers = told.split("```json\n")[1].split("```")[0]
    done = run("evaluate", "--jsonl", stdin=cases)
    assert (done.returncode, done.stdout) == (0, answers)
