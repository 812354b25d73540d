# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a window or a freeze holds: its occurrences in UTC, computed only as far as needed.

The recurrence itself is dateutil's and cronsim's. Occurrences are kept, so that many hosts with the same
window pay once; and a rule that does not depend on its first date is not counted from there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import heappop, heappush, merge
from typing import cast
from zoneinfo import ZoneInfo

from .model import Cron, Length, Once, Rules, Times, Window

# A controller without them can still load the plugins and say what it lacks.
try:
    from cronsim import CronSim
    from dateutil.rrule import rrule, rruleset, rrulestr
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Clocks on walls are at most 14 hours away from UTC, and jump by less than the rest.
_MARGIN = timedelta(days=2)
#: Frequencies whose occurrences, at an interval of one, do not depend on the first date.
_DENSE = frozenset({"DAILY", "HOURLY", "MINUTELY"})
_DAY_PARTS = frozenset({"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYEASTER"})
#: The longest occurrence of what recurs. It starts at most that long before it matters.
LONGEST = timedelta(days=366)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
#: Wall clock times.
_BEFORE_ALL = FIRST.replace(tzinfo=None)
_EARLY = FIRST.replace(tzinfo=None) + _MARGIN

Pair = tuple[datetime, datetime]


class Timeline:
    """The occurrences of one window, each found once; and its blocks: occurrences without a break between them."""

    def __init__(self, pairs: Iterator[tuple[datetime, Pair]]) -> None:
        """:param pairs: wall clock start and span; in order of the wall clock, which UTC need not follow"""
        self._coming = pairs
        self._waiting: list[Pair] = []
        #: All that starts until then has been found.
        self._known = FIRST
        self._spans: list[Pair] = []
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []

    def holds_until(self, at: datetime, limit: datetime) -> datetime | None:
        """The end of the block that holds at ``at``, or ``None``. An end beyond ``limit`` is not searched for."""
        self._find(at)
        place = bisect_right(self._starts, at) - 1
        if place < 0 or self._ends[place] <= at:
            return None
        while self._known < self._ends[place] <= limit:
            self._find(self._ends[place])
        return self._ends[place]

    def next_start(self, after: datetime, limit: datetime) -> datetime | None:
        """The start of the first block later than ``after`` and not later than ``limit``."""
        self._find(after)
        place = bisect_right(self._starts, after)
        while place == len(self._starts) and self._known <= limit:
            self._pull()
        return self._starts[place] if place < len(self._starts) and self._starts[place] <= limit else None

    def between(self, begin: datetime, end: datetime) -> Iterator[Pair]:
        """The occurrences that touch [begin, end), whole."""
        self._find(end)
        for span in self._spans[: bisect_right(self._spans, (end, FIRST))]:
            if span[1] > begin and span[0] < end:
                yield span

    def _find(self, at: datetime) -> None:
        while self._known <= at:
            self._pull()

    def _pull(self) -> None:
        coming = next(self._coming, None)
        if coming is None:
            self._known = FOREVER
        else:
            wall, span = coming
            self._known = max(self._known, wall.replace(tzinfo=UTC) - _MARGIN) if wall > _EARLY else FIRST
            # The clocks may have jumped over all of it.
            if span[0] < span[1]:
                heappush(self._waiting, span)
        while self._waiting and self._waiting[0][0] <= self._known:
            self._add(heappop(self._waiting))

    def _add(self, span: Pair) -> None:
        self._spans.append(span)
        if self._ends and span[0] <= self._ends[-1]:
            self._ends[-1] = max(self._ends[-1], span[1])
        else:
            self._starts.append(span[0])
            self._ends.append(span[1])


def timeline(window: Window, at: datetime) -> Timeline:
    """The occurrences that can matter from ``at`` on. Moments of one month share them."""
    times = window.times
    if isinstance(times, Once) or at.year < 4:
        return _timeline(times, _BEFORE_ALL)
    length = times.length.elapsed or times.length.wall or timedelta(days=1)
    # Two weeks more, because a rule with BYSETPOS may misjudge the first, incomplete one.
    earliest = at.replace(tzinfo=None) - length - timedelta(days=14)
    return _timeline(times, earliest.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


@lru_cache(maxsize=4096)
def _timeline(times: Times, since: datetime) -> Timeline:
    """:param since: wall clock time; only what starts later is sure to be found"""
    if isinstance(times, Once):
        span = (times.begin or FIRST, times.end or LAST)
        return Timeline(iter([(span[0].replace(tzinfo=None), span)]))
    return Timeline(_rule_pairs(times, since) if isinstance(times, Rules) else _cron_pairs(times, since))


def _rule_pairs(times: Rules, since: datetime) -> Iterator[tuple[datetime, Pair]]:
    zone = ZoneInfo(times.zone)
    found = rruleset()
    for rule in times.rules:
        found.rrule(_rule(times, rule, since))
    for rule in times.except_rules:
        found.exrule(_rule(times, rule, since))
    for moment in times.dates:
        found.rdate(moment)
    for wall in found:
        if not _excepted(wall, times.except_dates):
            begin = to_utc(wall, zone)
            yield wall, (begin, _end(begin, wall, zone, times.length))


def _rule(times: Rules, text: str, since: datetime) -> rrule:
    """The rule, counted from the latest date that cannot change what it finds."""
    start = times.start
    if independent(text):
        start = max(start, datetime.combine(since.date(), start.time()))
    return cast("rrule", rrulestr(text, dtstart=start))


def independent(rule: str) -> bool:
    """Whether the rule finds the same days whatever day it is counted from."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    if int(parts.get("INTERVAL", "1")) != 1 or "COUNT" in parts:
        return False
    return parts["FREQ"] in _DENSE or bool(_DAY_PARTS & set(parts))


def _cron_pairs(times: Cron, since: datetime) -> Iterator[tuple[datetime, Pair]]:
    zone = ZoneInfo(times.zone)
    rows = (
        (start.replace(tzinfo=None), start) for start in CronSim(times.expression, since.replace(tzinfo=zone))
    )
    dates = ((wall, wall.replace(tzinfo=zone)) for wall in sorted(times.dates))
    for wall, start in merge(rows, dates, key=lambda row: row[0]):
        if not _excepted(wall, times.except_dates):
            begin = start.astimezone(UTC)
            yield wall, (begin, _end(begin, wall, zone, times.length))


def _excepted(wall: datetime, except_dates: tuple[date, ...]) -> bool:
    """A datetime excludes the occurrence that starts then, a date all that start on it."""
    return bool(except_dates) and (wall in except_dates or wall.date() in except_dates)


def _end(begin: datetime, wall: datetime, zone: ZoneInfo, length: Length) -> datetime:
    if length.elapsed is not None:
        return begin + length.elapsed
    if length.wall is not None:
        ending = wall + length.wall
    else:
        ending = datetime.combine(wall.date(), length.until or time())
        if ending <= wall:
            ending += timedelta(days=1)
    end = to_utc(ending, zone)
    # A start in the second one of two equal hours ends in that one too.
    return end if end > begin else to_utc(ending.replace(fold=1), zone)


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a wall clock time: the first of two; in a gap as if the clocks had not jumped yet."""
    return wall.replace(tzinfo=zone).astimezone(UTC)
