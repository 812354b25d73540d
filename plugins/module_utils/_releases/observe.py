# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read everything on a host that a plan depends on. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._ledger.history import fold, unconfirmed
from .._traffic.split import SLOTS, TrafficFacts
from .application import Application
from .auto_rollback import Armed
from .health import check_of, slot_endpoint
from .layout import Layout
from .lease import Moment
from .ports import Ports
from .slot import Slot
from .sockets import Ownership
from .state import Facts, Operation, SlotFacts, recovered


def observe(app: Application, layout: Layout, ports: Ports, again: bool = False) -> Facts:
    """Look at everything a plan depends on. Changes nothing.

    :param again: after a plan that went well. Its steps saw the units reach the state that they ordered.
    """
    look = ports.services.recall if again else ports.services.look
    records = {slot: ports.store.record(slot) for slot in SLOTS}
    held = [unit for record in records.values() if record for unit in record.units]
    units = look((*held, layout.auto_rollback_timer))
    traffic = ports.proxy.facts() if ports.proxy and app.web else None
    slots = {slot: _slot(app, ports, slot, record, units, traffic) for slot, record in records.items()}
    entries = ports.ledger.entries()
    history = fold(entries, app.name)
    state = recovered(ports.store.state(), slots, history)
    armed, damage = ports.store.armed(), tuple(ports.store.damage())
    if any(found.path == layout.auto_rollback for found in damage):
        armed = presumed(state.operation, unconfirmed(entries, app.name), ports.clock.moment())
    return Facts(state, slots, ports.store.on_disk(), history, armed, damage)


def presumed(operation: Operation | None, entry: Mapping[str, Any] | None, moment: Moment) -> Armed | None:
    """What the automatic rollback waits for where its file is damaged: the release of an open deploy, or one that the
    ledger knows as live and not as confirmed. Its time is over.

    :param entry: of the ledger, about a release that is live and not confirmed
    """
    if operation and operation.kind == "deploy":
        return Armed(operation.release, operation.run, operation.since, moment.after(0.0))
    if entry:
        run, time = str(entry.get("run", "")), str(entry.get("time", ""))
        return Armed(str(entry["to"]), run, time, moment.after(0.0))
    return None


def _slot(
    app: Application,
    ports: Ports,
    slot: str,
    record: Slot | None,
    units: Mapping[str, Any],
    traffic: TrafficFacts | None,
) -> SlotFacts:
    release = ports.store.held(slot)
    web = [units[unit] for unit in (record.web if record else ())]
    workers = [units[unit] for unit in (record.workers if record else ())]
    held = record.units if record and release else ()
    web_up = bool(web) and all(unit.up for unit in web)
    stopped = all(unit.stopped for unit in web)
    port = record.port if record else None
    # What the manifest said when the slot was filled: a manifest that was lost since bars nothing.
    health = record.health if record and release else None
    listens = _ownership(ports, record)
    check = check_of(health, record.host) if health and record and web_up and listens.good else None
    healthy = bool(check and port and ports.probe.ask(slot_endpoint(port), check).meets(check))
    free_for_next = not app.web or not (stopped or port != app.ports[slot])
    stranger = listens.stranger or ("" if free_for_next else _stranger(ports, app.ports[slot], record))
    return SlotFacts(
        release=release,
        web_up=web_up,
        workers=bool(workers),
        workers_up=all(unit.up for unit in workers),
        workers_any=any(not unit.stopped for unit in workers),
        stopped=all(unit.stopped for unit in web + workers),
        healthy=healthy,
        percent=traffic.percent(slot) if traffic else None,
        persisted=traffic.persisted[slot] if traffic and traffic.persisted else (-1 if traffic else None),
        port_taken=bool(stranger) or (not free_for_next and ports.probe.port_taken(app.ports[slot])),
        stranger=stranger,
        port=port,
        pending=tuple(ports.store.pending(slot)),
        neglected=tuple(ports.services.neglected([unit for unit in held if units[unit].up])),
        processes=_processes(record, units) if record and release else {},
    )


def _processes(record: Slot, units: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    return {
        name: {
            "instances": process.instances,
            "running": sum(units[record.unit(copy)].up for copy in record.copies_of(name)),
        }
        for name, process in sorted(record.processes.items())
    }


def _ownership(ports: Ports, record: Slot | None) -> Ownership:
    if record is None or not record.web:
        return Ownership(False)
    return ports.probe.ownership(record.port, record.web[0], record.socket is not None)


def _stranger(ports: Ports, port: int, record: Slot | None) -> str:
    """Who listens where the slot's next release wants to."""
    return ports.probe.ownership(port, record.web[0] if record and record.web else "").stranger
