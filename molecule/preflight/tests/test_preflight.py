"""Hosts that are supported pass; others are refused with all reasons at once, and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLAYBOOK = Path(__file__).parent.parent / "converge.yml"
HOSTS = ["-i", os.environ["MOLECULE_INVENTORY_FILE"]]


def converge(*options: str, **extra: object) -> subprocess.CompletedProcess[str]:
    command = ["ansible-playbook", *HOSTS, "-e", json.dumps(extra), *options, str(PLAYBOOK)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def on_hosts(script: str) -> None:
    command = ["ansible", "all", *HOSTS, "-m", "ansible.builtin.shell", "-a", script]
    subprocess.run(command, capture_output=True, check=True)


@contextmanager
def os_release(name: str, version: str) -> Iterator[None]:
    """Hosts that say that they are something else."""
    text = f"ID={name}\\nVERSION_ID={version}\\nPRETTY_NAME={name.capitalize()}-{version}\\n"
    on_hosts(f"cp -P /etc/os-release /root/kept && rm /etc/os-release && printf '{text}' > /etc/os-release")
    try:
        yield
    finally:
        on_hosts("rm /etc/os-release && cp -P /root/kept /etc/os-release")


def words(run: subprocess.CompletedProcess[str]) -> str:
    return " ".join((run.stdout + run.stderr).split())


def test_supported() -> None:
    run = converge()
    assert run.returncode == 0, run.stdout
    assert "untested" not in words(run)


def test_untested() -> None:
    with os_release("ubuntu", "24.04"):
        run = converge()
    assert run.returncode == 0, run.stdout
    assert "Ubuntu-24.04 is untested with mas.ops" in words(run)


@pytest.mark.parametrize("name, version", [("fedora", "43"), ("debian", "11"), ("ubuntu", "20.04")])
def test_refused(name: str, version: str) -> None:
    with os_release(name, version):
        run = converge("--check")
    assert run.returncode == 2
    supported = "mas.ops supports Debian 12, Debian 13, Ubuntu 22.04, Ubuntu 24.04."
    assert f"runs {name.capitalize()}-{version}, and {supported}" in words(run)


def test_all_reasons_at_once() -> None:
    ports = [{"numbers": [22], "purpose": "the test"}]
    with os_release("debian", "11"):
        run = converge(preflight_ports=ports)
    assert "Debian-11, and mas.ops supports" in words(run)
    assert "Another program on the host listens on port 22, where the test should: sshd (pid" in words(run)


def test_not_root() -> None:
    run = converge(ansible_become=True, ansible_become_user="nobody", ansible_pipelining=True)
    assert run.returncode == 2
    assert "Tasks run as the user nobody, and mas.ops needs root. Set ansible_become: true" in words(run)
