# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit APPLICATION-dead-man runs: at the end of the time, and at each boot while a release waits."""

from __future__ import annotations

import sys
import time

from ..._core.errors import Busy, OpsError
from ..deadman import ACTOR, Armed
from ..layout import Layout
from ..manage import Request, change
from ..ports import Limits
from .attention import Attention
from .folders import load_application
from .host import assemble
from .lock import end_request, hold, this_process

_POLL = 0.5
#: Seconds past the limit in which a module at work may still end, for it may be the confirmation. One that has a
#: controller and waits for something makes the limit later meanwhile; what is at work after this hangs, and is ended.
_GRACE = 5.0


def watch(application: str) -> int:
    """Wait until the release is confirmed (status 0) or its time is over, and then go back.

    :returns: 1 when going back failed: systemd then starts this again
    """
    ports, dummy = assemble(load_application(application))
    while (armed := ports.files.armed()) is not None:
        left = armed.until.left(ports.clock.moment())
        if left > 0:
            time.sleep(min(left, _POLL))
            continue
        try:
            if _go_back(application, armed, ends=left < -_GRACE):
                return 0
        except Busy:
            time.sleep(_POLL)
        except OpsError as error:
            _say(f"{application} could not be taken back: {error}")
            return 1
    _say(f"{application} is confirmed")
    return 0


def _go_back(application: str, armed: Armed, ends: bool) -> bool:
    """Whether the host went back; not so where the release was confirmed or its limit moved meanwhile.

    :param ends: end what is at work
    """
    # Whoever comes back to confirm it holds an older token than this run gets.
    request = Request("rolled_back", leave=armed.release, run=f"{ACTOR} of {armed.run}", actor=ACTOR)
    app = load_application(application)
    layout, claim = Layout(app), request.claim(check=False)
    attention = Attention(end_request(layout), this_process(claim))
    ports, layout = assemble(app, attention=attention)
    with hold(layout, claim, attention, ends):
        if ports.files.armed() != armed:
            return False
        dummy, facts = change(ports, layout, Limits(), request, check=False)
    _say(f"nobody confirmed {armed.release}: {application} is back on {facts['live'] or 'nothing'}")
    return True


def _say(text: str) -> None:
    """Into the journal of the unit."""
    sys.stderr.write(f"mas.ops: {text}\n")
