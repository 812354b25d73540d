# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a plan that check the health of a release, and give it traffic only then."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .._core.errors import HealthError, TrafficError
from .._core.plan import Step
from .._core.unit_facts import journal_advice
from .._ledger.history import fold
from .._traffic.split import SLOTS, Split
from .application import Application, other
from .commands import command
from .health import HealthCheck, HttpAnswer, check_of, slot_endpoint
from .layout import Layout
from .manifest import Health, Manifest
from .ports import LoadBalancer, Ports
from .sockets import Ownership
from .state import State

_POLL = 0.1
#: Every so many polls, because asking systemd costs a host ten times as much as a health request.
_ASK_SYSTEMD = 5
_PROXY_SEES_IT = 15.0
#: A proxy that was just reloaded, or a slow answer, is no reason to take a host back.
_FRONT_DOOR = 3.0
#: How long new workers must stay up. One that cannot run dies sooner, and is then down or was started again.
_WORKERS_STAY = 1.0


class HealthSteps:
    """Handlers of :class:`.executor.Executor`, one a kind of step."""

    app: Application
    layout: Layout
    ports: Ports
    state: State
    goes_back: bool
    looks_only: bool
    warnings: list[str]

    def _manifest(self, release: str) -> Manifest:
        return self.ports.store.manifest(release)

    def _release_in(self, slot: str) -> str:
        return self.ports.store.held(slot) or ""

    def _units(self, slot: str) -> Sequence[str]:
        record = self.ports.store.record(slot)
        return record.units if record else ()

    def _web(self, slot: str) -> Sequence[str]:
        record = self.ports.store.record(slot)
        return record.web if record else ()

    def _web_services(self, slot: str) -> Sequence[str]:
        record = self.ports.store.record(slot)
        return record.web_services if record else ()

    def _workers(self, slot: str) -> Sequence[str]:
        record = self.ports.store.record(slot)
        return record.workers if record else ()

    def _port(self, slot: str) -> int:
        record = self.ports.store.record(slot)
        return record.port if record else self.app.ports[slot]

    def _health(self, slot: str) -> Health | None:
        """The health check of the release in the slot; ``None`` where the slot is empty or serves no requests."""
        record = self.ports.store.record(slot)
        return record.health if record and record.web and self._release_in(slot) else None

    def _check_for(self, slot: str) -> HealthCheck | None:
        """Also of a slot that is being filled: it is empty until all that serves it knows what it gets."""
        record = self.ports.store.record(slot)
        return check_of(record.health, record.host) if record and record.web and record.health else None

    def _set_checks(self, slot: str) -> None:
        """The proxy checks what the slots hold now, as their manifests say."""
        proxy, ports = self.ports.proxy, {name: self._port(name) for name in SLOTS}
        checks = {name: check for name in (slot, other(slot)) if (check := self._check_for(name))}
        if proxy is None:
            return
        try:
            for name, check in checks.items():
                proxy.check_with(name, check, ports, checks.get(other(name)))
        except TrafficError as error:
            if not self.goes_back:
                raise
            self.warnings.append(str(error))

    def _set_backup(self, slot: str | None) -> None:
        """Which slot answers while the live one is down, for an application that wants that."""
        if self.ports.proxy and self.app.proxy and self.app.proxy.fallback:
            self.ports.proxy.set_backup(slot)

    def _warm(self) -> str | None:
        """The slot with the release before the live one, while it runs; never one that was only staged, or was left."""
        if not (self.state.live and self.app.proxy and self.app.proxy.fallback):
            return None
        idle = other(self.state.live)
        previous = fold(self.ports.ledger.entries(), self.app.name).previous
        units = self._web(idle)
        runs = units and all(facts.up for facts in self.ports.services.recall(units).values())
        return idle if runs and self._release_in(idle) == previous else None

    def _await_health(self, step: Step) -> None:
        health = self._health(step.target)
        if health is None:
            return
        self._wait_healthy(step.target, health)
        services = self._web_services(step.target)
        if len(services) > 1 and not self.goes_back:
            # The health check is answered by any of them. Some may need several starts, until a database is there.
            self._stay_up(step.target, services, "a copy of the web process", restarts=True)
        if self.ports.proxy:
            self.ports.proxy.wait_up(step.target, _PROXY_SEES_IT)

    def _wait_healthy(self, slot: str, health: Health) -> None:
        """Until the slot answers, its units run, and the answer can have come from them only.

        Any copy may have answered, so all of them must run. A way back needs one of them.
        """
        services = self._web_services(slot)
        clock, port, recall = self.ports.clock, self._port(slot), self.ports.services.recall
        check = self._check_for(slot)
        if check is None:
            return
        deadline = clock.seconds() + health.startup_budget
        for poll in itertools.count():
            answer = self.ports.probe.ask(slot_endpoint(port), check)
            answered = answer.meets(check)
            if answered and self._owned(slot) and not self._missing(services, recall(services)):
                return
            late = clock.seconds() > deadline
            if answered or late or poll % _ASK_SYSTEMD == _ASK_SYSTEMD - 1:
                facts = self.ports.services.show(services)
                missing = self._missing(services, facts)
                if self._owned(slot) and answered and not missing:
                    return
                unit = (missing or services)[0]
                if late or facts[unit].hopeless:
                    raise self._unhealthy(slot, health, answer, unit, facts[unit], late)
            clock.sleep(_POLL)

    def _missing(self, services: Sequence[str], facts: Mapping[str, Any]) -> list[str]:
        """The copies that do not run, where that counts."""
        down = [unit for unit in services if not facts[unit].up]
        return [] if self.goes_back and len(down) < len(services) else down

    def _owned(self, slot: str) -> bool:
        """
        :raises HealthError: another program listens there, so no answer means anything
        """
        record = self.ports.store.record(slot)
        if record is None:
            return False
        port, unit = record.port, record.web[0]
        found: Ownership = self.ports.probe.ownership(port, unit, record.socket is not None)
        if found.stranger:
            raise HealthError(
                f"another program listens on the port of the {slot} slot: {found.stranger}",
                where=f"127.0.0.1:{port}, which belongs to {unit}",
                fix="Stop that program, or give the slot another port (application_slots).",
            )
        return found.own

    def _unhealthy(
        self, slot: str, health: Health, answer: HttpAnswer, unit: str, facts: Any, late: bool
    ) -> HealthError:
        record = self.ports.store.record(slot)
        host = record.host if record else self.app.host
        budget = f"within its start-up budget of {health.startup_budget} s" if late else "and will not"
        words = self.ports.services.last_words(unit)
        return HealthError(
            f"{self._release_in(slot)} did not become healthy {budget}: {answer.describe(self.ports.store.secrets(slot))} "
            f"({unit} is {facts.active}, {facts.restarts} restarts)",
            where=f"GET http://127.0.0.1:{self._port(slot)}{health.path} "
            f"with Host {host} wants {health.expected}",
            fix=journal_advice(unit, words),
        )

    def _await_workers(self, step: Step) -> None:
        units = self._workers(step.target)
        if units:
            self._stay_up(step.target, units, "a worker")

    def _stay_up(self, slot: str, units: Sequence[str], what: str, restarts: bool = False) -> None:
        """
        :param restarts: they may have been started again, before they stay up
        :raises HealthError: a process that has no health check of its own did not stay up
        """
        facts = before = self.ports.services.show(units)
        left = _WORKERS_STAY - self.ports.clock.seconds() + max(facts[unit].since for unit in units)
        if left > 0:
            self.ports.clock.sleep(left)
            facts = self.ports.services.show(units)
        stopped = self.ports.services.asleep(units)
        for unit in units:
            again = facts[unit].restarts - (before[unit].restarts if restarts else 0)
            if not facts[unit].up or again or unit in stopped:
                words = self.ports.services.last_words(unit)
                state = "stopped by a signal" if unit in stopped else facts[unit].active
                raise HealthError(
                    f"{what} of {self._release_in(slot)} did not stay up "
                    f"(unit {state}, {facts[unit].restarts} restarts)",
                    where=unit,
                    fix=journal_advice(unit, words),
                )

    def _shift(self, step: Step) -> None:
        """The slot itself is asked, too: one that just died is up for the proxy until its checks fail."""
        slot, percent = step.target, step.detail.get("percent", 100)
        if self.ports.proxy and self._web(slot):
            health = self._health(slot)
            if health:
                self._wait_healthy(slot, health)
            self._take_in(slot)
            if not self.goes_back:
                self._mend_proxy(slot)
            self.ports.proxy.wait_up(slot, _PROXY_SEES_IT)
            self.ports.proxy.shift(Split.to(slot, percent))

    def _take_in(self, slot: str) -> None:
        """Put a healthy slot back that was taken out after a crash; on a way back also one that was taken out by hand."""
        proxy = self.ports.proxy
        if proxy is None or self.looks_only:
            return
        facts = proxy.facts()
        if facts.servers[slot].aside and (self.goes_back or slot in facts.aside):
            proxy.set_down(slot)
        proxy.keep_in(slot)

    def _mend_proxy(self, slot: str) -> None:
        """What the proxy reads at its next start is there; what releases do not write is for the role.

        :raises TrafficError: it would not start
        """
        proxy = self.ports.proxy
        if proxy is None or self.looks_only:
            return
        # Before a reload, which reads them.
        proxy.rewrite()
        self._set_checks(slot)
        self._judge(proxy)

    def refuse_unsound(self) -> None:
        """
        :raises TrafficError: the proxy runs, and would not start again, or be reloaded
        """
        proxy = self.ports.proxy
        if proxy is None:
            return
        if not self.looks_only:
            proxy.rewrite()
        elif not proxy.whole():
            # A run repairs what is damaged, and checks then.
            return
        self._judge(proxy)

    def _judge(self, proxy: LoadBalancer) -> None:
        if unsound := proxy.unsound():
            raise TrafficError(
                f"the proxy runs, but would not start again: {unsound}",
                where=self.app.name,
                fix="Correct the named file if it is yours. Files of this collection are rewritten by "
                f"{command('provision', application_name=self.app.name)}",
            )

    def look_back(self, slot: str) -> None:
        """After a way back, which is never stopped by it: would the proxy start again, and what do users get?"""
        self._warn_of(self._mend_proxy, slot)
        self._warn_of(self._ask_front, slot)

    def _warn_of(self, look: Callable[[str], None], slot: str) -> None:
        try:
            look(slot)
        except (HealthError, TrafficError) as error:
            self.warnings.append(f"The rollback is complete. What still needs attention: {error}")

    def _prove(self, step: Step) -> None:
        self.prove(step.target)

    def prove(self, slot: str) -> None:
        """What is called good has a unit that runs and its port, and the proxy, the split and a user's request say so.

        :raises OpsError: which of them does not
        """
        health = self._health(slot)
        if health is None:
            return
        self._wait_healthy(slot, health)
        if self.ports.proxy is None:
            return
        self._take_in(slot)
        self._mend_proxy(slot)
        self.ports.proxy.wait_up(slot, _PROXY_SEES_IT)
        facts = self.ports.proxy.facts()
        if not facts.holds(Split.to(slot)):
            persisted = facts.persisted.to_dict() if facts.persisted else "nothing"
            raise TrafficError(
                f"the proxy does not give all requests to the {slot} slot, but {facts.running} "
                f"(after a restart {persisted})",
                where=self.app.name,
                fix="The split was changed since the switch: find out by whom, and deploy again.",
            )
        if not self.looks_only:
            self._set_backup(self._warm())
        self._ask_front(slot)

    def _ask_front_door(self, step: Step) -> None:
        """Users have the release already: what they get decides whether they keep it."""
        if self.ports.proxy:
            self._ask_front(step.target)

    def _ask_front(self, slot: str) -> None:
        """One real request on the way that users take."""
        proxy = self.app.proxy
        front = proxy.front if proxy else None
        own = self._check_for(slot)
        if proxy is None or front is None or own is None:
            return
        check, clock = proxy.front_check(own), self.ports.clock
        deadline = clock.seconds() + _FRONT_DOOR
        server = f"{proxy.backend}/{slot}"
        while True:
            answer = self.ports.probe.ask(front.endpoint, check)
            right = answer.meets(check)
            if right and (not check.by_whom or answer.server == server):
                return
            if clock.seconds() > deadline and right:
                raise HealthError(
                    f"users do not get {self._release_in(slot)}: the answer is not that of {server}, but of "
                    f"{answer.server or 'a server that the proxy does not name'}",
                    where=f"GET {front.endpoint.url}{check.path} with Host {check.host}",
                    fix="Another backend, a rule of the frontend or an outdated configuration of HAProxy may answer it. Check "
                    "the frontend, or rewrite the configuration: "
                    f"{command('provision', application_name=self.app.name)}",
                )
            if clock.seconds() > deadline:
                raise HealthError(
                    f"users do not get {self._release_in(slot)}: {answer.describe(self.ports.store.secrets(slot))}",
                    where=f"GET {front.endpoint.url}{check.path} with Host {check.host} wants {check.expected}",
                    fix="Check the frontend in HAProxy's configuration; if it answers that path differently on purpose, "
                    "set application_front_door.",
                )
            clock.sleep(_POLL)
