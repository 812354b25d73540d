# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read from this host what the preflight judges. Changes nothing."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..preflight import (
    PYTHON,
    Holder,
    HostFacts,
    Problem,
    Wanted,
    problems,
    socket_unit,
    system_of,
    systemd_version,
    warnings,
)

_OS_RELEASE = "/etc/os-release"
#: It is there where systemd is the first process, see sd_booted(3).
_BOOTED = "/run/systemd/system"
_SECONDS = 10.0
_PIPE = subprocess.PIPE


def preflight(params: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that ``preflight_info`` returns."""
    ports = [Wanted(**port) for port in params["ports"]]
    facts = look([number for port in ports for number in port.numbers], params["folders"])
    found: Sequence[Problem] = problems(facts, ports)
    result = {"problems": [one.to_dict() for one in found], "lines": [str(one) for one in found]}
    notes = warnings(facts)
    return {**result, "warnings": notes} if notes else result


def look(ports: Sequence[int], folders: Sequence[str]) -> HostFacts:
    """What there is to know; of what only root can see nothing, where that is another user."""
    root, python = os.geteuid() == 0, (sys.version_info[0], sys.version_info[1])
    return HostFacts(
        user=_user(os.geteuid()),
        root=root,
        python=python,
        interpreter=sys.executable or "python",
        init=_text("/proc/1/comm").strip() or "unknown",
        systemd=systemd_version(_said("systemctl", "--version")) if os.path.isdir(_BOOTED) else 0,
        system=system_of(_text(_OS_RELEASE)),
        holders=_holders(ports) if root and python >= PYTHON and ports else (),
        unwritable={path: why for path in folders for why in [_unwritable(path)] if why} if root else {},
    )


def _holders(ports: Sequence[int]) -> list[Holder]:
    """Who listens on these ports, on any address."""
    # It is written for a newer Python than this file.
    from .listeners import holders_of  # noqa: PLC0415

    found: list[Holder] = []
    for port, pid, program, unit in holders_of(ports):
        user = ""
        with contextlib.suppress(OSError):
            user = _user(os.stat(f"/proc/{pid}").st_uid) if pid else ""
        held = unit
        if pid == 1:
            listed = _said(
                "systemctl", "list-sockets", "--all", "--full", "--plain", "--no-legend", "--no-pager"
            )
            held = socket_unit(listed, port) or unit
        found.append(Holder(port, program, pid, user, held))
    return found


def _unwritable(path: str) -> str:
    """Why nothing can be made in a folder, or in the nearest one above it that is there."""
    place = os.path.abspath(path)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        return f"{place} is not a folder"
    if os.access(place, os.W_OK | os.X_OK):
        return ""
    read_only = os.statvfs(place).f_flag & os.ST_RDONLY
    return (
        f"{place} is on a read-only file system"
        if read_only
        else f"the host does not let root write to {place}"
    )


def _user(number: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)


def _text(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
    return ""


def _said(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, stdout=_PIPE, stderr=_PIPE, timeout=_SECONDS, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
