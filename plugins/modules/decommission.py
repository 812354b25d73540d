#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove an application from its host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: decommission
short_description: Remove an application from its host
version_added: 0.1.0
description:
  - Takes the application out of the traffic, waits for its requests to end, stops it, and removes what the roles and
    modules of this collection wrote for it - units, secrets, the proxy's files, releases, its own account and its settings.
  - Other applications of the host lose no request. HAProxy checks its whole configuration without the application before
    anything is changed.
  - What others have put into its folders stays, and is listed in RV(kept). HAProxy, its main files and the ledger stay as well.
  - The plan is made of what is left. A run that was killed is continued by running the same task again.
  - A host that does not know the application is not changed.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.who
  - mas.ops.inventory
  - mas.ops.attributes
options:
  shared:
    description:
      - Whether the folder C(shared), which has the data of the application, stays or is removed. With it the account stays.
    type: str
    choices: [keep, remove]
    default: keep
  environment:
    description:
      - The environment that is meant. A host whose settings say another one is refused - the application has the same name in all of
        them.
    type: str
    default: ""
  drain_timeout:
    description: How many seconds requests that are under way may take before the slots are stopped.
    type: float
    default: 30.0
  force_unlock:
    description:
      - Take the lock from the run that holds it, end its module on the host, and give up a deploy that has not ended.
    type: bool
    default: false
  limit:
    description: Set by the action to the hosts of the run, where it leaves out others of the application, for the command in the ledger.
    type: str
    default: ""
  gate:
    description: What the gate decided for this host, for the ledger.
    type: dict
    default: {}
seealso:
  - module: mas.ops.release
  - module: mas.ops.application
"""

EXAMPLES = r"""
- name: Remove the application and its data from a host that leaves
  mas.ops.decommission:
    application: agents
    shared: remove
"""

RETURN = r"""
steps:
  description: What was done, or would be in check mode, in order.
  type: list
  elements: str
  returned: success
  sample: [withdraw blue, drain blue, stop blue, unassign blue 2.0.0-0123456789ab]
was:
  description: The release that was live.
  type: str
  returned: success
  sample: 2.0.0-0123456789ab
kept:
  description: What stays on the host, in sentences.
  type: list
  elements: str
  returned: success
  sample: ["/srv/agents/shared has the data of the application, and stays with its account."]
rollback_command:
  description: The commands that bring the application back.
  type: str
  returned: success
  sample: ansible-playbook mas.ops.provision -e application_name=agents
seconds:
  description: How long each kind of step took.
  type: dict
  returned: success
damage:
  description: What was in the way of the lock and was set aside, in sentences.
  type: list
  elements: str
  returned: success
  sample: []
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: refused
"""

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import APPLICATION, WHO, ArgumentSpec
from ..module_utils._releases.adapters.decommission import decommission

SPEC = (
    APPLICATION
    + WHO
    + ArgumentSpec(
        {
            "shared": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "environment": {"type": "str", "default": ""},
            "drain_timeout": {"type": "float", "default": 30.0},
            "force_unlock": {"type": "bool", "default": False},
            "gate": {"type": "dict", "default": {}},
            "inventory": {"type": "list", "elements": "str", "default": []},
            "limit": {"type": "str", "default": ""},
        }
    )
)


def main() -> None:
    """Run the module."""
    run_module(SPEC, decommission)


if __name__ == "__main__":
    main()
