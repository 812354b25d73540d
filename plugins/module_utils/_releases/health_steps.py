# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a plan that find out whether a release is well, and give it traffic only then."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from .._core.errors import HealthError
from .._core.plan import Step
from .._traffic.split import Split
from .application import Application
from .layout import Layout
from .manifest import Health, Manifest
from .ports import Ports

_POLL = 0.1
#: Every so many polls, because asking systemd costs a host ten times as much as a health request.
_ASK_SYSTEMD = 5
_PROXY_SEES_IT = 15.0
#: How long new workers must stay up. One that cannot run dies sooner, and is then down or was started again.
_WORKERS_STAY = 1.0


class HealthSteps:
    """Handlers of :class:`.executor.Executor`, one a kind of step."""

    app: Application
    layout: Layout
    ports: Ports

    def _manifest(self, release: str) -> Manifest:
        return self.ports.files.manifest(release)

    def _release_in(self, slot: str) -> str:
        return self.ports.files.held(slot) or ""

    def _units(self, slot: str) -> Sequence[str]:
        record = self.ports.files.record(slot)
        return record.units if record else ()

    def _web(self, slot: str) -> Sequence[str]:
        record = self.ports.files.record(slot)
        return record.web if record else ()

    def _workers(self, slot: str) -> Sequence[str]:
        record = self.ports.files.record(slot)
        return record.workers if record else ()

    def _port(self, slot: str) -> int:
        record = self.ports.files.record(slot)
        return record.port if record else self.app.ports[slot]

    def _await_health(self, step: Step) -> None:
        slot = step.target
        health = self._manifest(self._release_in(slot)).health
        if health is None:
            return
        self._wait_healthy(slot, health)
        if self.ports.proxy:
            self.ports.proxy.wait_up(slot, _PROXY_SEES_IT)

    def _wait_healthy(self, slot: str, health: Health) -> None:
        unit = self._web(slot)[0]
        clock, port = self.ports.clock, self._port(slot)
        deadline = clock.seconds() + health.startup_budget
        for poll in itertools.count():
            answered = self.ports.web.healthy(port, health)
            if answered and self.ports.units.recall([unit])[unit].up:
                return
            late = clock.seconds() > deadline
            if answered or late or poll % _ASK_SYSTEMD == _ASK_SYSTEMD - 1:
                facts = self.ports.units.show([unit])[unit]
                if answered and facts.up:
                    return
                if late or facts.hopeless:
                    raise self._unhealthy(slot, health, unit, facts, late)
            clock.sleep(_POLL)

    def _unhealthy(self, slot: str, health: Health, unit: str, facts: Any, late: bool) -> HealthError:
        budget = f"within its start-up budget of {health.startup_budget} s" if late else "and will not"
        return HealthError(
            f"{self._release_in(slot)} did not become healthy {budget} "
            f"(unit {facts.active}, {facts.restarts} restarts)",
            where=f"GET http://127.0.0.1:{self._port(slot)}{health.path} wants {health.expected}",
            fix=f"See `journalctl -u {unit} -n 50`.",
        )

    def _await_workers(self, step: Step) -> None:
        units = self._workers(step.target)
        if not units:
            return
        facts = self.ports.units.show(units)
        left = _WORKERS_STAY - self.ports.clock.seconds() + max(facts[unit].since for unit in units)
        if left > 0:
            self.ports.clock.sleep(left)
            facts = self.ports.units.show(units)
        for unit in units:
            if not facts[unit].up or facts[unit].restarts:
                raise HealthError(
                    f"a worker of {self._release_in(step.target)} did not stay up "
                    f"(unit {facts[unit].active}, {facts[unit].restarts} restarts)",
                    where=unit,
                    fix=f"See `journalctl -u {unit} -n 50`.",
                )

    def _shift(self, step: Step) -> None:
        """The slot itself is asked, too: one that just died is up for the proxy until its checks fail."""
        if self.ports.proxy:
            health = self._manifest(self._release_in(step.target)).health
            if health:
                self._wait_healthy(step.target, health)
            self.ports.proxy.wait_up(step.target, _PROXY_SEES_IT)
            self.ports.proxy.shift(Split.to(step.target, step.detail.get("percent", 100)))
