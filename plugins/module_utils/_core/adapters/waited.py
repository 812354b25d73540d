# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command of this host to its end, in a way that a run which is to end can leave."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Callable

#: Seconds after which a command is one that is waited for; most take milliseconds.
_QUICK = 0.25


def run(
    command: Sequence[str], *, timeout: float, pause: Callable[[float], None], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Its status and what it said.

    :param timeout: seconds
    :param pause: called every quarter of a second with 0; when it raises, the command is killed
    :raises OSError: it could not be run
    :raises subprocess.TimeoutExpired: it took longer
    """
    deadline = time.monotonic() + timeout
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=env,
    ) as process:
        try:
            while True:
                try:
                    output, errors = process.communicate(timeout=min(_QUICK, timeout))
                    return subprocess.CompletedProcess(command, process.returncode, output, errors)
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        raise
                pause(0)
        except BaseException:
            process.kill()
            raise
