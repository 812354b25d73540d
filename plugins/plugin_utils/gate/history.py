# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate reads from ledgers: how a release fared elsewhere, and how long runs take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ...module_utils._ledger.history import DECOMMISSIONED, RELEASE
from ...module_utils._ledger.query import parse_time
from .facts import Deployment


@dataclass(frozen=True)
class _Stretch:
    """A release as one ledger sees it so far: since when it is live, the longest time it was, and what went wrong."""

    since: datetime | None = None
    last: str = ""
    longest: float = -1.0
    bad: str = ""

    def live(self, at: datetime) -> _Stretch:
        return replace(self, since=self.since or at, last=at.isoformat(), bad="")

    def left(self, at: datetime, bad: str = "") -> _Stretch:
        lived = (at - self.since).total_seconds() if self.since else -1.0
        return replace(self, since=None, longest=max(self.longest, lived), bad=bad)


def deployment_of(
    entries: Iterable[Mapping[str, Any]], application: str, release: str, host: str, at: datetime
) -> Deployment | None:
    """How a release fared on one host; ``None`` when its ledger does not know it.

    Being rolled back from, or never getting live, is a bad end however long the release had been live: a defect
    was found. Only going live again, or being the target of a rollback, makes up for it.
    """
    seen = _Stretch()
    for entry in entries:
        if entry.get("kind") == RELEASE and entry.get("application") == application:
            seen = _after(seen, entry, release)
    lived = seen.left(at).longest if seen.since else seen.longest
    if lived < 0 and not seen.bad:
        return None
    return Deployment(host, max(0.0, lived), seen.last, seen.bad)


def _after(seen: _Stretch, entry: Mapping[str, Any], release: str) -> _Stretch:
    action, before, after = entry.get("action"), entry.get("from"), entry.get("to")
    at = parse_time(str(entry["time"]))
    if action in ("live", "rolled_back") and after == release:
        return seen.live(at)
    if action == "rolled_back" and before == release:
        return seen.left(at, f"it was rolled back at {entry['time']}")
    if action == "failed" and after == release and seen.since is None:
        return seen.left(at, f"it failed at {entry['time']}")
    if action in ("live", DECOMMISSIONED) and seen.since:
        return seen.left(at)
    return seen


def durations(runs: Iterable[Mapping[str, Any]]) -> dict[str, Sequence[float]]:
    """Seconds of whole runs by kind (``deploy``, ``rollback``), from what every host recorded of its part.

    A run takes as long as its slowest host, and hosts of later batches began to count with their own.
    """
    slowest: dict[tuple[str, str], float] = {}
    for run in runs:
        key = (str(run["kind"]), str(run["run"]))
        slowest[key] = max(slowest.get(key, 0.0), float(run["seconds"]))
    found: dict[str, list[float]] = {}
    for (kind, dummy), seconds in slowest.items():
        found.setdefault(kind, []).append(seconds)
    return {kind: tuple(seconds) for kind, seconds in found.items()}
