# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether change is allowed at a moment, until when, and when next."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from .edges import Edge, Edges
from .model import Policy, Target, Window, WindowState


def judge(policy: Policy, target: Target, at: datetime) -> WindowState:
    """What is so for ``target`` at ``at``, a moment with an offset."""
    return _judged(in_scope(policy, target), policy.required, at.astimezone(UTC))


def sentence(state: WindowState, zone: ZoneInfo) -> str:
    """``state.why`` with its times in ``zone``, for a reader of several windows."""
    until = state.until.astimezone(zone) if state.until else None
    if state.open or state.frozen:
        return f"{state.cause} {_until(until)}"
    return state.cause if state.why == state.cause else f"{state.cause}; {_ahead(until)}"


def next_opening(policy: Policy, target: Target, at: datetime) -> datetime | None:
    """The first moment from ``at`` on at which change is allowed; ``at`` itself when it is allowed then."""
    at = at.astimezone(UTC)
    return _local(Edges(in_scope(policy, target), policy.required, at).opens(Edge(at, None)))


def in_scope(policy: Policy, target: Target) -> tuple[Window, ...]:
    """The windows and freezes that hold for the target."""
    return tuple(window for window in policy.windows if window.scope.holds_for(target))


# Thousands of hosts share a few sets of windows.
@lru_cache(maxsize=4096)
def _judged(windows: tuple[Window, ...], required: bool, at: datetime) -> WindowState:
    edges = Edges(windows, required, at)
    freeze = edges.frozen_until(at)
    if freeze is not None:
        return _frozen(freeze, edges.opens(freeze))
    inside = edges.open_until(at)
    if inside is not None or edges.always:
        closes = edges.closes(at)
        return _open(inside, closes, edges.opens(closes) if closes else None)
    return _closed(bool(edges.windows), edges.opens(Edge(at, None)))


def _frozen(freeze: Edge, opening: Edge | None) -> WindowState:
    end = _local(freeze)
    cause = f"the freeze {_named(freeze.window)} forbids change"
    return WindowState(
        open=False,
        frozen=True,
        why=f"{cause} {_until(end)}",
        cause=cause,
        until=end,
        window=freeze.window.name if freeze.window else None,
        next_opening=_local(opening),
    )


def _open(inside: Edge | None, closes: Edge | None, opening: Edge | None) -> WindowState:
    closes_at = _local(closes)
    cause = (
        f"the window {_named(inside.window)} allows change" if inside else "no window restricts change: open"
    )
    return WindowState(
        open=True,
        frozen=False,
        why=f"{cause} {_until(closes_at)}",
        cause=cause,
        until=closes_at,
        window=inside.window.name if inside and inside.window else None,
        closes_at=closes_at,
        next_opening=_local(opening),
    )


def _closed(has_windows: bool, opening: Edge | None) -> WindowState:
    next_at = _local(opening)
    cause = (
        "outside of every window" if has_windows else "windows are required, but none applies to this target"
    )
    return WindowState(
        open=False,
        frozen=False,
        why=f"{cause}; {_ahead(next_at)}" if has_windows else cause,
        cause=cause,
        until=next_at,
        next_opening=next_at,
    )


def _named(window: Window | None) -> str:
    """The name with what its owner says about it."""
    if window is None:
        return ""
    notes = ", ".join(note for note in (window.reason, window.owner) if note)
    return f"{window.name!r} ({notes})" if notes else repr(window.name)


def _ahead(opening: datetime | None) -> str:
    return f"the next one opens at {_format(opening)}" if opening else "none opens again"


def _until(end: datetime | None) -> str:
    return f"until {_format(end)}" if end else "without an end"


def _format(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _local(edge: Edge | None) -> datetime | None:
    return None if edge is None else edge.local()
