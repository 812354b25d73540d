# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts by phases: what is known about a run at one moment, and how an event changes it.

Times are seconds since the run began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

#: How a task of a host ends. ``ignored`` is a failure that the playbook asked for.
OUTCOMES = ("ok", "ignored", "skipped", "failed", "unreachable")
BAD = frozenset({"failed", "unreachable"})


@dataclass(frozen=True)
class Cell:
    """One phase on one host."""

    state: str
    begun: float
    ended: float | None = None

    def seconds(self, at: float) -> float:
        return (at if self.ended is None else self.ended) - self.begun


@dataclass(frozen=True)
class Row:
    """One host. ``task`` is what it does now.

    ``state`` is one of waiting, working, done, failed, unreachable, and stopped: by what failed on another host.
    """

    host: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    task: str = ""
    state: str = "waiting"
    ended: int = 0


@dataclass(frozen=True)
class Board:
    """A run. ``marks`` says when each phase, or play, began anywhere."""

    title: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)

    def expect(self, hosts: Iterable[str]) -> Board:
        """Hosts that a play is for; they wait until something happens on them."""
        return replace(self, rows={**{host: Row(host) for host in hosts}, **self.rows})

    def mark(self, name: str, at: float) -> Board:
        return self if name in self.marks else replace(self, marks={**self.marks, name: at})

    def began(self, host: str, task: str, phase: str, at: float) -> Board:
        """A task began on a host."""
        row = self.rows.get(host, Row(host))
        cells = dict(row.cells)
        if phase:
            known = cells.get(phase)
            if known is None:
                cells[phase] = Cell("working", at)
            elif known.state not in BAD:
                cells[phase] = replace(known, state="working")
        state = row.state if row.state in BAD else "working"
        board = self._with(replace(row, cells=cells, task=task, state=state))
        return board.mark(phase, at) if phase else board

    def finished(self, host: str, phase: str, outcome: str, at: float, own: bool = True) -> Board:
        """A task ended on a host; a skipped one was no part of the phase.

        :param own: whether it ran there, and not on another host once for all
        """
        row = self.rows.get(host, Row(host))
        cells = dict(row.cells)
        cell = cells.get(phase)
        if phase and cell is not None and cell.state not in BAD:
            if outcome != "skipped":
                # A phase that failed did so even where the playbook deals with it.
                cells[phase] = replace(cell, state="failed" if outcome == "ignored" else outcome, ended=at)
            elif cell.ended is None:
                del cells[phase]
            else:
                cells[phase] = replace(cell, state="ok")
        state = row.state
        if outcome in BAD and state not in BAD:
            state = outcome if own else "stopped"
        return self._with(replace(row, cells=cells, task="", state=state, ended=row.ended + 1))

    def stopped(self, hosts: Iterable[str]) -> Board:
        """What failed on one host was meant for these as well; those that failed before are still that."""
        known = [self.rows[host] for host in hosts if host in self.rows]
        rows = {row.host: replace(row, task="", state="stopped") for row in known if row.state not in BAD}
        return replace(self, rows={**self.rows, **rows})

    def closed(self, failed: Iterable[str], unreachable: Iterable[str]) -> Board:
        """The end of the run: what is not failed is done, unless it never began or was stopped."""
        bad = {**dict.fromkeys(failed, "failed"), **dict.fromkeys(unreachable, "unreachable")}
        rows = {
            host: replace(row, task="", state=bad.get(host) or _at_the_end(row, bool(bad)))
            for host, row in self.rows.items()
        }
        return replace(self, rows=rows)

    def with_task(self, host: str, task: str) -> Board:
        """The same with another text of what a host does now."""
        return self._with(replace(self.rows.get(host, Row(host)), task=task))

    def states(self) -> Mapping[str, int]:
        """How many hosts are in which state."""
        found: dict[str, int] = {}
        for row in self.rows.values():
            found[row.state] = found.get(row.state, 0) + 1
        return found

    def _with(self, row: Row) -> Board:
        return replace(self, rows={**self.rows, row.host: row})


def _at_the_end(row: Row, run_failed: bool) -> str:
    """The state of a host that did not end failed.

    A failure that a rescue caught counts only when it was in a phase and the run failed in the end: so does a deploy
    that takes its hosts back before it fails.
    """
    failed = row.state in BAD and any(cell.state in BAD for cell in row.cells.values())
    if row.state == "waiting" or (run_failed and (failed or row.state == "stopped")):
        return row.state
    return "done"
