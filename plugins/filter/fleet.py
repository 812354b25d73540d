# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that decide for a whole fleet."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from jinja2 import pass_context

from ..module_utils._core.errors import OpsError
from ..module_utils._core.names import text
from ..module_utils._releases.commands import command
from ..plugin_utils.adapters.run import inventory
from ..plugin_utils.adapters.template import as_filter
from ..plugin_utils.adapters.whole_run import (
    check_limit,
    extra_variables,
    only_syntax,
    refuse_parts,
    refuse_wrong,
)
from ..plugin_utils.deploy import batches, fleet, own_tasks, plan, processes, rollback, rollout
from ..plugin_utils.deploy.adapters.own_tasks import checked_tasks, rollback_tasks
from ..plugin_utils.deploy.adapters.processes import wanted_processes
from ..plugin_utils.deploy.command import command_targets
from ..plugin_utils.deploy.extra_vars import boolean


def decided(function: Callable[..., Any]) -> Callable[..., Any]:
    """For a filter by which a playbook decides: an error is returned as ``refused``, which is empty without one.

    A task then fails with it. Ansible would show an error of a template three times, each with the template's source.
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return {**function(*args, **kwargs), "refused": ""}
        except OpsError as error:
            return {"refused": str(error)}

    return wrapped


def _rollout_plan(hostvars: Any, hosts: Any, call: Any = None) -> Any:
    """With ``call`` the plan is made, and may be refused. Plays that read it again have no ``call``, and a refusal is an error.

    ``hosts`` are those of all batches.
    """
    if call is None:
        found = as_filter(plan.rollout_plan)(hostvars, hosts)
    else:
        found = decided(_planned)(hostvars, hosts, {**call, "extra": list(extra_variables())})
    if "batches" not in found:
        return found
    if call is None and own_tasks.switches_with_own_tasks(hostvars, hosts):
        # They switch in the play that runs these tasks.
        return {**found, "hosts": []}
    return {**found, "hosts": [name for batch in found["batches"] for name in batch]}


def _planned(hostvars: Any, hosts: Any, call: Any) -> dict[str, Any]:
    """The plan, which processes each host runs, and the user's own tasks."""
    wanted = wanted_processes(hostvars, hosts, call["application"], extra_variables())
    manifest = (call.get("artifact") or {}).get("manifest") or {}
    by_host = processes.processes_by_host(wanted, call.get("groups") or {}, call["application"], manifest)
    made = plan.rollout_plan(hostvars, hosts, call)
    first = hostvars[hosts[0]] if hosts else {}
    given = {name: made["settings"].get(name, first.get(name)) for name in own_tasks.POINTS}
    return {**made, "processes": by_host, "tasks": checked_tasks(given)}


@pass_context
def deploy_hosts(context: Any, hostvars: Any, hosts: Any, point: str) -> Any:
    """:func:`.own_tasks.deploy_hosts`. An abort has no such plays."""
    if boolean({"deploy_abort": context.get("deploy_abort")}, "deploy_abort"):
        return {"hosts": [], "sizes": []}
    return own_tasks.deploy_hosts(hostvars, hosts, point)


@pass_context
def application_hosts(
    context: Any, groups: Any, application: str, playbook: str, hostvars: Any = None
) -> Any:
    """:func:`.fleet.application_group`, where the run was given what the playbook needs, and lets all of it be done.

    With ``hostvars`` without the hosts that the gate left out.
    """
    refuse_parts()
    if only_syntax() and application not in groups:
        return "all"
    refuse_wrong(playbook, context.get_all())
    pattern = fleet.application_group(groups, application)
    check_limit(context, application, playbook)
    left_out = fleet.gate_decision(hostvars or {}, groups[application]).get("left_out")
    return [name for name in groups[application] if name not in left_out] if left_out else pattern


def hosts_to_ask(hostvars: Any, hosts: Any) -> list[str]:
    """The hosts that the gate must ask before it can decide."""
    return list(fleet.gate_decision(hostvars, hosts).get("ask") or ())


@pass_context
def whole_run(context: Any, pattern: str, playbook: str) -> str:
    """The pattern of a playbook that is not about one application, in the same cases."""
    refuse_parts()
    refuse_wrong(playbook, context.get_all())
    return pattern


@pass_context
def command_line(context: Any, playbook: str, **variables: str) -> str:
    """The command line that runs a playbook with the inventory of this run, see :func:`.commands.command`."""
    return command(playbook, inventory(context), **variables)


@pass_context
def rollout_failure(context: Any, hostvars: Any, hosts: Any, application: str, version: str) -> str:
    """:func:`.deploy.rollout.rollout_failure` with the inventory of this run in the commands that it advises."""
    check = bool(context.get("ansible_check_mode"))
    return rollout.rollout_failure(hostvars, hosts, application, version, inventory(context), check)


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "application_hosts": as_filter(application_hosts),
            "deploy_hosts": as_filter(deploy_hosts),
            "environment_targets": decided(fleet.environment_targets),
            "command_line": as_filter(command_line),
            "command_targets": decided(command_targets),
            "host_processes": as_filter(processes.host_processes),
            "hosts_to_ask": as_filter(hosts_to_ask),
            "release_batches": as_filter(batches.release_batches),
            "rollback_rest": as_filter(rollback.rollback_rest),
            "rollback_tasks": as_filter(rollback_tasks),
            "rollback_way": decided(rollback.rollback_way),
            "rollout": as_filter(rollout.rollout),
            "rollout_plan": _rollout_plan,
            "rollout_failure": as_filter(rollout_failure),
            "version_text": as_filter(text),
            "whole_run": as_filter(whole_run),
        }
