# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``processes`` of an application's definition, as each host has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ...variables.definition import variable_of

_GIVEN = "application_processes"


def wanted_processes(
    hostvars: Any, hosts: Sequence[str], application: str, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """By host. Nothing else of the definition is evaluated: its environment may need secrets that only the hosts' setup needs."""
    as_written, loader = getattr(hostvars, "raw_get", hostvars.get), DataLoader()
    return {host: _wanted(as_written(host) or {}, application, extra, loader) for host in hosts}


def _wanted(
    variables: Mapping[str, Any], application: str, extra: Mapping[str, Any], loader: DataLoader
) -> Any:
    templar = Templar(loader, variables=dict(variables))
    if _GIVEN in extra:
        return templar.template(extra[_GIVEN])
    definition = variables.get(variable_of(application))
    if isinstance(definition, str):
        definition = templar.template(definition)
    if not isinstance(definition, Mapping):
        return None
    return templar.template(definition.get("processes"))
