# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actor and run: the identity of a playbook run as the ledger records it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants, context

_AWX_JOB = ("awx_job_id", "tower_job_id")
_AWX_USER = ("awx_user_name", "tower_user_name")


def run_id(task_vars: Mapping[str, Any]) -> str:
    """The AWX job, or the controller's process: the same for every task and host of one run."""
    job = _first(task_vars, _AWX_JOB)
    if job:
        return f"awx-{job}"
    # Plugins run in forked workers, so the run is their parent; its start time distinguishes reused ids.
    parent = os.getppid()
    return f"{socket.gethostname()}-{parent}-{_started(parent)}"


def run_age() -> float:
    """Seconds since this run began; 0 on a controller without /proc, where nothing can be said of it."""
    try:
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return max(0.0, uptime - int(_started(os.getppid())) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return 0.0


def inventory(task_vars: Mapping[str, Any]) -> list[str]:
    """What ``-i`` said on the command line of this run, absolute.

    Empty where a configuration says it, or AWX, whose inventory is a file of that job alone.
    """
    given = list(context.CLIARGS.get("inventory") or ())
    if _first(task_vars, _AWX_JOB) or given == list(constants.DEFAULT_HOST_LIST):
        return []
    return [str(place) for place in given]


def left_out(task_vars: Mapping[str, Any], application: str) -> list[str]:
    """The hosts of an application that this run does not change, by --limit or because the gate leaves them out.

    Nothing where no gate was passed: whatever hosts a playbook of the user's own names are meant.
    """
    decided = task_vars.get("gate_decision") or {}
    within = set(decided.get("hosts") or ()) - set(decided.get("left_out") or ())
    group = (task_vars.get("groups") or {}).get(application) or ()
    return [str(name) for name in group if name not in within] if within else []


def run_limit(task_vars: Mapping[str, Any], application: str) -> str:
    """What ``--limit`` has to say for another command to concern the same hosts; empty where those are all of the application."""
    away = left_out(task_vars, application)
    if not away:
        return ""
    group = task_vars["groups"][application]
    within = [str(name) for name in group if name not in away]
    return ",".join(within if len(within) <= len(away) else [application, *(f"!{name}" for name in away)])


def actor(task_vars: Mapping[str, Any]) -> str:
    """The AWX user, or the user at the controller."""
    return _first(task_vars, _AWX_USER) or f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that no user has.
        return f"uid {os.getuid()}"


def _first(task_vars: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(task_vars[name]) for name in names if task_vars.get(name)), "")


def _started(process: int) -> str:
    """Field 22 of proc_pid_stat(5), or ``0`` on a controller without /proc."""
    try:
        return (
            Path(f"/proc/{process}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[19]
        )
    except (OSError, IndexError):
        return "0"
