# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit APPLICATION-dead-man runs: at the end of the time, and at each boot while a release waits."""

from __future__ import annotations

import sys
import time

from ..._core.errors import Busy, OpsError
from ..._core.files import exclusive
from ..deadman import ACTOR, Armed
from ..layout import Layout
from ..manage import Request, change
from ..ports import Limits, Ports
from .folders import load_application
from .host import assemble

_POLL = 0.5


def watch(application: str) -> int:
    """Wait until the release is confirmed (status 0) or its time is over, and then go back.

    :returns: 1 when going back failed: systemd then starts this again
    """
    ports, layout = assemble(load_application(application))
    while (armed := ports.files.armed()) is not None:
        left = armed.until.left(ports.clock.moment())
        if left > 0:
            time.sleep(min(left, _POLL))
            continue
        try:
            if _go_back(ports, layout, armed):
                return 0
        except Busy:
            # A module is at work. It may be the confirmation: ask again.
            time.sleep(_POLL)
        except OpsError as error:
            _say(f"{application} could not be taken back: {error}")
            return 1
    _say(f"{application} is confirmed")
    return 0


def _go_back(ports: Ports, layout: Layout, armed: Armed) -> bool:
    with exclusive(layout.lock):
        if ports.files.armed() != armed:
            return False
        # Whoever comes back to confirm it holds an older token than this.
        request = Request(
            "rolled_back", leave=armed.release, run=f"{ACTOR} of {armed.run}", actor=ACTOR, take_over=True
        )
        dummy, facts = change(ports, layout, Limits(), request, check=False)
    _say(f"nobody confirmed {armed.release}: {layout.app.name} is back on {facts['live'] or 'nothing'}")
    return True


def _say(text: str) -> None:
    """Into the journal of the unit."""
    sys.stderr.write(f"mas.ops: {text}\n")
