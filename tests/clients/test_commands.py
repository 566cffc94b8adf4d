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
    good.write_text(ALLOW_ALL)
    bad.write_text('{\n  "Version": "2012-10-17",\n  "Statement": [{"Effect": "Allowed", "Action": "*", "Resource": "*"}]\n}')
    done = run("policy", "validate", good, bad)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "bad.json:3:" in said, said
    assert "good.json:" not in said or "good.json: ok" in said


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
