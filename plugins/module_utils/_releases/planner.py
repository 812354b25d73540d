# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is on a host to the steps that make it what it should be. No I/O, no clock.

Every plan is made from facts that were just observed, so a run that was killed at any instruction is
continued by planning again: what is already done needs no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .._core.errors import NotHere, Refused
from .._core.plan import Plan, Step
from .._ledger.history import is_called, version_of
from .._traffic.split import SLOTS
from . import step_builders
from .application import Application, other
from .commands import command, rollback_command
from .state import STAGED, Facts, Operation
from .targets import no_target, offered, rollback_target
from .traffic_steps import AT_ONCE, TrafficSteps


def plan_staged(facts: Facts, app: Application, release: str) -> Plan:
    """Bring ``release`` up in the idle slot, healthy and without traffic; one that is live is repaired where it is.

    :raises Refused: the idle slot's port is taken by something else
    """
    held = facts.slot_of(release)
    if held and held == facts.state.live:
        return _plan(facts, step_builders.repair(facts, app, held))
    # A warm slot has the settings of then, such as a secret that was changed since: it is started anew.
    if (
        held
        and step_builders.ready(facts, app, held)
        and _staged(facts, release)
        and not facts.slots[held].pending
    ):
        return _plan(facts)
    slot = other(facts.state.live) if facts.state.live else SLOTS[0]
    step_builders.refuse_taken_port(facts, app, slot)
    new = release not in facts.on_disk
    # What was staged earlier and never went live would otherwise stay for ever.
    before = facts.state.operation.before if facts.state.operation else None
    keep = {release, before or "", *facts.history.recent(app.keep_releases), *step_builders.held(facts)}
    steps = step_builders.prune(facts, keep)
    steps += [Step("fetch", release)] if new else []
    steps += [Step("check", release)]
    steps += [Step("unpack", release)] if new else []
    steps += [*step_builders.vacate(facts, app, slot), *step_builders.empty(facts, slot)]
    steps += [Step("assign", slot, {"release": release})]
    steps += [
        Step("migrate", release, {"slot": slot}),
        *([] if app.exclusive else step_builders.start(app, slot)),
    ]
    return _plan(facts, steps, slots={slot: release})


def plan_restarted(facts: Facts, app: Application, release: str | None) -> Plan:
    """Start what is live anew, with the settings of today: in the idle slot, which then gets the traffic.

    Of an application that must not run twice the copy before it stops first. Afterwards the other slot holds the release
    that a rollback goes to, with the settings of today as well.

    :param release: only when this one is live; whatever is, by default
    :raises Refused: nothing is live, or another release is
    """
    live = facts.state.live
    if live is None or facts.live_release is None or release not in (None, facts.live_release):
        raise _not_live(facts, app, release)
    slot = other(live)
    step_builders.refuse_taken_port(facts, app, slot)
    brought = Step("assign", slot, {"release": facts.live_release})
    steps = [
        Step("check", facts.live_release),
        *step_builders.vacate(facts, app, slot),
        *step_builders.empty(facts, slot),
    ]
    steps += [brought, *([] if app.exclusive else step_builders.start(app, slot))]
    steps += step_builders.switch(_after(facts, app, steps, brought), app, slot, prove=True)
    warm = step_builders.hold(facts, app, live, facts.history.previous)
    steps += [Step("commit", slot, {"action": "restarted"}), *warm]
    return _plan(facts, steps, traffic=slot, slots={slot: facts.live_release, live: facts.history.previous})


def after_staged(facts: Facts, app: Application, release: str) -> Facts:
    """The facts once ``release`` is staged, for what check mode says about the switch."""
    steps = plan_staged(facts, app, release).steps
    if not steps:
        return facts
    removed = {step.target for step in steps if step.action == "remove"}
    brought = next((step for step in steps if step.action == "assign"), None)
    if brought is None:
        return step_builders.repaired(facts, app)
    after = _after(facts, app, steps, brought)
    operation = Operation("deploy", release, brought.target, None, "", "", STAGED)
    return replace(
        after, state=replace(facts.state, operation=operation), on_disk=facts.on_disk - removed | {release}
    )


def plan_live(facts: Facts, app: Application, release: str, traffic_steps: TrafficSteps = AT_ONCE) -> Plan:
    """Give all traffic to the slot that holds ``release``, hand the workers over, and record it.

    :param traffic_steps: in which steps, and whether the switch has to be confirmed
    :raises Refused: the release is not staged and healthy
    """
    slot = facts.slot_of(release)
    if slot is None or not step_builders.ready(facts, app, slot):
        stranger = facts.slots[slot].stranger if slot else ""
        raise Refused(
            f"release {release} is not staged and healthy on this host"
            f"{f', because another program listens on its port: {stranger}' if stranger else ''}",
            where="slots: " + ", ".join(f"{name} {facts.slots[name].release or 'empty'}" for name in SLOTS),
            fix="Run mas.ops.release with state: staged first.",
        )
    new = facts.state.live != slot
    traffic_steps = (traffic_steps if facts.live else traffic_steps.whole) if new else AT_ONCE
    steps = [*step_builders.switch(facts, app, slot, traffic_steps, prove=new), *_abandon(facts, app, slot)]
    if steps or facts.state.live != slot or facts.state.operation or facts.history.live != release:
        keep = {
            release,
            *facts.history.with_deploy(release).recent(app.keep_releases),
            *step_builders.held(facts),
        }
        steps += [Step("commit", slot, {"action": "live"}), *step_builders.prune(facts, keep)]
    return _plan(facts, steps, live=release, traffic=slot)


def plan_rolled_back(
    facts: Facts, app: Application, to: str | None = None, brought: str | None = None, forward: bool = False
) -> Plan:
    """Go back to a release that was live and healthy: the one before the live one, or ``to``.

    :param brought: the release whose artifact is at hand, for a host that lacks what the rest of the fleet goes back
        to. No migration runs: the schema is newer than it already.
    :param forward: also to what an earlier rollback took off the history
    :raises NotHere: this host does not have it
    """
    if is_called(facts.live_release, to):
        return plan_undo(facts, app)
    release = rollback_target(facts, to)
    contracted = facts.history.below(to)
    if release is None and contracted:
        raise _no_longer_fits(contracted, to or "every earlier release")
    release = release or (facts.history.served(to) if to and forward else None)
    known = release is not None
    release = release or brought
    if release is None:
        raise NotHere(
            no_target(facts, to), where=f"live: {facts.live_release or 'nothing'}", fix=offered(facts, app)
        )
    slot = facts.slot_of(release)
    if slot and step_builders.ready(facts, app, slot):
        steps = step_builders.switch(facts, app, slot)
    elif release in facts.on_disk or release == brought:
        slot = other(facts.state.live) if facts.state.live else SLOTS[0]
        steps = _brought_back(facts, app, slot, release)
    else:
        raise NotHere(
            f"the files of release {release} are no longer on this host",
            where=f"keep_releases is {app.keep_releases}",
            fix=f"{offered(facts, app)} To have it fetched from the store: {rollback_command(app.name, release)}",
            release=release,
        )
    commit = {"action": "rolled_back", **({} if known else {"brought": True})}
    steps += [Step("commit", slot, commit)]
    return _plan(facts, steps, live=release, traffic=slot, slots={slot: release})


def _brought_back(facts: Facts, app: Application, slot: str, release: str) -> list[Step]:
    """Start a release in the idle slot, which is fetched first where it is not on the disk, and switch to it."""
    new = release not in facts.on_disk
    assign = Step("assign", slot, {"release": release})
    started = [] if app.exclusive else step_builders.start(app, slot)
    steps = [Step("fetch", release), Step("check", release), Step("unpack", release)] if new else []
    steps += [*step_builders.vacate(facts, app, slot), *step_builders.empty(facts, slot), assign, *started]
    return steps + step_builders.switch(_after(facts, app, steps, assign), app, slot)


def plan_left(facts: Facts, app: Application, version: str) -> Plan:
    """Leave ``version``, wherever the run that brought it got to; no steps where it is not.

    Staged only: the idle slot gets back what it held. Live: back to the release before it, or to
    nothing when there was none.
    """
    operation, live = facts.state.operation, facts.live_release
    # The live release may have been brought in again, to repair it: undoing that would not leave it.
    begun = operation.release if operation and operation.kind == "deploy" else None
    if begun != live and is_called(begun, version):
        return _left(plan_undo(facts, app), begun)
    if live is None and operation and is_called(operation.release, version):
        return _plan_nothing(facts, operation.slot)
    if not is_called(live, version):
        return _plan(facts)
    target = rollback_target(facts)
    contracted = facts.history.below(None)
    if target is None and contracted:
        raise _no_longer_fits(contracted, version)
    if target is None:
        return _plan_nothing(facts, facts.state.live or SLOTS[0])
    plan = _left(plan_rolled_back(facts, app, target), live)
    warm = step_builders.hold(
        facts, app, facts.state.live or SLOTS[0], facts.history.with_rollback(target).previous
    )
    return Plan(plan.before, plan.after, (*plan.steps, *warm))


def _left(plan: Plan, release: str | None) -> Plan:
    """The ledger says which release was left: the next rollback need not go further for its sake."""
    marked = [
        replace(step, detail={**step.detail, "left": release}) if step.action in ("commit", "close") else step
        for step in plan.steps
    ]
    return replace(plan, steps=tuple(marked))


def _plan_nothing(facts: Facts, slot: str) -> Plan:
    """Leave the only release that there ever was; a restart that was killed may have brought it up in the other slot too."""
    release = facts.slots[slot].release
    slots = [slot, *(name for name in (other(slot),) if release and facts.slots[name].release == release)]
    steps = step_builders.withdrawn(facts)
    steps += [Step(action, name) for name in slots for action in ("stop", "unassign")]
    steps += [Step("commit", slot, {"action": "rolled_back", "to": None})]
    return _plan(facts, steps, live=None, slots=dict.fromkeys(slots))


def nothing(facts: Facts) -> Plan:
    """Leave everything as it is."""
    return _plan(facts)


def mended(plan: Plan, facts: Facts) -> Plan:
    """The plan after what is found damaged was written anew."""
    return replace(plan, steps=(*(Step("mend", damage.path) for damage in facts.damage), *plan.steps))


def plan_undo(facts: Facts, app: Application) -> Plan:
    """Put back what an operation that failed or was killed had begun; no steps when there is none."""
    operation = facts.state.operation
    steps: list[Step] = step_builders.withdraw(facts) if facts.live is None else []
    if facts.live and not step_builders.serves(facts, app, facts.state.live or ""):
        steps += step_builders.serve_live(facts, app)
    if operation:
        steps += _put_back(facts, app, operation)
        if operation.release in facts.on_disk - {operation.before or ""} - set(facts.history.stack):
            steps += [Step("remove", operation.release)]
        steps += [_close(facts, operation.release)]
    return _plan(facts, steps, slots={operation.slot: operation.before} if operation else {})


def plan_contracted(facts: Facts, app: Application, release: str, age: float, soak: float) -> Plan:
    """Run the contract migration of the live release, after which no earlier one can be gone back to.

    :param age: seconds since it went live
    :param soak: how old it must be at least
    :raises Refused: it is not live, or not for good yet, or too young
    """
    if facts.live_release != release or facts.state.operation or facts.armed:
        raise Refused(
            f"release {release} is not live and confirmed, {facts.live_release or 'nothing'} is live",
            where="a change is under way" if facts.state.operation or facts.armed else "this host",
            fix=f"Deploy it to all hosts of {app.name} first, and wait for the soak (contract_soak).",
        )
    if age < soak:
        raise Refused(
            f"release {release} has been live for {age:.0f} s of the required {soak:.0f} s",
            where="this host",
            fix="Wait, or set another soak: -e contract_soak=SECONDS.",
        )
    return _plan(facts, [] if facts.history.contracted == release else [Step("contract", release)])


def plan_absent(facts: Facts, app: Application, release: str) -> Plan:
    """Remove a release from the host.

    :raises Refused: it is live
    """
    if facts.live_release == release:
        raise Refused(
            f"release {release} is live", where="this host", fix="Deploy or roll back to another one first."
        )
    steps: list[Step] = []
    slot = facts.slot_of(release)
    if slot:
        steps += [
            *step_builders.vacate(facts, app, slot),
            Step("drain", slot),
            Step("stop", slot),
            Step("unassign", slot),
        ]
    if release in facts.on_disk:
        steps.append(Step("remove", release))
    if facts.state.operation and facts.state.operation.release == release:
        steps.append(_close(facts, release))
    return _plan(facts, steps, slots={slot: None} if slot else {})


def _after(facts: Facts, app: Application, steps: Sequence[Step], brought: Step) -> Facts:
    """The facts once ``steps`` brought a release up in the idle slot, and what was in its way to the live one."""
    slot, live = brought.target, other(brought.target)
    done = {(step.action, step.target) for step in steps}
    idle, serving = facts.slots[slot], facts.slots[live]
    web = bool(app.web) and not app.exclusive
    idle = replace(idle, release=brought.detail["release"], web_up=web, healthy=web, stopped=not web)
    # Whether it has workers is in its manifest, which may not be here yet: to start none is no harm.
    idle = replace(idle, workers=True, workers_up=False, workers_any=False)
    if any(step.action == "withdraw" for step in steps):
        idle, serving = (replace(each, percent=0, persisted=0) for each in (idle, serving))
    if ("shift", live) in done:
        idle = replace(idle, percent=0, persisted=0)
        serving = replace(serving, healthy=True, percent=100, persisted=100)
    if ("start_web", live) in done:
        serving = replace(serving, web_up=True, healthy=True, stopped=False)
    if ("start_workers", live) in done:
        serving = replace(serving, workers_up=True, workers_any=True, stopped=False)
    return replace(facts, slots={slot: idle, live: serving})


def _staged(facts: Facts, release: str) -> bool:
    """Not so when a run was killed on the way, where a step such as the migration may be missing."""
    operation = facts.state.operation
    return operation is None or operation.release != release or operation.step == STAGED


def _put_back(facts: Facts, app: Application, operation: Operation) -> list[Step]:
    slot = operation.slot
    if slot == facts.state.live:
        return []
    if facts.slots[slot].release == operation.before:
        return [Step("stop_workers", slot)] if facts.slots[slot].workers_any and not facts.live else []
    return step_builders.hold(facts, app, slot, operation.before)


def _abandon(facts: Facts, app: Application, slot: str) -> list[Step]:
    """What a killed run left half-done in the other slot, which could not be distinguished from staged once it is closed."""
    operation = facts.state.operation
    if slot != facts.state.live or operation is None or operation.step == STAGED:
        return []
    return _put_back(facts, app, operation)


def _close(facts: Facts, release: str) -> Step:
    """End the open operation without it; the ledger hears of it where it says already that it ended well."""
    recorded = facts.history.live == facts.live_release
    ledger = {} if recorded else {"action": "rolled_back"}
    return Step("close", release, {"to": facts.live_release, **ledger})


def _no_longer_fits(contracted: str, where: str) -> Refused:
    return Refused(
        f"the schema of the database was contracted for {contracted}, and releases before it no longer fit it",
        where=where,
        fix="Restore the data to a restore point from before that, or deploy a corrected release.",
    )


def _not_live(facts: Facts, app: Application, release: str | None) -> Refused:
    live, version = facts.live_release, version_of(release) if release else "VERSION"
    return Refused(
        f"{release} is not live on this host, {live or 'nothing'} is"
        if release
        else "no release is live on this host",
        where="this host",
        fix=f"Deploy one first: {command('deploy', application_name=app.name, deploy_version=version)}",
    )


def _plan(facts: Facts, steps: Any = (), **after: Any) -> Plan:
    """The plan with its diff: ``live``, ``traffic`` (slot that gets it all) and ``slots`` as they will be."""
    before = facts.summary()
    result = dict(before)
    if steps:
        result["slots"] = {**before["slots"], **after.get("slots", {})}
        result["live"] = after.get("live", before["live"])
        if after.get("live") and after["live"] != before["live"]:
            result["previous"] = before["live"]
        if after.get("traffic"):
            result["traffic"] = {slot: 100 if slot == after["traffic"] else 0 for slot in SLOTS}
        if result["live"] is None and any(before["traffic"].values()):
            result["traffic"] = dict.fromkeys(SLOTS, 0)
    return Plan(before, result, tuple(steps))
