# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What filters and tests ask in common: an input of one of two forms, and the same options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ....module_utils._core.errors import BadInput
from ..model import Policy, Target
from .inventory import moment, policy_of_host, target_of_host

#: The options that stand for a variable of the host.
_POLICY = ("windows", "freezes", "required", "calendars", "zone")
_TARGET = ("host", "groups", "application", "environment")
#: What entries call the same.
_SCOPES = {
    "environments": "environment",
    "applications": "application",
    "hosts": "host",
    "groups": "groups",
}


@dataclass(frozen=True)
class Question:
    """Is ``target`` open at ``at``, and so on; ``zone`` is the one that answers are shown in."""

    policy: Policy
    target: Target
    at: datetime
    zone: str


def question(value: Any, **options: Any) -> Question:
    """From the variables of a host, or from nothing but options.

    :param value: a mapping of variables; anything else is for the caller to put into an option
    :raises OpsError: what is wrong with the input, or that it does not say for whom
    """
    variables: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    zone = str(options.get("zone") or variables.get("change_time_zone") or "UTC")
    policy = policy_of_host(variables, **{name: options.get(name) for name in _POLICY})
    target = target_of_host(variables, **{name: options.get(name) for name in _TARGET})
    if not variables:
        _check_told(policy, target, {name for name in _TARGET if options.get(name) is None})
    return Question(
        policy=policy,
        target=target,
        at=moment(options.get("at"), zone),
        zone=zone,
    )


def _check_told(policy: Policy, target: Target, missing: set[str]) -> None:
    """Nobody said that an entry does not hold for the target when nobody said what the target is."""
    for window in policy.windows:
        unsaid = {
            scope: option
            for scope, option in _SCOPES.items()
            if option in missing and getattr(window.scope, scope)
        }
        if unsaid and replace(window.scope, **dict.fromkeys(unsaid, ())).holds_for(target):
            raise BadInput(
                f"it holds for some {' and '.join(unsaid)} only, and nobody said which is asked about",
                where=f"{window.kind.value} {window.name!r}",
                fix=f"Give {', '.join(f'{option}=' for option in unsaid.values())} too, or the variables of a host.",
            )
