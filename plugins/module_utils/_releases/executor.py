# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out the steps of a plan on a host, journalled. Everything it touches is behind a port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._canary.settings import CanarySettings
from .._core.apply import take_steps
from .._core.errors import BadInput, Refused
from .._core.plan import Plan, Step
from .._ledger.history import CONTRACTION, version_of
from .._traffic.split import NO_TRAFFIC, SLOTS
from .application import Application
from .auto_rollback import Armed
from .commands import command, undone
from .entry import entry
from .health_steps import HealthSteps
from .instances import selected, unknown
from .layout import Layout
from .manifest import WEB, Manifest
from .neighbours import collisions, footprint
from .ports import Limits, Ports
from .state import STAGED, Operation, State
from .units import MIGRATION, STOP_GRACE
from .watch import Watch

#: Seconds until a one-off command is killed that a way back finds in the slot that it needs.
_SOON = 2.0


@dataclass
class Executor(HealthSteps):
    """Applies plans for one application. ``seconds`` collects how long each kind of step took."""

    app: Application
    layout: Layout
    ports: Ports
    limits: Limits
    run: str
    actor: str
    state: State
    watch: Watch = field(default_factory=lambda: Watch(CanarySettings()))
    seconds: dict[str, float] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    inventory: Sequence[str] = ()
    limit: str = ""
    #: It is a way back, or puts back what failed.
    goes_back: bool = False
    #: Check mode: nothing is changed.
    looks_only: bool = False
    #: What is to be seen to, and stops nothing.
    warnings: list[str] = field(default_factory=list)

    def apply(self, plan: Plan, operation: Operation | None) -> None:
        """Journal ``operation`` and take the steps in order.

        :raises Stopped: the run is to end, before a step or within one
        :raises OpsError: from the step that failed; the journal then says which one it was
        """
        if operation:
            self._journal(operation)
        take_steps(plan.steps, self, self._begin, self.ports.clock, self.seconds)
        if plan.steps and not self.state.operation:
            # What is warm may have been brought up after the last change of what is live.
            self._set_backup(self._warm())

    def _begin(self, step: Step) -> None:
        if self.state.operation:
            self._journal(replace(self.state.operation, step=step.action))

    def staged(self) -> None:
        """Journal that the operation waits for its switch."""
        if self.state.operation:
            self._journal(replace(self.state.operation, step=STAGED))

    def record(self, action: str, before: str | None, after: str | None, **more: Any) -> None:
        """Write what happened to the ledger, with the way back."""
        more = {
            "seconds": dict(self.seconds),
            "rollback_command": undone(action, self.app.name, before, after, self.inventory, self.limit),
            **({"gate": dict(self.gate)} if self.gate else {}),
            **({"verdict": verdict} if (verdict := self.watch.to_dict()) else {}),
            **more,
        }
        written = entry(self.app, action, before, after, self.run, self.actor, **more)
        self.ports.ledger.append(written, self.ports.clock.text())

    def _journal(self, operation: Operation | None, **live: Any) -> None:
        state = replace(self.state, operation=operation, **live)
        self.ports.store.write_state(state)
        self.state = state

    # One handler a kind of step, named after it.

    def _fetch(self, step: Step) -> None:
        self.ports.source.fetch(step.target)

    def _check(self, step: Step) -> None:
        if not self.goes_back:
            self.refuse_unsound()
        on_disk = step.target in self.ports.store.on_disk()
        manifest = self._manifest(step.target) if on_disk else self.ports.source.manifest(step.target)
        self.check_release(step.target, manifest)

    def check_release(self, release: str, manifest: Manifest) -> None:
        """
        :raises OpsError: this host cannot run it, or another application is in its way
        """
        records = [record for slot in SLOTS if (record := self.ports.store.record(slot))]
        fresh = not any(record.processes for record in records)
        names = [] if self.goes_back else unknown(self.app.processes, manifest.processes)
        check_fits(self.app, manifest, release, self.ports.store.variables(), fresh, names)
        self._check_packages(release, manifest)
        mine = footprint(self.app, records, manifest.processes)
        wrong = collisions(mine, self.ports.store.neighbours())
        if wrong:
            raise Refused(
                f"another application of this host is in the way: {'; '.join(wrong)}", where=release
            )

    def _check_packages(self, release: str, manifest: Manifest) -> None:
        """A way back is warned and not refused: what it goes to ran without them, or does not start and is left again.

        :raises Refused: a package that the release needs is not installed
        """
        missing = self.ports.packages.missing(manifest.packages) if manifest.packages else ()
        if not missing:
            return
        what = f"{', '.join(missing)} of the packages that {release} needs: not installed on this host"
        fix = (
            "Add them to the application's packages and run "
            f"{command('provision', application_name=self.app.name)}"
        )
        if not self.goes_back:
            raise Refused(what, where="packages of mas.yml", fix=fix)
        self.warnings.append(f"{what}. {fix}")

    def _unpack(self, step: Step) -> None:
        self.ports.store.unpack(step.target)

    def _drain(self, step: Step) -> None:
        self._set_backup(None)
        if self.ports.proxy and self.app.web:
            self.ports.proxy.drain(step.target, self.limits.drain)

    def _withdraw(self, _step: Step) -> None:
        if self.ports.proxy:
            self.ports.proxy.shift(NO_TRAFFIC)

    def _stop(self, step: Step) -> None:
        self._set_backup(None)
        self._stop_units(self._units(step.target))

    def _assign(self, step: Step) -> None:
        self._set_backup(None)
        self._end_one_off(step.target)

        def read(changed: bool) -> None:
            self._set_checks(step.target)
            self.ports.services.reload(self._units(step.target), changed)

        release = step.detail["release"]
        self.ports.store.assign(step.target, release, read)
        self._warn_of_unused_limits(release)

    def _warn_of_unused_limits(self, release: str) -> None:
        bounded = set(self.app.sandbox.limits) - {MIGRATION}
        bounded -= set(self._manifest(release).processes if bounded else ())
        if bounded:
            self.warnings.append(
                f"{release} has no process {', '.join(sorted(bounded))}, so its application_limits have no effect. Name the "
                "processes of its mas.yml."
            )

    def _unassign(self, step: Step) -> None:
        self._end_one_off(step.target)
        units = self._units(step.target)
        changed = self.ports.store.unassign(step.target)
        self.ports.services.reload(units, changed)

    def _end_one_off(self, slot: str) -> None:
        """It belongs to what the slot held, and nothing waits for its end."""
        unit = self.ports.store.one_off(slot)
        if unit:
            if self.ports.services.end_once(unit, _SOON if self.goes_back else STOP_GRACE + _SOON):
                self.warnings.append(
                    f"A one-off command ran in the {slot} slot, which was needed: it was stopped."
                )
            self.ports.store.forget_one_off(slot)

    def _migrate(self, step: Step) -> None:
        self._run_migration(step.detail["slot"], self._manifest(step.target).migrations.expand)

    def _contract(self, step: Step) -> None:
        begun, ended = CONTRACTION
        # There is no way back from here on.
        self.record(begun, None, step.target)
        self._run_migration(self.state.live or "", self._manifest(step.target).migrations.contract)
        self.record(ended, None, step.target)

    def _run_migration(self, slot: str, command: Sequence[str] | None) -> None:
        if command:
            unit = self.ports.store.write_migration(slot, command, self.limits.migration)
            try:
                self.ports.services.run_once(unit, self.limits.migration)
            finally:
                self.ports.store.forget_migration(slot)

    def _start_web(self, step: Step) -> None:
        """What the proxy knows of the slot is about a process that is gone, unless this one runs already."""
        units = self._web(step.target)
        if not units:
            return
        if self.ports.proxy and not all(facts.up for facts in self.ports.services.recall(units).values()):
            self.ports.proxy.set_down(step.target)
        self._start_units(units)

    def _stop_web(self, step: Step) -> None:
        self._stop_units(self._web(step.target))

    def _start_workers(self, step: Step) -> None:
        self._start_units(self._workers(step.target))

    def _stop_workers(self, step: Step) -> None:
        self._stop_units(self._workers(step.target))

    def _revive(self, step: Step) -> None:
        self.ports.services.revive(list(step.detail["units"]))

    def _start_units(self, units: Sequence[str]) -> None:
        if units:
            self.ports.services.start(units)

    def _stop_units(self, units: Sequence[str]) -> None:
        if not units:
            return
        if self.goes_back:
            # Users wait for the end of it; what is under way gets the time that requests get.
            self.ports.services.stop(units, self.limits.drain)
        else:
            self.ports.services.stop(units)

    def _bake(self, step: Step) -> None:
        if self.ports.proxy:
            release = self._release_in(step.target)
            self.watch.stage(step, release, self.ports.proxy, self.ports.clock, self._restarts)
            self.ports.services.forget_seen()

    def _restarts(self) -> dict[str, int]:
        """How often systemd started the copies of the web process of each slot again."""
        web = {slot: units for slot in SLOTS if (units := self._web_services(slot))}
        facts = self.ports.services.show([unit for units in web.values() for unit in units])
        return {slot: sum(facts[unit].restarts for unit in units) for slot, units in web.items()}

    def _arm(self, step: Step) -> None:
        """The file says what is awaited; the timer only looks whether it is still there.

        The time begins anew as long as this run waits for something and has a controller: the limit is for what
        comes after that.
        """
        seconds = step.detail["seconds"]
        since = self.ports.clock.moment().text

        def renew() -> None:
            until = self.ports.clock.moment().after(seconds)
            self.ports.store.write_armed(Armed(step.target, self.run, since, until))

        renew()
        self.ports.services.wake(seconds)
        self.ports.clock.meanwhile(renew)

    def _disarm(self, _step: Step) -> None:
        self.ports.clock.meanwhile(None)
        self.ports.store.forget_armed()

    def _confirm(self, step: Step) -> None:
        """Disarmed first: what dies before the ledger is at worst a confirmation that is not in it."""
        self.ports.clock.meanwhile(None)
        self.ports.store.forget_armed()
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
        extra = {name: step.detail[name] for name in ("left", "brought") if name in step.detail}
        self.record(action, before or None, after, slot=step.target, **began, **source, **extra)
        self._journal(None, live=None if nothing else step.target)
        self._set_backup(self._warm())

    def _source_of(self, release: str) -> dict[str, str]:
        """From which revision and from when what goes live is: lead times are counted from there."""
        manifest = self._manifest(release)
        return {"commit": manifest.commit, "built": manifest.built}

    def _close(self, step: Step) -> None:
        live, left = step.detail["to"], step.detail.get("left")
        if "action" in step.detail:
            self.record(step.detail["action"], step.target, live, **({"left": left} if left else {}))
        elif left:
            self.record("left", live, left)
        self.ports.source.forget(step.target)
        self._journal(None)
        self._set_backup(self._warm())

    def _remove(self, step: Step) -> None:
        self.ports.store.remove(step.target)


def check_fits(
    app: Application,
    manifest: Manifest,
    release: str,
    variables: frozenset[str],
    fresh: bool = True,
    wrong_names: Sequence[str] = (),
) -> None:
    """Whether this host can run what the manifest describes.

    :param fresh: no slot holds a release
    :param wrong_names: what the inventory says about processes that the release does not have
    :raises BadInput: wrong application or version, a web process without the proxy or the other way round, secrets that are not
        set, a selection of processes that cannot be
    """
    wrong = list(wrong_names)
    runs = selected(manifest.processes, app.processes)
    if not runs:
        wrong.append(
            "the inventory has none of its processes run here: take the host out of the application's group"
        )
    if (manifest.name, manifest.version) != (app.name, version_of(release)):
        wrong.append(f"it is {manifest.name} {manifest.version}, not {app.name} {version_of(release)}")
    web = next((name for name, process in runs.items() if process.kind == WEB), None)
    if app.web and not manifest.web:
        wrong.append("the proxy serves it, but it has no web process: it needs application_web: false")
    elif web and not app.web:
        wrong.append(
            f"its process {web} serves HTTP, but no proxy serves it"
            f"{'' if fresh else ', or this host has run the application without it'}"
        )
    elif app.web and not web and runs and not fresh:
        wrong.append(
            f"the inventory has its process {manifest.web} no longer run here, but this host serves users: remove the releases "
            "from the host first, and then deploy"
        )
    missing = sorted(set(manifest.secrets) - variables)
    if missing:
        wrong.append(f"{', '.join(missing)} not set in {app.environment_file}")
    if wrong:
        raise BadInput(
            f"the artifact does not fit this host: {'; '.join(wrong)}",
            where=release,
            fix="Correct application_web or application_environment and run mas.ops.provision, or deploy the right artifact.",
        )
