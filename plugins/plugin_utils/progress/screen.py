# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A board as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .board import BAD, Board, Cell, Row
from .estimate import TimeLeft
from .formats import counts, format_duration, format_time_left
from .phases import PHASES

_RED, _GREEN, _YELLOW, _CYAN, _DIM, _BOLD = "31", "32", "33", "36", "2", "1"
_COLOURS = {
    "ok": _GREEN, "done": _GREEN, "working": _CYAN, "failed": _RED, "unreachable": _RED, "waiting": _DIM,
    "stopped": _YELLOW,
}  # fmt: skip
_SIGNS = {"ok": "✓", "working": "▸", "failed": "✗", "unreachable": "✗"}
_PLAIN_SIGNS = {"ok": "+", "working": ">", "failed": "x", "unreachable": "x"}
#: Hosts that need eyes come first when not all have a line.
_URGENCY = ("failed", "unreachable", "stopped", "working", "waiting", "done")
_COLUMN = 9
_HOST = 32


@dataclass(frozen=True)
class Style:
    """What the terminal can do."""

    width: int
    height: int
    colour: bool = True
    unicode: bool = True


def render(board: Board, left: TimeLeft | None, at: float, style: Style) -> list[str]:
    """The lines, none wider than the terminal and together not higher."""
    phases = [phase for phase in PHASES if any(phase in row.cells for row in board.rows.values())]
    names = min(_HOST, max([4, *(len(host) for host in board.rows)]))
    room = max(1, style.height - 4)
    visible = list(board.rows.values())
    if len(visible) > room:
        urgent = {row.host for row in sorted(visible, key=lambda row: _URGENCY.index(row.state))[: room - 1]}
        visible = [row for row in visible if row.host in urgent]
    lines = [_title(board, left, at, style)]
    head = [("host".ljust(names), _DIM), *((phase.ljust(_COLUMN), _DIM) for phase in phases), ("now", _DIM)]
    lines.append(_fit(head, style))
    lines += [_fit(list(_row(row, phases, names, at, style)), style) for row in visible]
    if hidden := len(board.rows) - len(visible):
        lines.append(_fit([(f"and {hidden} more; all: {counts(board)}", _DIM)], style))
    return lines


def _title(board: Board, left: TimeLeft | None, at: float, style: Style) -> str:
    times = [format_duration(at), format_time_left(left)]
    return _fit([(board.title, _BOLD), ("  ".join(part for part in times if part), "")], style)


def _row(row: Row, phases: list[str], names: int, at: float, style: Style) -> Iterator[tuple[str, str]]:
    name = row.host if len(row.host) <= names else f"{row.host[: names - 1]}~"
    yield name.ljust(names), _COLOURS[row.state] if row.state in BAD else ""
    for phase in phases:
        yield _cell(row.cells.get(phase), at, style)
    yield row.task or _doing(row), "" if row.task else _COLOURS[row.state]


def _doing(row: Row) -> str:
    return f"{row.state}, {row.ended} tasks" if row.state == "done" and not row.cells else row.state


def _cell(cell: Cell | None, at: float, style: Style) -> tuple[str, str]:
    if cell is None:
        return " " * _COLUMN, ""
    sign = (_SIGNS if style.unicode else _PLAIN_SIGNS)[cell.state]
    return f"{sign} {format_duration(cell.seconds(at))}".ljust(_COLUMN), _COLOURS[cell.state]


def _fit(parts: list[tuple[str, str]], style: Style) -> str:
    """Parts with their colours, in one line that a terminal does not break."""
    left = style.width - 1
    found: list[str] = []
    for text, colour in parts:
        visible = "".join(sign if sign.isprintable() else " " for sign in text)[: max(0, left)]
        left -= len(visible) + 2
        found.append(f"\x1b[{colour}m{visible}\x1b[0m" if colour and style.colour and visible else visible)
    return "  ".join(found).rstrip()
