# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recurrence text: DTSTART, RRULE, RDATE and the like, as iCalendar and AWX write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from .fields import Entry, parsed, wall_time, zone_info
from .timeline import MISSING

if MISSING is None:
    from dateutil.rrule import rrulestr

_PROPERTY = re.compile(r"(DTSTART|RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z-]+=[^:;]+)*):(\S+)", re.IGNORECASE)
#: The parts of a rule: those of RFC 5545. dateutil would take more.
PARTS = frozenset(
    {
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY"),
        *("BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"),
    }
)
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
_FIX = "Write it as in RFC 5545, for example FREQ=WEEKLY;BYDAY=TU,TH."


@dataclass(frozen=True)
class Recurrence:
    """What the texts of one entry say. Naive times are of the zone; rules have their UNTIL in it too."""

    zone: str
    start: datetime | None = None
    rules: tuple[str, ...] = ()
    except_rules: tuple[str, ...] = ()
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[date, ...] = ()


def recurrence(entry: Entry, key: str, zone: str) -> Recurrence:
    """Read the texts below ``key``; a DTSTART brings its own zone.

    :param zone: of the entry, or the default one
    """
    lines = [line for text in entry.texts(key) for line in _lines(entry, key, text)]
    found = Recurrence(_zone(entry, lines, zone))
    for name, parameters, value in sorted(lines, key=lambda line: line[0] != "DTSTART"):
        found = _with(entry, found, name, parameters, value)
    if not found.rules and not found.dates:
        raise entry.bad(f"{key} has no RRULE", _FIX)
    return found


def _lines(entry: Entry, key: str, text: str) -> Iterable[tuple[str, str, str]]:
    for word in text.split():
        if word[:5].upper() == "FREQ=":
            yield "RRULE", "", word
        elif found := _PROPERTY.fullmatch(word):
            yield found[1].upper(), found[2], found[3]
        else:
            raise entry.bad(f"{key} {word!r} is not understood", _FIX)


def _zone(entry: Entry, lines: list[tuple[str, str, str]], default: str) -> str:
    starts = [(parameters, value) for name, parameters, value in lines if name == "DTSTART"]
    if len(starts) > 1:
        raise entry.bad("there are two DTSTART", "Write a separate entry for each.")
    parameters, value = starts[0] if starts else ("", "")
    named = _tzid(parameters) or ("UTC" if value.upper().endswith("Z") else "")
    if not named or named == entry.data.get("zone"):
        return default
    if entry.has("zone"):
        raise entry.bad(f"zone is {default}, but DTSTART is in {named}", "Say the zone once.")
    if zone_info(named) is None:
        raise entry.bad(f"there is no time zone {named!r}", "Use a name such as Europe/Berlin or UTC.")
    return named


def _tzid(parameters: str) -> str:
    pairs = (part.split("=", 1) for part in parameters.split(";") if part)
    return {name.upper(): value for name, value in pairs}.get("TZID", "")


def _with(entry: Entry, found: Recurrence, name: str, parameters: str, value: str) -> Recurrence:
    if name in {"RRULE", "EXRULE"}:
        rule = checked_rule(entry, value, found.zone)
        if name == "RRULE":
            return replace(found, rules=(*found.rules, rule))
        return replace(found, except_rules=(*found.except_rules, rule))
    zone = _tzid(parameters) or found.zone
    if zone_info(zone) is None:
        raise entry.bad(f"there is no time zone {zone!r}", "Use a name such as Europe/Berlin or UTC.")
    if name == "DTSTART":
        return replace(found, start=entry.moment(name, value, zone))
    moments = [_at(entry, name, each, zone, found) for each in value.split(",")]
    if name == "RDATE":
        walls = [each if isinstance(each, datetime) else on(each, found.start) for each in moments]
        return replace(found, dates=(*found.dates, *walls))
    return replace(found, except_dates=(*found.except_dates, *moments))


def _at(entry: Entry, name: str, text: str, zone: str, found: Recurrence) -> date:
    """A date stays one; a time of another zone becomes one of the zone of the entry."""
    day = parsed(text)
    if day is not None and not isinstance(day, datetime):
        return day
    wall = entry.moment(name, text, zone)
    if zone == found.zone:
        return wall
    return entry.moment(name, wall.replace(tzinfo=zone_info(zone)), found.zone)


def on(day: date, start: datetime | None) -> datetime:
    """The day, at the time of day at which the others start."""
    return datetime.combine(day, start.time() if start else time())


def checked_rule(entry: Entry, text: str, zone: str) -> str:
    """The rule in one spelling, its UNTIL as a wall clock time of the zone.

    :raises BadInput: what is wrong with it
    """
    parts = dict(part.partition("=")[::2] for part in text.upper().strip(";").split(";"))
    if unknown := sorted(set(parts) - PARTS):
        raise entry.bad(f"a rule cannot have {', '.join(unknown)}", _FIX)
    if parts.get("FREQ") not in FREQUENCIES:
        raise entry.bad(f"FREQ is {parts.get('FREQ') or 'missing'}", f"Use one of {', '.join(FREQUENCIES)}.")
    for name in ("INTERVAL", "COUNT"):
        value = parts.get(name, "1")
        if not value.isdecimal() or not 0 < int(value) < 100_000:
            raise entry.bad(f"{name} is {value}", "Use a whole number from 1 on.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise entry.bad("a rule has COUNT and UNTIL", "Use one of the two.")
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(entry, parts["UNTIL"], zone)
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    if problem := _problem(rule):
        raise entry.bad(f"the rule {text} cannot be read: {problem}", _FIX)
    return rule


def _until(entry: Entry, text: str, zone: str) -> str:
    """A date means all of that day."""
    day = parsed(text)
    wall = wall_time(text, zone)
    if day is None or wall is None:
        raise entry.bad(f"UNTIL is {text}", "Write it as 20261231 or 20261231T225959Z.")
    if not isinstance(day, datetime):
        wall += timedelta(days=1, seconds=-1)
    return f"{wall:%Y%m%dT%H%M%S}".zfill(15)


@lru_cache(maxsize=4096)
def _problem(rule: str) -> str:
    try:
        rrulestr(rule, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 - wall clock time
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        return str(error) or type(error).__name__
    return ""
