#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/windows_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: windows_info
short_description: Say when change is allowed on hosts
version_added: 0.1.0
description:
  - Judges the windows and freezes of many hosts in one task, and returns hosts together that have the same.
  - Reads the variables C(change_windows), C(change_freezes), C(change_calendars), C(change_windows_required) and C(change_time_zone) of each
    host, from the inventory, facts or extra variables; variables of a play are not among those.
  - Runs on the controller. It does not connect to the hosts.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  platform:
    details: The platform of the controller.
requirements:
  - The Python libraries python-dateutil, cronsim and icalendar on the controller.
options:
  hosts:
    description: The hosts to ask about. By default the hosts of the play.
    type: list
    elements: str
  application:
    description: The application that is to be changed, for windows of some applications only. By default the variable
      C(application) of each host.
    type: str
  environment:
    description: The environment, for windows of some environments only. By default the variable
      C(mas_environment) of each host.
    type: str
  at:
    description: The moment to ask about, with an offset or in O(zone). By default now.
    type: str
  days:
    description: How many days the calendar looks ahead.
    type: int
    default: 14
  zone:
    description: The time zone that the calendar is shown in. By default C(change_time_zone) of the first host, or UTC.
    type: str
seealso:
  - module: mas.ops.windows_chart
  - plugin: mas.ops.window_state
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask about all hosts of the play
  mas.ops.windows_info:
    days: 7
  register: found
  run_once: true

- name: Say it
  ansible.builtin.debug:
    msg: "{{ found.lines }}"
  run_once: true
"""

RETURN = r"""
groups:
  description: The hosts, those together that have the same windows.
  type: list
  elements: dict
  returned: success
  contains:
    hosts:
      description: Their names.
      type: list
      elements: str
      returned: always
    state:
      description: What is so at RV(at), as the filter P(mas.ops.window_state#filter) returns it.
      type: dict
      returned: always
    spans:
      description: Each occurrence of a window or a freeze, with C(begin), C(end), C(name), C(kind), C(reason) and
        C(owner).
      type: list
      elements: dict
      returned: always
    open:
      description: When change is allowed, without a break and without the freezes, in the same form.
      type: list
      elements: dict
      returned: always
lines:
  description: The same for people, a line for each day.
  type: list
  elements: str
  returned: success
at:
  description: The moment that was asked about.
  type: str
  returned: success
  sample: "2026-11-24T22:00:00+01:00"
until:
  description: The end of the calendar.
  type: str
  returned: success
zone:
  description: The time zone of all moments in the calendar.
  type: str
  returned: success
  sample: Europe/Berlin
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
        "hosts": {"type": "list", "elements": "str"},
        "application": {"type": "str"},
        "environment": {"type": "str"},
        "at": {"type": "str"},
        "days": {"type": "int", "default": 14},
        "zone": {"type": "str"},
    }
)


def main() -> None:
    docs_only("windows_info", SPEC)


if __name__ == "__main__":
    main()
