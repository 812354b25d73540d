# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.decommission``: add actor, run and inventory."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.adapters.parent_death import end_with_parent
from ..plugin_utils.adapters.run import actor, inventory, run_id


class ActionModule(ActionBase):
    """Runs the module on the host; what the task says beats what is known here."""

    _supports_check_mode = True
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the host with what it needs from the controller."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = {"run": run_id(task_vars), "actor": actor(task_vars), "inventory": inventory(task_vars)}
        args = {**known, **self._task.args}
        with end_with_parent():
            done = self._execute_module(
                module_name="mas.ops.decommission", module_args=args, task_vars=task_vars
            )
        return {**result, **done}
