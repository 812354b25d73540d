# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let a slot back into traffic once its port belongs to its unit, and say in the ledger who answers meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Callable, Protocol

from ..._core.adapters.clock import SystemClock
from ..._core.errors import OpsError, StorageError, TrafficError
from ..._ledger.adapters.host import host_ledger
from ..._traffic.split import TrafficFacts
from ..application import other
from ..entry import entry
from ..layout import Layout
from ..slot import Slot
from ..sockets import Ownership
from ..state import State
from .folders import Folders, load_application
from .host import proxy_of
from .listeners import ownership
from .systemd import Systemd

_POLL = 0.1
#: A process that does not listen after so long gets fewer looks.
_PATIENT, _SELDOM = 60.0, 2.0
#: How often a proxy that does not answer is tried again, each time for some seconds: at a boot it may start later.
_TRIES = 30
#: After this many seconds, and while systemd neither starts nor reloads the proxy, no new process can appear that read the
#: files before they changed. Until then the proxy is asked at this interval whether it has the slot in service.
_SETTLED, _AGAIN = 3.0, 0.5
_PROXY = "haproxy.service"

#: Of a port and a unit.
Owner = Callable[[int, str], Ownership]
Sleep = Callable[[float], None]
#: The state of a unit, in systemd's words.
UnitState = Callable[[str], str]


class Proxy(Protocol):
    """The proxy, as far as a hook needs it."""

    def facts(self) -> TrafficFacts: ...
    def keep_in(self, slot: str) -> None: ...
    def set_aside(self, slot: str) -> None: ...
    def set_down(self, slot: str) -> None: ...


def note(application: str, slot: str) -> int:
    """The ledger says since when users get another release than the live one.

    :returns: an exit status
    """
    try:
        app = load_application(application)
        proxy, folders = proxy_of(app), Folders(Layout(app))
        state: State = folders.state()
        ended, warm = folders.record(slot), folders.record(other(slot))
        if proxy is None or ended is None or warm is None or state.live != slot or state.operation:
            return 0
        if proxy.stands_in() != warm.slot:
            return 0
        result, status = os.environ.get("SERVICE_RESULT", ""), os.environ.get("EXIT_STATUS", "")
        why = {"slot": warm.slot, "result": result, "status": status}
        written = entry(app, "fallback", ended.release, warm.release, run="", actor="systemd", **why)
        host_ledger().append(written, SystemClock.text())
    except OpsError as error:
        return _say(application, slot, error)
    return 0


def watch_slot(application: str, slot: str) -> int:
    """:func:`watch` the slot of an application of this host.

    :returns: an exit status
    """
    try:
        app = load_application(application)
        proxy, record = proxy_of(app), Folders(Layout(app)).record(slot)
        if proxy and record and record.web:
            held = record.socket is not None
            watch(
                proxy,
                record,
                lambda port, unit: ownership(port, unit, held),
                lambda unit: _state(Layout(app), unit),
            )
    except OpsError as error:
        return _say(application, slot, error)
    return 0


def watch(proxy: Proxy, record: Slot, owner: Owner, state: UnitState, sleep: Sleep = time.sleep) -> None:
    """Let the slot back in once its port belongs to its unit, and take it out while a stranger has it."""
    waited, unit = 0.0, record.web[0]
    while not (found := owner(record.port, unit)).good:
        if found.stranger:
            # One that does not run starts without the slot.
            with contextlib.suppress(TrafficError):
                if not proxy.facts().servers[record.slot].aside:
                    proxy.set_aside(record.slot)
        pause = _POLL if waited < _PATIENT else _SELDOM
        sleep(pause)
        waited += pause
    if _stops(state(unit)):
        return

    def let_in() -> None:
        # What cannot be written down is in force all the same.
        with contextlib.suppress(StorageError):
            _let_in(proxy, record.slot, lambda: _stops(state(unit)), sleep)

    unwritten = _kept_in(proxy, record.slot)
    let_in()
    if unwritten:
        _say(record.application, record.slot, unwritten)
    while unwritten:
        # Until there is room again: with what is written now the next start of the proxy would leave the slot out.
        sleep(_SELDOM)
        if _stops(state(unit)):
            return
        unwritten = _kept_in(proxy, record.slot)
        let_in()
    _stay_in(let_in, lambda: state(_PROXY), sleep)


def _kept_in(proxy: Proxy, slot: str) -> StorageError | None:
    """Why it cannot be written down that the slot is in, or nothing."""
    try:
        proxy.keep_in(slot)
    except StorageError as error:
        return error
    return None


def _state(layout: Layout, unit: str) -> str:
    """The state of a unit; empty when systemd cannot be asked, which must not keep a healthy slot out of service."""
    with contextlib.suppress(OpsError):
        return Systemd(layout).show([unit])[unit].active
    return ""


def _stops(state: str) -> bool:
    """The slot was taken out because its process is about to end, which has the port still."""
    return state in ("deactivating", "inactive", "failed")


def _stay_in(let_in: Callable[[], None], proxy_state: Callable[[], str], sleep: Sleep) -> None:
    """Let the slot in again when a proxy that read its files before they changed comes up without it."""
    waited, settled = 0.0, False
    while not settled:
        sleep(_AGAIN)
        waited += _AGAIN
        # systemd is asked first: a proxy that starts after this question reads the current files.
        settled = waited >= _SETTLED and proxy_state() not in ("activating", "reloading")
        let_in()


def _let_in(proxy: Proxy, slot: str, stops: Callable[[], bool], sleep: Sleep, tries: int = _TRIES) -> None:
    """A proxy that is starting may have read its files before the slot was back, and cannot be asked yet."""
    try:
        if proxy.facts().servers[slot].aside and not stops():
            proxy.set_down(slot)
    except TrafficError:
        if not tries:
            raise
        sleep(_POLL)
        _let_in(proxy, slot, stops, sleep, tries - 1)


def _say(application: str, slot: str, error: OpsError) -> int:
    """Into the journal of the unit."""
    sys.stderr.write(f"mas.ops: the proxy was not informed about {application}, slot {slot}: {error}\n")
    return 1
