"""A secret that changes arrives, and is not seen on its way. Runs the role again, after the other tests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from testinfra.host import Host

PLAYBOOK = Path(__file__).parent.parent / "converge.yml"
SECRET = "not-to-be-seen"


@pytest.fixture(scope="session")
def output() -> str:
    """All that the most talkative run says."""
    extra = json.dumps({"application_environment": {"AGENTS_TOKEN": SECRET}})
    command = ["ansible-playbook", "-vvv", "--diff", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "-e", extra]
    run = subprocess.run([*command, str(PLAYBOOK)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    return run.stdout + run.stderr


def test_unseen(output: str):
    assert "changed=1" in output
    assert SECRET not in output


def test_arrived(host: Host, output: str):
    assert host.file("/etc/mas/agents/environment").contains(f'^AGENTS_TOKEN="{SECRET}"$')
