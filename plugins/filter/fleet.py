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
from ..plugin_utils import batches, fleet, rollout, rollout_plan, ways_back
from ..plugin_utils.adapters.run import inventory
from ..plugin_utils.adapters.template import template_errors
from ..plugin_utils.adapters.whole_run import name_hosts_left_out, refuse_parts


def decided(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a playbook decides by: why not is ``refused``, for a task that fails with it, and empty where all is well.

    Ansible shows an error of a template three times, each with the source of the template.
    """

    @wraps(function)
    def deciding(*args: Any, **kwargs: Any) -> Any:
        try:
            return {**function(*args, **kwargs), "refused": ""}
        except OpsError as error:
            return {"refused": str(error)}

    return deciding


def _rollout_plan(hostvars: Any, hosts: Any, call: Any = None) -> Any:
    """Decided once, with ``call``; what plays ask for after that is an error where it cannot be."""
    return (template_errors if call is None else decided)(rollout_plan.rollout_plan)(hostvars, hosts, call)


@pass_context
def application_hosts(context: Any, groups: Any, application: str, version: Any = "") -> str:
    """:func:`.fleet.application_group`, where the command line lets all be done, or says what is left out."""
    refuse_parts()
    pattern = fleet.application_group(groups, application, version)
    name_hosts_left_out(context, application)
    return pattern


def whole_run(pattern: str) -> str:
    """The pattern of a playbook that is not about one application, where the command line lets all be done."""
    refuse_parts()
    return pattern


@pass_context
def command_line(context: Any, playbook: str, **variables: str) -> str:
    """The command line that runs a playbook with the inventory of this run, see :func:`.commands.command`."""
    return command(playbook, inventory(context), **variables)


@pass_context
def rollout_failure(context: Any, hostvars: Any, hosts: Any, application: str, version: str) -> str:
    """:func:`.rollout.rollout_failure` with the inventory of this run in the commands that it advises."""
    check = bool(context.get("ansible_check_mode"))
    return rollout.rollout_failure(hostvars, hosts, application, version, inventory(context), check)


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "application_hosts": template_errors(application_hosts),
            "environment_targets": decided(fleet.environment_targets),
            "command_line": template_errors(command_line),
            "release_batches": template_errors(batches.release_batches),
            "rollback_rest": template_errors(ways_back.rollback_rest),
            "rollback_way": decided(ways_back.rollback_way),
            "rollout": template_errors(rollout.rollout),
            "rollout_plan": _rollout_plan,
            "rollout_failure": template_errors(rollout_failure),
            "version_text": template_errors(text),
            "whole_run": template_errors(whole_run),
        }
