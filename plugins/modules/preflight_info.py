#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of mas.ops on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: List all that stands in the way of mas.ops on a host
version_added: 0.1.0
description:
  - Looks at rights, Python, systemd, the distribution, folders and ports, and returns each problem with what to do about it.
  - It does not fail when it finds some. The role P(mas.ops.preflight#role), which the other roles call first, does.
  - A distribution that shares the code path of the tested ones is a warning and no problem.
  - A host without Python, or on which become fails, cannot run a module. The operator's guide says what Ansible says then.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
options:
  ports:
    description:
      - Ports of TCP that no other program may listen on, on any address.
      - Without root they are not looked at, because only root sees who listens.
    type: list
    elements: dict
    default: []
    suboptions:
      numbers:
        description: The ports.
        type: list
        elements: int
        required: true
      purpose:
        description: Which program should listen there, for the message.
        type: str
        default: ""
      programs:
        description: Names of programs that may listen there already.
        type: list
        elements: str
        default: []
      units:
        description: Patterns of the systemd units whose processes or sockets may listen there already.
        type: list
        elements: str
        default: []
      fix:
        description: What to do where another program does.
        type: str
        default: ""
  folders:
    description: Folders in which files are made. One that is not there yet is judged by the nearest above it.
    type: list
    elements: path
    default: [/etc, /srv, /var/lib/mas]
seealso:
  - module: mas.ops.gate_info
"""

EXAMPLES = r"""
# On a command line: ansible -i INVENTORY agents --become -m mas.ops.preflight_info

- name: See whether HAProxy can have its ports
  mas.ops.preflight_info:
    ports:
      - {numbers: [80, 443], purpose: HAProxy, programs: [haproxy]}
  register: preflight

- name: Show what to do
  ansible.builtin.debug:
    var: preflight.lines
"""

RETURN = r"""
problems:
  description: All that has to be mended first; empty where nothing stands in the way.
  type: list
  elements: dict
  returned: success
  contains:
    what:
      description: What is wrong.
      type: str
      returned: always
      sample: Tasks run as the user ops, and mas.ops needs root
    fix:
      description: What to do about it.
      type: str
      returned: always
lines:
  description: The same as one line for each problem.
  type: list
  elements: str
  returned: success
warnings:
  description: What does not stop anything, such as a distribution that is not tested.
  type: list
  elements: str
  returned: when there are some
"""

from ..module_utils._core.ansible_module import run_info_module
from ..module_utils._core.argspec import ArgumentSpec
from ..module_utils._releases.adapters.preflight import preflight

_WORDS = {"type": "list", "elements": "str", "default": []}
_TEXT = {"type": "str", "default": ""}
_PORT = {
    "numbers": {"type": "list", "elements": "int", "required": True},
    "purpose": _TEXT,
    "programs": _WORDS,
    "units": _WORDS,
    "fix": _TEXT,
}
SPEC = ArgumentSpec(
    {
        "ports": {"type": "list", "elements": "dict", "default": [], "options": _PORT},
        "folders": {"type": "list", "elements": "path", "default": ["/etc", "/srv", "/var/lib/mas"]},
    }
)


def main() -> None:
    """Run the module."""
    run_info_module(SPEC, preflight)


if __name__ == "__main__":
    main()
