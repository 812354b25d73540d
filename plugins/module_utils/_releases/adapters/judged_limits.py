# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource limits as systemd reads them: for a value that it cannot parse it logs a line and sets no limit."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping

from ..._core.errors import BadInput
from ..unit_file import limits, render

_PROGRAM = "systemd-analyze"
_SECONDS = 30.0


def refuse_unread(wanted: Mapping[str, Mapping[str, str]]) -> None:
    """
    :param wanted: the limits by process
    :raises BadInput: systemd would ignore one of them
    """
    for process, values in wanted.items():
        where = f"application_limits.{process}"
        said = _complaints(
            render([("Service", [("ExecStart", "/bin/true"), *limits(values, where)])], "limits")
        )
        if said:
            raise BadInput(
                f"systemd would ignore a resource limit: {'; '.join(said)}",
                where=where,
                fix="Correct it, as `man systemd.resource-control` and `man systemd.exec` say, and run mas.ops.provision.",
            )


def _complaints(text: str) -> list[str]:
    """What is said of the lines of a unit; nothing where there is no such program."""
    with tempfile.TemporaryDirectory(prefix="mas-limits-") as folder:
        path = os.path.join(folder, "mas-limits.service")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        try:
            done = subprocess.run(
                [_PROGRAM, "verify", "--man=no", path],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        lines = text.splitlines()
        found = re.findall(rf"^{re.escape(path)}:([0-9]+): (.*)$", done.stderr, re.MULTILINE)
    return [f"{lines[int(number) - 1]} ({said.rstrip('.')})" for number, said in found]
