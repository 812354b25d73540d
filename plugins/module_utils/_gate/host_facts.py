# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts for the gate from a host's ledger, expanded: how long runs took, and the newest good backup and drill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.errors import BadInput
from .._ledger.checkpoint import CHANGES, is_good
from .._ledger.history import RELEASE
from .._ledger.query import moment_of, parse_time

_KINDS = {"live": "deploy", "rolled_back": "rollback"}


def runs(entries: Iterable[Mapping[str, Any]], application: str) -> list[dict[str, Any]]:
    """``run``, ``kind`` (deploy or rollback) and ``seconds`` of the newest runs, from their begin to the entry.

    Entries that do not say when their run began are left out.
    """
    found = []
    for entry in entries:
        kind = _KINDS.get(str(entry.get("action")))
        if entry.get("kind") != RELEASE or entry.get("application") != application or kind is None:
            continue
        seconds = _seconds(entry)
        if seconds is not None:
            found.append({"run": str(entry.get("run", "")), "kind": kind, "seconds": seconds})
    return found[-CHANGES:]


def _seconds(entry: Mapping[str, Any]) -> float | None:
    try:
        began, ended = parse_time(str(entry.get("began"))), moment_of(entry)
    except BadInput:
        return None
    if ended is None or ended < began:
        return None
    return round((ended - began).total_seconds(), 3)


def newest(entries: Sequence[Mapping[str, Any]], kind: str) -> str | None:
    """The time of the newest entry of ``kind`` that ended well, or ``None``."""
    for entry in reversed(entries):
        if entry.get("kind") == kind and is_good(entry):
            return str(entry["time"])
    return None
