"""The alert rules and the dashboard in `deploy/` use metrics and labels that the server has."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from support.server import ROOT

RULES = ROOT / "deploy/prometheus/bailiwick.rules.yaml"
DASHBOARD = ROOT / "deploy/grafana/bailiwick.json"
# What PromQL, Prometheus itself and Grafana have.
WORDS = set(
    "and by sum min max topk rate increase deriv histogram_quantile min_over_time time offset le up instance job __range __rate_interval".split()
)


def documented():
    """The labels of each metric in the documentation, by name."""
    found = {}
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        columns = [column.strip() for column in line.strip().strip("|").split(" | ")]
        if not line.startswith("| `") or len(columns) < 3:
            continue
        labels = set(re.findall(r"`(\w+)`", columns[2])) if len(columns) > 3 else set()
        for name in re.findall(r"`(\w+)`", columns[0]):
            found[name] = labels
            if columns[1] == "histogram":
                found |= {name + end: labels for end in ("_bucket", "_sum", "_count")}
    return found


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def check(expression):
    """Every name is a metric, a label of it, or a word of PromQL; brackets are in pairs."""
    metrics = documented()
    bare = re.sub(r'"[^"]*"', "", expression)
    for opening, closing in ("()", "[]", "{}"):
        assert bare.count(opening) == bare.count(closing), expression
    names = set(re.findall(r"[a-zA-Z_]\w*", re.sub(r"\[[^]]*\]|\b\d+\w?\b", "", bare))) - WORDS
    used = {name for name in names if name.startswith(("bailiwick_", "process_"))}
    assert used or "up{" in bare, expression
    for name in used:
        assert name in metrics, f"{name} in {expression} is not in docs/metrics.md"
    labels = set().union(*(metrics[name] for name in used))
    assert names - used <= labels, f"{names - used - labels} in {expression} are no labels of {used}"


def test_the_documented_metrics_are_those_of_the_code():
    code = "".join(path.read_text() for path in (ROOT / "crates").rglob("*.rs") if "tests" not in path.parts)
    in_code = {name for name in re.findall(r'"((?:bailiwick|process)_[a-z_]+)"', code) if not name.endswith("_")}
    plain = {name for name in documented() if not name.endswith(("_bucket", "_sum", "_count"))}
    assert plain <= in_code, plain - in_code


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alert_rules(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Bailiwick[A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
    check(rule["expr"])


def test_alert_names_are_unique():
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_panels(panel):
    assert panel["targets"] and panel["description"]
    for target in panel["targets"]:
        # Variables of the dashboard are within quotes, those of Grafana are intervals.
        check(target["expr"])


def test_the_dashboard_shows_rate_errors_and_duration_by_operation_and_decisions_by_outcome_and_step():
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    for name in ("calls_total", "call_failures_total", "call_duration_seconds_bucket", "decisions_total"):
        assert f"bailiwick_{name}" in shown
    for labels in ("by (operation)", "by (outcome)", "by (step)"):
        assert labels in shown


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_accepts_the_rules():
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True)
