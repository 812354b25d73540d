# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use case of the module ``application``: write its settings to the host, or refuse settings that conflict."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from ..._core.errors import BadInput, Refused
from ..._core.files import exclusive, read_json, storage_errors, write_json
from ..._core.outcome import Outcome
from ..._core.plan import Plan, Step
from ..._traffic.split import SLOTS
from ..application import CONFIG, claims_too_much, parse_application
from ..layout import PROVISION, THIS_APPLICATION, Layout
from ..manifest import check_name
from ..neighbours import advice, collisions, footprint, forbidden, refuse_foreign_settings
from .folders import Folders
from .judged_limits import refuse_unread


def application(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Compare with what runs and with the other applications of the host, then write."""
    wanted = params["contract"]
    path = CONFIG.format(name=check_name(wanted.get("name"), "application_name"))
    app = parse_application(wanted, "application")
    folders = Folders(Layout(app))
    with storage_errors(path):
        records = [record for slot in SLOTS if (record := folders.record(slot))]
        others = folders.neighbours()
        wrong = [
            *claims_too_much(app),
            *forbidden(app, records),
            *collisions(footprint(app, records), others),
        ]
    refuse_foreign_settings(app.name, params["settings_for"], [other.application for other in others])
    if wrong:
        raise Refused(
            f"{app.name} cannot be set up like this: {'; '.join(wrong)}",
            where="this host",
            fix=advice(app.name, params["settings_for"]),
        )
    refuse_unread(app.sandbox.limits)
    before = _before(path)
    after = app.to_dict()
    plan = Plan(before, after, (Step("write", path),) if before != after else ())
    if plan.changed and not check_mode:
        with storage_errors(path):
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            os.makedirs(os.path.dirname(folders.layout.lock), mode=0o750, exist_ok=True)
        with exclusive(folders.layout.lock, params["patience"], subject=THIS_APPLICATION):
            write_json(path, after)
    with storage_errors(path):
        pending = {record.slot: list(folders.pending(record.slot)) for record in records if record.processes}
        live = folders.state().live
    return Outcome(plan, {"pending": pending.get(live or "", []), "pending_by_slot": pending})


def _before(path: str) -> Mapping[str, Any]:
    """What the role wrote last; nothing where that is damaged, for writing it again is what repairs it."""
    with contextlib.suppress(BadInput):
        found = read_json(path, PROVISION)
        if isinstance(found, Mapping):
            return found
    return {}
