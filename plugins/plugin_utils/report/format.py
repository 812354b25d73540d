# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Formats numbers, times and lists of names for the page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

NO_VALUE = "\N{EN DASH}"


def format_moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """A moment to the minute, with its zone: ``2026-11-24 16:00 CET``."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") if moment else NO_VALUE


def format_day(moment: date) -> str:
    """``1 Nov``."""
    return moment.strftime("%d %b").lstrip("0")


def format_duration(seconds: float | None) -> str:
    """The two largest units: ``4 d 3 h``, ``12 min 5 s``."""
    if seconds is None:
        return NO_VALUE
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = timedelta(seconds=round(seconds))
    minutes, rest = divmod(left.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(left.days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(index for index, (number, dummy) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def format_percent(share: float | None, digits: int = 0) -> str:
    return NO_VALUE if share is None else f"{share * 100:.{digits}f} %"


def format_rate(number: float) -> str:
    """With as many digits as matter: ``12``, ``2.8``, ``0.23``."""
    return f"{number:.2f}" if 0 < number < 1 else f"{number:.1f}".removesuffix(".0")


def format_count(number: int, noun: str, plural: str = "") -> str:
    """``1 host``, ``2,000 hosts``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def format_names(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Names, and how many more there are."""
    first = ", ".join(names[:most])
    return f"{first} and {len(names) - most:,} more" if len(names) > most else first
