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

from .. import plain, screen, words
from ..board import BAD, Board
from ..estimate import Left, Run, left
from . import history
from .terminal import Bottom, style


class Say(Protocol):
    """Ansible's display, as far as it is needed."""

    def __call__(self, msg: str, color: str | None = None, *, log_only: bool = False) -> Any: ...


@dataclass(frozen=True)
class Title:
    """What runs. Runs of one ``key`` are compared with each other; ``kept`` is false for a check mode."""

    text: str
    key: str
    kept: bool = True


class Reporter:
    """Takes events, and writes lines by ``say``: on a live terminal only what the board cannot hold."""

    def __init__(
        self,
        title: Title,
        say: Say,
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
        self._bottom = Bottom(self._lines, lock) if lock else None
        #: Through it all other output must go, so that it comes above the board.
        self.say: Say = self._bottom.above(say) if self._bottom else say

    @property
    def at(self) -> float:
        return self._clock() - self._begun

    def play(self, name: str, hosts: Iterable[str]) -> None:
        self._close_task()
        self._board = self._board.expect(hosts).mark(f"play:{name}", self.at)
        if not self._opened:
            self._opened = True
            self._log(plain.opening(self._board, self._left()))
            if self._bottom:
                self._bottom.start()

    def task(self, name: str, phase: str) -> None:
        """A task begins, on whichever hosts. Those of a phase are told host by host."""
        self._close_task()
        self._task = ("" if phase else name, {})

    def began(self, host: str, task: str, phase: str, once: bool = False) -> None:
        for each in self._meant(host, phase, once):
            self._board = self._board.began(each, task, phase, self.at)
        self._draw()

    def again(self, host: str, task: str) -> None:
        self._board = self._board.says(host, task)
        self._draw()

    def ended(self, host: str, phase: str, outcome: str, once: bool = False) -> None:
        """A task ended on a host; one that runs once did so for all of them."""
        for each in self._meant(host, phase, once):
            self._board = self._board.finished(each, phase, outcome, self.at, own=each == host)
        if once and outcome in BAD:
            self._board = self._board.stopped(other for other in self._board.rows if other != host)
        if phase and outcome != "skipped":
            took = self._board.rows[host].cells[phase].seconds(self.at)
            rest = None if outcome in BAD else self._left()
            who = f"{host}, for all hosts," if once else host
            self._log(plain.phase(who, phase, outcome, took, self.at, rest))
        elif not phase:
            self._task[1][outcome] = self._task[1].get(outcome, 0) + 1
        self._draw()

    def failed(self, host: str, task: str, result: Mapping[str, Any], outcome: str) -> None:
        """Tell a failure in full."""
        lines = words.failure(host, task, result, unreachable=outcome == "unreachable")
        if outcome not in BAD:
            lines.append("    The playbook goes on in spite of it.")
        self.say("\n".join(lines), "bright red" if outcome in BAD else "yellow")

    def close(self, failed: Iterable[str], unreachable: Iterable[str]) -> str:
        """The end of the run.

        :returns: why it could not be kept for later estimates, or nothing
        """
        self._close_task()
        at = self.at
        self._board = self._board.closed(failed, unreachable)
        if self._bottom:
            self._bottom.stop()
        states = self._board.states()
        self.say(plain.closing(self._board, at))
        if not self._title.kept or not states or BAD & set(states):
            return ""
        return history.add(
            self._path, self._title.key, Run(len(self._board.rows), round(at, 2), self._board.marks)
        )

    def _meant(self, host: str, phase: str, once: bool) -> list[str]:
        """A phase that runs once is a phase of all hosts; any other task is its own host's."""
        return [host, *(other for other in self._board.rows if other != host)] if phase and once else [host]

    def _left(self) -> Left | None:
        return left(self._runs, len(self._board.rows), self._board.marks, self.at)

    def _lines(self) -> list[str]:
        over = not any(row.state in {"waiting", "working"} for row in self._board.rows.values())
        return screen.render(self._board, None if over else self._left(), self.at, style())

    def _draw(self) -> None:
        if self._bottom:
            self._bottom.touch()

    def _log(self, line: str) -> None:
        self.say(line, log_only=self._bottom is not None)

    def _close_task(self) -> None:
        name, outcomes = self._task
        if name and set(outcomes) - {"skipped"}:
            self._log(plain.task(name, outcomes, self.at))
        self._task = ("", {})
