# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The input and options that all filters and tests of windows share, parsed into one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ....module_utils._core.errors import BadInput
from ..model import Policy, Target
from .inventory import moment, policy_of_host, target_of_host

#: Options that replace a variable of the host.
_POLICY = ("windows", "freezes", "required", "calendars", "zone")
_TARGET = ("host", "groups", "application", "environment")
#: Keys of an entry, each with the option that it is compared with.
_SCOPES = {
    "environments": "environment",
    "applications": "application",
    "hosts": "host",
    "groups": "groups",
}


@dataclass(frozen=True)
class Query:
    """What is asked: about which policy, target and moment.

    :param zone: of the times in the answer
    """

    policy: Policy
    target: Target
    at: datetime
    zone: str


def parse_query(value: Any, **options: Any) -> Query:
    """From the variables of a host, or from nothing but options.

    :param value: a mapping of variables; anything else is for the caller to put into an option
    :raises OpsError: what is wrong with the input, or that it does not say about which target
    """
    variables: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    zone = str(options.get("zone") or variables.get("change_time_zone") or "UTC")
    policy = policy_of_host(variables, **{name: options.get(name) for name in _POLICY})
    target = target_of_host(variables, **{name: options.get(name) for name in _TARGET})
    if not variables:
        _check_target_is_known(policy, target, {name for name in _TARGET if options.get(name) is None})
    return Query(
        policy=policy,
        target=target,
        at=moment(options.get("at"), zone),
        zone=zone,
    )


def _check_target_is_known(policy: Policy, target: Target, missing: set[str]) -> None:
    """An entry for some targets only cannot be judged while it is not known whether this is one of them.

    :param missing: what is not known of the target
    """
    for window in policy.windows:
        unknown = {
            scope: option
            for scope, option in _SCOPES.items()
            if option in missing and getattr(window.scope, scope)
        }
        if unknown and replace(window.scope, **dict.fromkeys(unknown, ())).holds_for(target):
            raise BadInput(
                f"it holds for some {' and '.join(unknown)} only, and the caller did not say which one to evaluate",
                where=f"{window.kind.value} {window.name!r}",
                fix=f"Give {', '.join(f'{option}=' for option in unknown.values())} too, or the variables of a host.",
            )
