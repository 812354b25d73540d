#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is live, what was live before, and the possible targets of a rollback."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Read which releases of an application are on a host
version_added: 0.1.0
description:
  - Returns what is live, what each slot holds, which releases were live and healthy, and whether a change was
    begun and not ended.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.inventory
  - mas.ops.attributes
  - mas.ops.attributes.info
options:
  application:
    description:
      - The name of the application, as the role P(mas.ops.application#role) set it up on the host.
      - Without it, all applications of the host are in RV(applications).
    type: str
  run_age:
    description: Set by the action to how many seconds ago this run began, for RV(back_since).
    type: float
    default: 0.0
seealso:
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: See what is live
  mas.ops.release_info:
    application: agents
  register: agents
"""

RETURN = r"""
applications:
  description: By name, what is returned for one application otherwise.
  type: dict
  returned: when O(application) is not given
timeline:
  description: What was live from when on, oldest first, the newest 200. C(release) is none where nothing was.
  type: list
  elements: dict
  returned: success
  sample: [{"time": "2026-11-24T10:00:00.000Z", "release": "1.0.0-ba9876543210"}]
live:
  description: The release that is live, none before the first deploy.
  type: str
  returned: success
  sample: 2.0.0-0123456789ab
previous:
  description: What a rollback without a target goes back to.
  type: str
  returned: success
  sample: 1.0.0-ba9876543210
slot:
  description: The slot that is live.
  type: str
  returned: success
  sample: green
slots:
  description:
    - What each slot holds and does, by slot.
    - C(percent) is its part of the traffic now, C(persisted) the part after a reload of the proxy.
  type: dict
  returned: success
history:
  description: The releases that were live and healthy, oldest first, as rollbacks walk back through them.
  type: list
  elements: str
  returned: success
releases:
  description: The releases whose files are on the host.
  type: list
  elements: str
  returned: success
operation:
  description: The change that was begun and not ended (staged, failed half-way or killed), if there is one.
  type: dict
  returned: success
contracted:
  description: The release for which the schema was contracted, where that bars the way to earlier ones.
  type: str
  returned: success
rollback_command:
  description: The command that goes back to the previous release.
  type: str
  returned: success
  sample: ansible-playbook mas.ops.rollback -i /srv/inv -e application_name=agents -e rollback_version=1.0.0-ba9876543210
targets:
  description:
    - What can be gone back to, newest first. C(place) is V(warm) (it runs, so it takes seconds), V(disk) (it has to be
      started) or V(store) (it has to be fetched first).
    - C(startup_seconds) is what a start may take at most, none where that is not known.
  type: list
  elements: dict
  returned: success
  sample: [{"release": "1.0.0-ba9876543210", "place": "warm", "startup_seconds": 0.0}]
damage:
  description:
    - Files of the application on this host that are lost or damaged, in sentences. The next change writes them anew.
    - The action shows each of them as a warning.
  type: list
  elements: str
  returned: success
left:
  description: The release that was brought in last and is not served, because it failed or was aborted.
  type: str
  returned: success
back:
  description: The last rollback since the last deploy (C(time), C(run), C(to)), if there was one.
  type: dict
  returned: success
back_since:
  description: The same where it was made after this run began, so that this run need not repeat it.
  type: dict
  returned: success
"""

from ..module_utils._core.ansible_module import run_info_module
from ..module_utils._releases.adapters.call import info
from ..module_utils._releases.options import RELEASE_INFO


def main() -> None:
    """Run the module."""
    run_info_module(RELEASE_INFO, info)


if __name__ == "__main__":
    main()
