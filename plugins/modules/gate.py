#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/gate.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Decide whether a change may start now
version_added: 0.1.0
description:
  - Evaluates all hosts of the play at once, on the controller, each with its own variables, and fails with a table when
    one of them must not be changed now. Use it with C(run_once).
  - The checks are C(stop), C(override), C(freeze), C(window), C(room), C(artifact), C(promotion), C(alerts),
    C(error_budget), C(backup_age), C(drill_age), C(reachable), C(lock), C(disk) and C(reboot). Each is V(on), V(off) or
    V(advisory). A check that is inconclusive counts as failed, unless it is advisory.
  - It connects to no host. Facts that only a host knows come from M(mas.ops.gate_info), which must run before on the hosts in RV(ask).
  - In check mode it reports what it would refuse, and refuses nothing.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  platform:
    details: The platform of the controller.
notes:
  - The checks are configured by variables of the inventory, which are read for each host (variables of a play are
    not read). For windows they are C(change_windows), C(change_freezes), C(change_windows_required), C(change_calendars) and
    C(change_time_zone).
  - C(gate_checks) sets for each check by name whether it is V(on), V(off) or V(advisory), C(gate_rollback_checks) the same for
    rollbacks, where all are advisory by default.
  - C(gate_outside_window) is V(fail), V(skip) or V(wait) and applies to a host that only its windows block;
    C(gate_wait_limit) (V(1h)) is the longest wait.
  - C(change_override) holds C(checks), C(by), C(reason) and C(until); C(gate_never_override) (V([artifact, lock])) lists
    checks that it may not name, C(gate_override_limit) (V(24h)) is how long it may hold.
  - C(change_stop) is a reason to stop all changes, C(change_stop_file) (V(/etc/mas/stop)) a path on the controller or a URL
    that stops them while it exists.
  - C(gate_room) has C(deploy) (V(10m)), C(rollback) (V(5m)) and C(floor) (V(1m)), C(gate_disk) has C(free) (V(512M)) and
    C(percent) (V(5)).
  - C(gate_alertmanager) has C(url), C(filter), C(headers) and C(timeout); C(gate_prometheus) has C(url), C(headers) and
    C(timeout), C(gate_error_budget) has C(query), C(minimum) and C(maximum).
  - C(gate_promotion) has C(from), C(ledgers) and C(soak); C(gate_backup) and C(gate_drill) have C(max_age) and C(ledgers).
options:
  change:
    description:
      - The kind of change. V(deploy) and V(rollback) have checks of their own by default; every other word has stop,
        freeze and window.
    type: str
    default: deploy
  application:
    description: The application that is changed.
    type: str
    default: ""
  defined:
    description:
      - Whether each host must have the definition of O(application), the variable C(mas_application_NAME), as the playbooks of
        this collection need it. A rollback without it gets a warning.
    type: bool
    default: false
  release:
    description: The release that is to go live, for the promotion. By default that of O(artifact).
    type: str
    default: ""
  artifact:
    description: What M(mas.ops.artifact_info) returned.
    type: dict
  checks:
    description: Modes of checks by name; they take precedence over the variables.
    type: dict
    default: {}
  hosts:
    description: The hosts to judge. By default those that are left of the play, with O(recheck) those of the batch.
    type: list
    elements: str
    default: []
  recheck:
    description:
      - Evaluate again before the next batch, only checks whose result may have changed, that is stop, override, freeze, window,
        room, alerts and error budget. No host is skipped or waited for then.
    type: bool
    default: false
  left:
    description: The part of the change that is still ahead, between 0 and 1, for the room that it needs.
    type: float
    default: 1.0
  refuse:
    description:
      - Whether the task fails when the gate is closed. With V(false) it succeeds with RV(refused), for playbooks that
        have something to do before they fail.
    type: bool
    default: true
  questions:
    description:
      - Return in RV(ask) which hosts must be asked with M(mas.ops.gate_info) first, and judge nothing. Where there are none,
        judge at once.
    type: bool
    default: false
seealso:
  - module: mas.ops.gate_info
  - module: mas.ops.gate_entry
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Ask the gate
  mas.ops.gate:
    change: deploy
    application: agents
    artifact: "{{ deploy_artifact }}"
  register: deploy_gate
  run_once: true

- name: Ask again before the next batch
  mas.ops.gate:
    application: agents
    recheck: true
    left: 0.5
  run_once: true
"""

RETURN = r"""
ask:
  description: With O(questions), the hosts that must be asked.
  type: list
  elements: str
  returned: with O(questions)
refused:
  description: Whether the gate is closed, for at least one host.
  type: bool
  returned: unless RV(ask) names hosts
ansible_stats:
  description: Hands RV(summary) on to the next node of a workflow, as C(gate), like M(ansible.builtin.set_stats).
  type: dict
  returned: unless RV(ask) names hosts, or with O(recheck)
msg:
  description: What failed, where, why, when it opens next, and what to do. Only when RV(refused).
  type: str
  returned: when RV(refused)
at:
  description: The moment of the decision.
  type: str
  returned: unless RV(ask) names hosts
  sample: "2026-11-24T22:00:00+00:00"
go:
  description: The hosts that may be changed.
  type: list
  elements: str
  returned: unless RV(ask) names hosts
stopped:
  description: The hosts that must not be changed, for which the task fails.
  type: list
  elements: str
  returned: unless RV(ask) names hosts
left_out:
  description: The hosts that are left out because they are outside of their windows.
  type: list
  elements: str
  returned: unless RV(ask) names hosts
waiting:
  description: The hosts that were waited for and are not open yet, for which the task fails.
  type: list
  elements: str
  returned: unless RV(ask) names hosts
next_opening:
  description: When windows and freezes next allow the change, null when that is not known.
  type: str
  returned: unless RV(ask) names hosts
hosts:
  description: The decision on each host.
  type: dict
  returned: unless RV(ask) names hosts
  contains:
    decision:
      description: One of V(go), V(stop), V(skip) and V(wait).
      type: str
      returned: always
    checks:
      description:
        - Each check with C(outcome) (V(pass), V(fail) or V(inconclusive)), C(mode), C(overridden), C(message),
          C(evidence) and C(until).
      type: dict
      returned: always
    next_opening:
      description: When this host may be open, null when that is not known.
      type: str
      returned: always
    evidence:
      description: All of it in short, for the ledger.
      type: dict
      returned: always
table:
  description: The checks that did not pass, as a table; empty when all passed.
  type: str
  returned: unless RV(ask) names hosts
summary:
  description:
    - The same without the hosts' details, for C(set_stats), and with the change in words (C(what)), the names of the checks that stand in
      the way (C(failed)) and of those that were set aside (C(overridden)).
  type: dict
  returned: unless RV(ask) names hosts
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: gate
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "change": {"type": "str", "default": "deploy"},
        "application": {"type": "str", "default": ""},
        "defined": {"type": "bool", "default": False},
        "release": {"type": "str", "default": ""},
        "artifact": {"type": "dict"},
        "checks": {"type": "dict", "default": {}},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "recheck": {"type": "bool", "default": False},
        "left": {"type": "float", "default": 1.0},
        "refuse": {"type": "bool", "default": True},
        "questions": {"type": "bool", "default": False},
    }
)


def main() -> None:
    docs_only("gate", SPEC)


if __name__ == "__main__":
    main()
