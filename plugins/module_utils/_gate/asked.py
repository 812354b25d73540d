# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate wants to know from a host's ledger: how long runs took, and the newest good backup and drill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Optional

from .._ledger.history import RELEASE

#: Older runs say little about the next one.
RUNS = 50
_KINDS = {"live": "deploy", "rolled_back": "rollback"}
#: What the entries of backups and drills call a good end.
GOOD = frozenset({"done", "ok", "pass", "passed", "succeeded", "success"})


def runs(entries: Iterable[Mapping[str, Any]], application: str) -> list[dict[str, Any]]:
    """``run``, ``kind`` (deploy or rollback) and ``seconds`` of the newest runs, from their begin to the entry.

    Entries that do not say when their run began tell nothing here.
    """
    found = []
    for entry in entries:
        kind = _KINDS.get(str(entry.get("action")))
        if entry.get("kind") != RELEASE or entry.get("application") != application or kind is None:
            continue
        begun, ended = parse_time(entry.get("began")), parse_time(entry.get("time"))
        if begun and ended and ended >= begun:
            seconds = round((ended - begun).total_seconds(), 3)
            found.append({"run": str(entry.get("run", "")), "kind": kind, "seconds": seconds})
    return found[-RUNS:]


def newest(entries: Sequence[Mapping[str, Any]], kind: str) -> Optional[str]:
    """The time of the newest entry of ``kind`` that ended well, or ``None``."""
    for entry in reversed(entries):
        if entry.get("kind") == kind and is_good(entry):
            return str(entry["time"])
    return None


def is_good(entry: Mapping[str, Any]) -> bool:
    """An outcome or a verdict decides where there is one, then the action."""
    said = entry.get("outcome") or entry.get("verdict") or entry.get("action")
    return str(said) in GOOD


def parse_time(text: Any) -> Optional[datetime]:
    """A moment as the ledger writes it. Python 3.9 does not read the Z."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None
    except ValueError:
        return None
