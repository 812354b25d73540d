# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.ledger_entry``: add actor and run."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils.adapters.run import actor, run_id


class ActionModule(ActionBase):
    """Runs the module on the host; what the task says beats what is known here."""

    _supports_check_mode = True
    TRANSFERS_FILES = False
    module = "mas.ops.ledger_entry"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the host with the names of the run and of its actor."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = {"run": run_id(task_vars), "actor": actor(task_vars), **self._task.args}
        done = self._execute_module(module_name=self.module, module_args=args, task_vars=task_vars)
        return {**result, **done}
