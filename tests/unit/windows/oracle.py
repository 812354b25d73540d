"""The same windows through other people's eyes: an .ics text, expanded by recurring-ical-events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr
from hypothesis import assume
from hypothesis import strategies as st

#: West and east ends of the world, half and quarter hours, both hemispheres, half an hour of summer time.
ZONES = (
    *("UTC", "Etc/GMT+12", "Pacific/Kiritimati", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"),
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Auckland"),
)
MINUTE = timedelta(minutes=1)
Pair = tuple[datetime, datetime]


def ics(entry: dict[str, Any], end: str) -> str:
    """:param entry: with a start and rules; :param end: the DTEND or DURATION line without its name"""
    zone = entry["zone"]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", "BEGIN:VEVENT", "UID:1", "SUMMARY:x"]
    lines += [f"DTSTART{stamp(entry['start'], zone)}", end]
    lines += [f"RRULE:{rule}" for rule in entry.get("rrule", [])]
    lines += [f"RDATE{stamp(each, zone)}" for each in entry.get("dates", [])]
    lines += [f"EXDATE{stamp(each, zone)}" for each in entry.get("except_dates", [])]
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])


def stamp(text: str, zone: str) -> str:
    digits = datetime.fromisoformat(text).strftime("%Y%m%dT%H%M%S")
    return f":{digits}Z" if zone == "UTC" else f";TZID={zone}:{digits}"


def expanded(text: str, begin: datetime, end: datetime) -> set[Pair]:
    """The spans that touch [begin, end), in UTC."""
    calendar = icalendar.Calendar.from_ical(text)
    found = recurring_ical_events.of(calendar).between(begin - timedelta(days=3), end + timedelta(days=3))
    spans = {(each["DTSTART"].dt.astimezone(UTC), each["DTEND"].dt.astimezone(UTC)) for each in found}
    return {(first, last) for first, last in spans if first < last and first < end and last > begin}


def minutes(spans: Iterable[Pair], begin: datetime, count: int) -> list[bool]:
    """For each of ``count`` minutes from ``begin`` on, whether one of the spans holds then."""
    held = [False] * count
    for first, last in spans:
        start = max(0, -((begin - first) // MINUTE))
        for place in range(start, count):
            moment = begin + place * MINUTE
            if moment >= last:
                break
            held[place] = held[place] or first <= moment
    return held


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """A day on which something may go wrong: clocks that jump, leap days, ends of months and years; or any other."""
    year = draw(st.integers(2020, 2034))
    kind = draw(st.sampled_from(["jump", "jump", "leap", "month", "any"]))
    if kind == "leap":
        return datetime(draw(st.sampled_from([2020, 2024, 2028, 2032])), 2, 28, 12, tzinfo=UTC)
    if kind == "month":
        return datetime(year, draw(st.integers(1, 12)), 1, tzinfo=UTC) - timedelta(days=1)
    if kind == "jump" and (jumps := _jumps(zone, year)):
        return draw(st.sampled_from(jumps)) - timedelta(hours=draw(st.integers(0, 30)))
    return datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 8759)))


def _jumps(zone: str, year: int) -> list[datetime]:
    info, found = ZoneInfo(zone), []
    hour = datetime(year, 1, 1, tzinfo=UTC)
    while hour.year == year:
        following = hour + timedelta(days=1)
        if hour.astimezone(info).utcoffset() != following.astimezone(info).utcoffset():
            found.append(hour)
        hour = following
    return found


@st.composite
def rules(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"]))
    parts = [f"FREQ={freq}"]
    if interval := draw(st.sampled_from([0, 0, 0, 2, 3, 5])):
        parts.append(f"INTERVAL={interval}")
    days = st.lists(
        st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True
    )
    if freq in {"DAILY", "WEEKLY"} and draw(st.booleans()):
        parts.append(f"BYDAY={','.join(draw(days))}")
    if freq == "MONTHLY":
        count = draw(st.sampled_from(["", "1", "2", "-1"]))
        by_day = ",".join(f"{count}{day}" for day in draw(days))
        month_days = st.sampled_from(["1", "29", "30", "31", "-1", "15,31"])
        parts.append(draw(st.sampled_from([f"BYDAY={by_day}", f"BYMONTHDAY={draw(month_days)}"])))
    if freq == "YEARLY" and draw(st.booleans()):
        parts.append(f"BYMONTH=2,3,10,11;BYMONTHDAY={draw(st.sampled_from(['-1', '29', '8,25,31']))}")
    if freq == "DAILY" and draw(st.booleans()):
        parts.append(f"BYHOUR={draw(st.sampled_from(['2', '1,2,3', '0,23', '9,13']))}")
    if draw(st.integers(0, 4)) == 0:
        parts.append(f"COUNT={draw(st.integers(1, 400))}")
    return ";".join(parts)


@st.composite
def entries(draw: st.DrawFn, zone: str, near: datetime) -> dict[str, Any]:
    """An entry with a dated start that its rule finds: recurring-ical-events counts DTSTART in any case."""
    rule = draw(rules())
    clock = timedelta(
        minutes=draw(st.sampled_from([0, 30, 60, 90, 120, 150, 165, 180, 720, 1320, 1410, 1439]))
    )
    # Hours are many: they need not be counted from the last century.
    back = draw(st.integers(0, 60 if "HOURLY" in rule else 9000))
    day = near.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
    start = next(iter(rrulestr(rule, dtstart=day + clock)), None)
    assume(start is not None)
    entry: dict[str, Any] = {"name": "x", "zone": zone, "start": str(start), "rrule": [rule]}
    local = near.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0)
    extra = [
        str(local + timedelta(minutes=shift)) for shift in draw(st.lists(st.integers(-900, 900), max_size=2))
    ]
    if extra:
        entry["dates"] = sorted(set(extra))
    # recurring-ical-events 3.8 also takes the UTC reading of an EXDATE for a wall clock time: it must hit nothing else.
    if ("HOUR" not in rule or zone == "UTC") and draw(st.booleans()):
        found = rrulestr(rule, dtstart=start).between(local - timedelta(days=2), local + timedelta(days=2))
        if found:
            left_out = draw(st.sampled_from(found))
            entry["except_dates"] = [str(left_out)]
            assume(not any(_misread(datetime.fromisoformat(each), left_out, zone, start) for each in extra))
    return entry


def _misread(date: datetime, left_out: datetime, zone: str, start: datetime) -> bool:
    """Whether recurring-ical-events 3.8 loses an RDATE: to an EXDATE that it reads as UTC (see above), or, where it is before
    DTSTART, together with a DTSTART that is left out. What we say of both has a test of its own in test_oracle.py.
    """
    in_utc = left_out.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    return date == in_utc or date < left_out == start
