#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a decision of the gate to the ledger of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_entry
short_description: Write a decision of the gate to the ledger of a host
version_added: 0.1.0
description:
  - For decisions that are in no release entry, such as a change that was refused, or an override that let a change
    of another kind through. M(mas.ops.release) writes the others itself.
  - Each call writes an entry, so each call is a change.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.ledger
  - mas.ops.who
  - mas.ops.attributes
options:
  change:
    description: The kind of change that was to start.
    type: str
    required: true
  application:
    description: The application that it is about.
    type: str
    default: ""
  gate:
    description:
      - The C(evidence) of this host that M(mas.ops.gate) returned.
    type: dict
    required: true
  action:
    description:
      - Whether the change was let through. A host without a failed check is refused along with the others.
    type: str
    choices: [passed, refused]
    default: refused
seealso:
  - module: mas.ops.gate
  - module: mas.ops.ledger_info
"""

EXAMPLES = r"""
- name: Note the refusal
  mas.ops.gate_entry:
    change: deploy
    application: agents
    gate: "{{ gate_decision.hosts[inventory_hostname].evidence }}"
"""

RETURN = r"""
entry:
  description:
    - The entry as it is written. In check mode without C(time), C(sequence), C(previous) and C(hash), which
      are not known before.
  type: dict
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import LEDGER_PATH, WHO, ArgumentSpec
from ..module_utils._core.outcome import Outcome
from ..module_utils._gate.entry import entry
from ..module_utils._ledger.adapters.append import append

_OWN = ArgumentSpec(
    {
        "change": {"type": "str", "required": True},
        "application": {"type": "str", "default": ""},
        "gate": {"type": "dict", "required": True},
        "action": {"type": "str", "choices": ["passed", "refused"], "default": "refused"},
    }
)
SPEC = LEDGER_PATH + WHO + _OWN


def write(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module."""
    return append(entry(params), check_mode, params["path"])


def main() -> None:
    """Run the module."""
    run_module(SPEC, write)


if __name__ == "__main__":
    main()
