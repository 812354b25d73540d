# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask when change is allowed on hosts. The documentation is in plugins/modules/windows_info.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..module_utils._core.errors import BadInput, NotFound
from ..modules.windows_info import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.windows.adapters.inventory import MISSING, moment, policy_of_host, target_of_host
from ..plugin_utils.windows.days import group_hosts, lines, start_of_day
from ..plugin_utils.windows.fields import checked_zone
from ..plugin_utils.windows.judge import judge


class ActionModule(ControllerAction):
    spec = SPEC
    missing = MISSING

    def answer(self, params: Mapping[str, Any]) -> Facts:
        if not 0 < params["days"] <= 366:
            raise BadInput("days must be from 1 to 366", where="days", fix="Ask for fewer days.")
        hosts = self._hosts(params["hosts"])
        first = next(iter(hosts.values()), {})
        zone = str(params["zone"] or first.get("change_time_zone") or "UTC")
        local = checked_zone(zone, "zone")
        at = moment(params["at"], zone)
        begin = start_of_day(at, local)
        # Days of the wall clock, however many hours they have.
        end = begin + timedelta(days=params["days"])
        about = {name: params[name] for name in ("application", "environment")}
        judged = {}
        for name, variables in hosts.items():
            policy, target = policy_of_host(variables), target_of_host(variables, **about)
            judged[name] = (policy, target, judge(policy, target, at))
        groups = group_hosts(judged, begin, end)
        return {
            "changed": False,
            "groups": [group.to_dict(local) for group in groups],
            "lines": [line for group in groups for line in lines(group, begin, end, local)],
            "at": at.astimezone(local).isoformat(),
            "until": end.isoformat(),
            "zone": zone,
        }

    def _hosts(self, names: Any) -> dict[str, Mapping[str, Any]]:
        known = self.variables["hostvars"]
        wanted = [str(name) for name in names or self.variables["ansible_play_hosts_all"]]
        if unknown := [name for name in wanted if name not in known]:
            fix = "Name hosts of the inventory."
            raise NotFound(f"the inventory has no host {', '.join(unknown)}", where="hosts", fix=fix)
        return {name: known[name] for name in wanted}
