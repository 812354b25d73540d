# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run as lines of a log, each whole by itself."""

from __future__ import annotations

from .board import Board
from .estimate import TimeLeft
from .formats import counts, format_duration, format_time_left


def opening(board: Board, left: TimeLeft | None) -> str:
    hosts = len(board.rows)
    parts = [board.title, f"{hosts} host{'' if hosts == 1 else 's'}", format_time_left(left)]
    return ", ".join(part for part in parts if part)


def phase(who: str, name: str, outcome: str, took: float, at: float, left: TimeLeft | None) -> str:
    """One host ended one phase, or did so once for all."""
    rest = format_time_left(left)
    parts = [_at(at), f"{name:8}", who, outcome, format_duration(took), f"({rest})" if rest else ""]
    return " ".join(part for part in parts if part)


def task(name: str, outcomes: dict[str, int], at: float) -> str:
    """One task of any other playbook ended on all of its hosts."""
    summary = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{_at(at)} {name}: {summary}"


def closing(board: Board, at: float) -> str:
    return f"{board.title}: {counts(board) or 'no hosts'} after {format_duration(at)}"


def _at(at: float) -> str:
    return f"[{format_duration(at):>6}]"
