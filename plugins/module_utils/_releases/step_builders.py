# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions that build the steps of plans: which steps bring one slot from its state to the wanted one."""

from __future__ import annotations

import dataclasses

from .._core.errors import Refused
from .._core.plan import Step
from .._traffic.split import SLOTS
from .application import Application, other
from .state import Facts
from .traffic_steps import AT_ONCE, TrafficStep, TrafficSteps


def ready(facts: Facts, app: Application, slot: str) -> bool:
    """Where nothing runs that says so, a slot that holds a release does: it is empty until it was filled whole."""
    runs = app.web and not (app.exclusive and slot != facts.state.live)
    return facts.slots[slot].healthy if runs else facts.slots[slot].release is not None


def serves(facts: Facts, app: Application, slot: str) -> bool:
    mine, idle = facts.slots[slot], facts.slots[other(slot)]
    alone = mine.takes(100) and idle.takes(0) and not idle.workers_any and (idle.stopped or not app.exclusive)
    return ready(facts, app, slot) and mine.workers_up and not mine.neglected and alone


def refuse_taken_port(facts: Facts, app: Application, slot: str) -> None:
    """
    :raises Refused: something else listens where the next release of the slot should
    """
    if facts.slots[slot].port_taken:
        stranger = facts.slots[slot].stranger
        raise Refused(
            f"port {app.ports[slot]} of the {slot} slot is taken by another program"
            f"{f': {stranger}' if stranger else ''}",
            where=f"127.0.0.1:{app.ports[slot]}",
            fix=f"Find it with `ss -ltnp 'sport = :{app.ports[slot]}'`, stop it or give the slot another port.",
        )


def start(app: Application, slot: str) -> list[Step]:
    return [Step("start_web", slot), Step("await_health", slot)] if app.web else []


def repair(facts: Facts, app: Application, slot: str) -> list[Step]:
    """Bring the web process of the live slot up again: one that hangs is stopped first. Workers are for the switch, except
    for those that only stand still.
    """
    if ready(facts, app, slot):
        return revive(facts, slot)
    hangs = [Step("stop_web", slot)] if facts.slots[slot].web_up else []
    return [*revive(facts, slot), *hangs, *(serve_live(facts, app) if app.exclusive else start(app, slot))]


def revive(facts: Facts, slot: str) -> list[Step]:
    """What runs in the slot goes on where it was stopped by a signal, and runs after a boot as well."""
    units = facts.slots[slot].neglected
    return [Step("revive", slot, {"units": list(units)})] if units else []


def repaired(facts: Facts, app: Application) -> Facts:
    """The facts once the live slot was brought up again."""
    live = facts.state.live or ""
    up = dataclasses.replace(facts.slots[live], web_up=True, healthy=True, stopped=False)
    if not app.exclusive:
        return dataclasses.replace(facts, slots={**facts.slots, live: up})
    # Of an application that must not run twice, the other copy has stopped for it.
    after = stopped(facts, other(live))
    share = None if up.percent is None else 100
    up = dataclasses.replace(up, workers_up=True, workers_any=up.workers, percent=share, persisted=share)
    rest = None if share is None else 0
    idle = dataclasses.replace(after.slots[other(live)], percent=rest, persisted=rest)
    return dataclasses.replace(after, slots={live: up, other(live): idle})


def stopped(facts: Facts, slot: str) -> Facts:
    """The facts once a slot was stopped."""
    was = facts.slots[slot]
    now = dataclasses.replace(was, web_up=False, healthy=False, stopped=True, workers_any=False)
    now = dataclasses.replace(now, workers_up=not was.workers)
    return dataclasses.replace(facts, slots={**facts.slots, slot: now})


def empty(facts: Facts, slot: str) -> list[Step]:
    if facts.slots[slot].stopped:
        return []
    return [Step("drain", slot), Step("stop", slot)]


def vacate(facts: Facts, app: Application, slot: str) -> list[Step]:
    """Users and queues of an idle slot, which a killed switch may have left there, go to the live one, where there is one."""
    if facts.live is None:
        return withdraw(facts)
    idle = facts.slots[slot]
    # Of an application that must not run twice, a killed switch may also have stopped the only copy.
    away = app.exclusive and facts.live is not None and not serves(facts, app, other(slot))
    return serve_live(facts, app) if idle.percent or idle.persisted or idle.workers_any or away else []


def withdraw(facts: Facts) -> list[Step]:
    """Where nothing is live no slot gets requests: any program that listens on its port would answer them.

    Not where the journal was lost and the ledger knows better: those users keep what they have.
    """
    return withdrawn(facts) if facts.state.operation or not facts.history.live else []


def withdrawn(facts: Facts) -> list[Step]:
    """No slot gets requests from now on."""
    return [Step("withdraw", slot) for slot in SLOTS if not facts.slots[slot].takes(0)][:1]


def serve_live(facts: Facts, app: Application) -> list[Step]:
    """Make the slot that is live by intent the one that serves."""
    slot = facts.state.live
    if slot is None or facts.live is None:
        return []
    steps = [] if facts.slots[slot].healthy or app.exclusive else start(app, slot)
    return steps + switch(facts, app, slot)


def switch(
    facts: Facts, app: Application, slot: str, traffic_steps: TrafficSteps = AT_ONCE, prove: bool = False
) -> list[Step]:
    """The traffic step by step; right before all of it goes, the new workers; then the old workers stop.

    Work of a queue is not split in percent: as long as the release is only tried, the workers are those of the live one.

    :param prove: the release was not live before. Its workers have no health endpoint, so they must at least stay up
        before users follow; where a switch at once is confirmed afterwards, that is when they are looked at. And one
        request on the way of users must be answered, which never stops a rollback.
    """
    front = [Step("ask_front_door", slot)] if app.web and prove else []
    if app.exclusive:
        return [*replace(facts, app, slot, prove and not traffic_steps.confirmed), *front]
    old = facts.slots[other(slot)]
    mine = facts.slots[slot]
    workers = [*revive(facts, slot), *([] if mine.workers_up else [Step("start_workers", slot)])]
    if mine.workers and prove and (not traffic_steps.confirmed or len(traffic_steps.steps) > 1):
        workers.append(Step("await_workers", slot))
    steps: list[Step] = []
    if app.web and traffic_steps.steps and not (mine.takes(100) and old.takes(0)):
        *tried, last = traffic_steps.steps
        steps += [step for wanted in tried for step in shifted(slot, wanted)]
        steps += [*workers, *shifted(slot, last), *front]
    else:
        steps += workers
        if app.web and traffic_steps.steps:
            # A run that was killed after it gave the slot all traffic had not looked at the end of it.
            steps += shifted(slot, traffic_steps.steps[-1])[1:]
    if old.workers_any:
        steps.append(Step("stop_workers", other(slot)))
    return steps


def replace(facts: Facts, app: Application, slot: str, prove: bool) -> list[Step]:
    """Two copies must never run at once: the old one stops first, and no request is answered until the new one is up."""
    mine, old = facts.slots[slot], facts.slots[other(slot)]
    steps = [] if old.stopped else [Step("stop", other(slot))]
    steps += revive(facts, slot) if mine.healthy else start(app, slot)
    if not mine.workers_up:
        steps.append(Step("start_workers", slot))
    if mine.workers and prove:
        steps.append(Step("await_workers", slot))
    if app.web and not (mine.takes(100) and old.takes(0)):
        steps.append(Step("shift", slot))
    return steps


def shifted(slot: str, wanted: TrafficStep) -> list[Step]:
    shift = Step(
        "shift", slot, {"percent": wanted.percent}, "" if wanted.percent == 100 else f"{wanted.percent} %"
    )
    if not wanted.seconds:
        return [shift]
    detail = {"percent": wanted.percent, "seconds": wanted.seconds}
    return [shift, Step("bake", slot, detail, f"{wanted.percent} % for {wanted.seconds:g} s")]


def hold(facts: Facts, app: Application, slot: str, release: str | None) -> list[Step]:
    """Make an idle slot hold ``release``, warm; or nothing where its files are gone."""
    stop = [Step("drain", slot), Step("stop", slot)]
    if release is None or release not in facts.on_disk:
        return [*stop, Step("unassign", slot)]
    return [
        *stop,
        Step("assign", slot, {"release": release}),
        *([Step("start_web", slot)] if app.web and not app.exclusive else []),
    ]


def held(facts: Facts) -> set[str]:
    return {facts.slots[slot].release or "" for slot in SLOTS}


def prune(facts: Facts, keep: set[str]) -> list[Step]:
    return [Step("remove", release) for release in sorted(facts.on_disk - keep)]
