#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command once in the environment of the live release."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_command
short_description: Run a command once in the environment of the live release
version_added: 0.1.0
description:
  - Runs in the folder of the live release, as the user of the application, with the sandbox, the limits, the environment
    file and the variables C(MAS_*) of one of its processes.
  - A release does not wait for it. It is stopped when its slot is needed for another release.
  - Only one runs at a time for each application of a host. It goes on when the module or the controller is killed; the
    next call then says that it runs, or how it ended.
  - The ledger gets an entry of the kind C(command), without what the command wrote. That is in the journal of the host.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.inventory
  - mas.ops.who
  - mas.ops.attributes
options:
  command:
    description:
      - A program with its arguments, as in C(mas.yml). One text, which is split into words as a shell would do it, or a
        list of words. No shell runs it. C($PORT) is the port of the slot.
      - Never put a secret in it, because all users of the host can see it. The value of a secret of the release is refused.
    type: raw
    required: true
  process:
    description: The process whose environment and limits it gets. By default the first worker, else the web process.
    type: str
  version:
    description: The version that must be live.
    type: str
  timeout:
    description: Seconds after which it is stopped.
    type: int
    default: 600
  report_missing:
    description: Whether a host without a live release, or without the process, says so in RV(missing) and does not fail.
    type: bool
    default: false
  host:
    description: Set by the action to the name of the host in the inventory, for the ledger.
    type: str
    default: ""
  gate:
    description: What the gate decided, for the ledger.
    type: dict
    default: {}
seealso:
  - module: mas.ops.release
  - module: mas.ops.ledger_info
"""

EXAMPLES = r"""
- name: Remove what is old
  mas.ops.release_command:
    application: agents
    command: python3 -m agents.cleanup --days 30
    timeout: 3600
  run_once: true
"""

RETURN = r"""
succeeded:
  description: Whether it ended with exit status 0. The task fails otherwise.
  type: bool
  returned: when it ran
ended:
  description: V(ended), V(timed_out), V(killed) by a signal, or V(stopped) by a person or by a change that needed its slot.
  type: str
  returned: when it ran
exit_status:
  description: The exit status, none where it did not end by itself.
  type: int
  returned: when it ran
seconds:
  description: How long it took.
  type: float
  returned: when it ran
output:
  description:
    - The last 16 KiB of what it wrote, with C(***) in place of the values of the environment file.
    - The journal of the host has all of it, as it was written.
  type: str
  returned: when it ran
summary:
  description: What happened, or would in check mode, in a sentence.
  type: str
  returned: success
missing:
  description: Why the host has no place for it, with O(report_missing); empty otherwise.
  type: str
  returned: success
unseen:
  description:
    - In check mode, how an earlier command ended whose run or controller was killed before; empty otherwise.
    - The next call says so and fails without running anything. The one after it runs.
  type: str
  returned: success
command:
  description: The words.
  type: list
  elements: str
  returned: success
release:
  description: The release that is live.
  type: str
  returned: when there is a place for it
  sample: 1.0.0-ba9876543210
slot:
  description: The slot that is live.
  type: str
  returned: when there is a place for it
process:
  description: The process whose environment it gets.
  type: str
  returned: when there is a place for it
user:
  description: The user that runs it.
  type: str
  returned: when there is a place for it
folder:
  description: The folder that it runs in.
  type: str
  returned: when there is a place for it
  sample: /srv/agents/slots/blue
steps:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: success
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: busy
"""

from ..module_utils._core.ansible_module import run_module
from ..module_utils._releases.adapters.one_off import release_command
from ..module_utils._releases.options import RELEASE_COMMAND


def main() -> None:
    """Run the module."""
    run_module(RELEASE_COMMAND, release_command)


if __name__ == "__main__":
    main()
