#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy splits the requests of an application, and how its slots do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_info
short_description: Read how the traffic of an application is split
version_added: 0.1.0
description:
  - Returns the split now and after a reload, and the proxy's own view of each slot, in a few lines for people.
  - With O(counters) or O(latency) also the counters of each slot as numbers.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.attributes
  - mas.ops.attributes.info
options:
  counters:
    description:
      - Return RV(servers), RV(process) and RV(at) too, for programs. M(mas.ops.canary_verdict) needs them.
    type: bool
    default: false
  latency:
    description:
      - The same with the histogram of latencies of each slot, a hundred pairs of numbers. M(mas.ops.canary_verdict) judges
        latencies only in readings that have it.
    type: bool
    default: false
seealso:
  - module: mas.ops.traffic
  - module: mas.ops.canary_verdict
"""

EXAMPLES = r"""
# On a command line: ansible -i INVENTORY agents -m mas.ops.traffic_info -a application=agents

- name: See who gets the requests
  mas.ops.traffic_info:
    application: agents
  register: agents
"""

RETURN = r"""
lines:
  description: All that matters of it, for people.
  type: list
  elements: str
  returned: success
  sample:
    - "agents: new requests go to green 100 %, after a reload too"
    - "blue: UP, 0 sessions open, 0 queued; 1204 requests, 0 errors, 0 downs"
    - "green: UP, 2 sessions open, 0 queued; 988 requests, 1 error, 0 downs"
    - "requests, errors and downs are counted since the start of the proxy's process"
split:
  description: Percent of new requests for each slot, now.
  type: dict
  returned: success
  sample: {blue: 0, green: 100}
persisted:
  description: The split after a reload, a restart or a reboot; none when it was never written.
  type: dict
  returned: success
servers:
  description:
    - Status, sessions, queue, and what was counted since the proxy started, by slot.
    - C(requests), C(errors) (answers with 5xx, refused or broken connections), C(downs) (how often the slot went down)
      and, with O(latency), C(latency) (pairs of a bucket's lower edge in milliseconds and its number of answers; empty
      before P(mas.ops.proxy#role) of this version was applied).
  type: dict
  returned: with O(counters) or O(latency)
process:
  description: What identifies one process of the proxy; its counters begin at zero in each.
  type: str
  returned: with O(counters) or O(latency)
  sample: 812-1795532648
at:
  description: When this was read, in seconds of the host's clock.
  type: float
  returned: with O(counters) or O(latency)
  sample: 1795532700.5
"""

import time
from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_info_module
from ..module_utils._core.argspec import APPLICATION, ArgumentSpec
from ..module_utils._releases.adapters.host import require_proxy
from ..module_utils._traffic.summary import summary

_NO = {"type": "bool", "default": False}
SPEC = APPLICATION + ArgumentSpec({"counters": _NO, "latency": _NO})


def split(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question behind the module."""
    with require_proxy(params["application"], lock=False) as proxy:
        facts = proxy.facts()
    found: dict[str, Any] = {
        "lines": summary(params["application"], facts),
        "split": facts.running,
        "persisted": facts.persisted.to_dict() if facts.persisted else None,
    }
    if params["counters"] or params["latency"]:
        servers = {slot: server.to_dict(params["latency"]) for slot, server in facts.servers.items()}
        found |= {"servers": servers, "process": facts.process, "at": round(time.time(), 3)}
    return found


def main() -> None:
    """Run the module."""
    run_info_module(SPEC, split)


if __name__ == "__main__":
    main()
