# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that time decides: the stop, freezes, windows, and the room that is left in one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .check import FREEZE, ROOM, STOP, WINDOW, Check, Unknown, closed, failed, passed, unknown
from .facts import Facts
from .modes import ROLLBACK
from .settings import Settings
from .values import clock, shown

#: With more than that ahead there is room for anything of ours, so nobody's history need be asked.
PLENTY = timedelta(days=1)
_QUANTILE = 0.95


def stop(facts: Facts) -> Check:
    """The emergency stop: a variable or a file."""
    if isinstance(facts.stops, Unknown):
        return unknown(STOP, f"nobody can tell whether the line is stopped: {facts.stops.why}")
    if facts.stops:
        return failed(STOP, f"the line is stopped: {'; '.join(facts.stops)}", stops=list(facts.stops))
    return passed(STOP, "nobody stopped the line")


def freeze(facts: Facts) -> Check:
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(FREEZE, opening.why)
    if opening.frozen:
        return closed(FREEZE, opening.freeze_why, opening.next_opening, freeze=opening.freeze)
    return passed(FREEZE, opening.freeze_why)


def window(facts: Facts) -> Check:
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(WINDOW, opening.why)
    if not opening.open:
        return closed(WINDOW, opening.window_why, opening.next_opening, window=opening.window)
    closes = opening.closes_at.isoformat() if opening.closes_at else None
    return passed(WINDOW, opening.window_why, window=opening.window, closes_at=closes)


def room(facts: Facts, settings: Settings, at: datetime) -> Check:
    """What remains until the window closes must hold what is left of the change, and a rollback."""
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(ROOM, opening.why)
    if opening.closes_at is None:
        return passed(ROOM, "nothing closes")
    remaining = opening.closes_at - at
    if remaining > PLENTY:
        return passed(ROOM, f"it closes in {shown(remaining)}", remaining=round(remaining.total_seconds()))
    forward, back, known = expected(facts.durations, settings)
    if settings.change == ROLLBACK:
        forward = timedelta()
    forward *= facts.left
    need = forward + back
    evidence = {
        "remaining": round(remaining.total_seconds()),
        "change": round(forward.total_seconds()),
        "rollback": round(back.total_seconds()),
        "runs": known,
    }
    words = (
        f"{shown(remaining)} until {clock(opening.closes_at)}, and the change with a rollback takes "
        f"{shown(need)} ({_origin(known)})"
    )
    if remaining >= need:
        return passed(ROOM, words, **evidence)
    return closed(ROOM, f"too little room: {words}", opening.next_opening, **evidence)


def expected(history: Mapping[str, Sequence[float]], settings: Settings) -> tuple[timedelta, timedelta, int]:
    """How long a deploy and a rollback take, and how many past deploys say so."""
    deploys, rollbacks = history.get("deploy", ()), history.get("rollback", ())
    known = settings.room
    return (
        max(known.floor, quantile(deploys) or known.deploy),
        max(known.floor, quantile(rollbacks) or known.rollback),
        len(deploys),
    )


def quantile(seconds: Sequence[float]) -> timedelta | None:
    """The 95th percentile by nearest rank: a duration that really occurred. ``None`` without any."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return timedelta(seconds=ranked[math.ceil(_QUANTILE * len(ranked)) - 1])


def _origin(known: int) -> str:
    return f"p95 of {known} runs" if known else "without a history"
