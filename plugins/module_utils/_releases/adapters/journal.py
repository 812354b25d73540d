# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last words of a unit in systemd's journal, for errors."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence

from .. import redact
from ..health import printable

_LINES = 5
_SECONDS = 5.0


def last_words(unit: str, environment_files: Sequence[str]) -> str:
    """Its last lines as one, each shortened, without the values that these files set; empty when there are none."""
    command = ["journalctl", f"--unit={unit}", f"--lines={_LINES}", "--output=cat", "--no-pager", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = redact.hide(done.stdout.decode(errors="replace"), secrets_of(environment_files))
    lines = (printable(line.encode()) for line in text.splitlines())
    return " | ".join(line for line in lines if line)


def secrets_of(paths: Sequence[str]) -> frozenset[str]:
    """What must not be shown of these environment files."""
    found: frozenset[str] = frozenset()
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
            found |= redact.values(stream.read())
    return found
