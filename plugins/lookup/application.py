# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one value of the definition of an application."""

from __future__ import annotations

DOCUMENTATION = r"""
name: application
author:
  - the mas.ops authors (@mas-ops)
version_added: 0.1.0
short_description: One value of the definition of an application
description:
  - The definition of an application is the variable C(mas_application_NAME) of its hosts, with C(_) for each dash of the name. All
    playbooks of this collection read it by this lookup.
  - Only the value that is asked for is evaluated, so that a rollback needs no secret that only the processes need.
options:
  _terms:
    description: The name of the application, and the key.
    type: list
    elements: str
    required: true
  default:
    description: The value where the definition has no such key, or is not there. Without it that is an error.
    type: raw
"""

EXAMPLES = r"""
- name: Say where the artifacts are
  ansible.builtin.debug:
    msg: "{{ lookup('mas.ops.application', 'agents', 'artifacts') }}"
"""

RETURN = r"""
_raw:
  description: The value, as a list of one.
  type: list
  elements: raw
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils.variables.definition import undefined, variable_of


class LookupModule(LookupBase):
    """Ansible looks the lookup up here."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[Any]:
        if len(terms) != 2:
            raise AnsibleLookupError("the lookup takes the name of an application and a key")
        application, key = map(str, terms)
        name = variable_of(application)
        definition = (variables or {}).get(name)
        if isinstance(definition, str):
            definition = self._templar.template(definition)
        if definition is not None and not isinstance(definition, Mapping):
            raise AnsibleLookupError(
                f"{name} is not a mapping: write the settings of {application} as key: value"
            )
        if definition is not None and definition.get(key) is not None:
            return [self._templar.template(definition[key])]
        if "default" in kwargs:
            return [kwargs["default"]]
        if definition is None:
            raise AnsibleLookupError(
                f"{undefined(application, variables or {})}. Its key {key} is needed here."
            )
        raise AnsibleLookupError(f"{name}.{key} is not set. Define the application: {name}: {{{key}: ...}}")
