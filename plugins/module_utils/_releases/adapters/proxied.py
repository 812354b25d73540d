# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the slots of this host hold, for a proxy that is configured anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..._core.errors import BadInput, NotFound
from ..._traffic.host_config import Held
from ..._traffic.split import SLOTS
from ..health import check_of
from ..layout import Layout
from .folders import Folders, load_application
from .listeners import ownership


def held(applications: Iterable[str]) -> Mapping[str, Mapping[str, Held]]:
    """By application and slot, without the applications that this host does not know yet."""
    found = {name: _held(name) for name in applications}
    return {name: slots for name, slots in found.items() if slots is not None}


def _held(application: str) -> Mapping[str, Held] | None:
    try:
        app = load_application(application)
    except (BadInput, NotFound):
        # Not there yet, or as an older role wrote it: the one of today writes it anew.
        return None
    folders = Folders(Layout(app))
    live = folders.state().live
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
