# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release_info``: call the code that is installed on the host, where it is."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._releases.options import RELEASE_INFO
from ..plugin_utils.adapters import host_call
from ..plugin_utils.adapters.damage import warn_of_damage
from ..plugin_utils.adapters.run import inventory, run_age

_CALL = host_call.Call("info", RELEASE_INFO)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the host."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = {"inventory": inventory(task_vars or {}), "run_age": run_age()}
        args = {**known, **self._task.args}
        done = _CALL(self, args)
        if done is None:
            done = self._execute_module(
                module_name="mas.ops.release_info", module_args=args, task_vars=task_vars
            )
        warn_of_damage(done)
        return {**result, **done}
