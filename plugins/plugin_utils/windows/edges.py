# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moments at which change starts and stops being allowed, for one set of windows and freezes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from .model import Kind, Window
from .timeline import LAST, Timeline, timeline

#: How far ahead is searched. A 29 February is at most eight years away.
HORIZON = timedelta(days=366 * 10)

Lines = list[tuple[Window, Timeline]]


@dataclass(frozen=True)
class Edge:
    """A moment in UTC, and the window or freeze that makes it, if one does."""

    at: datetime
    window: Window | None

    def local(self) -> datetime | None:
        """The moment in the zone of its window; ``None`` when it never comes.

        Its offset is fixed: the difference of two moments of a zone would be that of the clocks on the wall.
        """
        if self.at >= LAST:
            return None
        local = self.at.astimezone(ZoneInfo(self.window.zone if self.window else "UTC"))
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta(), local.tzname() or ""), fold=0)


class Edges:
    """Answers are exact from ``at`` up to the horizon after it."""

    def __init__(self, windows: tuple[Window, ...], required: bool, at: datetime) -> None:
        lines = [(window, timeline(window, at)) for window in windows]
        self.windows: Lines = [line for line in lines if line[0].kind is Kind.WINDOW]
        self.freezes: Lines = [line for line in lines if line[0].kind is Kind.FREEZE]
        #: Without windows there is nothing to wait for.
        self.always = not self.windows and not required
        self.limit = LAST if at > LAST - HORIZON else at + HORIZON

    def frozen_until(self, at: datetime) -> Edge | None:
        """The end of the freeze that holds at ``at``, the last one if there are more."""
        return _covered(self.freezes, at, self.limit)

    def open_until(self, at: datetime) -> Edge | None:
        """The same for a window; it says nothing about freezes."""
        return _covered(self.windows, at, self.limit)

    def closes(self, at: datetime) -> Edge | None:
        """For an open moment: when the windows that follow one another without a break end, or a freeze starts."""
        freeze = min(_starts(self.freezes, at, self.limit), key=_when, default=None)
        limit = freeze.at if freeze else self.limit
        end = _covered(self.windows, at, limit)
        while end is not None and end.at <= limit:
            following = _covered(self.windows, end.at, limit)
            if following is None:
                return end
            end = following
        return freeze

    def opens(self, start: Edge) -> Edge | None:
        """The first open moment from ``start`` on."""
        edge: Edge | None = start
        while edge is not None and edge.at <= self.limit:
            freeze = self.frozen_until(edge.at)
            if freeze is not None:
                edge = freeze
                continue
            inside = self.open_until(edge.at)
            if inside is not None or self.always:
                return edge if edge.window or inside is None else Edge(edge.at, inside.window)
            edge = min(_starts(self.windows, edge.at, self.limit), key=_when, default=None)
        return None


def _starts(lines: Lines, at: datetime, limit: datetime) -> Iterable[Edge]:
    for window, line in lines:
        start = line.next_start(at, limit)
        if start is not None:
            yield Edge(start, window)


def _covered(lines: Lines, at: datetime, limit: datetime) -> Edge | None:
    """Of what holds at ``at``, that which ends last."""
    ends = ((line.holds_until(at, limit), window) for window, line in lines)
    return max((Edge(end, window) for end, window in ends if end), key=_when, default=None)


def _when(edge: Edge) -> datetime:
    return edge.at
