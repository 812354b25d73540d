# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four DORA measures, from the ledgers of many hosts. Where there is no data there is no number.

Definitions: docs/report.md.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._core.errors import BadInput
from .changes import Change, aggregate, format_time, parse_time, place

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_MOST_DAYS = 3660


@dataclass(frozen=True)
class Durations:
    """What a median is made of, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float | None:
        return round(statistics.median(self.seconds), 3) if self.seconds else None

    def to_dict(self) -> dict[str, Any]:
        return {"n": len(self.seconds), "median_seconds": self.median}


@dataclass(frozen=True)
class Measures:
    """Of the changes of one application in one environment that ended in a time span."""

    changes: tuple[Change, ...]

    @property
    def deployments(self) -> int:
        """Changes that at least one host served."""
        return sum(1 for change in self.changes if change.began)

    @property
    def failed(self) -> int:
        return sum(1 for change in self.changes if change.failed)

    @property
    def failure_rate(self) -> float | None:
        return round(self.failed / len(self.changes), 4) if self.changes else None

    @property
    def lead_time(self) -> Durations:
        """Only of what is new: bringing a release once more says nothing about how long changes take."""
        spans = [
            (change.ended - change.source_time).total_seconds()
            for change in self.changes
            if change.first and change.source_time
        ]
        # A source from the future comes from a clock that is wrong.
        return Durations(tuple(span for span in spans if span >= 0))

    @property
    def time_to_restore(self) -> Durations:
        broken = [change for change in self.changes if change.failed]
        return Durations(
            tuple(
                (change.restored - change.began).total_seconds()
                for change in broken
                if change.began and change.restored
            )
        )

    @property
    def unrestored(self) -> int:
        """Failed changes that hosts served and that nothing good followed yet."""
        return sum(1 for change in self.changes if change.failed and change.began and not change.restored)

    def to_dict(self, days: float) -> dict[str, Any]:
        return {
            "deployments": self.deployments,
            "deployment_frequency": {
                "n": self.deployments,
                "per_day": round(self.deployments / days, 4),
                "per_week": round(self.deployments * 7 / days, 4),
            },
            "lead_time": self.lead_time.to_dict(),
            "change_failure_rate": {
                "n": len(self.changes),
                "failed": self.failed,
                "rate": self.failure_rate,
            },
            "time_to_restore": {**self.time_to_restore.to_dict(), "unrestored": self.unrestored},
        }


def dora(
    entries: Sequence[Mapping[str, Any]],
    at: str | None = None,
    days: int = 30,
    application: str | None = None,
    environment: str | None = None,
) -> dict[str, Any]:
    """The measures of each application in each environment.

    :param entries: of all hosts together, in any order
    :param at: the end of the time span, RFC 3339; the time of the newest entry when it is not given
    :param days: the length of the time span
    :param application, environment: only these
    :returns: ``from``, ``until``, ``days`` and ``measures``, a list with one item for each application in
        each environment that the ledgers ever saw change; times are UTC, durations seconds
    :raises BadInput: what is given are not entries, or the time span is none
    """
    known = _checked(entries)
    until = _end(at, known)
    length = _length(days)
    if until is None:
        return {"from": None, "until": None, "days": length, "measures": []}
    start = until - length * _DAY
    wanted = (environment or None, application or None)
    places: dict[tuple[str, str], list[Change]] = {}
    for change in aggregate(entry for entry in known if _is_wanted(place(entry), wanted)).changes:
        places.setdefault((change.environment, change.application), []).append(change)
    return {
        "from": format_time(start),
        "until": format_time(until),
        "days": length,
        "measures": [_measured(*where, places[where], start, until) for where in sorted(places)],
    }


def _length(days: object) -> int:
    text = "" if isinstance(days, bool) else str(days)
    # A variable of the command line is a text.
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_DAYS):
        raise BadInput(f"{days!r} is not a number of days", where="days", fix=f"Give 1 to {_MOST_DAYS}.")
    return int(text)


def _is_wanted(there: tuple[str, str], wanted: tuple[str | None, str | None]) -> bool:
    return all(want is None or want == have for have, want in zip(there, wanted))


def _checked(entries: object) -> list[Mapping[str, Any]]:
    if isinstance(entries, (str, bytes, Mapping)) or not isinstance(entries, Iterable):
        raise BadInput(
            "this is not a list of ledger entries",
            where="dora",
            fix="Pass the entries that mas.ops.ledger_info returned.",
        )
    known = list(entries)
    if not all(isinstance(entry, Mapping) for entry in known):
        raise BadInput(
            "an entry of the ledger must be a mapping",
            where="dora",
            fix="Pass the entries that mas.ops.ledger_info returned.",
        )
    return known


def _end(at: str | None, entries: Iterable[Mapping[str, Any]]) -> datetime | None:
    if not at:
        return max((moment for entry in entries if (moment := parse_time(entry.get("time")))), default=None)
    moment = parse_time(str(at))
    if moment is None:
        raise BadInput(
            f"{at!r} is not a time with its zone", where="at", fix="Write it as 2026-01-31T12:00:00Z."
        )
    return moment


def _measured(
    environment: str, application: str, changes: Sequence[Change], start: datetime, until: datetime
) -> dict[str, Any]:
    days = (until - start) / _DAY
    return {
        "environment": environment,
        "application": application,
        "since": format_time(min(change.began or change.ended for change in changes)),
        **_within(changes, start, until).to_dict(days),
        "weeks": [_week(monday, changes, start, until) for monday in _mondays(start, until)],
    }


def _within(changes: Sequence[Change], start: datetime, until: datetime) -> Measures:
    """``start`` itself belongs to the time before, so that spans side by side count nothing twice."""
    return Measures(tuple(change for change in changes if start < change.ended <= until))


def _mondays(start: datetime, until: datetime) -> list[datetime]:
    """The beginnings of the ISO weeks that the time span touches."""
    monday = (start - start.weekday() * _DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    while monday < until:
        found.append(monday)
        monday += _WEEK
    return found


def _week(
    monday: datetime,
    changes: Sequence[Change],
    start: datetime,
    until: datetime,
) -> dict[str, Any]:
    """One point of the time series; the first and the last may be parts of a week."""
    tick = timedelta(microseconds=1)
    measures = _within(changes, max(monday - tick, start), min(monday + _WEEK - tick, until))
    year, week, dummy = monday.isocalendar()
    return {
        "week": f"{year}-W{week:02d}",
        "monday": monday.strftime("%Y-%m-%d"),
        "deployments": measures.deployments,
        "changes": len(measures.changes),
        "failed": measures.failed,
        "failure_rate": measures.failure_rate,
        "lead_time_seconds": measures.lead_time.median,
        "restore_seconds": measures.time_to_restore.median,
    }
