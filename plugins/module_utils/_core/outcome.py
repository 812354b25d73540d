# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a use case, as the builtins that leave a plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import OpsError
from .plan import Plan


class Outcome(NamedTuple):
    """The plan that was made (and, outside check mode, applied) and the facts to return beside it."""

    plan: Plan
    facts: Mapping[str, Any]

    def to_result(self) -> dict[str, Any]:
        return {**plan_result(self.plan), **self.facts}


def plan_result(plan: Plan) -> dict[str, Any]:
    """``changed``, ``diff`` and ``steps`` of a plan, as builtins."""
    return {"changed": plan.changed, "diff": _diff(plan), "steps": plan.describe()}


def error_result(error: OpsError) -> dict[str, Any]:
    """``msg`` and what machines want to know of an error, as builtins."""
    return {"msg": str(error), **error.to_dict()}


def _diff(plan: Plan) -> dict[str, str]:
    return {"before": _text(plan.before), "after": _text(plan.after if plan.changed else plan.before)}


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
