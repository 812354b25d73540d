#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/approval.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: approval
short_description: Wait for the approval of a release
version_added: 0.1.0
description:
  - Waits for a decision about one release, in a file of the controller or behind a URL, and prints once a minute that it
    waits. It never prompts at the terminal.
  - A decision is a mapping in YAML or JSON. C(application), C(sha256) and, with O(environment), C(environment) must be
    those of the release, so a decision about an older release does not count. C(decision) is V(approved) or V(denied), C(by)
    is a name, C(reason) and C(until) (a time such as V(2026-01-31T18:00:00+01:00)) may be there.
  - Fails when it is denied, and when O(timeout) is over.
  - A name in a file proves nothing by itself. Let only those who may approve write it. A file that every user may write
    does not count, and RV(owner) names its owner.
  - Runs on the controller. It does not connect to the host that the task is for.
  - In AWX use an approval node between two job templates instead.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  check_mode:
    details: Checks once and does not wait. It fails only when the release is denied.
  platform:
    details: The platform of the controller.
options:
  source:
    description:
      - A path on the controller, or an C(http://) or C(https://) URL, where the decision is or will be.
      - A URL that answers 404 holds no decision yet.
    type: str
    required: true
  application:
    description: The name of the application.
    type: str
    required: true
  version:
    description: The version, for the messages.
    type: str
    default: ""
  sha256:
    description: The digest of the artifact, which M(mas.ops.artifact_info) returns.
    type: str
    required: true
  environment:
    description: The environment, so that an approval for staging does not count for production.
    type: str
    default: ""
  timeout:
    description: How many seconds to wait. With V(0) it checks once.
    type: int
    default: 3600
  interval:
    description: How many seconds to wait between two checks.
    type: int
    default: 5
  four_eyes:
    description: Whether the approver must be another person than the one who runs this.
    type: bool
    default: true
seealso:
  - module: mas.ops.notify
  - module: mas.ops.artifact_info
"""

EXAMPLES = r"""
- name: Wait for the approval
  mas.ops.approval:
    source: /srv/approvals/agents.yml
    application: agents
    version: 2.0.0
    sha256: "{{ found.sha256 }}"
    environment: production
    timeout: 7200
  register: approval
  run_once: true
"""

RETURN = r"""
decision:
  description: V(approved), V(denied), or V(pending) without a decision in time.
  type: str
  returned: always
  sample: approved
by:
  description: Who decided, according to the decision.
  type: str
  returned: always
  sample: ada
reason:
  description: The reason that the decision gives.
  type: str
  returned: always
owner:
  description: The user who owns the file; empty for a URL.
  type: str
  returned: always
waited:
  description: How many seconds it waited.
  type: float
  returned: always
evidence:
  description: All of this and what it was about, for the ledger.
  type: dict
  returned: always
text:
  description: The same in one sentence.
  type: str
  returned: always
  sample: agents 2.0.0 in production was approved by ada.
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: refused
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "source": {"type": "str", "required": True},
        "application": {"type": "str", "required": True},
        "version": {"type": "str", "default": ""},
        "sha256": {"type": "str", "required": True},
        "environment": {"type": "str", "default": ""},
        "timeout": {"type": "int", "default": 3600},
        "interval": {"type": "int", "default": 5},
        "four_eyes": {"type": "bool", "default": True},
    },
)


def main() -> None:
    docs_only("approval", SPEC)


if __name__ == "__main__":
    main()
