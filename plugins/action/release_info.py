# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release_info``: call the code that is installed on the host, where it is."""

from __future__ import annotations

from ..module_utils._releases.options import RELEASE_INFO
from ..plugin_utils.adapters import host_call
from ..plugin_utils.adapters.action import Facts, HostAction
from ..plugin_utils.adapters.damage import warn_of_damage
from ..plugin_utils.adapters.run import inventory, run_age

_CALL = host_call.Call("info", RELEASE_INFO)


class ActionModule(HostAction):
    module = "release_info"

    def known(self) -> Facts:
        return {"inventory": inventory(self.variables), "run_age": run_age()}

    def answer(self, args: Facts) -> Facts:
        done = _CALL(self, args)
        if done is None:
            done = self.run_module(args)
        warn_of_damage(done)
        return done
