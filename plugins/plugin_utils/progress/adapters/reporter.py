# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a playbook, from its first event to its last: keeps the board, and shows or logs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import formats, log_lines, screen
from ..board import BAD, Board
from ..estimate import Run, TimeLeft, time_left
from . import history
from .terminal import LiveArea, style


class Display(Protocol):
    """Ansible's display, as far as it is needed."""

    def __call__(self, msg: str, color: str | None = None, *, log_only: bool = False) -> Any: ...


@dataclass(frozen=True)
class Title:
    """What runs. Runs of one ``key`` are compared with each other; ``kept`` is false for a check mode."""

    text: str
    key: str
    kept: bool = True


class Reporter:
    """Takes events, and writes lines by ``display``: on a live terminal only what the board cannot hold."""

    def __init__(
        self,
        title: Title,
        display: Display,
        path: Path,
        lock: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """:param lock: of a live terminal; nothing for plain lines"""
        self._title, self._path, self._clock = title, path, clock
        self._begun = clock()
        self._board = Board(title.text)
        self._runs = history.read(path).get(title.key, [])
        self._task: tuple[str, dict[str, int]] = ("", {})
        self._opened = False
        self._live = LiveArea(self._lines, lock) if lock else None
        #: Through it all other output must go, so that it comes above the board.
        self.display: Display = self._live.above(display) if self._live else display

    @property
    def at(self) -> float:
        return self._clock() - self._begun

    def play(self, name: str, hosts: Iterable[str]) -> None:
        self._close_task()
        self._board = self._board.expect(hosts).mark(f"play:{name}", self.at)
        if not self._opened:
            self._opened = True
            self._log(log_lines.opening(self._board, self._left()))
            if self._live:
                self._live.start()

    def task(self, name: str, phase: str) -> None:
        """A task begins, on whichever hosts. Those of a phase are shown host by host."""
        self._close_task()
        self._task = ("" if phase else name, {})

    def began(self, host: str, task: str, phase: str, once: bool = False) -> None:
        for each in self._affected(host, phase, once):
            self._board = self._board.began(each, task, phase, self.at)
        self._draw()

    def retried(self, host: str, task: str) -> None:
        self._board = self._board.with_task(host, task)
        self._draw()

    def ended(self, host: str, phase: str, outcome: str, once: bool = False) -> None:
        """A task ended on a host; one that runs once did so for all of them."""
        for each in self._affected(host, phase, once):
            self._board = self._board.finished(each, phase, outcome, self.at, own=each == host)
        if once and outcome in BAD:
            self._board = self._board.stopped(other for other in self._board.rows if other != host)
        if phase and outcome != "skipped":
            took = self._board.rows[host].cells[phase].seconds(self.at)
            rest = None if outcome in BAD else self._left()
            who = f"{host}, for all hosts," if once else host
            self._log(log_lines.phase(who, phase, outcome, took, self.at, rest))
        elif not phase:
            self._task[1][outcome] = self._task[1].get(outcome, 0) + 1
        self._draw()

    def failed(self, host: str, task: str, result: Mapping[str, Any], outcome: str) -> None:
        """Show a failure in full."""
        lines = formats.failure(host, task, result, unreachable=outcome == "unreachable")
        if outcome not in BAD:
            lines.append("    The playbook continues.")
        self.display("\n".join(lines), "bright red" if outcome in BAD else "yellow")

    def close(self, failed: Iterable[str], unreachable: Iterable[str]) -> str:
        """The end of the run.

        :returns: why it could not be kept for later estimates, or nothing
        """
        self._close_task()
        at = self.at
        self._board = self._board.closed(failed, unreachable)
        if self._live:
            self._live.stop()
        states = self._board.states()
        self.display(log_lines.closing(self._board, at))
        if not self._title.kept or not states or BAD & set(states):
            return ""
        return history.add(
            self._path, self._title.key, Run(len(self._board.rows), round(at, 2), self._board.marks)
        )

    def _affected(self, host: str, phase: str, once: bool) -> list[str]:
        """The hosts that an event is about: all for a phase that runs once, else the host itself."""
        return [host, *(other for other in self._board.rows if other != host)] if phase and once else [host]

    def _left(self) -> TimeLeft | None:
        return time_left(self._runs, len(self._board.rows), self._board.marks, self.at)

    def _lines(self) -> list[str]:
        over = not any(row.state in {"waiting", "working"} for row in self._board.rows.values())
        return screen.render(self._board, None if over else self._left(), self.at, style())

    def _draw(self) -> None:
        if self._live:
            self._live.touch()

    def _log(self, line: str) -> None:
        self.display(line, log_only=self._live is not None)

    def _close_task(self) -> None:
        name, outcomes = self._task
        if name and set(outcomes) - {"skipped"}:
            self._log(log_lines.task(name, outcomes, self.at))
        self._task = ("", {})
