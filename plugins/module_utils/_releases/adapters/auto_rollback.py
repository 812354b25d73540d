# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit APPLICATION-auto-rollback runs: at the end of the time, and at each boot while a release waits."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from ..._core.errors import Busy, OpsError
from ..application import Application
from ..auto_rollback import ACTOR, Armed
from ..layout import Layout
from ..lease import Moment
from ..manage import ReleaseRequest, change
from ..observe import observe
from ..ports import Limits, Ports
from .folders import load_application
from .host import assemble
from .interruptible_clock import InterruptibleClock
from .lock import end_request, hold, this_process

_POLL = 0.5
#: In the commands that it advises: a host does not know where its inventory is on a controller.
_UNKNOWN_INVENTORY = ("INVENTORY",)
#: Seconds past the limit in which a module at work may still end, for it may be the confirmation. One that has a
#: controller and waits for something makes the limit later meanwhile; what is at work after this hangs, and is ended.
_GRACE = 5.0


def watch(application: str) -> int:
    """Wait until the release is confirmed (status 0) or its time is over, and then go back.

    :returns: 1 when going back failed: systemd then starts this again
    """
    app = load_application(application)
    ports, layout = assemble(app)
    begun = ports.clock.moment()
    while (armed := _awaited(app, layout, ports, begun)) is not None:
        left = armed.until.left(ports.clock.moment())
        if left > 0:
            time.sleep(min(left, _POLL))
            continue
        try:
            if _go_back(application, armed, begun, ends=left < -_GRACE):
                return 0
        except Busy:
            time.sleep(_POLL)
        except OpsError as error:
            _say(f"{application} could not be taken back: {error}")
            return 1
    _say(f"{application} is confirmed")
    return 0


def _awaited(app: Application, layout: Layout, ports: Ports, begun: Moment) -> Armed | None:
    """What the file says; where it is damaged, what ledger, journal and slots say, and its time was over at ``begun``."""
    armed = ports.store.armed()
    if armed or all(found.path != layout.auto_rollback for found in ports.store.damage()):
        return armed
    presumed = observe(app, layout, ports).armed
    return replace(presumed, until=begun.after(0.0)) if presumed else None


def _go_back(application: str, armed: Armed, begun: Moment, ends: bool) -> bool:
    """Whether the host went back; not so where the release was confirmed or its limit moved meanwhile.

    :param ends: end the run at work
    """
    # A controller that comes back to confirm it has an older token than this run gets.
    run = f"{ACTOR} of {armed.run}"
    request = ReleaseRequest(
        "rolled_back", from_version=armed.release, run=run, actor=ACTOR, inventory=_UNKNOWN_INVENTORY
    )
    app = load_application(application)
    layout, claim = Layout(app), request.claim(check=False)
    clock = InterruptibleClock(end_request(layout), this_process(claim))
    ports, layout = assemble(app, clock=clock)
    with hold(layout, claim, clock, ends):
        if _awaited(app, layout, ports, begun) != armed:
            return False
        dummy, facts = change(ports, layout, Limits(), request, check=False)
    _say(f"{armed.release} was not confirmed in time: {application} is back on {facts['live'] or 'nothing'}")
    return True


def _say(text: str) -> None:
    """Into the journal of the unit."""
    sys.stderr.write(f"mas.ops: {text}\n")
