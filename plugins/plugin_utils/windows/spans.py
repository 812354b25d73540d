# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A range of days: each occurrence of each window, and the times at which change is allowed."""

from __future__ import annotations

from datetime import UTC, datetime

from .edges import Edge, Edges
from .judge import in_scope
from .model import Kind, Policy, Span, Target


def occurrences(policy: Policy, target: Target, begin: datetime, end: datetime) -> tuple[Span, ...]:
    """The occurrences of windows and freezes in [begin, end), by begin; they may overlap."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    edges = Edges(in_scope(policy, target), policy.required, begin)
    spans = {
        Span(max(first, begin), min(last, end), window.name, window.kind, window.reason, window.owner)
        for window, line in (*edges.windows, *edges.freezes)
        for first, last in line.between(begin, end)
    }
    return tuple(
        sorted(spans, key=lambda span: (span.begin, span.end, span.kind.value, span.name, span.reason))
    )


def open_times(policy: Policy, target: Target, begin: datetime, end: datetime) -> tuple[Span, ...]:
    """When change is allowed in [begin, end): merged, without the freezes. Each has the name of its window."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    edges = Edges(in_scope(policy, target), policy.required, begin)
    found: list[Span] = []
    opening = edges.opens(Edge(begin, None))
    while opening is not None and opening.at < end:
        closing = edges.closes(opening.at)
        found.append(_span(edges, opening, end if closing is None else min(closing.at, end)))
        opening = None if closing is None else edges.opens(closing)
    return tuple(found)


def _span(edges: Edges, opening: Edge, end: datetime) -> Span:
    inside = edges.open_until(opening.at)
    window = inside.window if inside else None
    if window is None:
        return Span(opening.at, end)
    return Span(opening.at, end, window.name, Kind.WINDOW, window.reason, window.owner)
