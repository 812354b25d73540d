#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stage a release, make it live, roll back, remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Stage, switch, roll back or remove a release of an application
version_added: 0.1.0
description:
  - Runs one phase of a blue-green release on one host in a single call.
  - The host must know the application, see the role P(mas.ops.application#role).
  - Every phase is journalled. A run that was killed is continued by running the same task again, and a
    phase that fails puts the host back to what it served before.
  - A rollback ends any other run on the host and takes the lock. The run that it ended fails with
    RV(error=preempted), or with V(overtaken) at its next phase, and changes nothing any more.
  - A phase whose controller is gone stops at its current step. A switch with O(confirm_timeout) is rolled back by
    the host when its time is over.
  - The previous release stays warm in its slot, so that going back to it is only a switch of traffic.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.application
  - mas.ops.who
  - mas.ops.inventory
  - mas.ops.attributes
options:
  state:
    description:
      - V(staged) fetches and verifies the artifact, unpacks it, runs its expand migration and brings it up in
        the idle slot, healthy and without traffic.
      - V(live) gives the staged release the workers and all traffic, at once or in O(steps), and writes it to the
        ledger.
      - V(confirmed) makes a switch with O(confirm_timeout) final, once all hosts of a fleet have followed.
      - V(rolled_back) goes back to a release that was live and healthy before, see O(to_version) and
        O(from_version). Without them it goes to the previous one; doing so twice goes back two releases.
      - V(restarted) starts the live release again, with the current settings and secrets, in the other slot,
        which then gets the traffic. Of an application that must not run twice, the copy before it stops first. The other slot then
        holds the release that a rollback goes to.
      - V(contracted) runs the contract migration of the release that is live. From then on a rollback to an
        earlier release is refused, according to the ledger.
      - V(absent) removes a release that is not live from the host.
    type: str
    choices: [staged, live, confirmed, rolled_back, restarted, contracted, absent]
    required: true
  version:
    description:
      - The version. Required for every O(state) but V(rolled_back) and V(restarted).
    type: str
  artifact:
    description:
      - The archive that M(mas.ops.artifact_build) made. Needed for O(state=staged) when the release is not on
        the host yet, and for O(state=rolled_back) to have it brought there.
      - An C(http://) or C(https://) URL is fetched by the host; anything else is a path on the controller,
        whose file is pushed.
    type: str
  sha256:
    description:
      - The digest of the archive, which M(mas.ops.artifact_info) returns. Required for O(state=staged); for a path
        on the controller it is read from the C(.sha256) file beside it when it is not given.
      - For O(state=live) and O(state=absent) it distinguishes two releases of one version.
    type: str
  signature:
    description:
      - The text of the archive's SSH signature. Taken from the C(.sig) file beside the archive when not given.
    type: str
  size:
    description:
      - How many bytes the archive has, as M(mas.ops.artifact_info) returns it. The host reads no more of a URL than that.
      - For a path on the controller it is that of the file.
    type: int
  manifest:
    description:
      - The manifest of the artifact, as M(mas.ops.artifact_info) returns it. It is looked at in check mode only, in which
        nothing is fetched - with it, check mode refuses what does not fit the host as well.
    type: dict
    default: {}
  size_limit:
    description: How many bytes of a URL are read at most, where O(size) is not given.
    type: int
    default: 4294967296
  fetch_timeout:
    description: How many seconds the transfer of the archive to the host may take in total.
    type: float
    default: 600.0
  processes:
    description:
      - How many copies of its processes the host runs, where that is not what the manifest says - V(0) for none. It is written
        down for this and all later phases, also for a rollback.
      - By default what P(mas.ops.application#role) or an earlier phase wrote.
    type: dict
  to_version:
    description:
      - For O(state=rolled_back), the version or release to go back to. Nothing is changed when it is live.
      - A release that this host never served, because it joined the fleet later, or whose files it has no longer, is
        brought when O(artifact), O(sha256) and O(version) are given. No migration runs for it then.
    type: str
  from_version:
    description:
      - For O(state=rolled_back), go back only where this version is, at any stage of its deploy (staged, partly
        switched, live). A host that has it in no slot is not changed.
    type: str
  drain_timeout:
    description:
      - How many seconds requests in flight may take before a slot without traffic is stopped.
      - In a rollback also what processes may take to stop, whatever C(stop_grace) they have.
    type: float
    default: 30.0
  migration_timeout:
    description: How many seconds a migration may take, after which it is stopped and the module fails.
    type: int
    default: 600
  artifact_pushed:
    description:
      - Set by the action when O(artifact) is a copy that it pushed to the host, which is removed afterwards.
    type: bool
    default: false
  assume_staged:
    description:
      - For O(state=live) in check mode, plan as if the release were staged, because a task before this one
        would have staged it. Means nothing outside check mode.
    type: bool
    default: false
  steps:
    description:
      - For O(state=live), the percentages of the traffic that the release gets one after the other, such as
        V([1, 10, 50, 100]). Without them it gets all of it at once. C(100) is added where it is missing.
    type: list
    elements: int
    default: []
  bake:
    description: For O(state=live), for how many seconds each of the O(steps) is watched before the next one.
    type: float
    default: 0.0
  canary:
    description:
      - For O(state=live) with O(bake), how a step is judged. The keys are the settings of
        M(mas.ops.canary_verdict), which has their defaults.
      - A release that is worse than the one before it is taken back and the module fails. An
        inconclusive one, with too few requests, is held for C(hold_limit) seconds and then fails as well.
    type: dict
    default: {}
  confirm_timeout:
    description:
      - For O(state=live), arm the automatic rollback of the host before the first change. Unless O(state=confirmed)
        follows within so many seconds, the host goes back by itself to what it served, also when it was booted
        meanwhile. The time begins anew while the switch itself goes on and its controller is there. V(0) arms nothing
        and makes the switch final at once.
    type: float
    default: 0.0
  lease:
    description:
      - For how many seconds this run keeps the application's lock on the host between two of its phases. A run that
        died in between blocks others for no longer than that; the same command of the same person, and any
        rollback, do not wait. V(0) gives it back at once.
    type: float
    default: 900.0
  token:
    description: The lock's fencing token that an earlier phase of this run returned. Refused when it is outdated.
    type: int
  force_unlock:
    description:
      - Take the lock from the run that holds it, and end its module on the host, also a rollback.
      - O(state=rolled_back) does not need it, unless another rollback hangs.
    type: bool
    default: false
  soak:
    description: For O(state=contracted), how many seconds the release must have been live.
    type: float
    default: 86400.0
  code_digest:
    description: Set by the action to the digest of the code that stays on the host for the automatic rollback.
    type: str
    default: ""
  limit:
    description:
      - Set by the action to the hosts of the run, where it leaves out others of the application, for the commands in the result
        and in the ledger.
    type: str
    default: ""
  gate:
    description:
      - What the gate decided for this host, for the ledger, as RV(mas.ops.gate#module:hosts) of M(mas.ops.gate)
        returns it in C(evidence).
    type: dict
    default: {}
  report_missing:
    description:
      - For O(state=rolled_back), a host that lacks O(to_version) changes nothing and reports it in RV(missing), instead of an error.
    type: bool
    default: false
  forward:
    description:
      - For O(state=rolled_back), O(to_version) may also be a release that an earlier rollback left. It brings a fleet to one
        version again when a rollback could not be completed.
    type: bool
    default: false
  defaults:
    description:
      - Any of the other options, for those that the task does not give by themselves.
      - For a playbook that computes them once for many hosts, as the filter P(mas.ops.rollout_plan#filter) does.
    type: dict
    default: {}
seealso:
  - module: mas.ops.release_info
  - module: mas.ops.artifact_build
  - module: mas.ops.traffic
"""

EXAMPLES = r"""
- name: Stage version 2.0.0 next to the live one
  mas.ops.release:
    application: agents
    version: 2.0.0
    state: staged
    artifact: /srv/artifacts/agents-2.0.0.tar.gz

- name: Switch the traffic to it
  mas.ops.release:
    application: agents
    version: 2.0.0
    state: live

- name: Roll back to the previous release
  mas.ops.release:
    application: agents
    state: rolled_back
"""

RETURN = r"""
steps:
  description: What was done, or would be in check mode, in order.
  type: list
  elements: str
  returned: success
  sample: [start_workers green, shift green, stop_workers blue, commit green]
seconds:
  description: How long each kind of step took.
  type: dict
  returned: success
resumed:
  description: Whether this continued what another run had begun.
  type: bool
  returned: success
live:
  description: The release that is live, none before the first deploy.
  type: str
  returned: success
  sample: 2.0.0-0123456789ab
previous:
  description: What a rollback without a target goes back to.
  type: str
  returned: success
  sample: 1.0.0-ba9876543210
slot:
  description: The slot that is live.
  type: str
  returned: success
  sample: green
slots:
  description:
    - What each slot holds and does, by slot.
    - C(percent) is its part of the traffic now, C(persisted) the part after a reload of the proxy.
  type: dict
  returned: success
pending:
  description:
    - Settings that changed since the live slot was assigned, C(environment) among them. Its processes get them with the
      next deploy, or with O(state=restarted). After a rollback to a warm slot they are what it was started with.
  type: list
  elements: str
  returned: success
  sample: [environment, port]
repaired:
  description: Whether O(state=staged) brought up again what was live already.
  type: bool
  returned: success
history:
  description: The releases that were live and healthy, oldest first, as rollbacks walk back through them.
  type: list
  elements: str
  returned: success
releases:
  description: The releases whose files are on the host.
  type: list
  elements: str
  returned: success
operation:
  description: The change that was begun and not ended (staged, failed half-way or killed), if there is one.
  type: dict
  returned: success
verdict:
  description: How the release did in O(steps) that were watched. C(verdict), C(reasons), C(numbers), C(steps).
  type: dict
  returned: success
armed:
  description: What the automatic rollback waits for, if it is armed (C(release), C(run), C(since), C(until)).
  type: dict
  returned: success
was:
  description: The release that was live before.
  type: str
  returned: success
aim:
  description: The release that is live afterwards; in check mode the one that would be.
  type: str
  returned: success
missing:
  description: With O(report_missing), why the host cannot go back to O(to_version) by itself; empty otherwise.
  type: str
  returned: success
lacks:
  description:
    - With O(report_missing), the release id of O(to_version) where this host served it and has its files no longer; empty otherwise.
  type: str
  returned: with O(report_missing)
targets:
  description: What can be gone back to, as RV(mas.ops.release_info#module:targets).
  type: list
  elements: dict
  returned: with O(report_missing)
damage:
  description:
    - Files of the application on this host that were lost or damaged, in sentences. They were set aside (renamed) and
      written anew from what else says the same. In check mode they would be.
    - The action shows each of them as a warning.
  type: list
  elements: str
  returned: success
  sample: ["/var/lib/mas/agents/state.json was damaged: this is not JSON."]
token:
  description: The lock's fencing token, for the next phase of this run.
  type: int
  returned: success
contracted:
  description: The release for which the schema was contracted, where that bars the way to earlier ones.
  type: str
  returned: success
rollback_command:
  description: The command that goes back to the previous release.
  type: str
  returned: success
  sample: ansible-playbook mas.ops.rollback -i /srv/inv -e application_name=agents -e rollback_version=1.0.0-ba9876543210
warnings:
  description:
    - What is to be seen to and stopped nothing. After O(state=rolled_back), that users do not get the release through the
      front door, and what it answered; that the proxy would not start again; settings that changed since the release was
      started.
  type: list
  elements: str
  returned: when there are some
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: health
"""

from ..module_utils._core.ansible_module import run_module
from ..module_utils._releases.adapters.command import release_as_module
from ..module_utils._releases.options import RELEASE


def main() -> None:
    """Run the module."""
    run_module(RELEASE, release_as_module)


if __name__ == "__main__":
    main()
