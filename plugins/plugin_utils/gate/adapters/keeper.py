# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge all hosts of a change, and where they ask for it wait until they are open."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ....module_utils._core.errors import Refused
from ..check import Unknown
from ..decide import Decision, decide
from ..report import Verdict
from ..settings import Settings
from ..values import clock as clock_text
from ..values import shown
from . import stopfile
from .asking import Asker, Host, Subject, all_runs

#: How long it sleeps at most, in seconds: a stop file or a clock that was set is seen after that.
STEP = 5.0
#: How often it says that it still waits.
SAY = timedelta(minutes=1)


class Time(Protocol):
    """The clock."""

    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


@dataclass
class Keeper:
    """The gate in front of one change.

    :param what: the change in words, for people
    :param say: takes a line of progress
    """

    what: str
    hosts: Sequence[Host]
    subject: Subject
    clock: Time
    say: Callable[[str], None]

    def judge(self, recheck: bool = False) -> Verdict:
        """Ask everything now."""
        at = self.clock.now()
        asker = Asker(self.subject, at, all_runs(self.hosts))
        found = {
            host.name: decide(host.name, asker.facts(host), host.settings, at, recheck) for host in self.hosts
        }
        return Verdict(self.what, at, found)

    def pass_or_wait(self) -> Verdict:
        """Ask; while nothing but time keeps hosts out and they want to wait for it, wait and ask again."""
        verdict = self.judge()
        waiting = set(verdict.those(Decision.WAIT))
        limits = [host.settings.wait_limit for host in self.hosts if host.name in waiting]
        deadline = verdict.at + min(limits, default=timedelta())
        while self._worth_waiting(verdict, deadline):
            opening = verdict.next_opening
            if opening is None or not self._wait(opening, deadline):
                return self.judge()
            verdict = self.judge()
        return verdict

    @staticmethod
    def _worth_waiting(verdict: Verdict, deadline: datetime) -> bool:
        """Not when a host stops the change anyway, nor for an opening that comes too late."""
        opening = verdict.next_opening
        waiting = verdict.those(Decision.WAIT)
        return bool(
            waiting
            and not verdict.those(Decision.STOP)
            and opening
            and verdict.at <= opening <= deadline
            and verdict.at < deadline
        )

    def _wait(self, opening: datetime, deadline: datetime) -> bool:
        """Sleep until the opening. ``False`` when somebody stopped the line meanwhile.

        In small steps by the wall clock, so that a clock that is set, a machine that slept and a new stop file
        are noticed. The parent is watched because ansible-core gives workers a session of their own: a controller
        that was killed must not leave one behind that goes on hours later.

        :raises Refused: the playbook that asked is gone
        """
        parent, said = os.getppid(), datetime.min.replace(tzinfo=opening.tzinfo)
        while (now := self.clock.now()) < opening:
            if os.getppid() != parent:
                raise Refused("the playbook that waited is gone", where="gate", fix="Start it again.")
            if now - said >= SAY or now < said:
                said = now
                self.say(
                    f"The gate waits for {clock_text(opening)}, {shown(opening - now)} from now "
                    f"(gives up at {clock_text(deadline.astimezone(opening.tzinfo))}): {self.what}"
                )
            if self._stopped():
                return False
            self.clock.sleep(min(STEP, (opening - now).total_seconds()))
        return True

    def _stopped(self) -> bool:
        places = {_stop_file(host.settings) for host in self.hosts}
        return any(
            reason and not isinstance(reason, Unknown)
            for reason in (stopfile.stop_reason(place, given) for place, given in places)
        )


def _stop_file(settings: Settings) -> tuple[str, bool]:
    return settings.stop_file, settings.stop_file_given
