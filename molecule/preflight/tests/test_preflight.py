"""A supported host passes; for any other one the role lists the supported systems."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

PLAYBOOK = Path(__file__).parent.parent / "converge.yml"


def on_a(system: str, major: str) -> subprocess.CompletedProcess[str]:
    """Run the role on hosts that say that they are something else."""
    extra = json.dumps({"preflight_release": system, "preflight_major": major})
    command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "-e", extra, str(PLAYBOOK)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "system,major",
    [("Debian 12.11", "Debian 12"), ("Debian 13.2", "Debian 13"), ("Ubuntu 24.04", "Ubuntu 24")],
)
def test_supported(system: str, major: str):
    run = on_a(system, major)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "system,major", [("Fedora 43", "Fedora 43"), ("Debian 11.11", "Debian 11"), ("Ubuntu 20.04", "Ubuntu 20")]
)
def test_refused(system: str, major: str):
    run = on_a(system, major)
    assert run.returncode == 2
    output = " ".join((run.stdout + run.stderr).split())
    assert f"runs {system}, and mas.ops supports Debian 12, Debian 13, Ubuntu 22.04, Ubuntu 24.04." in output
