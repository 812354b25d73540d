#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a custom event to the ledger of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_entry
short_description: Write an event to the ledger of a host
version_added: 0.1.0
description:
  - Appends one entry to the hash-chained ledger, for events other than releases, such as a failover, an
    incident or a maintenance.
  - Each call writes an entry, so each call is a change.
  - Never put a secret in an entry. It cannot be removed without breaking the chain.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.ledger
  - mas.ops.who
  - mas.ops.attributes
options:
  kind:
    description:
      - What the entry is about, a word of small letters, digits and underscores.
      - The kinds that the collection writes itself are refused, for example V(release), V(gate) and V(ledger).
    type: str
    required: true
  action:
    description: What was done, a word of the same form.
    type: str
    default: noted
  application:
    description: The application that it is about.
    type: str
    default: ""
  msg:
    description: One sentence for people, C(message) in the entry.
    type: str
    required: true
  outcome:
    description: How it went.
    type: str
    choices: [succeeded, failed]
    default: succeeded
  data:
    description: Anything else, for machines, at most 64 KiB as JSON. No secrets.
    type: dict
    default: {}
seealso:
  - module: mas.ops.ledger_info
"""

EXAMPLES = r"""
- name: Note a failover
  mas.ops.ledger_entry:
    kind: failover
    application: agents
    msg: The database moved to db-2.
    data:
      from: db-1
      to: db-2
      ticket: OPS-314
"""

RETURN = r"""
entry:
  description:
    - The entry as it is written. In check mode without C(time), C(sequence), C(previous) and C(hash), which
      are not known before.
  type: dict
  returned: success
steps:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: success
  sample: [append failover]
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import LEDGER_PATH, WHO, ArgumentSpec
from ..module_utils._core.outcome import Outcome
from ..module_utils._ledger.adapters.append import append
from ..module_utils._ledger.event import event
from ..module_utils._ledger.query import OUTCOMES, SUCCEEDED

_OWN = ArgumentSpec(
    {
        "kind": {"type": "str", "required": True},
        "action": {"type": "str", "default": "noted"},
        "application": {"type": "str", "default": ""},
        "msg": {"type": "str", "required": True},
        "outcome": {"type": "str", "choices": list(OUTCOMES), "default": SUCCEEDED},
        "data": {"type": "dict", "default": {}},
    }
)
SPEC = LEDGER_PATH + WHO + _OWN


def note(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module."""
    return append(event(params), check_mode, params["path"])


def main() -> None:
    """Run the module."""
    run_module(SPEC, note)


if __name__ == "__main__":
    main()
