"""Later runs of the role: a configuration that HAProxy refuses never replaces the current one. After the other tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from testinfra.host import Host

Client = Callable[..., Any]
Run = Callable[..., subprocess.CompletedProcess[str]]
APPLICATION = "/etc/haproxy/conf.d/20-agents.cfg"
BAD = {"proxy_backend_lines": ["no-such-word at all"]}


@pytest.fixture(scope="session")
def refused(converge: Run) -> dict[str, str]:
    """What two runs with a bad configuration say, one of them in check mode."""
    runs = {mode: converge(*arguments, **BAD) for mode, arguments in (("check", ["--check"]), ("real", []))}
    assert {mode: run.returncode for mode, run in runs.items()} == {"check": 2, "real": 2}
    return {mode: run.stdout + run.stderr for mode, run in runs.items()}


@pytest.mark.parametrize("mode", ["check", "real"])
def test_bad_configuration_is_refused(host: Host, client: Client, refused: dict[str, str], mode: str):
    assert "unknown keyword 'no-such-word'" in refused[mode]
    assert not host.file(APPLICATION).contains("no-such-word")
    host.check_output("systemctl restart haproxy && sleep 1")
    assert sum(client("count", 10).values()) == 10


@pytest.fixture(scope="session")
def changed(converge: Run) -> str:
    run = converge("--diff", proxy_timeout_server="29s")
    assert run.returncode == 0, run.stdout
    return run.stdout


def test_change_is_reloaded_and_keeps_the_split(host: Host, client: Client, changed: str):
    assert "    timeout server 29s" in changed
    assert "Restart HAProxy" not in changed
    assert host.file("/etc/haproxy/haproxy.cfg").contains("timeout server 29s")
    assert host.file("/etc/haproxy/conf.d/10-agents-split.cfg").contains("MAS_AGENTS_BLUE 50")
    assert client("count", 10) == {"blue": 5, "green": 5}
