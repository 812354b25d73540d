"""What the tests of the proxy share: the client on the host, the split, and another run of the role."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

PLAYBOOK = Path(__file__).parent.parent / "converge.yml"
SPLIT = "global\n    setenv MAS_AGENTS_BLUE {0}\n    setenv MAS_AGENTS_GREEN {1}\n"
Client = Callable[..., Any]


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    """Calls client.py on the host."""

    def call(*arguments: object) -> Any:
        words = " ".join(shlex.quote(str(argument)) for argument in arguments)
        return json.loads(host.check_output(f"python3 /opt/test/client.py {words}"))

    return call


@pytest.fixture(scope="module")
def split(host: Host, client: Client) -> Callable[[int], None]:
    """Splits the traffic as the module ``traffic`` does: now, and in the file for later."""

    def to(blue: int) -> None:
        client("order", f"set server agents/blue weight {blue}; set server agents/green weight {100 - blue}")
        text = shlex.quote(SPLIT.format(blue, 100 - blue))
        host.check_output(f"printf %s {text} > /etc/haproxy/conf.d/10-agents-split.cfg")

    return to


@pytest.fixture(scope="session")
def converge() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the role again with other variables, on all hosts."""

    def run(*arguments: str, **extra: Any) -> subprocess.CompletedProcess[str]:
        command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], *arguments]
        command += ["-e", json.dumps(extra), str(PLAYBOOK)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run
