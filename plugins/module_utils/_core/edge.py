# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: where Ansible ends and plain Python begins. No other shared file knows AnsibleModule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from .argspec import ArgumentSpec
from .errors import OpsError
from .plan import Plan


class Outcome(NamedTuple):
    """What a use case hands back: the plan it made and the facts to return beside it."""

    plan: Plan
    facts: Mapping[str, Any]


def plan_result(plan: Plan) -> dict[str, Any]:
    """``changed``, ``diff`` and ``steps`` of a plan, as builtins."""
    return {"changed": plan.changed, "diff": _diff(plan), "steps": plan.describe()}


def _diff(plan: Plan) -> dict[str, str]:
    return {"before": _text(plan.before), "after": _text(plan.after if plan.changed else plan.before)}


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def run_module(spec: ArgumentSpec, use_case: Callable[[Mapping[str, Any], bool], Outcome]) -> None:
    """Parse the options, run ``use_case(params, check_mode)`` and report its outcome or its error.

    :param use_case: returns an :class:`Outcome`; raises :class:`OpsError` for all that it foresees
    """
    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    try:
        outcome = use_case(module.params, module.check_mode)
    except OpsError as error:
        module.fail_json(msg=str(error), **error.to_dict())
    else:
        module.exit_json(**plan_result(outcome.plan), **outcome.facts)


def run_query(spec: ArgumentSpec, question: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """The same for a module that only asks: never changed, no diff."""
    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    try:
        facts = question(module.params)
    except OpsError as error:
        module.fail_json(msg=str(error), **error.to_dict())
    else:
        module.exit_json(changed=False, **facts)
