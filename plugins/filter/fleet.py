# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that decide for a whole fleet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils import batches, fleet, rollout, rollout_plan
from ..plugin_utils.adapters.template import told


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "application_hosts": told(fleet.application_group),
            "environment_targets": told(fleet.environment_targets),
            "release_batches": told(batches.release_batches),
            "rollback_target": told(fleet.rollback_target),
            "rollout": told(rollout.rollout),
            "rollout_plan": told(rollout_plan.rollout_plan),
            "rollout_failure": told(rollout.rollout_failure),
        }
