# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows and freezes as templates ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ....module_utils._core.errors import BadInput
from .. import awx
from ..judge import judge, next_opening
from ..spans import occurrences, open_times
from .inventory import check_libraries, moment
from .query import Query, parse_query


def _query(value: Any, options: Mapping[str, Any]) -> Query:
    return (
        parse_query(value, **options)
        if isinstance(value, Mapping)
        else parse_query({}, windows=value, **options)
    )


def window_state(value: Any, **options: Any) -> dict[str, Any]:
    """Whether change is allowed, why, until when, and when next."""
    query = _query(value, options)
    return judge(query.policy, query.target, query.at).to_dict()


def window_next(value: Any, **options: Any) -> str | None:
    """The first moment at which change is allowed."""
    query = _query(value, options)
    opening = next_opening(query.policy, query.target, query.at)
    return opening.isoformat() if opening else None


def window_calendar(value: Any, days: int = 14, end: Any = None, **options: Any) -> dict[str, Any]:
    """Each occurrence, and when change is allowed, from one moment to another."""
    query = _query(value, options)
    last = moment(end, query.zone) if end else query.at + timedelta(days=int(days))
    if last <= query.at:
        raise BadInput("the range ends before it begins", where="end", fix="Give an end after at.")
    zone = ZoneInfo(query.zone)
    return {
        "begin": query.at.astimezone(zone).isoformat(),
        "end": last.astimezone(zone).isoformat(),
        "spans": [span.to_dict_in(zone) for span in occurrences(query.policy, query.target, query.at, last)],
        "open": [span.to_dict_in(zone) for span in open_times(query.policy, query.target, query.at, last)],
    }


def to_rrule(entry: Any, zone: str = "UTC") -> str:
    """An entry as the schedule of AWX."""
    check_libraries()
    return awx.to_rrule(entry, str(zone))
