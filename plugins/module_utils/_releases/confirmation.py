# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The confirmation of a switch: armed before the first change, confirmed once the whole fleet has switched.

The planner says how a host reaches the wanted state; this adds the steps that arm, confirm and disarm its automatic rollback.
"""

from __future__ import annotations

from dataclasses import replace

from .._core.errors import Refused
from .._core.plan import Plan, Step
from .._ledger.history import is_called
from .application import Application
from .state import Facts


def refuse_while_armed(facts: Facts, release: str) -> None:
    """What is live may still go back by itself, and would then take along what is being brought in.

    :raises Refused: another release than ``release`` waits for its confirmation
    """
    if facts.armed and facts.armed.release != release:
        raise Refused(
            f"release {facts.armed.release} is live and was not confirmed yet",
            where=f"the automatic rollback, armed {facts.armed.since} by run {facts.armed.run}",
            fix="Run its deploy again to confirm it, or roll back; without either the host goes back by itself.",
        )


def arms(facts: Facts, release: str, seconds: float) -> bool:
    """Whether a switch to ``release`` has to be confirmed within ``seconds``.

    Not where there is nothing to go back to. Where the release is live and was not confirmed, because the run
    that brought it died, its time begins again.
    """
    waits = facts.armed is not None and facts.armed.release == release
    return seconds > 0 and (waits or facts.live_release not in (None, release))


def armed(plan: Plan, release: str, seconds: float, again: bool = False) -> Plan:
    """The switch, undone ``seconds`` after it is done unless it is confirmed, or after its controller is gone.

    :param again: the switch takes time of its own, so the time begins again at its end
    """
    arm = Step("arm", release, {"seconds": seconds}, f"for {seconds:g} s")
    steps = [arm]
    for step in plan.steps:
        steps += [arm, step] if again and step.action == "commit" else [step]
    return replace(plan, steps=tuple(steps))


def disarmed(plan: Plan, facts: Facts, from_version: str | None = None) -> Plan:
    """A rollback. Once it is done there is nothing left that the automatic rollback could undo.

    :param from_version: only this version was left
    """
    if facts.armed is None or (from_version and not is_called(facts.armed.release, from_version)):
        return plan
    return replace(plan, steps=(*plan.steps, Step("disarm", facts.armed.release)))


def undone(plan: Plan, facts: Facts) -> Plan:
    """What puts back a phase that failed. A release that stays live still waits for its confirmation.

    So it is with a confirmation that was refused, and with a rollback that broke off.
    """
    waits = facts.armed is not None and facts.armed.release == facts.live_release
    return plan if waits else disarmed(plan, facts)


def plan_confirmed(facts: Facts, app: Application, release: str) -> Plan:
    """Make the switch to ``release`` final.

    :raises Refused: it is not live, so there is nothing to confirm
    """
    if facts.live_release != release:
        raise Refused(
            f"release {release} is not live on this host, {facts.live_release or 'nothing'} is",
            where="it went back by itself, or another run has changed it since",
            fix=f"See the ledger with mas.ops.ledger_info, then deploy {app.name} again.",
        )
    before = {**facts.summary(), "confirmed": facts.armed is None}
    if facts.armed is None:
        return Plan(before, before)
    slot = facts.state.live or ""
    proof = [Step("prove", slot)] if app.web else []
    proof += [Step("await_workers", slot)] if facts.slots[slot].workers else []
    confirm = Step("confirm", release, {"from": facts.history.previous})
    return Plan(before, {**before, "confirmed": True}, (*proof, confirm))
