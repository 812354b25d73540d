# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what a change ended with. The documentation is in plugins/modules/change_summary.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..modules.change_summary import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.adapters.run import left_out
from ..plugin_utils.deploy.summary import summarize


class ActionModule(ControllerAction):
    spec = SPEC

    def answer(self, params: Mapping[str, Any]) -> Facts:
        hostvars = self.variables.get("hostvars", {})
        results = {
            str(host): _said([hostvars[host].get(name) for name in params["registered"]])
            for host in self.variables.get("ansible_play_hosts_all", ())
        }
        summary = summarize(
            str(params["application"]),
            str(params["change"]),
            results,
            str(params["until"]),
            str(params["release"]),
            left_out(self.variables, str(params["application"])),
        )
        lines = [] if self._task.check_mode else summary.lines()
        for line in lines:
            self._display.display(line)
        stats = {
            "data": {f"{params['change']}_result": summary.to_dict()},
            "aggregate": False,
            "per_host": False,
        }
        # As set_stats would, without a task of its own.
        return {"changed": False, **summary.to_dict(), "lines": lines, "ansible_stats": stats}


def _said(results: Sequence[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """The first one that says what is live: a task that was skipped on a host registers a result as well."""
    return next((result for result in results if result and "live" in result), None)
