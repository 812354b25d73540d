#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/change_summary.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: change_summary
short_description: Say what a change ended with
version_added: 0.1.0
description:
  - Says which release is live on which hosts, and the command that takes it back, from what M(mas.ops.release) returned on the
    hosts of the play. In check mode it says nothing.
  - Hands the same to the next node of a workflow, as C(ansible.builtin.set_stats) does, under the name C(deploy_result) or
    C(rollback_result), by O(change).
  - Runs on the controller, once for all hosts with C(run_once). It does not connect to a host.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  check_mode:
    support: full
options:
  application:
    description: The application.
    type: str
    required: true
  change:
    description: Which change it was. Names what is handed on.
    type: str
    choices: [deploy, rollback]
    required: true
  until:
    description: Whether the release is live now, or only staged.
    type: str
    choices: [live, staged]
    default: live
  registered:
    description: The variables in which the hosts have the results of M(mas.ops.release). The first that is set counts.
    type: list
    elements: str
    required: true
  release:
    description: What was staged, with O(until=staged).
    type: str
    default: ""
seealso:
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Say what is live
  mas.ops.change_summary:
    application: agents
    change: deploy
    registered: [deployed]
  run_once: true
"""

RETURN = r"""
application_name:
  description: The application.
  type: str
  returned: success
until:
  description: The option.
  type: str
  returned: success
hosts:
  description: The release by host, without hosts that returned no result.
  type: dict
  returned: success
  sample: {web1: 2.0.0-0123456789ab}
not_seen:
  description: Hosts of the play that returned no result.
  type: list
  elements: str
  returned: success
left_out:
  description: Hosts of the application that were no part of the change, by C(--limit) or because the gate left them out.
  type: list
  elements: str
  returned: success
rollback_command:
  description: The command that goes back, empty where there is none or where it differs between hosts.
  type: str
  returned: success
lines:
  description: What was displayed.
  type: list
  elements: str
  returned: success
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import APPLICATION, ArgumentSpec

#: The action takes it from here, beside its documentation.
SPEC = APPLICATION + ArgumentSpec(
    {
        "change": {"type": "str", "choices": ["deploy", "rollback"], "required": True},
        "until": {"type": "str", "choices": ["live", "staged"], "default": "live"},
        "registered": {"type": "list", "elements": "str", "required": True},
        "release": {"type": "str", "default": ""},
    },
)


def main() -> None:
    docs_only("change_summary", SPEC)


if __name__ == "__main__":
    main()
