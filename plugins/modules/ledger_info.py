#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query the ledger of a host, and verify its chain."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_info
short_description: Verify and query the ledger of a host
version_added: 0.1.0
description:
  - Verifies the hash chain of the ledger over all its files, and returns the entries that were asked for.
  - A host without a ledger has an empty one.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.ledger
  - mas.ops.attributes
  - mas.ops.attributes.info
options:
  application:
    description: Only entries about this application.
    type: str
  kinds:
    description: Only entries of these kinds, for example V(release) or V(gate).
    type: list
    elements: str
    default: []
  actions:
    description: Only entries with these actions, for example V(live), V(rolled_back) or V(failed).
    type: list
    elements: str
    default: []
  outcome:
    description:
      - Only entries about what succeeded, or about what failed.
      - It is what the entry says as C(outcome). An entry that does not say is V(failed) when that is its action.
    type: str
    choices: [succeeded, failed]
  run:
    description: Only entries of this run.
    type: str
  since:
    description:
      - Only entries of this moment or later, in ISO 8601. Without a zone it is in UTC; a date alone is its
        midnight.
    type: str
  until:
    description: Only entries before this moment, written as in O(since).
    type: str
  limit:
    description: How many of the matching entries are returned at most, the newest ones.
    type: int
  verify:
    description:
      - Verify the chain from end to end. O(ignore:entries) then ends at the first break, so that every entry
        returned is proven.
      - Without it everything that can be parsed is returned, unproven, and RV(chain.intact) is none.
    type: bool
    default: true
  fail_on_break:
    description:
      - Fail when the chain is broken. By default the module succeeds and reports it in RV(chain), so that
        a whole fleet can be queried.
    type: bool
    default: false
seealso:
  - module: mas.ops.ledger_entry
  - module: mas.ops.ledger_metrics
"""

EXAMPLES = r"""
- name: List what failed this month
  mas.ops.ledger_info:
    application: agents
    kinds: [release]
    outcome: failed
    since: "2026-11-01"
  register: failures

- name: Fail unless the ledger is intact
  mas.ops.ledger_info:
    limit: 1
    fail_on_break: true
"""

RETURN = r"""
entries:
  description: The entries, oldest first, as they are written.
  type: list
  elements: dict
  returned: success
chain:
  description: What is known about the hash chain.
  type: dict
  returned: success
  contains:
    intact:
      description: Whether it holds from end to end; none when O(verify=false).
      type: bool
      returned: success
    entries:
      description: How many entries were read, up to a break.
      type: int
      returned: success
    first:
      description: The sequence of the first one, none in an empty ledger.
      type: int
      returned: success
    last:
      description: The sequence of the last one.
      type: int
      returned: success
    head:
      description:
        - SHA-256 of the last line. Keep it elsewhere to prove later that nothing was cut off at the end.
      type: str
      returned: success
    truncated:
      description: Whether older files were pruned, so that RV(chain.first) is not 1.
      type: bool
      returned: success
    break:
      description: C(file), C(line), C(sequence) and C(reason) of the first break; none when there is none.
      type: dict
      returned: success
files:
  description:
    - C(path), C(bytes), C(append_only) and C(torn) of each file, oldest first.
    - C(torn) counts bytes of a line that a killed writer left; the next writer cuts them off and says so.
  type: list
  elements: dict
  returned: success
append_only:
  description:
    - Whether the file that is written has the attribute of C(chattr +a); none where there is no file, or the
      file system has no such attribute.
  type: bool
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_info_module
from ..module_utils._core.argspec import LEDGER_PATH, ArgumentSpec
from ..module_utils._core.errors import BadInput, LedgerError
from ..module_utils._ledger.adapters.file import FileLedger
from ..module_utils._ledger.query import OUTCOMES, Query, parse_time

SPEC = LEDGER_PATH + ArgumentSpec(
    {
        "application": {"type": "str"},
        "kinds": {"type": "list", "elements": "str", "default": []},
        "actions": {"type": "list", "elements": "str", "default": []},
        "outcome": {"type": "str", "choices": list(OUTCOMES)},
        "run": {"type": "str"},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "limit": {"type": "int"},
        "verify": {"type": "bool", "default": True},
        "fail_on_break": {"type": "bool", "default": False},
    }
)


def ledger(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question behind the module."""
    limit = params["limit"]
    if limit is not None and limit < 0:
        raise BadInput(f"{limit} entries cannot be returned", where="limit", fix="Give 0 or more.")
    found = FileLedger(params["path"]).read(_query(params), limit, params["verify"])
    broken = found.chain.broken
    if broken and params["fail_on_break"]:
        raise LedgerError(
            f"the ledger is broken at line {broken.line}, entry {broken.sequence}: {broken.reason}",
            where=broken.file,
            fix="Find out who changed it; keep the files as evidence.",
        )
    return {
        "entries": found.entries,
        "chain": found.chain.to_dict(),
        "files": [file.to_dict() for file in found.files],
        "append_only": found.files[-1].append_only if found.files else None,
    }


def _query(params: Mapping[str, Any]) -> Query:
    times = {name: parse_time(params[name], name) for name in ("since", "until") if params[name]}
    return Query(
        application=params["application"],
        kinds=tuple(params["kinds"]),
        actions=tuple(params["actions"]),
        outcome=params["outcome"],
        run=params["run"],
        **times,
    )


def main() -> None:
    """Run the module."""
    run_info_module(SPEC, ledger)


if __name__ == "__main__":
    main()
