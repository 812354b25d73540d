#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the facts that the gate needs from a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_info
short_description: Collect the facts that the gate needs from a host
version_added: 0.1.0
description:
  - Free disk space, a pending reboot, whether another run changes the application now, how long past deploys and
    rollbacks took, and when the newest good backup and drill were, from the host's ledger.
  - M(mas.ops.gate) reads its result from the variable C(gate_host_facts), so register it under this name.
  - It does not fail when the ledger is damaged or the application is unknown; it reports that, and the gate decides.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  check_mode:
    support: full
options:
  application:
    description: The name of the application. Without it only facts about the host are returned.
    type: str
    default: ""
seealso:
  - module: mas.ops.gate
"""

EXAMPLES = r"""
- name: Collect the facts for the gate
  mas.ops.gate_info:
    application: agents
  register: gate_host_facts
  ignore_unreachable: true
"""

RETURN = r"""
disks:
  description: The file systems that a release writes to.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The folder that was looked at.
      type: str
      returned: always
    free:
      description: Bytes that are free for others than root.
      type: int
      returned: always
    percent:
      description: The same in percent.
      type: float
      returned: always
reboot:
  description: The packages that ask for a reboot, or the file that does; empty when none is pending.
  type: list
  elements: str
  returned: success
  sample: [linux-image-amd64]
locked:
  description: Whether a run holds the lock of the application now.
  type: bool
  returned: success
lease:
  description:
    - Who holds the application between two phases of a run (C(owner), C(operation), C(since), C(run)), empty when
      no run does.
  type: dict
  returned: success
runs:
  description: The newest deploys and rollbacks of the application whose duration is in the ledger.
  type: list
  elements: dict
  returned: success
  contains:
    run:
      description: The run.
      type: str
      returned: always
    kind:
      description: V(deploy) or V(rollback).
      type: str
      returned: always
    seconds:
      description: From its begin on this host to its entry in the ledger.
      type: float
      returned: always
newest:
  description: When the newest good C(backup) and C(drill) were, by kind; null where the ledger knows none.
  type: dict
  returned: success
ledger_error:
  description: Why the ledger cannot be read, empty when it can.
  type: str
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_info_module
from ..module_utils._core.argspec import ArgumentSpec
from ..module_utils._gate.adapters.host import look

SPEC = ArgumentSpec({"application": {"type": "str", "default": ""}})


def gate_info(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question behind the module."""
    return look(str(params["application"]))


def main() -> None:
    run_info_module(SPEC, gate_info)


if __name__ == "__main__":
    main()
