#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the settings of an application to its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: application
short_description: Write the settings of an application to its host, or refuse settings that conflict
version_added: 0.1.0
description:
  - Writes C(/etc/mas/APPLICATION/application.json), which holds the host's policy and the settings for the next release
    that a slot of the application gets. The releases in the slots keep the settings that they were assigned with.
  - Refuses settings that another application of the host has already (ports of slots, user, folder, names of units), and
    settings that would stop a release in a slot. Nothing is changed then.
  - The role P(mas.ops.application#role) calls it.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
options:
  contract:
    description: The content of the file, as the role P(mas.ops.application#role) builds it.
    type: dict
    required: true
  settings_for:
    description:
      - The application that the variables name as theirs. Must be the application's name where the host has others, and
        never that of another one.
      - Where the groups of two applications set the same variable, Ansible gives both of them the value of one group. A
        variable that each group sets to its own name shows which group that is.
    type: str
    default: ""
  patience:
    description: How many seconds to wait for another run that changes the application.
    type: float
    default: 20.0
seealso:
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Write what the modules read
  mas.ops.application:
    contract: "{{ application_contract }}"
    settings_for: "{{ application_settings_for }}"
  register: written

- name: Print what waits for the next deploy
  ansible.builtin.debug:
    msg: "{{ written.pending }}"
"""

RETURN = r"""
pending:
  description: Settings that changed since the live slot was assigned, which its processes get with the next deploy or restart.
  type: list
  elements: str
  returned: success
  sample: [port, environment]
pending_by_slot:
  description: The same for each slot that holds a release.
  type: dict
  returned: success
steps:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import ArgumentSpec
from ..module_utils._releases.adapters.provision import application

SPEC = ArgumentSpec(
    {
        "contract": {"type": "dict", "required": True},
        "settings_for": {"type": "str", "default": ""},
        "patience": {"type": "float", "default": 20.0},
    }
)


def main() -> None:
    """Run the module."""
    run_module(SPEC, application)


if __name__ == "__main__":
    main()
