"""What the tests of the story have in common: its settings, and a playbook of the collection run once more."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
PROJECT = SCENARIO.parents[1]
SETTINGS = yaml.safe_load((SCENARIO / "molecule.yml").read_text())["ansible"]["env"]
Play = Callable[..., str]


@pytest.fixture(scope="session")
def secret() -> str:
    """The token that the processes find in their environment, and which must not appear anywhere else."""
    return str(SETTINGS["AGENTS_STAGING_TOKEN"])


@pytest.fixture(scope="session")
def play() -> Play:
    """``play("deploy", "--check", deploy_version="2.0.0")`` on all hosts; returns all that it printed."""

    def run(playbook: str, *words: str, **extra: Any) -> str:
        inventories = [PROJECT / "inventories/staging/groups.yml", os.environ["MOLECULE_INVENTORY_FILE"]]
        command = [
            "ansible-playbook",
            f"mas.ops.{playbook}",
            *(f"--inventory={name}" for name in inventories),
        ]
        command += [f"--extra-vars=@{SCENARIO}/vars/main.yml", f"--extra-vars={json.dumps(extra)}", *words]
        environment = {**os.environ, **SETTINGS}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def ledger(host: Host) -> list[bytes]:
    """The lines of the host's ledger."""
    return bytes(host.file("/var/lib/mas/ledger.jsonl").content).splitlines()
