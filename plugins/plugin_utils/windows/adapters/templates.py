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
from ..spans import calendar, open_times
from .door import Question, question
from .inventory import check_libraries, moment


def _question(value: Any, options: Mapping[str, Any]) -> Question:
    return (
        question(value, **options) if isinstance(value, Mapping) else question({}, windows=value, **options)
    )


def window_state(value: Any, **options: Any) -> dict[str, Any]:
    """Whether change is allowed, why, until when, and when next."""
    asked = _question(value, options)
    return judge(asked.policy, asked.target, asked.at).to_dict()


def window_next(value: Any, **options: Any) -> str | None:
    """The first moment at which change is allowed."""
    asked = _question(value, options)
    opening = next_opening(asked.policy, asked.target, asked.at)
    return opening.isoformat() if opening else None


def window_calendar(value: Any, days: int = 14, end: Any = None, **options: Any) -> dict[str, Any]:
    """Each occurrence, and when change is allowed, from one moment to another."""
    asked = _question(value, options)
    last = moment(end, asked.zone) if end else asked.at + timedelta(days=int(days))
    if last <= asked.at:
        raise BadInput("the range ends before it begins", where="end", fix="Give an end after at.")
    zone = ZoneInfo(asked.zone)
    return {
        "begin": asked.at.astimezone(zone).isoformat(),
        "end": last.astimezone(zone).isoformat(),
        "spans": [span.shown_in(zone) for span in calendar(asked.policy, asked.target, asked.at, last)],
        "open": [span.shown_in(zone) for span in open_times(asked.policy, asked.target, asked.at, last)],
    }


def to_rrule(entry: Any, zone: str = "UTC") -> str:
    """An entry as the schedule of AWX."""
    check_libraries()
    return awx.to_rrule(entry, str(zone))
