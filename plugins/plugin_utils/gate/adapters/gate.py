# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate in front of one change: judge all its hosts, and wait until they are open where their settings say so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ....module_utils._core.errors import Refused
from ..checks.model import Unknown
from ..decide import Decision, decide
from ..report import GateVerdict
from ..settings import GateSettings
from ..values import format_duration, format_moment
from . import stopfile
from .fact_collector import FactCollector, GateHost, PlannedChange, durations_of_runs

#: Seconds between two looks at the clock and at the stop file while it waits.
MAX_SLEEP = 5.0
#: How often it shows that it still waits.
PROGRESS_INTERVAL = timedelta(minutes=1)


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The controller's clock.

    There is no option to give the gate another time: in production it would be a way around it. A test puts a clock of
    its own into the action, or runs the whole playbook under faketime(1).
    """

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Gate:
    """The gate in front of one change.

    :param what: the change in words, for people
    :param show: takes a line of progress
    """

    what: str
    hosts: Sequence[GateHost]
    planned: PlannedChange
    clock: Clock
    show: Callable[[str], None]

    def judge(self, recheck: bool = False) -> GateVerdict:
        """Judge all hosts now."""
        at = self.clock.now()
        collector = FactCollector(self.planned, at, durations_of_runs(self.hosts))
        decisions = {
            host.name: decide(host.name, collector.facts(host), host.settings, at, recheck)
            for host in self.hosts
        }
        return GateVerdict(self.what, at, decisions)

    def pass_or_wait(self) -> GateVerdict:
        """Judge all hosts; while only time keeps hosts out and their settings say to wait, wait and judge again."""
        verdict = self.judge()
        waiting = set(verdict.hosts_with(Decision.WAIT))
        limits = [host.settings.wait_limit for host in self.hosts if host.name in waiting]
        deadline = verdict.at + min(limits, default=timedelta())
        while self._worth_waiting(verdict, deadline):
            opening = verdict.next_opening
            if opening is None or not self._wait(opening, deadline):
                return self.judge()
            verdict = self.judge()
        return verdict

    @staticmethod
    def _worth_waiting(verdict: GateVerdict, deadline: datetime) -> bool:
        """Not when a host stops the change anyway, nor for an opening that comes too late."""
        opening = verdict.next_opening
        waiting = verdict.hosts_with(Decision.WAIT)
        return bool(
            waiting
            and not verdict.hosts_with(Decision.STOP)
            and opening
            and verdict.at <= opening <= deadline
            and verdict.at < deadline
        )

    def _wait(self, opening: datetime, deadline: datetime) -> bool:
        """Sleep until the opening. ``False`` when the line was stopped meanwhile.

        In small steps by the wall clock, so that a clock that is set, a machine that slept and a new stop file
        are noticed. The parent is watched because ansible-core gives workers a session of their own: a controller
        that was killed must not leave one behind that goes on hours later.

        :raises Refused: the playbook that runs the gate is gone
        """
        parent, shown_at = os.getppid(), datetime.min.replace(tzinfo=opening.tzinfo)
        while (now := self.clock.now()) < opening:
            if os.getppid() != parent:
                raise Refused("the playbook that waited is gone", where="gate", fix="Start it again.")
            if now - shown_at >= PROGRESS_INTERVAL or now < shown_at:
                shown_at = now
                self.show(
                    f"The gate waits for {format_moment(opening)}, {format_duration(opening - now)} from now "
                    f"(gives up at {format_moment(deadline.astimezone(opening.tzinfo))}): {self.what}"
                )
            if self._stopped():
                return False
            self.clock.sleep(min(MAX_SLEEP, (opening - now).total_seconds()))
        return True

    def _stopped(self) -> bool:
        places = {_stop_file(host.settings) for host in self.hosts}
        return any(
            reason and not isinstance(reason, Unknown)
            for reason in (stopfile.stop_reason(place, given) for place, given in places)
        )


def _stop_file(settings: GateSettings) -> tuple[str, bool]:
    return settings.stop_file, settings.stop_file_given
