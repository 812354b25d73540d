# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parses windows and freezes into a policy, and checks all that was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from ...module_utils._core.errors import BadInput
from .events import CalendarText, entries
from .fields import DURATION_FIX, MOMENT_FIX, Entry, instant, parsed
from .model import Cron, Kind, Length, Once, Policy, Rules, Scope, Times, Window
from .rules import Recurrence, on, recurrence
from .timeline import LONGEST, MISSING, independent

if MISSING is None:
    from cronsim import CronSim, CronSimError

SCOPES = ("environments", "applications", "hosts", "groups")
KEYS = (
    *("name", "rrule", "cron", "start", "end", "duration", "zone", "dates", "except_dates"),
    *(*SCOPES, "reason", "owner"),
)
#: The wall clock date of a start that is a time of day only.
_ANY_DAY = date(1970, 1, 1)
NEVER = "never"


def parse_policy(
    windows: Any = (),
    freezes: Any = (),
    required: Any = False,
    calendars: Sequence[CalendarText] = (),
    *,
    zone: str = "UTC",
) -> Policy:
    """All that was written about windows, checked.

    :param windows: a list of mappings with the keys of ``KEYS``
    :param freezes: the same
    :param required: whether a target without a window is closed
    :param calendars: iCalendar texts, as they were read
    :param zone: of entries that name none
    :raises BadInput: which entry is wrong, and what to write
    """
    found = [
        *_windows(windows, "change_windows", Kind.WINDOW, zone),
        *_windows(freezes, "change_freezes", Kind.FREEZE, zone),
        *(window for calendar in calendars for window in _of_calendar(calendar, zone)),
    ]
    if not isinstance(required, bool):
        raise BadInput(
            f"change_windows_required is {required!r}",
            where="change_windows_required",
            fix="Write true or false without quotes.",
        )
    return Policy(tuple(found), required)


def _windows(data: Any, place: str, kind: Kind, zone: str) -> Iterable[Window]:
    if data is None:
        return
    if isinstance(data, (str, bytes)) or not isinstance(data, Sequence):
        raise BadInput(f"{place} must be a list, not {data!r}", where=place, fix="Write a list of mappings.")
    for number, item in enumerate(data):
        yield parse_window(Entry.of(item, f"{place}[{number}]", KEYS), kind, zone)


def _of_calendar(calendar: CalendarText, zone: str) -> Iterable[Window]:
    """A calendar that cannot be read forbids change: it may hold a freeze."""
    if calendar.text is None:
        yield Window(
            f"calendar {calendar.name}",
            Kind.FREEZE,
            Once(None, None),
            scope=calendar.scope,
            reason=calendar.problem,
            owner=calendar.owner,
        )
        return
    for number, item in enumerate(entries(calendar, zone)):
        entry = Entry.of(item, f"calendar {calendar.name}, event {number + 1}", KEYS)
        yield replace(parse_window(entry, calendar.kind, zone), scope=calendar.scope)


def parse_scope(entry: Entry) -> Scope:
    return Scope(**{key: entry.texts(key) for key in SCOPES})


def parse_window(entry: Entry, kind: Kind, default_zone: str) -> Window:
    """One entry.

    :raises BadInput: what is wrong with it
    """
    name = entry.text("name")
    if not name:
        raise entry.bad("it has no name", "Give it a name: people read it when their change is refused.")
    times, zone = _times(entry, entry.zone(default_zone))
    return Window(name, kind, times, zone, parse_scope(entry), entry.text("reason"), entry.text("owner"))


def _times(entry: Entry, zone: str) -> tuple[Times, str]:
    if entry.has("rrule") and entry.has("cron"):
        raise entry.bad("it has rrule and cron", "Use one of the two, or two entries.")
    if len(entry.has("end", "duration")) > 1:
        raise entry.bad("it has end and duration", "Use one of the two.")
    if entry.has("rrule"):
        rules = recurrence(entry, "rrule", zone)
        return _rules(entry, rules), rules.zone
    if entry.has("cron"):
        return _cron(entry, zone), zone
    if entry.has("dates"):
        return _rules(entry, Recurrence(zone)), zone
    return _once(entry, zone), zone


def _once(entry: Entry, zone: str) -> Once:
    if entry.has("except_dates"):
        raise entry.bad("except_dates needs rrule, cron or dates", "Remove it.")
    begin = _instant(entry, "start", zone) if entry.has("start") else None
    end = None if _never(entry) else _once_end(entry, zone)
    if begin is not None and end is not None and end <= begin:
        raise entry.bad(
            "it ends before it starts", "Correct start or end; an end without a date may be the next day."
        )
    return Once(begin, end)


def _once_end(entry: Entry, zone: str) -> datetime:
    if entry.has("duration"):
        if not entry.has("start"):
            raise entry.bad("a duration needs a start", "Say when it starts.")
        return _instant(entry, "start", zone) + entry.duration("duration")
    if not entry.has("end"):
        if not entry.has("start"):
            raise entry.bad("it does not say when", "Give it rrule, cron, dates, or start and end.")
        raise entry.bad(
            "it does not say when it ends", "Give it an end or a duration; end: never is one too."
        )
    clock = entry.clock("end")
    if clock is None or not entry.has("start"):
        return _instant(entry, "end", zone)
    start = entry.moment("start", entry.data["start"], zone)
    end = datetime.combine(start.date(), clock)
    found = instant(end if end > start else end + timedelta(days=1), zone)
    if found is None:
        raise entry.bad("the end is too far away", MOMENT_FIX)
    return found


def _never(entry: Entry) -> bool:
    return str(entry.data.get("end", "")).strip() == NEVER


def _instant(entry: Entry, key: str, zone: str) -> datetime:
    if entry.clock(key) is not None:
        raise entry.bad(
            f"{key} has no date", "Give it one, or say with rrule, cron or dates on which days it is."
        )
    found = instant(entry.data[key], zone)
    if found is None:
        raise entry.bad(f"{key} {entry.data[key]!r} is not a date or a time", MOMENT_FIX)
    return found


def _rules(entry: Entry, found: Recurrence) -> Rules:
    start, anchored = _rule_start(entry, found)
    own = tuple(_date(entry, "dates", item, found.zone) for item in entry.items("dates"))
    except_dates = tuple(
        _date(entry, "except_dates", item, found.zone) for item in entry.items("except_dates")
    )
    dates = [*found.dates, *(day if isinstance(day, datetime) else on(day, start) for day in own)]
    if anchored and not found.rules:
        dates.append(start)
    return Rules(
        zone=found.zone,
        start=start,
        length=_length(entry, found.zone, start if anchored else None),
        anchored=anchored,
        rules=found.rules,
        except_rules=found.except_rules,
        dates=tuple(sorted(dates)),
        except_dates=(*found.except_dates, *except_dates),
    )


def _rule_start(entry: Entry, found: Recurrence) -> tuple[datetime, bool]:
    """From DTSTART or ``start``; a time of day alone is enough for rules that do not count from a date."""
    if found.start is not None:
        if entry.has("start"):
            raise entry.bad("it has start and DTSTART", "Use one of the two.")
        return found.start, True
    clock: time | None = time()
    if entry.has("start"):
        clock = entry.clock("start")
        if clock is None:
            return entry.moment("start", entry.data["start"], found.zone), True
    elif not all("BYHOUR=" in rule for rule in found.rules):
        raise entry.bad("it does not say when it starts", 'Give it start, for example "22:00".')
    for rule in (*found.rules, *found.except_rules):
        if not independent(rule):
            raise entry.bad(
                f"the rule {rule} counts from a first date", 'Give start a date: "2026-01-06 22:00".'
            )
    return datetime.combine(_ANY_DAY, clock or time()), False


def _cron(entry: Entry, zone: str) -> Cron:
    if entry.has("start"):
        raise entry.bad("it has cron and start", "The cron expression says when it starts.")
    expression = entry.text("cron")
    try:
        if len(expression.split()) != 5:
            raise entry.bad(f"cron {expression!r} does not have five fields", 'Write it like "0 22 * * 2,4".')
        CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 - only to see whether it can be read
    except CronSimError as error:
        raise entry.bad(f"cron {expression!r}: {error}", 'Write it like "0 22 * * 2,4".') from error
    dates = [_date(entry, "dates", item, zone) for item in entry.items("dates")]
    if not all(isinstance(each, datetime) for each in dates):
        raise entry.bad("dates beside cron need a time of day", 'Write "2026-12-20 22:00".')
    return Cron(
        zone=zone,
        expression=expression,
        length=_length(entry, zone, None),
        dates=tuple(each for each in dates if isinstance(each, datetime)),
        except_dates=tuple(_date(entry, "except_dates", item, zone) for item in entry.items("except_dates")),
    )


def _date(entry: Entry, key: str, item: Any, zone: str) -> date:
    day = parsed(item)
    if day is not None and not isinstance(day, datetime):
        return day
    return entry.moment(key, item, zone)


def _length(entry: Entry, zone: str, start: datetime | None) -> Length:
    """:param start: the first date, when there is one that an end with a date can be measured from"""
    if entry.has("duration"):
        length = Length(elapsed=entry.duration("duration"))
    elif not entry.has("end"):
        raise entry.bad("it does not say when it ends", 'Give it end, for example "02:00", or duration.')
    elif (clock := entry.clock("end")) is not None:
        length = Length(until=clock)
    elif start is None or _never(entry):
        raise entry.bad(f"end {entry.data['end']!r} is not a time of day", 'Write "02:00", or use duration.')
    else:
        length = Length(wall=entry.moment("end", entry.data["end"], zone) - start)
    longest = length.elapsed or length.wall or timedelta(1)
    if not timedelta() < longest <= LONGEST or length.wall == timedelta():
        raise entry.bad("it ends before it starts, or lasts longer than a year", DURATION_FIX)
    return length
