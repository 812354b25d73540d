# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that decide for a whole fleet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._core.errors import OpsError
from ..plugin_utils import batches, fleet, rollout, rollout_plan


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except OpsError as error:
            raise AnsibleFilterError(str(error)) from error

    return told


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "application_hosts": _told(fleet.application_group),
            "environment_targets": _told(fleet.environment_targets),
            "release_batches": _told(batches.release_batches),
            "rollback_target": _told(fleet.rollback_target),
            "rollout": _told(rollout.rollout),
            "rollout_plan": _told(rollout_plan.rollout_plan),
            "rollout_failure": _told(rollout.rollout_failure),
        }
