# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An override: named checks set aside by a named person, with a reason and an end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...module_utils._core.errors import BadInput
from .checks.model import NAMES, OVERRIDE, STOP, Check, failed, passed
from .values import format_duration, mapping, moment, words

_KEYS = ("checks", "by", "reason", "until")
_WORDS = 3
#: Cannot be overridden: the emergency stop beats every override, and an override is no way around itself.
ABSOLUTE = frozenset({STOP, OVERRIDE})


@dataclass(frozen=True)
class Override:
    """What was requested; whether it is granted is for :func:`judge`."""

    checks: tuple[str, ...]
    by: str
    reason: str
    until: datetime | None
    #: What is wrong with it by itself, empty when nothing is.
    wrong: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "checks": list(self.checks),
            "by": self.by,
            "reason": self.reason,
            "until": self.until.isoformat() if self.until else None,
        }


def parse_override(value: Any) -> Override | None:
    """``change_override`` as it came; ``None`` when there is none. What is wrong with it is kept, not raised:
    a rollback must not be stopped by a badly written override.
    """
    if not value:
        return None
    try:
        given = mapping(_from_survey(value), "change_override", _KEYS)
        until = moment(given["until"], "change_override until") if given.get("until") else None
    except BadInput as error:
        return Override((), "", "", None, wrong=error.what)
    return Override(
        checks=words(given.get("checks")),
        by=_line(given, "by"),
        reason=_line(given, "reason"),
        until=until,
    )


def _from_survey(value: Any) -> Any:
    """AWX has no survey question for a mapping: it arrives as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
    except RecursionError as error:
        raise BadInput("it is nested too deeply", where="change_override", fix="Write key: value.") from error


def _line(given: Mapping[str, Any], key: str) -> str:
    return " ".join(str(given.get(key) or "").split())


def judge(override: Override | None, at: datetime, limit: timedelta, never: frozenset[str]) -> Check | None:
    """Whether the override is granted; it is granted or refused as a whole."""
    if override is None:
        return None
    why = refusal(override, at, limit, never)
    if why:
        return failed(OVERRIDE, f"the override is refused: {why}", **override.to_dict())
    until = override.until.isoformat() if override.until else ""
    return passed(
        OVERRIDE,
        f"{', '.join(override.checks)} set aside by {override.by} until {until}: {override.reason}",
        **override.to_dict(),
    )


def refusal(override: Override, at: datetime, limit: timedelta, never: frozenset[str]) -> str:
    """Why the override is not granted, in words; empty when it is."""
    if override.wrong:
        return override.wrong
    return _bad_checks(override.checks, never) or _bad_person(override) or _bad_end(override.until, at, limit)


def _bad_checks(checks: tuple[str, ...], never: frozenset[str]) -> str:
    if not checks:
        return "it names no checks"
    strange = [name for name in checks if name not in NAMES]
    if strange:
        return f"there is no check {', '.join(strange)}; name them one by one out of {', '.join(NAMES)}"
    firm = [name for name in checks if name in ABSOLUTE | never]
    if firm:
        return f"{', '.join(firm)} must never be overridden here"
    return ""


def _bad_person(override: Override) -> str:
    if not override.by:
        return "it does not say by whom"
    if len(override.reason.split()) < _WORDS:
        return f"its reason must have at least {_WORDS} words"
    return ""


def _bad_end(until: datetime | None, at: datetime, limit: timedelta) -> str:
    if until is None:
        return "it does not say until when"
    if until <= at:
        return f"it ended at {until.isoformat()}"
    if until - at > limit:
        return f"it would hold for {format_duration(until - at)}, longer than {format_duration(limit)} (gate_override_limit)"
    return ""
