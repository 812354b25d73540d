# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out the steps that remove an application from its host. Everything they touch is behind a port.

There is no journal: each step removes something for good, and what is left is the plan of the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .._core.apply import take_steps
from .._core.plan import Plan, Step
from .._ledger.history import DECOMMISSIONED
from .._traffic.split import NO_TRAFFIC
from .application import Application
from .commands import restored
from .entry import entry
from .ports import Ports


class Premises(Protocol):
    """What a host has of an application beside what its releases change."""

    def remove(self, path: str) -> None: ...
    def remove_tree(self, path: str) -> None: ...
    def remove_folder(self, path: str) -> None: ...
    def remove_slot_units(self, units: Sequence[str]) -> None: ...
    def remove_units(self) -> None: ...
    def remove_account(self, name: str) -> None: ...
    def unserve(self) -> None: ...
    def reload_proxy(self) -> None: ...
    def forget(self) -> None: ...


@dataclass
class Remover:
    """Applies the plan for one application. ``seconds`` collects how long each kind of step took."""

    app: Application
    ports: Ports
    premises: Premises
    drain_timeout: float
    run: str
    actor: str
    gate: Mapping[str, Any] = field(default_factory=dict)
    inventory: Sequence[str] = ()
    limit: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def apply(self, plan: Plan) -> None:
        """Take the steps in order.

        :raises Stopped: the run is to end, before a step or within one
        :raises OpsError: from the step that failed; the same command again goes on with it
        """
        take_steps(plan.steps, self, lambda _step: None, self.ports.clock, self.seconds)

    # One handler a kind of step, named after it.

    def _disarm(self, _step: Step) -> None:
        self.ports.store.forget_armed()

    def _close(self, _step: Step) -> None:
        self.ports.store.write_state(replace(self.ports.store.state(), operation=None))

    def _withdraw(self, _step: Step) -> None:
        if self.ports.proxy:
            if self.app.proxy and self.app.proxy.fallback:
                self.ports.proxy.set_backup(None)
            self.ports.proxy.shift(NO_TRAFFIC)

    def _drain(self, step: Step) -> None:
        if self.ports.proxy:
            self.ports.proxy.drain(step.target, self.drain_timeout)

    def _stop(self, step: Step) -> None:
        self.ports.services.stop(step.detail["units"])

    def _unassign(self, step: Step) -> None:
        """The link first: what a slot holds can be started. The record last: it says which units there are."""
        link, *others = step.detail["files"] or [""]
        if link:
            self.premises.remove(link)
        units = step.detail["units"]
        self.premises.remove_slot_units(units)
        self.ports.services.reload(units, bool(units))
        for path in others:
            self.premises.remove(path)

    def _unserve(self, _step: Step) -> None:
        self.premises.unserve()

    def _reload_proxy(self, _step: Step) -> None:
        self.premises.reload_proxy()

    def _remove(self, step: Step) -> None:
        self.premises.remove(step.target)

    def _remove_tree(self, step: Step) -> None:
        self.premises.remove_tree(step.target)

    def _remove_folder(self, step: Step) -> None:
        self.premises.remove_folder(step.target)

    def _remove_units(self, _step: Step) -> None:
        self.premises.remove_units()

    def _remove_account(self, step: Step) -> None:
        self.premises.remove_account(step.target)

    def _forget(self, _step: Step) -> None:
        self.premises.forget()

    def _record(self, step: Step) -> None:
        """After this no rollback goes to what was here, so it comes once nothing of that is there."""
        live = step.detail["live"]
        more = {
            "seconds": dict(self.seconds),
            "rollback_command": restored(self.app.name, live, self.inventory, self.limit),
            **({"gate": dict(self.gate)} if self.gate else {}),
        }
        written = entry(self.app, DECOMMISSIONED, live, None, self.run, self.actor, **more)
        self.ports.ledger.append(written, self.ports.clock.text())
