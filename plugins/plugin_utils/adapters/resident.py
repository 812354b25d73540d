# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short way to a host that has this collection's code already: one ssh execution, and nothing to send or unpack."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

_CODE = Path(__file__).resolve().parents[2] / "module_utils"
#: The Python of every supported distribution, which the host's own unit uses as well.
_PYTHON = "/usr/bin/python3"
_PLACE = "/var/lib/mas/{application}/resident/{digest}"
#: Python's exit status when there is no such program, and the shell's when there is no Python.
_NOT_THERE = (2, 127)


@lru_cache(maxsize=1)
def digest() -> str:
    """What tells this version of the code from every other, 16 hex digits."""
    summary = hashlib.sha256()
    for path in sorted(_CODE.rglob("*.py")):
        text = path.read_bytes()
        summary.update(f"{path.relative_to(_CODE)} {len(text)}\n".encode() + text)
    return summary.hexdigest()[:16]


def call(action: ActionBase, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any] | None:
    """The result of one call of the code on the host; ``None`` when the host does not have it.

    :param params: all options of the module, checked
    """
    place = _PLACE.format(application=params["application"], digest=digest())
    asked = json.dumps({"params": dict(params), "check_mode": check_mode})
    # Both are Ansible's interface for actions. The environment may hold the proxy to the store of artifacts.
    environment = action._compute_environment_string()  # noqa: SLF001
    command = f"{environment} {_PYTHON} -I {shlex.quote(place)} release".strip()
    done = action._low_level_execute_command(command, in_data=asked.encode())  # noqa: SLF001
    if done["rc"] in _NOT_THERE:
        return None
    try:
        result: dict[str, Any] = json.loads(done["stdout"])
    except ValueError:
        told = done.get("stderr") or done.get("stdout") or "nothing"
        return {
            "failed": True,
            "changed": False,
            "msg": f"the host did not end its work (exit status {done['rc']}). It said: {told.strip()[-2000:]}. "
            "Run the same command again: it continues.",
        }
    return result
