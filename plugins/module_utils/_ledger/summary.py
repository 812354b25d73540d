# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of each application of a host in a few numbers: for metrics, and to carry over a rotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .history import RELEASE, History, parse_history
from .segments import ROTATED, is_about_ledger


@dataclass(frozen=True)
class ChangeSummary:
    """One release entry, as far as it matters later. ``seconds`` is the sum over its steps."""

    time: str
    environment: str
    slot: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class Summary:
    """``last`` and ``counts`` are by action; ``slot`` is that of what is live."""

    history: History = field(default_factory=History)
    last: Mapping[str, ChangeSummary] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def after(self, entry: Mapping[str, Any]) -> Summary:
        """With one more release entry of the application."""
        action = str(entry.get("action"))
        change = ChangeSummary(
            str(entry.get("time", "")),
            str(entry.get("environment") or ""),
            str(entry.get("slot") or ""),
            _total(entry.get("seconds")),
        )
        return replace(
            self,
            history=self.history.after(entry),
            last={**self.last, action: change},
            counts={**self.counts, action: self.counts.get(action, 0) + 1},
        )

    @property
    def newest(self) -> ChangeSummary | None:
        """The last change of any action."""
        return max(self.last.values(), key=lambda change: change.time, default=None)

    @property
    def switched(self) -> ChangeSummary | None:
        """The last change that put a release live."""
        found = [change for action, change in self.last.items() if action in ("live", "rolled_back")]
        return max(found, key=lambda change: change.time, default=None)

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.history.to_dict(),
            "counts": dict(self.counts),
            "last": {action: change.to_dict() for action, change in self.last.items()},
        }


def _total(seconds: Any) -> float:
    """The sum over the steps; what is no number does not count, for this must never stop a rotation."""
    steps = seconds.values() if isinstance(seconds, Mapping) else ()
    return round(sum(float(value) for value in steps if isinstance(value, (int, float))), 3)


def parse_summary(data: Mapping[str, Any]) -> Summary:
    """What :meth:`Summary.to_dict` wrote."""
    last = {action: ChangeSummary(**change) for action, change in data.get("last", {}).items()}
    return Summary(parse_history(data), last, dict(data.get("counts", {})))


def summarize(entries: Iterable[Mapping[str, Any]]) -> dict[str, Summary]:
    """The summary of each application, from all entries of a ledger or from those since its rotation."""
    found: dict[str, Summary] = {}
    for entry in entries:
        if is_about_ledger(entry, ROTATED):
            found = {name: parse_summary(data) for name, data in entry.get("carried", {}).items()}
        elif entry.get("kind") == RELEASE:
            name = str(entry.get("application"))
            found[name] = found.get(name, Summary()).after(entry)
    return found
