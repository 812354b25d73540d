#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the ledger's metrics where node-exporter finds them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ledger_metrics
short_description: Write the metrics of a host's ledger for Prometheus
version_added: 0.1.0
description:
  - Verifies the ledger and writes its metrics as a file in the Prometheus text format, for the textfile
    collector of node-exporter.
  - The file is replaced in one step, and only when something in it is new.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.ledger
  - mas.ops.attributes
options:
  dest:
    description: The file to write. Its name must end in C(.prom), or node-exporter does not read it.
    type: path
    default: /var/lib/prometheus/node-exporter/mas.prom
seealso:
  - module: mas.ops.ledger_info
"""

EXAMPLES = r"""
- name: Write metrics of releases and of the ledger
  mas.ops.ledger_metrics:
"""

RETURN = r"""
dest:
  description: The file.
  type: str
  returned: success
metrics:
  description: What is in it.
  type: str
  returned: success
steps:
  description: What was done, or would be in check mode.
  type: list
  elements: str
  returned: success
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.ansible_module import run_module
from ..module_utils._core.argspec import LEDGER_PATH, ArgumentSpec
from ..module_utils._core.files import write_atomic
from ..module_utils._core.outcome import Outcome
from ..module_utils._core.plan import Plan, Step
from ..module_utils._ledger.adapters.file import FileLedger
from ..module_utils._ledger.adapters.textfile import read_metrics
from ..module_utils._ledger.history import RELEASE
from ..module_utils._ledger.metrics import render
from ..module_utils._ledger.query import Query
from ..module_utils._ledger.segments import LEDGER_KIND
from ..module_utils._ledger.summary import summarize

SPEC = LEDGER_PATH + ArgumentSpec(
    {"dest": {"type": "path", "default": "/var/lib/prometheus/node-exporter/mas.prom"}}
)


def metrics(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The use case behind the module."""
    dest = params["dest"]
    before = read_metrics(dest)
    found = FileLedger(params["path"]).read(Query(kinds=(RELEASE, LEDGER_KIND)))
    after = render(found.chain, sum(file.bytes for file in found.files), summarize(found.entries))
    steps = (Step("write", dest),) if after != before else ()
    if steps and not check_mode:
        write_atomic(dest, after.encode())
    plan = Plan({"metrics": before.splitlines()}, {"metrics": after.splitlines()}, steps)
    return Outcome(plan, {"dest": dest, "metrics": after})


def main() -> None:
    """Run the module."""
    run_module(SPEC, metrics)


if __name__ == "__main__":
    main()
