# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the user at named points of a deploy and of a rollback: which points there are, and how those of a host ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._core.names import key_hint
from .extra_vars import mapping
from .plan import rollout_plan
from .points import AFTER_CONFIRM
from .rollout import rollout

#: The points by variable, in the order in which a run comes to them.
POINTS: Mapping[str, tuple[str, ...]] = {
    "deploy_tasks": (
        "before_stage",
        "after_stage",
        "before_switch",
        "after_switch",
        "before_confirm",
        AFTER_CONFIRM,
    ),
    "rollback_tasks": ("before", "after"),
}
#: A play of its own, which only some deploys have, as the points are.
APPROVE = "approve"
#: Both points are in the play that switches one batch after another.
SWITCH = "switch"
_SWITCH_POINTS = ("before_switch", "after_switch")
_NONE: Mapping[str, list[Any]] = {"hosts": [], "sizes": []}


def parse_own_tasks(variables: Mapping[str, Any], variable: str) -> tuple[dict[str, str], list[str]]:
    """The paths of the task files by point, and what is wrong with the others.

    :param variables: of one host
    :param variable: one of :data:`POINTS`
    """
    try:
        given = mapping(variables, variable)
    except BadInput:
        return {}, [f"{variable} must be a mapping of points to task files"]
    found, wrong = {}, []
    for point, path in given.items():
        if point not in POINTS[variable]:
            wrong.append(f"{point} is not a point of {variable}: {key_hint(str(point), POINTS[variable])}")
        elif path is not None and not isinstance(path, str):
            wrong.append(f"{variable}.{point} must be the path of a task file")
        elif path:
            found[point] = path
    return found, wrong


def deploy_hosts(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], point: str
) -> dict[str, list[Any]]:
    """The hosts of a play that only some deploys have, in no time where this deploy has none.

    :param hostvars: with ``deploy_plan`` and what the deploy registered
    :param point: one of ``deploy_tasks``, or :data:`APPROVE` or :data:`SWITCH`
    :returns: ``hosts``, and for :data:`SWITCH` the ``sizes`` of its batches
    """
    plan = _plan(hostvars, hosts)
    if not (plan.get("approval") if point == APPROVE else _has(plan, point)):
        return {**_NONE}
    if point == SWITCH:
        made = rollout_plan(hostvars, hosts)
        return {"hosts": [name for batch in made["batches"] for name in batch], "sizes": made["sizes"]}
    state = rollout(hostvars, hosts)
    by_point = {
        "before_stage": state["hosts"],
        "after_stage": state["staged"] if state["go"] else [],
        APPROVE: state["staged"] if state["go"] else [],
        "before_confirm": state["switched"] if state["complete"] else [],
        AFTER_CONFIRM: state["switched"] if state["confirmed"] else [],
    }
    return {"hosts": by_point[point], "sizes": []}


def switches_with_own_tasks(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> bool:
    """Whether a deploy has tasks of the user at its switches, which then are in another play."""
    return _has(_plan(hostvars, hosts), SWITCH)


def _has(plan: Mapping[str, Any], point: str) -> bool:
    own = plan.get("tasks") or {}
    return any(each in own for each in (_SWITCH_POINTS if point == SWITCH else (point,)))


def _plan(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Mapping[str, Any]:
    """The plan of the deploy as any host has it: a host that --limit leaves out has none."""
    plans = (hostvars.get(name, {}).get("deploy_plan") for name in hosts)
    return next((plan for plan in plans if plan), {})
