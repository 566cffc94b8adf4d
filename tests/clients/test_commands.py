"""The commands that need no server: validate a policy, decide cases."""

import json

import pytest
from support.documents import ALLOW_ALL
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
    policy = tmp_path / "policy.json"
    policy.write_text(PASS_ROLE)
    done = run("policy", "validate", *(["--fail-on", fail_on] if fail_on else []), policy)
    assert done.returncode == code, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("policy.json:3:74: security warning PASS_ROLE_WITH_STAR_IN_RESOURCE"), lines[0]
    assert lines[2].startswith("  3 | ") and lines[3].endswith("^^^") and len(lines[3]) == lines[2].index('"*"') + 3
    assert done.stderr == "1 policy document: 1 security warning\n"


def test_findings_for_programs(tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(PASS_ROLE)
    findings = json.loads(run("policy", "validate", "--json", policy).stdout)["findings"]
    assert [(each["findingType"], each["issueCode"]) for each in findings] == [
        ("SECURITY_WARNING", "PASS_ROLE_WITH_STAR_IN_RESOURCE")
    ]
    assert findings[0]["locations"][0]["span"]["start"]["line"] == 3
    log = json.loads(run("policy", "validate", "--sarif", policy, policy).stdout)
    assert log["version"] == "2.1.0"
    results = log["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [("PASS_ROLE_WITH_STAR_IN_RESOURCE", "warning")] * 2


def test_a_type_of_resource_goes_with_its_policy(tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",'
        ' "Resource": "arn:aws:sqs:us-east-1:111122223333:q"}}'
    )
    usual = ["policy", "validate", policy, "--type", "resource"]
    done = run(*usual, "--resource-type", "AWS::S3::Bucket")
    assert done.returncode == 1 and "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" in done.stdout, done.stdout
    assert "UNSUPPORTED_RESOURCE_ARN_IN_POLICY" not in run(*usual).stdout
    assert run("policy", "validate", policy, "--resource-type", "AWS::S3::Bucket").returncode == 2


def test_what_can_be_read_is_checked_beside_what_cannot(tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(PASS_ROLE)
    done = run("policy", "validate", tmp_path / "missing.json", policy)
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
    assert [answer.get("decision") for answer in answers] == ["allowed", None, None, answers[3].get("decision"), "allowed"]
    assert "error" in answers[1] and "error" in answers[2]
    assert "error" in answers[3] or answers[3]["decision"] == "allowed"
    assert done.returncode != 0
