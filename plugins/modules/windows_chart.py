#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/windows_chart.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: windows_chart
short_description: Draw a calendar of windows and freezes
version_added: 0.1.0
description:
  - Draws what M(mas.ops.windows_info) found as a calendar, a row for each day, with windows in green, freezes hatched
    in red, and a line for the moment that was asked about.
  - The same input makes the same bytes, so a second run changes nothing.
  - Runs on the controller. It does not connect to the hosts.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
attributes:
  diff_mode:
    support: partial
    details: It says which file would change, not its pixels.
  platform:
    details: The platform of the controller.
requirements:
  - The Python library matplotlib on the controller.
options:
  path:
    description: The file to write on the controller. Its folder must exist; its ending, V(.svg) or V(.png), is its
      form.
    type: path
    required: true
  groups:
    description: What RV(mas.ops.windows_info#module:groups) holds.
    type: list
    elements: dict
    required: true
  at:
    description: What RV(mas.ops.windows_info#module:at) holds, where the calendar begins.
    type: str
    required: true
  end:
    description: What RV(mas.ops.windows_info#module:until) holds.
    type: str
    required: true
  zone:
    description: The time zone of the days.
    type: str
    default: UTC
  title:
    description: The text above the calendar.
    type: str
    default: When change is allowed
seealso:
  - module: mas.ops.windows_info
"""

EXAMPLES = r"""
- name: Ask about all hosts of the play
  mas.ops.windows_info:
  register: found
  run_once: true

- name: Draw it
  mas.ops.windows_chart:
    path: /srv/pages/windows.svg
    groups: "{{ found.groups }}"
    at: "{{ found.at }}"
    end: "{{ found.until }}"
    zone: "{{ found.zone }}"
  run_once: true
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: success
  sample: /srv/pages/windows.svg
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: bad_input
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "path": {"type": "path", "required": True},
        "groups": {"type": "list", "elements": "dict", "required": True},
        "at": {"type": "str", "required": True},
        "end": {"type": "str", "required": True},
        "zone": {"type": "str", "default": "UTC"},
        "title": {"type": "str", "default": "When change is allowed"},
    }
)


def main() -> None:
    docs_only("windows_chart", SPEC)


if __name__ == "__main__":
    main()
