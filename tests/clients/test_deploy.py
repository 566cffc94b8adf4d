"""The unit, the manifests and the scripts in `deploy/`: what they set exists, and the service has few rights."""

import re
import shutil
import subprocess

import pytest
import yaml
from support.server import ROOT, run

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd/bailiwick.service"


@pytest.fixture(scope="module")
def variables():
    """The variables that `serve` reads."""
    help = run("serve", "--help").stdout
    return set(re.findall(r"\bBAILIWICK_[A-Z_]+", help)) | {"BAILIWICK_MASTER_KEY"}


def manifests():
    return [each for each in yaml.safe_load_all((DEPLOY / "kubernetes/bailiwick.yaml").read_text()) if each]


def test_every_variable_is_one_of_the_server(variables):
    image = (ROOT / "xtask/src/dist/image.rs").read_text()
    for text in (*(path.read_text() for path in DEPLOY.rglob("*") if path.is_file()), image):
        for name in re.findall(r"\bBAILIWICK_[A-Z_]*[A-Z]\b", text):
            assert name in variables, name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_has_few_rights():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_of_the_package_are_valid():
    for name in ("postinst", "prerm", "postrm"):
        script = DEPLOY / "debian" / name
        assert script.read_text().startswith("#!/bin/sh\nset -e\n")
        subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_pod_has_few_rights():
    pod = next(each for each in manifests() if each["kind"] == "StatefulSet")["spec"]
    assert pod["replicas"] == 1
    pod = pod["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    rights = container["securityContext"]
    assert rights["readOnlyRootFilesystem"] and rights["capabilities"] == {"drop": ["ALL"]}
    assert not rights["allowPrivilegeEscalation"]
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_the_parts_of_the_manifests_fit():
    by_kind = {}
    for each in manifests():
        by_kind.setdefault(each["kind"], []).append(each)
    labels = by_kind["StatefulSet"][0]["spec"]["template"]["metadata"]["labels"]
    names = {service["metadata"]["name"] for service in by_kind["Service"]}
    assert by_kind["StatefulSet"][0]["spec"]["serviceName"] in names
    for service in by_kind["Service"]:
        assert service["spec"]["selector"].items() <= labels.items()
    text = (DEPLOY / "kubernetes/bailiwick.yaml").read_text()
    secrets = {each["metadata"]["name"] for each in yaml.safe_load_all((DEPLOY / "kubernetes/secrets.example.yaml").read_text())}
    assert set(re.findall(r"secretKeyRef: \{name: ([\w-]+)|secretName: ([\w-]+)", text)) == {
        ("bailiwick-master-key", ""),
        ("", "bailiwick-tls"),
    }
    assert secrets == {"bailiwick-master-key", "bailiwick-tls"}


def test_health(server):
    environment = {"BAILIWICK_METRICS_LISTEN": f"127.0.0.1:{server.metrics_port}"}
    done = run("health", environment=environment)
    assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    assert run("health", "--live", environment=environment).stdout == "ok\n"
    done = run("health", "--metrics-listen", f"127.0.0.1:{server.port}")
    assert done.returncode == 0, "the port of the API answers too"
    done = run("health", "--metrics-listen", "127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr
    assert run("health", "--metrics-listen", "none").returncode == 2
