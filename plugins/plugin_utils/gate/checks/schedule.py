# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that time decides: the emergency stop, freezes, windows, and the room that is left in a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ...windows.model import Kind, Policy, Target
from ..facts import GateFacts, Opening
from ..modes import ROLLBACK
from ..settings import GateSettings
from ..values import format_duration, format_moment
from .model import FREEZE, ROOM, STOP, WINDOW, Check, Unknown, failed, failed_until, passed, unknown

#: With more than that ahead there is room for any change, so no history is needed.
PLENTY = timedelta(days=1)
_QUANTILE = 0.95


def opening_of(policy: Policy, target: Target, at: datetime) -> Opening:
    """What windows and freezes say at a moment, apart, because either may be overridden without the other.

    Under a freeze the policy does not say whether a window would be open, so it is judged once more without freezes.
    """
    # Takes a while to load, and many hosts have no windows.
    from ...windows.judge import judge  # noqa: PLC0415

    state = judge(policy, target, at)
    bare = judge(_without_freezes(policy), target, at) if state.frozen else state
    return Opening(
        open=bare.open,
        frozen=state.frozen,
        window_why=bare.why,
        freeze_why=state.why if state.frozen else "no freeze holds",
        window=bare.window,
        freeze=state.window if state.frozen else None,
        closes_at=bare.closes_at,
        next_opening=state.next_opening,
    )


def _without_freezes(policy: Policy) -> Policy:
    windows = tuple(window for window in policy.windows if window.kind is not Kind.FREEZE)
    return replace(policy, windows=windows)


def stop(facts: GateFacts) -> Check:
    """The emergency stop: a variable or a file."""
    if isinstance(facts.stops, Unknown):
        return unknown(STOP, f"it is not known whether changes are stopped: {facts.stops.why}")
    if facts.stops:
        return failed(STOP, f"changes are stopped: {'; '.join(facts.stops)}", stops=list(facts.stops))
    return passed(STOP, "changes are not stopped")


def freeze(facts: GateFacts) -> Check:
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(FREEZE, opening.why)
    if opening.frozen:
        return failed_until(FREEZE, opening.freeze_why, opening.next_opening, freeze=opening.freeze)
    return passed(FREEZE, opening.freeze_why)


def window(facts: GateFacts) -> Check:
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(WINDOW, opening.why)
    if not opening.open:
        return failed_until(WINDOW, opening.window_why, opening.next_opening, window=opening.window)
    closes = opening.closes_at.isoformat() if opening.closes_at else None
    return passed(WINDOW, opening.window_why, window=opening.window, closes_at=closes)


def room(facts: GateFacts, settings: GateSettings, at: datetime) -> Check:
    """What remains until the window closes must hold what is left of the change, and a rollback."""
    opening = facts.opening
    if isinstance(opening, Unknown):
        return unknown(ROOM, opening.why)
    if opening.closes_at is None:
        return passed(ROOM, "nothing closes")
    remaining = opening.closes_at - at
    if remaining > PLENTY:
        return passed(
            ROOM, f"it closes in {format_duration(remaining)}", remaining=round(remaining.total_seconds())
        )
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
        f"{format_duration(remaining)} until {format_moment(opening.closes_at)}, and the change with a rollback takes "
        f"{format_duration(need)} ({_basis(known)})"
    )
    if remaining >= need:
        return passed(ROOM, words, **evidence)
    return failed_until(ROOM, f"too little room: {words}", opening.next_opening, **evidence)


def expected(
    history: Mapping[str, Sequence[float]], settings: GateSettings
) -> tuple[timedelta, timedelta, int]:
    """How long a deploy and a rollback take, and from how many past deploys that is known."""
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


def _basis(known: int) -> str:
    return f"p95 of {known} runs" if known else "without a history"
