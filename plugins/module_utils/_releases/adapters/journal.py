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

#: Python says the cause on the last line of a traceback, Node above ten frames; systemd adds a few lines of its own.
_LINES, _WIDTH = 24, 200
_INDENT = 8
_SECONDS = 5.0


def last_words(unit: str, environment_files: Sequence[str]) -> str:
    """Its last lines, each shortened, without the values that these files set; empty when there are none."""
    options = [f"--lines={_LINES}", "--output=cat", "--no-pager", "--quiet"]
    try:
        # What was said a moment ago may still be on its way into the journal.
        _journalctl("--sync")
        done = _journalctl(*options, *_about(unit))
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = redact.hide(done.stdout.decode(errors="replace"), secrets_of(environment_files))
    lines = (_line(line) for line in text.splitlines()[-_LINES:])
    return "\n".join(line for line in lines if line)


def _journalctl(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["journalctl", *words], capture_output=True, timeout=_SECONDS, check=False)


def _about(unit: str) -> list[str]:
    """What processes of the unit wrote, and what systemd says of it.

    ``--unit`` leaves out what systemd said in a process of the unit that had ended before the journal knew its unit, and
    that is the cause of a program that is missing or a user that does not exist.
    """
    return [f"_SYSTEMD_UNIT={unit}", "+", f"UNIT={unit}", "_UID=0", "+", f"COREDUMP_UNIT={unit}", "_UID=0"]


def _line(text: str) -> str:
    """One line with its indent, which is how tracebacks show what belongs together."""
    words = printable(text.encode(), _WIDTH)
    indent = len(text) - len(text.lstrip(" "))
    return f"{' ' * min(indent, _INDENT)}{words}" if words else ""


def secrets_of(paths: Sequence[str]) -> frozenset[str]:
    """What must not be shown of these environment files."""
    found: frozenset[str] = frozenset()
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
            found |= redact.values(stream.read())
    return found
