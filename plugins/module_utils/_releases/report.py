# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host says of an application: in the result of a change, and in answer to ``release_info``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._core.errors import OpsError
from .._traffic.split import SLOTS
from .application import Application
from .commands import rollback_command
from .layout import Layout
from .observe import observe
from .ports import Ports
from .state import Facts
from .targets import rollback_target, targets


def describe(
    app: Application, layout: Layout, ports: Ports, inventory: tuple[str, ...] = (), age: float = 0.0
) -> dict[str, Any]:
    """:func:`report`, what was live when, what can be gone back to, and which rollback this run need not repeat.

    :param age: seconds since the run began that wants to know
    """
    facts = observe(app, layout, ports)
    moments = [{"time": time, "release": release} for time, release in facts.history.moments]
    return {
        **report(facts, app, inventory),
        "timeline": moments,
        "targets": possible_targets(facts, app, ports),
        "left": facts.history.left,
        "damage": list(map(str, facts.damage)),
        "back": dict(facts.history.back.__dict__) if facts.history.back else None,
        "back_since": _back_since(facts, ports.clock.moment().wall, age),
    }


def possible_targets(facts: Facts, app: Application, ports: Ports) -> list[dict[str, Any]]:
    """The possible targets of a rollback, newest first, as builtins."""
    found = targets(facts, app)
    held = {target.release for target in found} & facts.on_disk
    budgets = {name: budget for name in held if (budget := _startup_budget(ports, name)) is not None}
    return [target.to_dict(budgets) for target in found]


def _startup_budget(ports: Ports, release: str) -> float | None:
    """Seconds; ``None`` where the release says none, or its manifest is damaged."""
    try:
        health = ports.store.manifest(release).health
    except OpsError:
        return None
    return float(health.startup_budget) if health else None


def _back_since(facts: Facts, wall: float, age: float) -> dict[str, Any] | None:
    """The last rollback, where it was committed after a run of that age began: its own age is of the same clock."""
    back = facts.history.back
    if back is None or not 0 <= wall - seconds_of(back.time) < age:
        return None
    return dict(back.__dict__)


def report(
    facts: Facts, app: Application, inventory: tuple[str, ...] = (), limit: str = ""
) -> dict[str, Any]:
    """The state of an application on its host, as builtins."""
    previous = rollback_target(facts) if facts.live_release else None
    return {
        "application": app.name,
        "live": facts.live_release,
        "previous": previous,
        "slot": facts.state.live,
        "slots": {slot: facts.slots[slot].to_dict() for slot in SLOTS},
        "pending": list(facts.live.pending) if facts.live else [],
        "history": list(facts.history.stack),
        "releases": sorted(facts.on_disk),
        "operation": facts.state.operation.to_dict() if facts.state.operation else None,
        "contracted": facts.history.below(None),
        "armed": facts.armed.to_dict() if facts.armed else None,
        "rollback_command": rollback_command(app.name, previous, inventory, limit),
    }


def seconds_of(time: str) -> float:
    """Since the epoch, of a time as the ledger writes it."""
    # Python 3.9 does not read the Z by itself.
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
