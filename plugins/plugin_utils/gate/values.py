# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations, moments and sizes as people write them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ...module_utils._core.errors import BadInput

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[wdhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhms])")
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


def duration(value: Any, where: str) -> timedelta:
    """``90`` (seconds), ``10m``, ``1h30m``, ``2d``.

    :raises BadInput: it is none of these, or negative
    """
    text = str(value).strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return timedelta(seconds=float(text))
    if not _DURATION.fullmatch(text):
        raise BadInput(f"{value!r} is not a duration", where=where, fix="Write it as 90s, 10m, 1h30m or 2d.")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def size(value: Any, where: str) -> int:
    """Bytes: ``1048576``, ``512M``, ``2GiB``; units are powers of 1024.

    :raises BadInput: it is none of these
    """
    found = _SIZE.fullmatch(str(value).strip())
    if not found:
        raise BadInput(f"{value!r} is not a size", where=where, fix="Write it as 512M or 2G.")
    return int(float(found[1]) * _SIZES[found[2].upper()])


def moment(value: Any, where: str) -> datetime:
    """A moment with an offset, ISO 8601.

    :raises BadInput: it is not one, or has no offset
    """
    fix = "Write it with an offset or Z: 2026-01-31T23:00:00+01:00."
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError as error:
        raise BadInput(f"{value!r} is not a moment", where=where, fix=fix) from error
    if found.tzinfo is None:
        raise BadInput(f"{value!r} does not say in which zone it is", where=where, fix=fix)
    return found


def number(value: Any, where: str) -> float:
    """
    :raises BadInput: it is not a number
    """
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{value!r} is not a number", where=where, fix="Write a number.") from error


def mapping(value: Any, where: str, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """A mapping with no other keys than ``known``; nothing at all is an empty one.

    :raises BadInput: it is something else
    """
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise BadInput(f"this is not a mapping: {value!r}", where=where, fix="Write it as key: value.")
    strange = sorted({str(key) for key in value} - set(known)) if known else []
    if strange:
        raise BadInput(f"unknown: {', '.join(strange)}", where=where, fix=f"It may have {', '.join(known)}.")
    return {str(key): one for key, one in value.items()}


def words(value: Any) -> tuple[str, ...]:
    """A list of strings; one string is a list of one."""
    if value is None or value == "":
        return ()
    return (str(value),) if isinstance(value, str) else tuple(str(one) for one in value)


def listed(value: Any) -> tuple[str, ...] | None:
    """A list of strings, also as JSON or separated by commas; ``None`` when it is something else."""
    found = value
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = [part.strip() for part in value.split(",")]
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        return None
    return tuple(str(one) for one in found)


def format_duration(length: timedelta) -> str:
    """``1 h 5 min``, ``2 d 3 h``, ``42 s``: two units are enough for people."""
    left = max(0, round(length.total_seconds()))
    parts = []
    for name, seconds in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def format_moment(at: datetime) -> str:
    """``Tue 2026-11-24 22:00:00 CET``."""
    return at.strftime("%a %Y-%m-%d %H:%M:%S ").strip() + f" {at.tzname() or 'UTC'}"
