# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The use cases of the module ``release``: observe, plan, apply, and put back what failed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.errors import Abandoned, NotFound, NotHere, OpsError, Stopped, StorageError
from .._core.plan import Plan
from .._ledger.history import version_of
from . import confirmation, planner
from .application import Application
from .commands import command, located
from .executor import Executor
from .layout import Layout
from .lease import Claim, Lease, claim, released
from .observe import observe
from .ports import Limits, Ports
from .rehearsal import rehearse
from .report import possible_targets, report, seconds_of
from .state import Facts, Operation
from .traffic_steps import AT_ONCE, TrafficSteps
from .watch import Watch

_RELEASE = re.compile(r".+-[0-9a-f]{12}")


@dataclass(frozen=True)
class ReleaseRequest:
    """What the caller wants.

    :param state: ``staged``, ``live``, ``confirmed``, ``rolled_back``, ``restarted``, ``contracted`` or ``absent``
    :param release: release id, or a version for ``live`` and ``absent`` of what is on the host
    :param to_version: for ``rolled_back``: the version or release to go back to; the previous one by default
    :param from_version: for ``rolled_back``: only when this version is live, or on its way to be
    :param brings: for ``rolled_back``: the artifact of ``release`` is at hand, for a host that lacks it
    :param report_missing: for ``rolled_back``: a host that lacks ``to_version`` changes nothing and says so
    :param forward: for ``rolled_back``: ``to_version`` may be what an earlier rollback took off the history
    :param assume_staged: in check mode: for ``live``, plan as if the release were staged
    :param traffic_steps: for ``live``: the steps of the traffic
    :param confirm_timeout: for ``live``: after so many seconds without ``confirmed`` the host goes back; 0 for never
    :param token: what an earlier phase of the same run was given by this host's lock
    :param force_unlock: take the lock from any holder
    :param soak: for ``contracted``: seconds that the release must have been live
    :param gate: what the gate decided, for the ledger
    :param inventory: as the command line of the run named it, for the commands that people are given
    :param limit: the hosts of the run, where it leaves out others of the application, for the same commands
    """

    state: str
    release: str | None = None
    to_version: str | None = None
    from_version: str | None = None
    brings: bool = False
    report_missing: bool = False
    forward: bool = False
    assume_staged: bool = False
    traffic_steps: TrafficSteps = AT_ONCE
    confirm_timeout: float = 0.0
    token: int | None = None
    force_unlock: bool = False
    soak: float = 0.0
    run: str = ""
    actor: str = ""
    gate: Mapping[str, Any] = field(default_factory=dict)
    inventory: tuple[str, ...] = ()
    limit: str = ""

    @property
    def version(self) -> str:
        """What people call the release that is brought in or left."""
        name = self.from_version or self.release or ""
        return version_of(name) if _RELEASE.fullmatch(name) else name

    @property
    def operation(self) -> str:
        """In words. All phases of one deploy say the same, so that each of them can go on after a crash."""
        if self.state in ("absent", "contracted"):
            return f"{'removal' if self.state == 'absent' else 'contraction'} of {self.version}"
        if self.state == "restarted":
            return "restart"
        if self.state == "rolled_back" and not self.from_version:
            return f"rollback to {self.to_version}" if self.to_version else "rollback"
        return f"deploy of {self.version}"

    def goes_on(self, facts: Facts) -> bool:
        """Whether a later phase of the same run needs the lock."""
        return self.state == "staged" or (self.state == "live" and facts.armed is not None)

    def claim(self, check: bool) -> Claim:
        """In check mode no phase leaves a token behind that the next one could show."""
        returns = self.state == "rolled_back"
        token = None if check else self.token
        return Claim(self.run, self.actor, self.operation, returns, token, self.force_unlock)


def make_plan(facts: Facts, app: Application, request: ReleaseRequest, age: float = 0.0) -> Plan:
    """The plan for a request.

    :param age: seconds since what is live went live
    :raises OpsError: it cannot or must not be done
    """
    if request.state == "rolled_back":
        return confirmation.disarmed(_plan_rollback(facts, app, request), facts, request.from_version)
    if request.state == "staged":
        confirmation.refuse_while_armed(facts, request.release or "")
        return planner.plan_staged(facts, app, request.release or "")
    release = resolve(facts, request.release or "")
    if request.state == "confirmed":
        return confirmation.plan_confirmed(facts, app, release)
    confirmation.refuse_while_armed(facts, "" if request.state == "restarted" else release)
    plans = {
        "restarted": lambda: planner.plan_restarted(facts, app, release or None),
        "absent": lambda: planner.plan_absent(facts, app, release),
        "contracted": lambda: planner.plan_contracted(facts, app, release, age, request.soak),
        "live": lambda: _plan_live(facts, app, request, release),
    }
    return plans[request.state]()


def _plan_live(facts: Facts, app: Application, request: ReleaseRequest, release: str) -> Plan:
    two_phases = confirmation.arms(facts, release, request.confirm_timeout)
    plan = planner.plan_live(facts, app, release, replace(request.traffic_steps, confirmed=two_phases))
    again = app.exclusive or request.traffic_steps.seconds > 0
    return confirmation.armed(plan, release, request.confirm_timeout, again) if two_phases else plan


def _plan_rollback(facts: Facts, app: Application, request: ReleaseRequest) -> Plan:
    if request.from_version:
        return planner.plan_left(facts, app, request.from_version)
    brought = request.release if request.brings else None
    return planner.plan_rolled_back(facts, app, request.to_version, brought, request.forward)


def resolve(facts: Facts, release: str) -> str:
    """A version that is on the host exactly once, or a release id, as a release id.

    What is not there is returned as it is: the planner knows what that means for the state wanted.

    :raises NotFound: the version is there more than once
    """
    held = [name for name in facts.on_disk if release == version_of(name)]
    if len(held) > 1:
        raise NotFound(
            f"version {release} is on this host more than once: {', '.join(sorted(held))}",
            where="releases",
            fix="Name the release instead of the version.",
        )
    return held[0] if held else release


def change(
    ports: Ports, layout: Layout, limits: Limits, request: ReleaseRequest, check: bool
) -> tuple[Plan, dict[str, Any]]:
    """Make the host what ``request`` asks for; in check mode only say what would be done.

    :returns: the plan, and facts for the caller: ``release``, ``live``, ``previous``, ``slot``,
        ``rollback_command``, ``seconds`` by step, ``resumed`` (the run that began this was another one), ``token``
    :raises OpsError: after the host was put back to what it served before; so is any other error
    """
    seconds = limits.lease + request.traffic_steps.seconds
    lease = claim(ports.store.lease(), request.claim(check), ports.clock.moment(), seconds)
    if not check:
        ports.store.write_lease(lease)
    try:
        plan, facts, results = _carry_out(ports, layout, limits, request, check)
    except Exception as error:
        # It is about the same disk, where that is what failed.
        with contextlib.suppress(StorageError):
            _let_go(ports, lease, check)
        if isinstance(error, OpsError):
            error.advise(" ".join(ports.store.mended()))
        raise
    if limits.lease <= 0 or not request.goes_on(facts):
        _let_go(ports, lease, check)
    return plan, {
        **report(facts, layout.app, request.inventory, request.limit),
        **results,
        "token": lease.token,
    }


def _carry_out(
    ports: Ports, layout: Layout, limits: Limits, request: ReleaseRequest, check: bool
) -> tuple[Plan, Facts, dict[str, Any]]:
    """With the lock held: the plan, the facts after it, and further return values."""
    app = layout.app
    found = facts = seen = observe(app, layout, ports)
    was = facts.live_release
    if facts.damage and not check:
        ports.store.mend(facts.state, facts.armed)
    if check and request.assume_staged and request.state == "live":
        facts = planner.after_staged(facts, app, resolve(facts, request.release or ""))
    plan, missing, lacks = _plan(facts, app, request, ports.clock.moment().wall)
    resumed = bool(facts.state.operation and facts.state.operation.run != request.run)
    watch = Watch(request.traffic_steps.settings)
    executor = Executor(app, layout, ports, limits, request.run, request.actor, facts.state, watch)
    executor.gate, executor.inventory, executor.limit = request.gate, request.inventory, request.limit
    executor.goes_back, executor.looks_only = request.state == "rolled_back", check
    if plan.changed and not check:
        _apply(executor, plan, _operation(facts, plan, request, ports.clock.text()), request)
        facts = observe(app, layout, ports, again=True)
    elif check:
        rehearse(executor, plan)
    if was and was == facts.live_release and _looks(request, plan, check, assumed=facts is not seen):
        # Nothing new is live, so nothing else looks at it; what is called good is looked at all the same.
        executor.prove(facts.state.live or "")
    results: dict[str, Any] = {"seconds": executor.seconds, "resumed": resumed, "verdict": watch.to_dict()}
    # Live here before this run, and so after it, however the deploy of the fleet ends.
    repaired = request.state == "staged" and (plan.changed or bool(found.damage)) and not _brings(plan)
    if executor.goes_back and not check and facts.live and not missing:
        executor.look_back(facts.state.live or "")
        executor.warnings += _settings_of_then(facts, app)
    if request.state == "staged" and not plan.changed and facts.live_release == request.release:
        # A deploy of what is live brings nothing, new settings neither.
        executor.warnings += _settings_of_then(facts, app)
    if executor.warnings:
        results["warnings"] = [located(warning, request.inventory) for warning in executor.warnings]
    results["damage"] = [*ports.store.mended(), *map(str, facts.damage if check else ())]
    plan = planner.mended(plan, found)
    if request.report_missing:
        results |= {"missing": missing, "lacks": lacks, "targets": possible_targets(facts, app, ports)}
    results = {"missing": "", **results, "was": was, "aim": plan.after["live"], "repaired": repaired}
    return plan, facts, results


def _settings_of_then(facts: Facts, app: Application) -> list[str]:
    """A warning that a rollback did not restart its target, where that makes a difference."""
    changed = ", ".join(facts.live.pending) if facts.live else ""
    anew = f"To start it with the current ones: {command('restart', application_name=app.name)}"
    warning = f"{facts.live_release} runs with the settings that it was started with. Changed since then: {changed}. {anew}"
    return [warning] if changed else []


def _looks(request: ReleaseRequest, plan: Plan, check: bool, assumed: bool) -> bool:
    """Whether what is live has to prove itself; in check mode only where it would not be brought up again first."""
    if check and (plan.changed or assumed):
        return False
    return request.state == "live" or (request.state == "confirmed" and not plan.changed)


def _plan(facts: Facts, app: Application, request: ReleaseRequest, wall: float) -> tuple[Plan, str, str]:
    """The plan; and why there is none, where the host lacks what it should go back to, and which release that is."""
    try:
        return make_plan(facts, app, request, _age(facts, wall)), "", ""
    except NotHere as error:
        if not request.report_missing:
            raise
        return planner.nothing(facts), located(str(error), request.inventory), error.release


def _brings(plan: Plan) -> bool:
    """Whether it fills a slot; a plan that only repairs what is live closes no operation, and opens none."""
    return any(step.action == "assign" for step in plan.steps)


def _apply(executor: Executor, plan: Plan, operation: Operation | None, request: ReleaseRequest) -> None:
    """Take the steps; what fails is put back.

    Not so what was stopped: a rollback that ended this run does that itself, and without a controller the host waits
    at the step that it is at. Of an application that cannot run twice that step may be one at which none runs.
    """
    try:
        executor.apply(plan, operation)
        if request.state == "staged" and _brings(plan):
            executor.staged()
    except Exception as error:
        alone = isinstance(error, Abandoned) and executor.app.exclusive
        if isinstance(error, Stopped) and not alone:
            raise
        foreseen = error if isinstance(error, OpsError) else OpsError(f"unexpected error: {error!r}")
        foreseen.advise(_put_back(executor, foreseen))
        raise


def _age(facts: Facts, wall: float) -> float:
    """Seconds since the last change of what is live, by the ledger."""
    if not facts.history.moments:
        return 0.0
    return wall - seconds_of(facts.history.moments[-1][0])


def _let_go(ports: Ports, lease: Lease, check: bool) -> None:
    """The next run need not wait for the end of the lease. What died before this is taken over after it."""
    if not check:
        ports.store.write_lease(released(lease))


def _operation(facts: Facts, plan: Plan, request: ReleaseRequest, since: str) -> Operation | None:
    """The journal entry of a plan. An open operation on the same slot keeps what the slot held first."""
    steps = {step.action: step for step in reversed(plan.steps)}
    mark = steps.get("assign") if request.state == "staged" else steps.get("commit")
    held = facts.state.operation
    if mark is None or "close" in steps:
        return held
    slot = mark.target
    brought = [step for step in plan.steps if step.action == "assign" and step.target == slot]
    release = brought[0].detail["release"] if brought else facts.slots[slot].release
    before = held.before if held and held.slot == slot else facts.slots[slot].release
    kinds = {"staged": "deploy", "live": "deploy", "restarted": "restart"}
    kind = kinds.get(request.state, "rollback")
    if held and (held.run, held.release, held.slot) == (request.run, release, slot):
        # The switch goes on with what this run staged: to know how long a deploy takes, both count.
        since = held.since
    return Operation(kind, release or "", slot, before, request.run, since)


def _put_back(executor: Executor, error: OpsError) -> str:
    """Undo what a failed plan had begun, note the failure, and say what the host serves now."""
    app, layout, ports = executor.app, executor.layout, executor.ports
    failed = executor.state.operation
    ports.clock.go_on_alone()
    executor.goes_back = True
    try:
        facts = observe(app, layout, ports)
        executor.state = facts.state
        executor.apply(confirmation.undone(planner.plan_undo(facts, app), facts), None)
        live = observe(app, layout, ports).live_release
        if failed:
            detail = {"operation": failed.kind, "error": str(error), "step": failed.step}
            executor.record("failed", live, failed.release, **detail)
    except Stopped:
        raise
    except OpsError as second:
        return f"Restoring the host failed as well: {second}"
    return f"This host serves what it served before: {live or 'nothing'}."
