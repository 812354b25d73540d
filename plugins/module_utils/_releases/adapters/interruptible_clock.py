# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way in which a run waits: in short pauses, in which it checks whether it was asked to end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from typing import Callable

from ..._core.errors import Abandoned, Preempted
from ..._core.files import read_regular
from ..preemption import Holder, parse_end_request
from .clock import HostClock

#: Seconds between two looks.
_LOOK = 0.25
#: Seconds between two signs of life, see :meth:`InterruptibleClock.meanwhile`.
_BEAT = 2.0
_STDOUT = 1
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class InterruptibleClock(HostClock):
    """The clock of a run that can be ended while it waits.

    :param request: the file in which others write whom they want to end; empty where no other run can
    :param holder: this process, as the lock file says it
    :param controller: whether there is a controller whose end is the end of this run. The result of a module goes
        into its standard output: when no process can read that any more, the connection and what made it are gone.
    """

    def __init__(self, request: str = "", holder: Holder | None = None, controller: bool = False) -> None:
        self._request = request
        self._holder = holder or Holder()
        self._pipe = select.poll() if controller else None
        if self._pipe:
            self._pipe.register(_STDOUT, 0)
        self._call: Callable[[], None] | None = None
        self._called = 0.0

    def check(self) -> None:
        """
        :raises Preempted: another run wants this one to end
        :raises Abandoned: the controller is gone
        """
        # Nearly always there is no such file, and a look at that costs next to nothing.
        if self._request and os.path.exists(self._request):
            self._obey()
        if self._pipe and any(event & _GONE for dummy, event in self._pipe.poll(0)):
            raise Abandoned(
                "the controller of this run is gone",
                where="its connection has ended",
                fix="Run the same command again to continue, or roll back; a host that waits for its confirmation goes back "
                "by itself.",
            )

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        """Sleep, and look meanwhile; also before and after, so that 0 seconds are a look.

        :raises Preempted, Abandoned: as :meth:`check`
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            self._beat()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK))

    def meanwhile(self, call: Callable[[], None] | None) -> None:
        """Have ``call`` made every few seconds of the pauses from now on, as a sign of life."""
        self._call, self._called = call, time.monotonic()

    def go_on_alone(self) -> None:
        """The controller need not be there any more: what puts the host back is done to its end."""
        self._pipe = None

    def _obey(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            request = parse_end_request(json.loads(read_regular(self._request)))
            if request and request.is_for(self._holder):
                raise Preempted(
                    f"this run was ended by {request}",
                    where="it stopped within a step, and the run that ended it undoes that step",
                    fix="Check with mas.ops.release_info what is live before you deploy again.",
                )

    def _beat(self) -> None:
        if self._call and time.monotonic() - self._called >= _BEAT:
            self._called = time.monotonic()
            self._call()
