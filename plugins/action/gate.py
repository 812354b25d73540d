# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluate the gate, once for all hosts of a play. The documentation is in plugins/modules/gate.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..modules.gate import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.adapters.run import actor
from ..plugin_utils.adapters.whole_run import extra_variables
from ..plugin_utils.deploy.adapters.processes import wanted_processes
from ..plugin_utils.deploy.processes import host_processes
from ..plugin_utils.gate.adapters.fact_collector import FactCollector, GateHost, PlannedChange, read_host
from ..plugin_utils.gate.adapters.gate import Clock, Gate, SystemClock
from ..plugin_utils.gate.modes import ROLLBACK
from ..plugin_utils.gate.report import refusal, to_dict
from ..plugin_utils.variables.adapters.files import catalogue
from ..plugin_utils.variables.check import check_inventory
from ..plugin_utils.variables.own import refuse_other_rules

#: The variable in which playbooks register the result of ``mas.ops.gate_info``.
HOST_FACTS = "gate_host_facts"


class ActionModule(ControllerAction):
    spec = SPEC
    #: Tests hand in one of their own.
    clock: Clock = SystemClock()

    def answer(self, params: Mapping[str, Any]) -> Facts:
        if params["change"] != ROLLBACK:
            refuse_other_rules(extra_variables())
        if not params["recheck"]:
            self._check_inventory(params)
        hosts = self._hosts(params)
        planned = _planned_change(params, actor(self.variables))
        to_ask: Facts = {}
        if params["questions"]:
            to_ask = {"ask": FactCollector(planned, self.clock.now()).hosts_to_ask(hosts)}
            if to_ask["ask"]:
                return {"changed": False, **to_ask}
        gate = Gate(_what(params), hosts, planned, self.clock, self._display.display)
        return {
            **to_ask,
            **self._result(gate, recheck=bool(params["recheck"]), refuse=bool(params["refuse"])),
        }

    def _result(self, gate: Gate, recheck: bool, refuse: bool) -> Facts:
        verdict = gate.judge(recheck) if self._task.check_mode or recheck else gate.pass_or_wait()
        facts = {"changed": False, "refused": False, **to_dict(verdict)}
        if not recheck:
            # As set_stats would, without a task of its own.
            facts["ansible_stats"] = {
                "data": {"gate": facts["summary"]},
                "aggregate": False,
                "per_host": False,
            }
        if not verdict.blocked:
            if facts["table"]:
                self._display.display(facts["table"])
            return facts
        message = refusal(verdict, {host.name: host.settings for host in gate.hosts}, recheck)
        if self._task.check_mode:
            # A dry run changes nothing, so nothing needs to hold it up; it says what would.
            self._display.warning(message)
            return facts
        failure = {"failed": True, "error": "gate"} if refuse else {}
        return {**facts, "refused": True, "msg": message, **failure}

    def _check_inventory(self, params: Mapping[str, Any]) -> None:
        """Here, because every change comes by before it touches a host, and all variables of all hosts are at hand."""
        hostvars = self.variables.get("hostvars", {})
        # As they are written: what they stand for may need secrets that only some changes need.
        as_written = getattr(hostvars, "raw_get", hostvars.get)
        hosts = {name: as_written(name) for name in self._names(params)}
        for warning in check_inventory(
            catalogue(),
            hosts,
            extra_variables(),
            is_rollback=params["change"] == ROLLBACK,
            application=str(params["application"] or ""),
            defined=bool(params["defined"]),
        ):
            self._display.warning(warning)
        if params["change"] != ROLLBACK and params["application"]:
            self._check_processes(list(hosts), str(params["application"]))

    def _check_processes(self, hosts: list[str], application: str) -> None:
        """Groups that are not there, before a host is touched; names of processes are known once the artifact is."""
        groups = self.variables.get("groups", {})
        wanted = wanted_processes(self.variables.get("hostvars", {}), hosts, application, extra_variables())
        for host, said in wanted.items():
            host_processes(said, groups, host, application)

    def _names(self, params: Mapping[str, Any]) -> list[str]:
        play = "ansible_play_batch" if params["recheck"] else "ansible_play_hosts"
        return [str(name) for name in params["hosts"] or self.variables.get(play, ())]

    def _hosts(self, params: Mapping[str, Any]) -> list[GateHost]:
        hostvars = self.variables.get("hostvars", {})
        return [self._host(name, hostvars[name], params) for name in self._names(params)]

    def _host(self, name: str, variables: Mapping[str, Any], params: Mapping[str, Any]) -> GateHost:
        return read_host(name, variables, str(params["change"]), params["checks"], variables.get(HOST_FACTS))


def _planned_change(params: Mapping[str, Any], actor_name: str = "") -> PlannedChange:
    artifact = params["artifact"]
    release = params["release"] or (artifact or {}).get("release")
    application = str(params["application"] or "")
    return PlannedChange(application, str(release or ""), artifact, float(params["left"]), actor_name)


def _what(params: Mapping[str, Any]) -> str:
    """``deploy of agents 2.0.0-0123456789ab``."""
    planned = _planned_change(params)
    named = " ".join(word for word in (planned.application, planned.release) if word)
    return f"{params['change']} of {named}" if named else str(params["change"])
