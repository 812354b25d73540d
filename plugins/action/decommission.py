# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.decommission``: add actor, run and inventory."""

from __future__ import annotations

from ..plugin_utils.adapters.action import Facts, HostAction
from ..plugin_utils.adapters.parent_death import end_with_parent
from ..plugin_utils.adapters.run import inventory, run_limit


class ActionModule(HostAction):
    module = "decommission"

    def known(self) -> Facts:
        application = str(self._task.args.get("application") or "")
        limit = run_limit(self.variables, application)
        return {**super().known(), "inventory": inventory(self.variables), "limit": limit}

    def answer(self, args: Facts) -> Facts:
        # A host stops at its step when the controller is gone.
        with end_with_parent():
            return self.run_module(args)
