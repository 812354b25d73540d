# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One chain over several files: sealed segments, the file that is written, and what was pruned before them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from . import chain
from .chain import Break

#: ``kind`` of the entries that the ledger writes about itself.
LEDGER_KIND = "ledger"
#: ``action`` of the first entry of each file but the very first.
ROTATED = "rotated"
#: ``action`` of the entry that says which sealed files were removed on purpose.
PRUNED = "pruned"
#: ``action`` of the entry that says how many bytes of a torn last line were cut off.
REPAIRED = "repaired"

_NAME = re.compile(r"\.([0-9]{9,})-([0-9]{9,})")


def segment_name(ledger: str, first: int, last: int) -> str:
    """The file that holds the entries ``first`` to ``last`` of a ledger; names sort as their entries do."""
    return f"{ledger}.{first:09d}-{last:09d}"


def segment_range(ledger: str, name: str) -> tuple[int, int] | None:
    """``(first, last)`` of a sealed file of ``ledger``; ``None`` for the name of something else."""
    found = _NAME.fullmatch(name[len(ledger) :]) if name.startswith(ledger) else None
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True)
class Chain:
    """What is known about a chain. ``intact`` is ``None`` where it was not verified.

    ``truncated``: it does not begin with entry 1, because older files were pruned.
    """

    intact: bool | None
    entries: int = 0
    first: int | None = None
    last: int | None = None
    head: str | None = None
    truncated: bool = False
    broken: Break | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "intact": self.intact,
            "entries": self.entries,
            "first": self.first,
            "last": self.last,
            "head": self.head,
            "truncated": self.truncated,
            "break": self.broken.to_dict() if self.broken else None,
        }


def everything(_entry: Mapping[str, Any]) -> bool:
    """The question that each entry answers."""
    return True


def audit(
    files: Iterable[tuple[str, Iterable[bytes]]],
    wanted: Callable[[Mapping[str, Any]], bool] = everything,
    limit: int | None = None,
    verify: bool = True,
    whole: bool = True,
    after: tuple[str, int] | None = None,
) -> tuple[list[dict[str, Any]], Chain]:
    """Read a ledger from end to end.

    :param files: name and lines of each file, oldest first
    :param wanted: which entries to hand back; the newest ``limit`` of them, oldest first
    :param verify: end at the first break, so that every entry returned is proven. Else all that parses
        is handed back, and ``intact`` is ``None``
    :param whole: ``files`` are all that there is, so what is missing before or after them is a break
    :param after: what the first line must carry, ``(previous, sequence)``; without it, what the first line of all does
    """
    walk = _Walk(wanted, deque(maxlen=limit), verify, after)
    for name, lines in files:
        walk.file(name, lines)
        if walk.broken:
            break
    if verify and whole:
        walk.look_for_gaps()
    return list(walk.found), walk.result()


@dataclass
class _Walk:
    """Where a reading is. ``place`` is what the next line must carry: ``(previous, sequence)``."""

    wanted: Callable[[Mapping[str, Any]], bool]
    found: deque[dict[str, Any]]
    verify: bool
    place: tuple[str, int] | None = None
    entries: int = 0
    start: tuple[str, str, int] | None = None
    last: int | None = None
    head: str | None = None
    pruned: dict[str, Any] = field(default_factory=dict)
    broken: Break | None = None
    empty: str | None = None

    def file(self, name: str, lines: Iterable[bytes]) -> None:
        self.empty = name
        for number, line in enumerate(lines, start=1):
            entry = self._proven(name, number, line) if self.verify else chain.decode(line)
            if self.broken:
                return
            if entry is not None:
                self._take(name, line, entry)

    def _proven(self, name: str, number: int, line: bytes) -> dict[str, Any]:
        previous, sequence = self.place or _beginning(line)
        problem, entry = chain.check(line, previous, sequence)
        if problem:
            self.broken = Break(number, problem, name, sequence)
        else:
            self.place = chain.line_hash(line), sequence + 1
        return entry

    def _take(self, name: str, line: bytes, entry: dict[str, Any]) -> None:
        self.empty = None
        sequence = entry.get("sequence")
        self.last = sequence if isinstance(sequence, int) else self.last
        self.head = chain.line_hash(line)
        self.entries += 1
        if self.start is None:
            self.start = name, str(entry.get("previous")), self.last or 0
        if is_about_ledger(entry, PRUNED):
            self.pruned = entry
        if self.wanted(entry):
            self.found.append(entry)

    def look_for_gaps(self) -> None:
        """A missing beginning is a break, unless a later entry says that it was pruned; so is a missing end."""
        if self.broken or self.start is None:
            return
        name, previous, first = self.start
        through, head = self.pruned.get("through"), self.pruned.get("head")
        if self.empty:
            self.broken = Break(
                1, "the current file of the ledger is missing", self.empty, (self.last or 0) + 1
            )
        elif first > 1 and (not isinstance(through, int) or through < first - 1):
            reason = f"the entries before {first} are missing, and no entry says that they were pruned"
            self.broken = Break(1, reason, name, first)
        elif first > 1 and through == first - 1 and head != previous:
            self.broken = Break(1, "it does not follow what was pruned before it", name, first)

    def result(self) -> Chain:
        first = self.start[2] if self.start else None
        return Chain(
            intact=self.broken is None if self.verify else None,
            entries=self.entries,
            first=first,
            last=self.last,
            head=self.head,
            truncated=bool(first and first > 1),
            broken=self.broken,
        )


def _beginning(line: bytes) -> tuple[str, int]:
    """What the first line of all must carry. Only a rotation may begin a file with another one than 1."""
    entry = chain.decode(line) or {}
    previous, sequence = entry.get("previous"), entry.get("sequence")
    if is_about_ledger(entry, ROTATED) and isinstance(previous, str) and isinstance(sequence, int):
        return previous, sequence
    return chain.GENESIS, 1


def is_about_ledger(entry: Mapping[str, Any], action: str) -> bool:
    """Whether the ledger wrote this entry about itself, for ``action``."""
    return entry.get("kind") == LEDGER_KIND and entry.get("action") == action
