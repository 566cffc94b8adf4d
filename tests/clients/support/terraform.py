"""Terraform with its unmodified AWS provider, as root of a server's account.

Needs `terraform` and a mirror of the provider, since tests load nothing from the network: a folder with
`registry.terraform.io/hashicorp/aws`, in one of the places below.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from support.server import clean_environment

PLACES = [os.environ.get("TERRAFORM_PLUGIN_MIRROR"), "/usr/local/share/terraform/plugins", "/opt/tf-plugins"]
MIRROR = next((Path(place) for place in PLACES if place and (Path(place) / "registry.terraform.io/hashicorp/aws").is_dir()), None)
# Why the tests are skipped, if they are.
NOT_INSTALLED = (
    "terraform is not installed"
    if not shutil.which("terraform")
    else "there is no mirror of Terraform's AWS provider"
    if MIRROR is None
    else None
)

PROVIDER = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                 = "eu-central-1"
  skip_region_validation = true
  endpoints {
    iam = "%(url)s"
    sts = "%(url)s"
  }
}
"""


class Terraform:
    """A working folder; a call runs a command in it."""

    def __init__(self, server, tmp_path):
        self.server = server
        configuration = tmp_path / "terraformrc"
        configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')
        self.folder = tmp_path / "work"
        self.folder.mkdir()
        self.environment = clean_environment() | {
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": server.root.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __call__(self, *arguments, expected=(0,), flags=("-no-color",)):
        done = subprocess.run(
            ["terraform", *arguments, *(flags if arguments[0] != "state" else ())],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode in expected, done.stdout + done.stderr
        return done

    def write(self, text, **values):
        """Writes the configuration, with its values filled in."""
        (self.folder / "main.tf").write_text((PROVIDER + text) % {"url": self.server.url, **values})

    def json(self, *arguments):
        """Runs a command that prints JSON."""
        return json.loads(self(*arguments, flags=("-json",)).stdout)

    def plan(self):
        """The changes of a plan."""
        self("plan", "-out=plan")
        return json.loads(self("show", "-json", "plan").stdout)["resource_changes"]

    def attributes(self, kind, mode="managed"):
        """The attributes of the only resource or data source of a type in the state."""
        resources = json.loads((self.folder / "terraform.tfstate").read_text())["resources"]
        (found,) = [one for one in resources if (one["type"], one["mode"]) == (kind, mode)]
        (instance,) = found["instances"]
        return instance["attributes"]
