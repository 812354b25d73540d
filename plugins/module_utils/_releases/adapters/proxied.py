# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases in the slots of this host, for a new configuration of the proxy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from ..._core.errors import BadInput, NotFound, OpsError
from ..._ledger.adapters.host import host_ledger
from ..._ledger.history import History, fold
from ..._traffic.host_config import Held
from ..._traffic.split import SLOTS
from ..application import Application
from ..health import check_of
from ..layout import Layout
from ..state import SlotFacts, State, recovered
from .folders import Folders, load_application
from .host import proxy_of
from .listeners import ownership


def held(applications: Iterable[str]) -> Mapping[str, Mapping[str, Held]]:
    """By application and slot, without the applications that this host does not know yet."""
    found = {name: _held(name) for name in applications}
    return {name: slots for name, slots in found.items() if slots is not None}


def _live(app: Application, folders: Folders) -> str | None:
    """The slot that users have; where the journal was lost, by what is in force and by the ledger."""
    held = {slot: folders.held(slot) for slot in SLOTS}
    if not any(held.values()):
        # A host without releases: its proxy may not run yet, and would be waited for.
        return None
    with contextlib.suppress(OpsError):
        if live := folders.state().live:
            return live
    percents: dict[str, int] = {}
    history = History()
    with contextlib.suppress(OpsError):
        proxy = proxy_of(app)
        percents = proxy.facts().running if proxy else {}
    with contextlib.suppress(OpsError):
        history = fold(host_ledger().entries(), app.name)
    slots = {slot: SlotFacts(held[slot], percent=percents.get(slot)) for slot in SLOTS}
    return recovered(State(), slots, history).live


def _held(application: str) -> Mapping[str, Held] | None:
    try:
        app = load_application(application)
    except (BadInput, NotFound):
        # Not there yet, or as an older role wrote it: the one of today writes it anew.
        return None
    folders = Folders(Layout(app))
    live = _live(app, folders)
    found = {}
    for slot in SLOTS:
        record = folders.record(slot)
        if record and record.health:
            check = check_of(record.health, record.host)
            serves = ownership(record.port, record.web[0], record.socket is not None).own
            found[slot] = Held(
                check.path, check.host, check.expected, check.timeout, record.port, serves, slot == live
            )
    return found
