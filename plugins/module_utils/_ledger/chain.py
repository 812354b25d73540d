# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hash chain of the ledger: one canonical JSON line an entry, each holding the hash of the line before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: ``previous`` of the first entry.
GENESIS = "0" * 64


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold. ``line`` counts from 1 in ``file``.

    ``sequence`` is the one that belongs there, 0 where it is not known.
    """

    line: int
    reason: str
    file: str = ""
    sequence: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line, "sequence": self.sequence, "reason": self.reason}


def line_hash(line: bytes) -> str:
    """SHA-256, in hex, of one ledger line without its newline."""
    return hashlib.sha256(line).hexdigest()


def encode(entry: Mapping[str, Any], previous: str, sequence: int) -> bytes:
    """One canonical line (without newline) for ``entry`` after a line whose hash is ``previous``.

    ``hash`` is that of the line without it, so that the last line is guarded too, which no other line is
    after. Text that UTF-8 cannot write (a file name of odd bytes in an error) is kept as JSON escapes.
    """
    body = json.loads(json.dumps({**entry, "previous": previous, "sequence": sequence}))
    body.pop("hash", None)
    return _canonical({**body, "hash": line_hash(_canonical(body))})


def _canonical(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def follow(last_line: bytes | None) -> tuple[str, int]:
    """``(previous, sequence)`` that an entry after ``last_line`` carries.

    :raises ValueError: the line is not an entry, or not as it was written
    """
    if last_line is None:
        return GENESIS, 1
    problem, entry = _read(last_line)
    if problem:
        raise ValueError(problem)
    return line_hash(last_line), int(entry["sequence"]) + 1


def verify(lines: Iterable[bytes]) -> tuple[list[dict[str, Any]], Break | None]:
    """The entries up to the first break, and that break when there is one."""
    entries: list[dict[str, Any]] = []
    previous, sequence = GENESIS, 1
    for number, line in enumerate(lines, start=1):
        problem, entry = check(line, previous, sequence)
        if problem:
            return entries, Break(number, problem, sequence=sequence)
        entries.append(entry)
        previous, sequence = line_hash(line), sequence + 1
    return entries, None


def check(line: bytes, previous: str, sequence: int) -> tuple[str, dict[str, Any]]:
    """What is wrong with a line that should carry ``previous`` and ``sequence``, and its entry."""
    problem, entry = _read(line)
    if problem:
        return problem, entry
    if entry.get("previous") != previous:
        return "the line before it was changed, removed or added", entry
    if entry.get("sequence") != sequence:
        return f"its sequence is {entry.get('sequence')!r}, not {sequence}", entry
    return "", entry


def decode(line: bytes) -> dict[str, Any] | None:
    """The entry of a line, unproven; ``None`` where there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _read(line: bytes) -> tuple[str, dict[str, Any]]:
    """What is wrong with one line by itself, and its entry."""
    entry = decode(line)
    if entry is None:
        return "not a JSON object", {}
    body = {name: value for name, value in entry.items() if name != "hash"}
    if _canonical({**body, "hash": line_hash(_canonical(body))}) != line:
        return "it was changed after it was written", entry
    return "", entry
