#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Split the requests of an application between its slots."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic
short_description: Split the traffic of an application between its slots
version_added: 0.1.0
description:
  - Changes at run time, without a reload, which part of new requests each slot gets. The split is persisted
    as well, so that a reload, a restart or a reboot keeps it.
  - A slot that the proxy sees down never gets a part.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.attributes
options:
  split:
    description: Percent of new requests for each slot; the sum is 100.
    type: dict
    required: true
    suboptions:
      blue:
        description: Percent for the blue slot.
        type: int
        required: true
      green:
        description: Percent for the green slot.
        type: int
        required: true
  drain_timeout:
    description:
      - Wait up to this many seconds until a slot that gets nothing any more has answered what it had begun.
      - V(0) does not wait. RV(undrained) is what was left.
    type: float
    default: 0.0
seealso:
  - module: mas.ops.traffic_info
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Send a tenth of the requests to the green slot
  mas.ops.traffic:
    application: agents
    split:
      blue: 90
      green: 10
"""

RETURN = r"""
split:
  description: The split in force.
  type: dict
  returned: success
  sample: {blue: 90, green: 10}
undrained:
  description: Requests that a slot without traffic was still answering after O(drain_timeout).
  type: int
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import APPLICATION, ArgumentSpec
from ..module_utils._core.outcome import Outcome
from ..module_utils._releases.adapters.host import require_proxy
from ..module_utils._traffic.split import SLOTS, Split, plan_split

PERCENT = {"type": "int", "required": True}
SPEC = APPLICATION + ArgumentSpec(
    {
        "split": {"type": "dict", "required": True, "options": dict.fromkeys(SLOTS, PERCENT)},
        "drain_timeout": {"type": "float", "default": 0.0},
    }
)


def traffic(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module."""
    split = Split.asked(**params["split"])
    with require_proxy(params["application"]) as proxy:
        plan = plan_split(proxy.facts(), params["application"], split)
        undrained = 0
        if not check_mode:
            if plan.changed:
                proxy.shift(split)
            for slot in SLOTS:
                if not split[slot] and params["drain_timeout"]:
                    undrained += proxy.drain(slot, params["drain_timeout"])
    return Outcome(plan, {"split": plan.after["running"], "undrained": undrained})


def main() -> None:
    """Run the module."""
    run_module(SPEC, traffic)


if __name__ == "__main__":
    main()
