# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a unit wrote, from systemd's journal: its last words for errors, and the end of its output."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

from .. import redact
from ..health import printable

#: Python says the cause on the last line of a traceback, Node above ten frames; systemd adds a few lines of its own.
_LINES, _WIDTH = 24, 200
_INDENT = 8
#: Newest first, whole, and nothing else of them.
_ENTRIES = (
    *("--reverse", "--output=json", "--all", "--no-pager", "--quiet"),
    "--output-fields=MESSAGE,_LINE_BREAK",
)
_SECONDS = 5.0
#: Bytes that are read beyond those that are shown: what hides secrets may make the text shorter.
_MORE = 65536


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


def output(invocation: str, secrets: Iterable[str], most: int) -> str:
    """The end of what a unit wrote since it was started, at most so many bytes, without these secrets.

    :param invocation: of the unit, as systemd numbers them
    """
    hidden = sorted(secrets)
    try:
        _journalctl("--sync")
        text, whole = _tail(invocation, most + _MORE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = redact.hide(text, hidden)
    if not whole:
        # It may begin in the middle of a secret.
        text = text[max(map(len, hidden), default=0) :]
    return _end(harmless(text), most)


def harmless(text: str) -> str:
    """Its lines, with nothing that a terminal would obey."""
    return "".join(char if char in "\n\t" or char.isprintable() else " " for char in text)


def _end(text: str, most: int) -> str:
    return text.encode()[-most:].decode(errors="ignore")


def _tail(invocation: str, most: int) -> tuple[str, bool]:
    """The last bytes, a few more than so many, and whether they are all there are."""
    found: list[str] = []
    size = 0
    with subprocess.Popen(
        ["journalctl", *_ENTRIES, f"_SYSTEMD_INVOCATION_ID={invocation}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        for line in process.stdout or ():
            found.append(_written(json.loads(line)))
            size += len(found[-1])
            if size > most:
                process.kill()
                break
    return "".join(reversed(found)), size <= most


def _written(entry: dict[str, Any]) -> str:
    """One entry. The journal ends one where a line does, or where a line is too long for it."""
    message = entry.get("MESSAGE") or ""
    if isinstance(message, list):
        # It is no plain text.
        message = (
            bytes(message).decode(errors="replace") if all(isinstance(each, int) for each in message) else ""
        )
    return str(message) if entry.get("_LINE_BREAK") == "line-max" else f"{message}\n"


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
