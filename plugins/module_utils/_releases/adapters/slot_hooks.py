# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit of a web process calls when the process has ended and when it was started.

Nothing listens on the port of a process that ended, so whoever binds it first would get the requests of its users. The
proxy leaves the slot aside from that moment on, until the port belongs to the unit again; then its checks decide.

systemd goes on whatever comes of these calls: a service runs without its proxy, and never the other way round.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Callable, Protocol

from ..._core.errors import OpsError
from ..._ledger.adapters.host import host_ledger
from ..._ledger.history import RELEASE
from ..._traffic.split import TrafficFacts
from ..application import Application, other
from ..layout import Layout
from ..slot import Slot
from ..sockets import Ownership
from ..state import State
from .clock import Clock
from .folders import Folders, load_application
from .host import proxy_of
from .listeners import ownership

_POLL = 0.1
#: A process that does not listen after so long gets fewer looks.
_PATIENT, _SELDOM = 60.0, 2.0

#: Of a port and a unit.
Owner = Callable[[int, str], Ownership]
Sleep = Callable[[float], None]


class Proxy(Protocol):
    """The proxy, as far as a hook needs it."""

    def facts(self) -> TrafficFacts: ...
    def set_aside(self, slot: str) -> None: ...
    def set_down(self, slot: str) -> None: ...
    def stands_in(self) -> str | None: ...


def down(application: str, slot: str) -> int:
    """The web process of ``slot`` has ended.

    :returns: an exit status, which systemd ignores
    """
    try:
        app = load_application(application)
        proxy = proxy_of(app)
        folders = Folders(Layout(app))
        record = folders.record(slot)
        # What systemd holds cannot be taken, and waits for the process that comes next.
        if proxy is None or record is None or record.socket:
            return 0
        proxy.set_aside(slot)
        state: State = folders.state()
        if state.live == slot and state.operation is None:
            _note(app, record, folders.record(other(slot)), proxy.stands_in())
    except OpsError as error:
        return _say(application, slot, error)
    return 0


def _note(app: Application, ended: Slot, warm: Slot | None, stands_in: str | None) -> None:
    """The ledger says since when users get another release than the live one."""
    if stands_in != other(ended.slot) or warm is None:
        return
    entry = {
        "kind": RELEASE,
        "application": app.name,
        "environment": app.environment,
        "action": "fallback",
        "from": ended.release,
        "to": warm.release,
        "slot": warm.slot,
        "run": "",
        "actor": "systemd",
        "result": os.environ.get("SERVICE_RESULT", ""),
        "status": os.environ.get("EXIT_STATUS", ""),
    }
    host_ledger().append(entry, Clock.text())


def up(application: str, slot: str) -> int:
    """The web process of ``slot`` was started: watch beside it until its port is its own.

    :returns: an exit status, which systemd ignores
    """
    try:
        app = load_application(application)
        proxy = proxy_of(app)
        record = Folders(Layout(app)).record(slot)
    except OpsError as error:
        return _say(application, slot, error)
    if proxy is None or record is None or not record.web or record.socket or os.fork():
        return 0
    # systemd waits for the process that it called, and ends this one with the unit.
    try:
        os.setsid()
        watch(proxy, record, ownership)
    except OpsError as error:
        _say(application, slot, error)
    finally:
        sys.stderr.flush()
        os._exit(0)


def watch(proxy: Proxy, record: Slot, owner: Owner, sleep: Sleep = time.sleep) -> None:
    """Let the slot back in once its port belongs to its unit, and take it out while a stranger has it."""
    waited = 0.0
    while not (found := owner(record.port, record.web[0])).good:
        if found.stranger and not _aside(proxy, record.slot):
            proxy.set_aside(record.slot)
        pause = _POLL if waited < _PATIENT else _SELDOM
        sleep(pause)
        waited += pause
    if _aside(proxy, record.slot):
        proxy.set_down(record.slot)


def _aside(proxy: Proxy, slot: str) -> bool:
    return proxy.facts().servers[slot].status.startswith("MAINT")


def _say(application: str, slot: str, error: OpsError) -> int:
    """Into the journal of the unit."""
    sys.stderr.write(f"mas.ops: the proxy does not hear of {application}, slot {slot}: {error}\n")
    return 1
