#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy splits the requests of an application, and how its slots do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: traffic_info
short_description: Tell how the traffic of an application is split
version_added: 0.1.0
description:
  - Tells the split now and after a reload, and the proxy's own view and counters of each slot.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.attributes
  - mas.ops.attributes.info
seealso:
  - module: mas.ops.traffic
"""

EXAMPLES = r"""
- name: See who gets the requests
  mas.ops.traffic_info:
    application: agents
  register: agents
"""

RETURN = r"""
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
  description: Status, sessions, queue, and requests and errors since the proxy started, by slot.
  type: dict
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.argspec import APPLICATION
from ..module_utils._core.edge import run_query
from ..module_utils._releases.adapters.host import require_proxy


def split(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question behind the module."""
    with require_proxy(params["application"], lock=False) as proxy:
        facts = proxy.facts()
    return {
        "split": facts.running,
        "persisted": facts.persisted.to_dict() if facts.persisted else None,
        "servers": {slot: server.to_dict() for slot, server in facts.servers.items()},
    }


def main() -> None:
    """Run the module."""
    run_query(APPLICATION, split)


if __name__ == "__main__":
    main()
