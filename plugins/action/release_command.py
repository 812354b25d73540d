# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release_command``: add actor, run and host, and fail when the command failed."""

from __future__ import annotations

from ..plugin_utils.adapters.action import Facts, HostAction
from ..plugin_utils.adapters.parent_death import end_with_parent
from ..plugin_utils.adapters.run import inventory


class ActionModule(HostAction):
    module = "release_command"

    def known(self) -> Facts:
        host = str(self.variables.get("inventory_hostname", ""))
        return {**super().known(), "inventory": inventory(self.variables), "host": host}

    def answer(self, args: Facts) -> Facts:
        with end_with_parent():
            done = super().answer(args)
        if done.get("succeeded") is False:
            done.update(failed=True, msg=done["summary"])
        return done
