# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run as lines of a log, each whole by itself."""

from __future__ import annotations

from .board import Board
from .estimate import Left
from .words import counts, duration, time_left


def opening(board: Board, left: Left | None) -> str:
    hosts = len(board.rows)
    told = [board.title, f"{hosts} host{'' if hosts == 1 else 's'}", time_left(left)]
    return ", ".join(part for part in told if part)


def phase(who: str, name: str, outcome: str, took: float, at: float, left: Left | None) -> str:
    """One host ended one phase, or did so once for all."""
    rest = time_left(left)
    told = [_at(at), f"{name:8}", who, outcome, duration(took), f"({rest})" if rest else ""]
    return " ".join(part for part in told if part)


def task(name: str, outcomes: dict[str, int], at: float) -> str:
    """One task of any other playbook ended on all of its hosts."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"{_at(at)} {name}: {told}"


def closing(board: Board, at: float) -> str:
    return f"{board.title}: {counts(board) or 'no hosts'} after {duration(at)}"


def _at(at: float) -> str:
    return f"[{duration(at):>6}]"
