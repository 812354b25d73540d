# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkpoint in the first line of a new file: what it repeats of the files before it, for readers of one file only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .history import RELEASE
from .query import SUCCEEDED, outcome_of
from .segments import LEDGER_KIND, ROTATED, is_about_ledger

#: Older changes of an application say little about the next one.
CHANGES = 50
#: What is repeated of them.
_FIELDS = (
    "kind",
    "time",
    "application",
    "environment",
    "action",
    "outcome",
    "run",
    "began",
    "from",
    "to",
    "slot",
)


def expand(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of a file with those before it that its checkpoint repeats, oldest first."""
    found: list[Mapping[str, Any]] = []
    for entry in entries:
        found += entry.get("checkpoint", ()) if is_about_ledger(entry, ROTATED) else ()
        found.append(entry)
    return found


def checkpoint(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What to repeat of them: the newest changes of each application, and of every other kind the newest good entry.

    :param entries: those of the file that is full
    """
    seen: dict[str, int] = {}
    found = []
    for entry in reversed(expand(entries)):
        kind = str(entry.get("kind"))
        name = f"{RELEASE} {entry.get('application')}" if kind == RELEASE else kind
        limit = CHANGES if kind == RELEASE else 1
        if kind != LEDGER_KIND and seen.get(name, 0) < limit and (kind == RELEASE or is_good(entry)):
            seen[name] = seen.get(name, 0) + 1
            # The numbers of a canary's verdict are long, and no reader needs them again.
            fields = _FIELDS if kind == RELEASE else (*_FIELDS, "verdict")
            found.append({field: entry[field] for field in fields if field in entry})
    return found[::-1]


def is_good(entry: Mapping[str, Any]) -> bool:
    """A drill has a verdict beside its outcome: one that proved nothing counts for nothing."""
    return outcome_of(entry) == SUCCEEDED and entry.get("verdict", "pass") == "pass"
