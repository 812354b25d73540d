#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/report.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Make one page from the ledgers of a fleet
version_added: 0.1.0
description:
  - Writes one HTML page that needs no network. It shows what is live where, the changes, the DORA measures, canaries,
    overrides, windows ahead, drills, and the state of each host's ledger.
  - Can keep copies of the ledgers, which only ever grow. A host whose ledger does not agree with its copy is shown as
    broken and its copy stays as it is, so that what a host cuts off its ledger is found.
  - The page does not say when it was made, so a second run with the same input changes nothing. It changes by itself only
    when an override expires; which ones are in force is judged by the clock, or by O(at) when that has passed.
  - Runs on the controller. It does not connect to the host that the task is for.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
attributes:
  diff_mode:
    details: The diff holds the digests of the files.
  platform:
    details: The platform of the controller.
options:
  ledgers:
    description:
      - By host, what M(mas.ops.ledger_info) returned. For a host that was not reached or failed, what was returned
        instead.
    type: dict
    required: true
  path:
    description: The page to write. Its folder is made when it is not there.
    type: path
    required: true
  archive:
    description:
      - A folder that keeps a copy of each ledger as C(<environment>/<host>.jsonl), byte by byte as the host wrote it.
      - Hand over whole ledgers then, not only some of their entries.
    type: path
  application:
    description: Show only entries about this application, and those about none. The copies hold all of them.
    type: str
  title:
    description: The heading of the page.
    type: str
    default: Change report
  at:
    description:
      - The end of the time that is reported, such as V(2026-01-31T23:59:59Z).
      - It may lie ahead, such as the end of this day, so that the page does not change with each run.
      - The time of the newest entry when it is not given.
    type: str
  period_days:
    description: For how many days before O(at) the measures are taken.
    type: int
    default: 90
  zone:
    description: The time zone of all times of the page, such as V(Europe/Berlin). Weeks are ISO weeks in UTC whatever it
      is.
    type: str
    default: UTC
  window_states:
    description: By host, what P(mas.ops.window_state#filter) returned.
    type: dict
  window_calendars:
    description: By host, what P(mas.ops.window_calendar#filter) returned.
    type: dict
seealso:
  - module: mas.ops.ledger_info
  - plugin: mas.ops.dora
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the ledgers
  mas.ops.ledger_info:
  register: ledger
  ignore_unreachable: true

- name: Make the page
  mas.ops.report:
    ledgers: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'ledger'))) }}"
    path: /srv/reports/index.html
    archive: /srv/reports/ledgers
  run_once: true
"""

RETURN = r"""
path:
  description: The page.
  type: str
  returned: success
  sample: /srv/reports/index.html
size:
  description: Its bytes.
  type: int
  returned: success
sha256:
  description: Its digest.
  type: str
  returned: success
at:
  description: The end of the time that is reported; none when no ledger has an entry.
  type: str
  returned: success
  sample: '2026-01-31T23:59:59Z'
hosts:
  description: How many hosts the page is about.
  type: int
  returned: success
silent:
  description: The hosts whose ledger was not read.
  type: list
  elements: str
  returned: success
broken:
  description: The hosts whose chain is broken, or whose ledger does not agree with its copy.
  type: list
  elements: str
  returned: success
dora:
  description: What P(mas.ops.dora#filter) says of the entries.
  type: dict
  returned: success
steps:
  description: What was or would be written.
  type: list
  elements: str
  returned: success
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
        "ledgers": {"type": "dict", "required": True},
        "path": {"type": "path", "required": True},
        "archive": {"type": "path"},
        "application": {"type": "str"},
        "title": {"type": "str", "default": "Change report"},
        "at": {"type": "str"},
        "period_days": {"type": "int", "default": 90},
        "zone": {"type": "str", "default": "UTC"},
        "window_states": {"type": "dict"},
        "window_calendars": {"type": "dict"},
    },
)


def main() -> None:
    docs_only("report", SPEC)


if __name__ == "__main__":
    main()
