# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's own judgement of its configuration."""

from __future__ import annotations

import os
import subprocess

PROGRAM = "/usr/sbin/haproxy"
#: It takes some hundredths of a second. What waits for it holds the lock of the host.
_SECONDS = 30.0


def complaints(main: str, folder: str, seconds: float = _SECONDS) -> str:
    """Why HAProxy would not start with a main file and a folder of further ones; empty when it would."""
    # What preloads itself into this program is not loaded by HAProxy when systemd starts it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    command = [PROGRAM, "-c", "-f", main, "-f", folder]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} did not end within {seconds:g} s, so nobody knows"
    except OSError as error:
        return f"{PROGRAM} cannot be run: {error.strerror}"
    alerts = [line for line in done.stderr.splitlines() if "ALERT" in line] or [done.stderr.strip()]
    return "; ".join(alerts) if done.returncode else ""
