# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out the steps of a plan on a host, journalled. Everything it touches is behind a port."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Protocol

from .._canary.settings import Settings
from .._core.errors import BadInput, HealthError
from .._core.plan import Plan, Step
from .._ledger.history import CONTRACTION, RELEASE, version_of
from .._traffic.split import Split
from .application import Application
from .deadman import Armed
from .layout import Layout, missing_processes
from .lease import Lease, Moment
from .manifest import Health, Manifest
from .state import STAGED, Operation, State
from .watch import Watch

_POLL = 0.1
#: Every so many polls, because asking systemd costs a host ten times as much as a health request.
_ASK_SYSTEMD = 5
_PROXY_SEES_IT = 15.0
#: How long new workers must stay up. One that cannot run dies sooner, and is then down or was started again.
_WORKERS_STAY = 1.0


class Units(Protocol):
    """systemd."""

    def show(self, units: Sequence[str]) -> Mapping[str, Any]: ...
    def look(self, units: Sequence[str]) -> Mapping[str, Any]: ...
    def recall(self, units: Sequence[str]) -> Mapping[str, Any]: ...
    def forget_seen(self) -> None: ...
    def start(self, units: Sequence[str]) -> None: ...
    def stop(self, units: Sequence[str]) -> None: ...
    def reload(self, units: Sequence[str], changed: bool) -> None: ...
    def run_once(self, slot: str, release: str, command: Sequence[str], seconds: int) -> None: ...
    def wake(self, seconds: float) -> None: ...


class Balancer(Protocol):
    """The proxy in front of the slots."""

    def facts(self) -> Any: ...
    def shift(self, split: Split) -> None: ...
    def wait_up(self, slot: str, seconds: float) -> None: ...
    def drain(self, slot: str, seconds: float) -> int: ...


class Files(Protocol):
    """Releases, slots and journal on the disk."""

    def state(self) -> State: ...
    def write_state(self, state: State) -> None: ...
    def on_disk(self) -> frozenset[str]: ...
    def held(self, slot: str) -> str | None: ...
    def manifest(self, release: str) -> Manifest: ...
    def variables(self) -> frozenset[str]: ...
    def unpack(self, release: str) -> None: ...
    def remove(self, release: str) -> None: ...
    def assign(self, slot: str, release: str) -> bool: ...
    def unassign(self, slot: str) -> bool: ...
    def lease(self) -> Lease: ...
    def write_lease(self, lease: Lease) -> None: ...
    def armed(self) -> Armed | None: ...
    def write_armed(self, armed: Armed) -> None: ...
    def forget_armed(self) -> None: ...


class Source(Protocol):
    """The artifact of the release that is being brought in."""

    def fetch(self, release: str) -> None: ...
    def manifest(self, release: str) -> Manifest: ...
    def forget(self, release: str) -> None: ...


class Book(Protocol):
    """The ledger."""

    def entries(self) -> list[dict[str, Any]]: ...
    def append(self, entry: Mapping[str, Any], time: str) -> object: ...


class Time(Protocol):
    """The clock."""

    def text(self) -> str: ...
    def moment(self) -> Moment: ...
    def seconds(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Web(Protocol):
    """The slots' own ports."""

    def healthy(self, port: int, health: Health) -> bool: ...
    def port_taken(self, port: int) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """All that the outside world is to a release. ``proxy`` is ``None`` for worker-only applications."""

    units: Units
    proxy: Balancer | None
    files: Files
    source: Source
    book: Book
    clock: Time
    web: Web


@dataclass(frozen=True)
class Limits:
    """Deadlines in seconds."""

    drain: float = 30.0
    migration: int = 600
    lease: float = 900.0


@dataclass
class Executor:
    """Applies plans for one application. ``seconds`` collects how long each kind of step took."""

    app: Application
    layout: Layout
    ports: Ports
    limits: Limits
    run: str
    actor: str
    state: State
    watch: Watch = field(default_factory=lambda: Watch(Settings()))
    seconds: dict[str, float] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, plan: Plan, operation: Operation | None) -> None:
        """Journal ``operation`` and take the steps in order.

        :raises OpsError: from the step that failed; the journal then says which one it was
        """
        if operation:
            self._journal(operation)
        for step in plan.steps:
            if self.state.operation:
                self._journal(replace(self.state.operation, step=step.action))
            started = self.ports.clock.seconds()
            handler: Callable[[Step], None] = getattr(self, f"_{step.action}")
            handler(step)
            spent = self.ports.clock.seconds() - started
            self.seconds[step.action] = round(self.seconds.get(step.action, 0.0) + spent, 3)

    def staged(self) -> None:
        """Journal that the operation waits for its switch."""
        if self.state.operation:
            self._journal(replace(self.state.operation, step=STAGED))

    def record(self, action: str, before: str | None, after: str | None, **more: Any) -> None:
        """Write what happened to the ledger, with the way back."""
        entry = {
            "kind": RELEASE,
            "application": self.app.name,
            "environment": self.app.environment,
            "action": action,
            "from": before,
            "to": after,
            "run": self.run,
            "actor": self.actor,
            "seconds": dict(self.seconds),
            "way_back": way_back(self.app.name, before),
            **({"gate": dict(self.gate)} if self.gate else {}),
            **({"verdict": verdict} if (verdict := self.watch.to_dict()) else {}),
            **more,
        }
        self.ports.book.append(entry, self.ports.clock.text())

    def _journal(self, operation: Operation | None, **live: Any) -> None:
        state = replace(self.state, operation=operation, **live)
        self.ports.files.write_state(state)
        self.state = state

    def _manifest(self, release: str) -> Manifest:
        return self.ports.files.manifest(release)

    def _release_in(self, slot: str) -> str:
        return self.ports.files.held(slot) or ""

    # One handler a kind of step, named after it.

    def _fetch(self, step: Step) -> None:
        self.ports.source.fetch(step.target)

    def _check(self, step: Step) -> None:
        on_disk = step.target in self.ports.files.on_disk()
        manifest = self._manifest(step.target) if on_disk else self.ports.source.manifest(step.target)
        check_fits(self.app, manifest, step.target, self.ports.files.variables())

    def _unpack(self, step: Step) -> None:
        self.ports.files.unpack(step.target)

    def _drain(self, step: Step) -> None:
        if self.ports.proxy and self.app.web:
            self.ports.proxy.drain(step.target, self.limits.drain)

    def _stop(self, step: Step) -> None:
        self.ports.units.stop(self.layout.units(step.target))

    def _assign(self, step: Step) -> None:
        changed = self.ports.files.assign(step.target, step.detail["release"])
        self.ports.units.reload(self.layout.units(step.target), changed)

    def _unassign(self, step: Step) -> None:
        changed = self.ports.files.unassign(step.target)
        self.ports.units.reload(self.layout.units(step.target), changed)

    def _migrate(self, step: Step) -> None:
        command = self._manifest(step.target).migrations.expand
        if command:
            self.ports.units.run_once(step.detail["slot"], step.target, command, self.limits.migration)

    def _contract(self, step: Step) -> None:
        begun, ended = CONTRACTION
        # There is no way back from here on.
        self.record(begun, None, step.target)
        command = self._manifest(step.target).migrations.contract
        if command:
            self.ports.units.run_once(self.state.live or "", step.target, command, self.limits.migration)
        self.record(ended, None, step.target)

    def _start_web(self, step: Step) -> None:
        self.ports.units.start(self.layout.web(step.target))

    def _await_health(self, step: Step) -> None:
        slot = step.target
        health = self._manifest(self._release_in(slot)).health
        if health is None:
            return
        self._wait_healthy(slot, health)
        if self.ports.proxy:
            self.ports.proxy.wait_up(slot, _PROXY_SEES_IT)

    def _wait_healthy(self, slot: str, health: Health) -> None:
        unit = self.layout.web(slot)[0]
        clock, port = self.ports.clock, self.app.ports[slot]
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
            where=f"GET http://127.0.0.1:{self.app.ports[slot]}{health.path} wants {health.expected}",
            fix=f"See `journalctl -u {unit} -n 50`.",
        )

    def _start_workers(self, step: Step) -> None:
        self.ports.units.start(self.layout.workers(step.target))

    def _await_workers(self, step: Step) -> None:
        units = self.layout.workers(step.target)
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

    def _stop_workers(self, step: Step) -> None:
        self.ports.units.stop(self.layout.workers(step.target))

    def _shift(self, step: Step) -> None:
        """The slot itself is asked, too: one that just died is up for the proxy until its checks fail."""
        if self.ports.proxy:
            health = self._manifest(self._release_in(step.target)).health
            if health:
                self._wait_healthy(step.target, health)
            self.ports.proxy.wait_up(step.target, _PROXY_SEES_IT)
            self.ports.proxy.shift(Split.to(step.target, step.detail.get("percent", 100)))

    def _bake(self, step: Step) -> None:
        if self.ports.proxy:
            self.watch.stage(step, self._release_in(step.target), self.ports.proxy, self.ports.clock)
            self.ports.units.forget_seen()

    def _arm(self, step: Step) -> None:
        """The file says what is awaited; the timer only looks whether it is still there."""
        moment = self.ports.clock.moment()
        until = moment.after(step.detail["seconds"])
        self.ports.files.write_armed(Armed(step.target, self.run, moment.text, until))
        self.ports.units.wake(step.detail["seconds"])

    def _disarm(self, _step: Step) -> None:
        self.ports.files.forget_armed()

    def _confirm(self, step: Step) -> None:
        """Disarmed first: what dies before the ledger is at worst a confirmation that is not in it."""
        self.ports.files.forget_armed()
        self.record("confirmed", step.detail["from"], step.target)

    def _commit(self, step: Step) -> None:
        """Ledger first: a crash in between is repaired by the next run, which commits again."""
        before = self._release_in(self.state.live) if self.state.live else None
        nothing = "to" in step.detail and step.detail["to"] is None
        after = None if nothing else self._release_in(step.target)
        action = step.detail["action"]
        source = self._source_of(after) if after and action == "live" else {}
        # How long a run takes, which the gate must know, counts from its staging and not from its last call.
        began = {"began": self.state.operation.since} if self.state.operation else {}
        self.record(action, before or None, after, slot=step.target, **began, **source)
        self._journal(None, live=None if nothing else step.target)

    def _source_of(self, release: str) -> dict[str, str]:
        """From which revision and from when what goes live is: lead times are counted from there."""
        manifest = self._manifest(release)
        return {"commit": manifest.commit, "built": manifest.built}

    def _close(self, step: Step) -> None:
        if "action" in step.detail:
            self.record(step.detail["action"], step.target, step.detail["to"])
        self.ports.source.forget(step.target)
        self._journal(None)

    def _remove(self, step: Step) -> None:
        self.ports.files.remove(step.target)


def way_back(application: str, release: str | None) -> str:
    """The command that brings ``release`` back, or an empty string when there is nothing to go back to."""
    if not release:
        return ""
    return f"ansible-playbook mas.ops.rollback -e application={application} -e version={version_of(release)}"


def check_fits(app: Application, manifest: Manifest, release: str, variables: frozenset[str]) -> None:
    """Whether this host can run what the manifest describes.

    :raises BadInput: wrong application or version, processes without units, secrets that are not set
    """
    wrong = []
    if (manifest.name, manifest.version) != (app.name, version_of(release)):
        wrong.append(f"it is {manifest.name} {manifest.version}, not {app.name} {version_of(release)}")
    wrong += missing_processes(app, manifest)
    missing = sorted(set(manifest.secrets) - variables)
    if missing:
        wrong.append(f"{', '.join(missing)} not set in {app.environment_file}")
    if wrong:
        raise BadInput(
            f"the artifact does not fit this host: {'; '.join(wrong)}",
            where=release,
            fix="Correct application_processes or application_environment and run mas.ops.provision, or deploy the right artifact.",
        )
