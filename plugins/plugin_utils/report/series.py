# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of the charts: spans of time, and counts by week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from ...module_utils._ledger.changes import LIVE, Change, ChangeHistory, Rollback, parse_time
from ...module_utils._ledger.history import version_of
from . import view
from .format import format_day

#: Two shades that take turns, so that neighbours can be distinguished.
SHADES = ("live", "live-other")


@dataclass(frozen=True)
class Period:
    """A span of time; its zone is the one in which it is shown."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Segment:
    """Something that lasted. ``tone`` is a word of ``view``, or one of ``SHADES``."""

    begin: datetime
    end: datetime
    label: str
    tone: str


@dataclass(frozen=True)
class Lane:
    """One row of a picture of time. ``marks`` are moments at which something failed."""

    label: str
    segments: tuple[Segment, ...]
    marks: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Weeks:
    """Bars by week: what held, and what failed on top of it."""

    labels: tuple[str, ...]
    good: tuple[int, ...]
    failed: tuple[int, ...]


class Painter(Protocol):
    """Draws SVG. ``key`` makes the names inside the drawing its own; ``summary`` is what it says."""

    def lanes(
        self, key: str, summary: str, lanes: Sequence[Lane], period: Period, *, newest_last: bool
    ) -> str: ...
    def bars(self, key: str, summary: str, weeks: Weeks) -> str: ...
    def spark(self, key: str, summary: str, values: Sequence[float | None], bars: bool) -> str: ...


def releases(history: ChangeHistory, period: Period) -> tuple[Lane, ...]:
    """For each application in each environment what it served when."""
    places: dict[tuple[str, str], list[Change | Rollback]] = {}
    events: list[Change | Rollback] = [*history.changes, *history.rollbacks]
    for event in sorted(events, key=_begin):
        places.setdefault((event.environment, event.application), []).append(event)
    ordered = sorted(places, key=production_first)
    lanes = (_lane(f"{where[1]}, {where[0]}", places[where], period) for where in ordered)
    return tuple(lane for lane in lanes if lane.segments or lane.marks)


def production_first(place: tuple[str, str]) -> tuple[bool, str, str]:
    """How environments and applications are sorted: what users see comes first."""
    return place[0] != "production", *place


def _begin(event: Change | Rollback) -> datetime:
    return event.began or event.ended if isinstance(event, Change) else event.ended


def _lane(label: str, events: Sequence[Change | Rollback], period: Period) -> Lane:
    marks = [event.ended for event in events if isinstance(event, Change) and not event.began]
    served = [event for event in events if isinstance(event, Rollback) or event.began]
    ends = [*(_begin(event) for event in served[1:]), period.end]
    shades = _shades(served)
    segments = [
        Segment(max(_begin(event), period.start), min(end, period.end), _served(event), tone)
        for event, end, tone in zip(served, ends, shades, strict=True)
        if _served(event)
    ]
    inside = [each for each in segments if each.begin < each.end]
    return Lane(label, tuple(inside), tuple(mark for mark in marks if period.start < mark <= period.end))


def _served(event: Change | Rollback) -> str:
    return version_of(event.release if isinstance(event, Change) else event.after)


def _shades(events: Sequence[Change | Rollback]) -> list[str]:
    """A release keeps its shade when it comes back; one that failed is shown as that."""
    known: dict[str, str] = {}
    tones = []
    for event in events:
        shade = known.setdefault(_served(event), SHADES[len(known) % 2])
        tones.append(view.BAD if isinstance(event, Change) and event.outcome != LIVE else shade)
    return tones


def weeks(measures: Iterable[Mapping[str, Any]]) -> Weeks:
    """The changes of all applications together, by week."""
    total: dict[str, list[int]] = {}
    for measure in measures:
        for week in measure["weeks"]:
            counts = total.setdefault(week["monday"], [0, 0])
            counts[0] += week["changes"] - week["failed"]
            counts[1] += week["failed"]
    mondays = sorted(total)
    return Weeks(
        tuple(_day(monday) for monday in mondays),
        tuple(total[monday][0] for monday in mondays),
        tuple(total[monday][1] for monday in mondays),
    )


def _day(monday: str) -> str:
    return format_day(date.fromisoformat(monday))


def windows(calendars: Mapping[str, Mapping[str, Any]], period: Period) -> tuple[Lane, ...]:
    """When change is allowed, and what forbids it, a lane for each calendar."""
    lanes = []
    for label, calendar in calendars.items():
        allowed = [_span(each, period, view.OK) for each in calendar["open"]]
        frozen = [_span(each, period, view.BAD) for each in calendar["spans"] if each.get("kind") == "freeze"]
        lanes.append(Lane(label, tuple(span for span in (*allowed, *frozen) if span)))
    return tuple(lanes)


def _span(each: Mapping[str, Any], period: Period, tone: str) -> Segment | None:
    begin, end = parse_time(each.get("begin")), parse_time(each.get("end"))
    if begin is None or end is None or end <= period.start or begin >= period.end:
        return None
    return Segment(max(begin, period.start), min(end, period.end), str(each.get("name") or ""), tone)
