# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an AWX schedule that starts whenever an entry does.

AWX takes DTSTART, RRULE and EXRULE with an INTERVAL, and neither RDATE nor EXDATE.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .fields import Entry, zone_info
from .model import Cron, Kind, Once, Rules, Times
from .parse import KEYS, parse_window
from .timeline import MISSING

if MISSING is None:
    from cronsim import CronSim

#: Where rules count from that do not depend on a date: always the same, so that the text is.
_SINCE = datetime(2024, 1, 1)  # noqa: DTZ001 - wall clock time
_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
#: AWX refuses a count before the first weekday, but takes it with its sign.
_COUNTED = re.compile(r"(?<=[=,])(\d+)(?=[A-Z]{2})")
_FIX = "Write an entry that AWX can follow: rules, without dates and except_dates."


def to_rrule(data: Any, default_zone: str = "UTC") -> str:
    """The schedule of one entry, as one line.

    :param data: an entry of ``windows`` or ``freezes``
    :raises BadInput: it is wrong, or AWX cannot say it
    """
    entry = Entry.of(data, "to_rrule", KEYS)
    window = parse_window(entry, Kind.WINDOW, default_zone)
    words = _words(entry, window.times, window.zone)
    return " ".join(words)


def _words(entry: Entry, times: Times, zone: str) -> list[str]:
    if isinstance(times, Once):
        if times.begin is None:
            raise entry.bad("it has no start", _FIX)
        wall = times.begin.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return [_dtstart(wall, zone), "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=1"]
    if times.except_dates:
        raise entry.bad("AWX knows no except_dates", _FIX)
    if isinstance(times, Cron):
        if times.dates:
            raise entry.bad("AWX knows no dates", _FIX)
        return [_dtstart(_SINCE, zone), *_from_cron(entry, times)]
    if times.dates or not times.rules:
        raise entry.bad("AWX knows no dates", _FIX)
    return [
        _dtstart(
            times.start if times.anchored else datetime.combine(_SINCE.date(), times.start.time()), zone
        ),
        *(f"RRULE:{_rule(entry, rule, times)}" for rule in times.rules),
        *(f"EXRULE:{_rule(entry, rule, times)}" for rule in times.except_rules),
    ]


def _dtstart(wall: datetime, zone: str) -> str:
    text = f"{wall:%Y%m%dT%H%M%S}"
    return f"DTSTART:{text}Z" if zone == "UTC" else f"DTSTART;TZID={zone}:{text}"


def _rule(entry: Entry, rule: str, times: Rules) -> str:
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    ordered = {"FREQ": parts.pop("FREQ"), "INTERVAL": parts.pop("INTERVAL", "1"), **parts}
    if int(ordered.get("COUNT", "1")) > 999:
        raise entry.bad("AWX counts to 999 only", "Use UNTIL instead of COUNT.")
    if "UNTIL" in ordered:
        until = datetime.strptime(ordered["UNTIL"], "%Y%m%dT%H%M%S").replace(tzinfo=zone_info(times.zone))
        ordered["UNTIL"] = f"{until.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    if "BYDAY" in ordered:
        ordered["BYDAY"] = _COUNTED.sub(r"+\1", f"={ordered['BYDAY']}")[1:]
    return ";".join(f"{name}={value}" for name, value in ordered.items())


def _from_cron(entry: Entry, times: Cron) -> list[str]:
    """The sets of the expression. Days of the month and of the week are two rules when cron takes either."""
    found = CronSim(times.expression, _SINCE)
    days = set(found.days)
    weekdays = {day for day in found.weekdays if isinstance(day, int)}
    if len(weekdays) < len(found.weekdays) or not all(1 <= day <= 31 for day in days):
        raise entry.bad(f"AWX cannot follow cron {times.expression!r}", "Write it as an rrule.")
    by_month = "" if len(found.months) == 12 else f";BYMONTH={_joined(found.months)}"
    by_day = "" if len(days) == 31 else f";BYMONTHDAY={_joined(days)}"
    names = [_DAYS[day] for day in sorted({day % 7 for day in weekdays})]
    by_weekday = "" if len(names) == 7 else f";BYDAY={','.join(names)}"
    both = [by_day + by_weekday] if found.day_and or not (by_day and by_weekday) else [by_day, by_weekday]
    clock = f";BYHOUR={_joined(found.hours)};BYMINUTE={_joined(found.minutes)};BYSECOND=0"
    return [f"RRULE:FREQ=DAILY;INTERVAL=1{by_month}{part}{clock}" for part in both]


def _joined(numbers: set[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))
