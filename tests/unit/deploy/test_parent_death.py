"""What a worker began ends with its ansible-playbook; and how old a run is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible_collections.mas.ops.plugins.plugin_utils.adapters import run as module
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.parent_death import (
    descendants,
    end_with_parent,
)
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.run import inventory, run_age

#: As Ansible: a worker in a session of its own, which waits for a command.
PROGRAM = """
import os, subprocess, sys, time
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.parent_death import end_with_parent
if os.fork() == 0:
    os.setsid()
    with end_with_parent():
        command = subprocess.Popen(["sleep", "60"])
        print(os.getpid(), command.pid, flush=True)
        command.wait()
    time.sleep(60)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_ends_with_its_parent_and_takes_along_what_it_started() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        worker, command = map(int, parent.stdout.readline().split())
        assert command in descendants(parent.pid)
        time.sleep(1)
        assert alive(worker)
        assert alive(command)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while (alive(worker) or alive(command)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(worker)
    assert not alive(command)


def test_it_ends_with_what_it_was_for() -> None:
    with end_with_parent():
        pass
    assert alive(os.getpid())


def test_a_run_is_as_old_as_its_ansible_playbook() -> None:
    program = (
        "import os, time\n"
        "from ansible_collections.mas.ops.plugins.plugin_utils.adapters.run import run_age\n"
        "time.sleep(1)\n"
        "if os.fork() == 0:\n"
        "    print(run_age(), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 1.0 <= float(done.stdout) <= time.monotonic() - began + 0.1


def test_a_controller_without_proc_knows_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(module.Path, "read_text", gone)
    assert run_age() == 0.0


@pytest.mark.parametrize(
    "given, task_vars, found",
    [
        (("/srv/inv", "a,b,"), {}, ["/srv/inv", "a,b,"]),
        # it comes from a configuration, which says it again
        (module.constants.DEFAULT_HOST_LIST, {}, []),
        ((), {}, []),
        # a file of that job alone
        (("/runner/inventory/hosts",), {"awx_job_id": 7}, []),
    ],
)
def test_the_inventory_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], task_vars: Mapping[str, Any], found: list[str]
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"inventory": given})
    assert inventory(task_vars) == found
