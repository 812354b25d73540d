# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the events of an iCalendar text into entries as in a list of windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ...module_utils._core.errors import BadInput
from .fields import zone_info
from .model import Kind, Scope

_TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
_FIX = "Correct the calendar, or write this one as an entry of windows or freezes."


@dataclass(frozen=True)
class CalendarText:
    """A calendar that was read, or the reason why it could not be.

    :param text: what it holds; ``None`` when it could not be read
    :param problem: the reason then
    :param zone: for its times without a zone; empty for what the calendar or the inventory says
    """

    name: str
    kind: Kind = Kind.FREEZE
    text: str | None = None
    problem: str = ""
    zone: str = ""
    scope: Scope = field(default_factory=Scope)
    reason: str = ""
    owner: str = ""


@dataclass(frozen=True)
class _Place:
    """Where an event is, for messages, and the zone of times that have none."""

    calendar: str
    event: str
    zone: str

    def bad(self, what: str) -> BadInput:
        return BadInput(what, where=f"calendar {self.calendar}, event {self.event!r}", fix=_FIX)


def entries(calendar: CalendarText, default_zone: str) -> list[dict[str, Any]]:
    """The entries that say the same as the events: what recurs, moved occurrences, single events.

    :raises BadInput: not a calendar, or an event with ambiguous times
    """
    # A tenth of a second of each playbook, also of those whose windows are in no calendar.
    from icalendar import Calendar  # noqa: PLC0415

    try:
        parsed: Any = Calendar.from_ical(calendar.text or "")
    except ValueError as error:
        raise BadInput(
            f"it is no iCalendar text: {error}",
            where=f"calendar {calendar.name}",
            fix="Check what its source returns.",
        ) from error
    zone = calendar.zone or str(parsed.get("X-WR-TIMEZONE", "")) or default_zone
    if zone_info(zone) is None:
        raise BadInput(
            f"there is no time zone {zone!r}", where=f"calendar {calendar.name}", fix="Give it a zone."
        )
    series: dict[str, list[Any]] = {}
    for number, event in enumerate(parsed.walk("VEVENT")):
        series.setdefault(str(event.get("UID", f"without UID {number}")), []).append(event)
    notes = {"reason": calendar.reason, "owner": calendar.owner}
    return [
        {**{key: value for key, value in notes.items() if value}, **entry}
        for events in series.values()
        for entry in _series(calendar.name, events, zone)
    ]


def _series(calendar: str, events: list[Any], zone: str) -> Iterator[dict[str, Any]]:
    """The events of one UID: the one that recurs, and occurrences of it that were moved or cancelled."""
    moved: list[date] = []
    whole: list[Any] = []
    for event in events:
        place = _place(calendar, event, zone)
        _check(place, event)
        if "RECURRENCE-ID" not in event:
            whole.append(event)
            continue
        moved.append(event["RECURRENCE-ID"].dt)
        if not _cancelled(event):
            yield from _entries(place, event, ())
    latest = _latest(calendar, whole, zone)
    if latest is not None and not _cancelled(latest):
        place = _place(calendar, latest, zone)
        _check_out(place, latest, moved)
        yield from _entries(place, latest, tuple(moved))


def _place(calendar: str, event: Any, zone: str) -> _Place:
    return _Place(calendar, str(event.get("SUMMARY") or "without a name"), zone)


def _latest(calendar: str, events: list[Any], zone: str) -> Any:
    """Of events with one UID, the one that was changed last; ``None`` when there is none.

    :raises BadInput: two of them are, and say different times
    """
    newest = max((int(event.get("SEQUENCE", 0)) for event in events), default=0)
    found = [event for event in events if int(event.get("SEQUENCE", 0)) == newest]
    if len({_times_of(event) for event in found}) > 1:
        raise _place(calendar, found[-1], zone).bad("two events have the same UID")
    return found[-1] if found else None


def _times_of(event: Any) -> tuple[str, ...]:
    """When an event is, in a form to compare."""
    values = (value for name in _TIMES for value in (name, *_values(event, name)))
    texts = (value if isinstance(value, str) else f"{value.params}{value.to_ical()!r}" for value in values)
    return (*texts, str(_cancelled(event)))


def _check_out(place: _Place, event: Any, moved: list[date]) -> None:
    """A date would take out a whole day of an event that has a time, a time nothing of one that has none."""
    timed = isinstance(event["DTSTART"].dt, datetime)
    for name, values in (("EXDATE", _listed(event, "EXDATE")), ("RECURRENCE-ID", moved)):
        if any(isinstance(value, datetime) is not timed for value in values):
            raise place.bad(f"{name} must be a date exactly when DTSTART is one")


def _check(place: _Place, event: Any) -> None:
    if event.errors:
        raise place.bad("; ".join(f"{name}: {problem}" for name, problem in event.errors))
    if "DTSTART" not in event:
        raise place.bad("it has no DTSTART")
    if "THISANDFUTURE" in str(getattr(event.get("RECURRENCE-ID"), "params", "")):
        raise place.bad("it moves all later occurrences (THISANDFUTURE), which is not supported")
    for name in _TIMES:
        for value in _listed(event, name):
            if isinstance(value, datetime) and value.tzinfo is None and (tzid := _tzid(event, name)):
                raise place.bad(f"there is no time zone {tzid!r}")


def _tzid(event: Any, name: str) -> str:
    value = event[name]
    return str((value[0] if isinstance(value, list) else value).params.get("TZID", ""))


def _cancelled(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _entries(place: _Place, event: Any, moved: tuple[date, ...]) -> Iterator[dict[str, Any]]:
    start = event["DTSTART"].dt
    zone = _zone(place, start)
    base = {"name": place.event, "zone": zone, **_notes(event)}
    periods = [value for value in _listed(event, "RDATE") if isinstance(value, tuple)]
    for begin, end in periods:
        yield {**base, **_once(begin, end if isinstance(end, datetime) else begin + end, zone)}
    dates = [value for value in _listed(event, "RDATE") if not isinstance(value, tuple)]
    rules = [f"RRULE:{rule.to_ical().decode()}" for rule in _values(event, "RRULE")]
    if not rules and not dates and not moved:
        yield {**base, **_once(start, _end(place, event, zone), zone)}
        return
    out = [_wall(value, zone) for value in (*_listed(event, "EXDATE"), *moved)]
    yield {
        **base,
        **_length(place, event, zone),
        "start": _wall(start, zone),
        # DTSTART is an occurrence of its own, whatever the rule says.
        "dates": sorted({_wall(start, zone), *(_wall(value, zone) for value in dates)}),
        **({"rrule": rules} if rules else {}),
        **({"except_dates": sorted(out)} if out else {}),
    }


def _notes(event: Any) -> dict[str, str]:
    organizer = event.get("ORGANIZER")
    name = str(organizer.params.get("CN", "")) if organizer is not None else ""
    owner = name or str(organizer or "").removeprefix("mailto:").removeprefix("MAILTO:")
    reason = str(event.get("DESCRIPTION", "")).strip().partition("\n")[0].strip()
    return {key: value for key, value in (("reason", reason), ("owner", owner)) if value}


def _values(event: Any, name: str) -> list[Any]:
    value = event.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _listed(event: Any, name: str) -> list[Any]:
    """The Python values of a property: dates, datetimes, pairs for periods, lengths."""
    found = [getattr(value, "dts", [value]) for value in _values(event, name)]
    return [item.dt for items in found for item in items if hasattr(item, "dt")]


def _zone(place: _Place, start: date) -> str:
    if not isinstance(start, datetime) or start.tzinfo is None:
        return place.zone
    if start.utcoffset() == timedelta() and start.tzinfo is UTC:
        return "UTC"
    key = str(getattr(start.tzinfo, "key", ""))
    if zone_info(key) is None:
        raise place.bad(f"the time zone {start.tzinfo} is not an IANA time zone")
    return key


def _wall(value: date, zone: str) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    local = value.astimezone(zone_info(zone)) if value.tzinfo else value
    return local.replace(tzinfo=None).isoformat(" ")


def _once(start: date, end: date, zone: str) -> dict[str, str]:
    return {"start": _exact(start, zone), "end": _exact(end, zone)}


def _exact(value: date, zone: str) -> str:
    """With its offset: one of two equal hours stays that one."""
    if not isinstance(value, datetime):
        return value.isoformat()
    return (value if value.tzinfo else value.replace(tzinfo=zone_info(zone))).isoformat(" ")


def _end(place: _Place, event: Any, zone: str) -> date:
    start: date = event["DTSTART"].dt
    if "DTEND" in event:
        end: date = event["DTEND"].dt
        return end
    if "DURATION" not in event:
        if isinstance(start, datetime):
            raise place.bad("it has no end")
        return start + timedelta(days=1)
    length: timedelta = event["DURATION"].dt
    if not isinstance(start, datetime):
        return start + length
    aware = start if start.tzinfo else start.replace(tzinfo=zone_info(zone))
    # Days follow the wall clock, hours the real one (RFC 5545, 3.3.6).
    day = aware + timedelta(days=length.days)
    return (day.astimezone(UTC) + timedelta(seconds=length.seconds)).astimezone(aware.tzinfo)


def _length(place: _Place, event: Any, zone: str) -> dict[str, Any]:
    """Of each occurrence: days follow the wall clock; a DTEND means the same exact length for all."""
    start, end = event["DTSTART"].dt, _end(place, event, zone)
    if not isinstance(start, datetime):
        return {"end": end.isoformat()}
    if "DURATION" in event and event["DURATION"].dt.days:
        return {"end": _wall(start.replace(tzinfo=None) + event["DURATION"].dt, zone)}
    if not isinstance(end, datetime):
        raise place.bad("it starts with a time and ends with a date")
    begin = start if start.tzinfo else start.replace(tzinfo=zone_info(zone))
    aware = end if end.tzinfo else end.replace(tzinfo=zone_info(zone))
    return {"duration": int((aware.astimezone(UTC) - begin.astimezone(UTC)).total_seconds())}
