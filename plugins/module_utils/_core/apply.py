# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the steps of a plan, one handler a kind of step, so that a run that dies can be continued from its journal."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any, Callable, Protocol

from .plan import Step


class Stopwatch(Protocol):
    """Durations, and the end of a run that another one may want at any step."""

    def seconds(self) -> float: ...

    def check(self) -> None:
        """
        :raises Stopped: the run is to end
        """


def take_steps(
    steps: Iterable[Step],
    handlers: Any,
    journal: Callable[[Step], None],
    clock: Stopwatch,
    spent: MutableMapping[str, float],
) -> None:
    """Call the method ``_ACTION`` of ``handlers`` for each step, in order, after ``journal`` has the step on the disk.

    :param spent: gets the seconds of each kind of step, added to what is there
    :raises Stopped: the run is to end, before a step or within one
    :raises OpsError: from the step that failed; the journal then says which one it was
    """
    for step in steps:
        clock.check()
        journal(step)
        started = clock.seconds()
        handler: Callable[[Step], None] = getattr(handlers, f"_{step.action}")
        handler(step)
        spent[step.action] = round(spent.get(step.action, 0.0) + clock.seconds() - started, 3)
