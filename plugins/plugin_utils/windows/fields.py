# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading one entry of a list of windows, with errors that name it and say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ...module_utils._core.errors import BadInput

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_SHORT = re.compile(
    r"(?:(\d+)w)?\s*(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m(?:in)?)?\s*(?:(\d+)s)?", re.IGNORECASE
)
_ISO = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")

#: Far from where calendars of computers end.
YEARS = (1900, 9000)

DURATION_FIX = 'Write it as "2h30m", as "PT2H30M" or in seconds.'
MOMENT_FIX = 'Write "2026-12-20" or "2026-12-20 08:00", in quotes, with an offset if it is not in the zone of the entry.'
CLOCK_FIX = 'Put a time of day in quotes, "22:00": YAML reads it as a number without them.'


@dataclass(frozen=True)
class Entry:
    """A mapping as it was written, and how messages name it."""

    data: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, data: Any, place: str, keys: Iterable[str]) -> Entry:
        """:raises BadInput: not a mapping, or with keys that mean nothing"""
        if not isinstance(data, Mapping):
            raise BadInput(
                f"a window must be a mapping, not {data!r}", where=place, fix="Write its keys below it."
            )
        name = data.get("name")
        entry = cls(data, f"{place} {str(name)!r}" if name else place)
        known = sorted(keys)
        if unknown := sorted(str(key) for key in data if str(key) not in known):
            raise entry.bad(f"there is no key {', '.join(unknown)}", f"The keys are: {', '.join(known)}.")
        return entry

    def has(self, *keys: str) -> list[str]:
        return [key for key in keys if self.data.get(key) not in (None, "", [])]

    def bad(self, what: str, fix: str) -> BadInput:
        return BadInput(what, where=self.where, fix=fix)

    def text(self, key: str, default: str = "") -> str:
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise self.bad(f"{key} must be text, not {value!r}", f"Write {key} as one line of text.")
        return " ".join(str(value).split())

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text is a list of one."""
        return tuple(str(value) for value in self.items(key) if self._is_text(key, value))

    def _is_text(self, key: str, value: Any) -> bool:
        if isinstance(value, str) and value:
            return True
        raise self.bad(f"{key} holds {value!r}, which is no text", f"Write {key} as a list of texts.")

    def items(self, key: str) -> list[Any]:
        value = self.data.get(key)
        if value is None or value == "":
            return []
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return list(value)
        return [value]

    def flag(self, key: str, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.bad(
                f"{key} must be true or false, not {value!r}", f"Write {key}: true or {key}: false."
            )
        return bool(value)

    def zone(self, default: str) -> str:
        name = self.text("zone", default)
        if zone_info(name) is None:
            raise self.bad(f"there is no time zone {name!r}", "Use a name such as Europe/Berlin or UTC.")
        return name

    def duration(self, key: str) -> timedelta:
        """:raises BadInput: not a positive length of time"""
        value = self.data[key]
        found = seconds(value)
        if found is None or not 0 < found <= 100 * 366 * 86400:
            raise self.bad(f"{key} {value!r} is not a duration", DURATION_FIX)
        return timedelta(seconds=found)

    def clock(self, key: str) -> time | None:
        """The time of day when it is written as one."""
        value = self.data[key]
        if isinstance(value, time):
            return value.replace(tzinfo=None, microsecond=0)
        if isinstance(value, (int, float)):
            raise self.bad(f"{key} {value!r} is a number", CLOCK_FIX)
        found = _CLOCK.fullmatch(str(value).strip())
        if found is None:
            return None
        hour, minute, second = (int(part or 0) for part in found.groups())
        return time(hour, minute, second)

    def moment(self, key: str, value: Any, zone: str) -> datetime:
        """A naive wall clock time of the zone; a date is its first minute."""
        found = wall_time(value, zone)
        if found is None:
            raise self.bad(f"{key} {value!r} is not a date or a time", MOMENT_FIX)
        return found


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo | None:
    """The zone, or ``None`` when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def checked_zone(name: str, where: str) -> ZoneInfo:
    """The zone.

    :param where: the option or variable that names it
    :raises BadInput: there is no zone of that name
    """
    zone = zone_info(name)
    if zone is None:
        raise BadInput(
            f"there is no time zone {name!r}", where=where, fix="Use a name such as Europe/Berlin."
        )
    return zone


def seconds(value: Any) -> int | None:
    """A length of time in whole seconds, or ``None`` when it is none."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    if text.isdecimal():
        return int(text) if len(text) < 12 else None
    found = _ISO.fullmatch(text) if text[:1] in "Pp" else _SHORT.fullmatch(text)
    if found is None or not any(found.groups()) or len(text) > 40:
        return None
    weeks, days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest


def wall_time(value: Any, zone: str) -> datetime | None:
    """What a date, a datetime or a text says, as a naive wall clock time of the zone."""
    found = parsed(value)
    if isinstance(found, datetime):
        if found.tzinfo is None:
            return found.replace(microsecond=0)
        try:
            return found.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
        except OverflowError:
            return None
    return None if found is None else datetime(found.year, found.month, found.day)  # noqa: DTZ001 - wall clock


def instant(value: Any, zone: str) -> datetime | None:
    """The same as a moment in UTC; what has an offset keeps it."""
    found = parsed(value)
    if found is None:
        return None
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)  # noqa: DTZ001 - wall clock
    try:
        aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
        return aware.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def parsed(value: Any) -> date | datetime | None:
    """A date stays a date. Texts as in ISO 8601 and in iCalendar. ``None`` for what is none, or in no year of ours."""
    found: date | None = None
    if isinstance(value, datetime):
        found = datetime(*value.timetuple()[:6], tzinfo=value.tzinfo, fold=value.fold)
    elif isinstance(value, date):
        found = date(value.year, value.month, value.day)
    elif isinstance(value, str):
        with suppress(ValueError):
            found = _read(value.strip().upper())
    return found if found and YEARS[0] <= found.year <= YEARS[1] else None


def _read(text: str) -> date | datetime | None:
    if basic := _BASIC.fullmatch(text):
        return _basic(*basic.groups())
    if len(text) == 10:
        return date.fromisoformat(text)
    return datetime.fromisoformat(text) if len(text) > 10 else None


def _basic(*parts: str | None) -> date | datetime:
    numbers = [int(part) for part in parts[:6] if part is not None]
    if len(numbers) == 3:
        return date(*numbers)
    zulu = UTC if parts[6] else None
    return datetime(*numbers, tzinfo=zulu)  # type: ignore[arg-type,misc]
