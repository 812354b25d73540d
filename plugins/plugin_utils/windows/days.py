# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A range of time by days: as lines of text, and as bars of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .judge import in_scope, sentence
from .model import Kind, Policy, Span, Target, Window, WindowState
from .spans import occurrences, open_times


@dataclass(frozen=True)
class Group:
    """Hosts with the same state and the same windows."""

    hosts: tuple[str, ...]
    state: WindowState
    spans: tuple[Span, ...]
    open: tuple[Span, ...]

    def to_dict(self, zone: ZoneInfo) -> dict[str, Any]:
        return {
            "hosts": list(self.hosts),
            "state": self.state.to_dict(),
            "spans": [span.to_dict_in(zone) for span in self.spans],
            "open": [span.to_dict_in(zone) for span in self.open],
        }


@dataclass(frozen=True)
class Bar:
    """The part of a span that is on one day; hours on the wall clock, from 0 to 24."""

    day: date
    begin: float
    end: float
    span: Span

    def __str__(self) -> str:
        return f"{_format_hours(self.begin)}-{_format_hours(self.end)}"


def group_hosts(
    hosts: Mapping[str, tuple[Policy, Target, WindowState]], begin: datetime, end: datetime
) -> tuple[Group, ...]:
    """The hosts by their state and windows, in the order of their first host."""
    found: dict[tuple[WindowState, tuple[Span, ...], tuple[Span, ...]], list[str]] = {}
    ranges: dict[tuple[tuple[Window, ...], bool], tuple[tuple[Span, ...], tuple[Span, ...]]] = {}
    for name, (policy, target, state) in hosts.items():
        key = in_scope(policy, target), policy.required
        if key not in ranges:
            ranges[key] = occurrences(policy, target, begin, end), open_times(policy, target, begin, end)
        found.setdefault((state, *ranges[key]), []).append(name)
    return tuple(Group(tuple(names), *key) for key, names in found.items())


def start_of_day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of the local day that ``moment`` belongs to."""
    return datetime.combine(moment.astimezone(zone).date(), time(), zone)


def days_between(begin: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    first, last = begin.astimezone(zone).date(), (end.astimezone(zone) - timedelta(microseconds=1)).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def bars(spans: Iterable[Span], zone: ZoneInfo) -> Iterator[Bar]:
    for span in spans:
        begin, end = span.begin.astimezone(zone), span.end.astimezone(zone)
        for day in days_between(span.begin, span.end, zone):
            first = _hours(begin) if begin.date() == day else 0.0
            last = _hours(end) if end.date() == day else 24.0
            # Where the clocks are set back, a span may end at an earlier hour than it begins.
            yield Bar(day, first, last if last > first else min(24.0, first + _real_hours(span)), span)


def lines(group: Group, begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[str]:
    """A line with the state now, and a line for each day; all times are in ``zone``."""
    state = "open" if group.state.open else "closed"
    yield f"{format_hosts(group.hosts)}: {state}, {sentence(group.state, zone)}"
    opened, frozen = list(bars(group.open, zone)), list(bars(_freezes(group.spans), zone))
    for day in days_between(begin, end, zone):
        allowed = [f"{piece} {piece.span.name}".rstrip() for piece in opened if piece.day == day]
        freezes = [f"{piece} {_name_and_reason(piece.span)}" for piece in frozen if piece.day == day]
        parts = [f"open {', '.join(allowed)}" if allowed else "closed"]
        if freezes:
            parts.append(f"frozen {', '.join(freezes)}")
        yield f"  {day:%a %d %b}  {'; '.join(parts)}"


def format_hosts(hosts: Sequence[str], most: int = 3) -> str:
    names = ", ".join(hosts[:most])
    return names if len(hosts) <= most else f"{names} and {len(hosts) - most} more"


def _freezes(spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if span.kind is Kind.FREEZE]


def _name_and_reason(span: Span) -> str:
    return f"{span.name} ({span.reason})" if span.reason else span.name


def _hours(moment: datetime) -> float:
    passed = moment.replace(tzinfo=None) - datetime.combine(moment.date(), time())
    return passed.total_seconds() / 3600


def _real_hours(span: Span) -> float:
    return (span.end - span.begin).total_seconds() / 3600


def _format_hours(hours: float) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
