# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode: what a plan would be refused for within its steps, as far as it can be known without a change."""

from __future__ import annotations

from .._core.plan import Plan
from .executor import Executor
from .manifest import Manifest


def rehearse(executor: Executor, plan: Plan) -> None:
    """Look at what each step looks at before it changes anything.

    What a start, a migration or the proxy says cannot be known before; nor what is in an artifact of which the controller
    did not say it.

    :raises OpsError: as the step would
    """
    store, source = executor.ports.store, executor.ports.source
    on_disk = store.on_disk()
    freed = sum(
        store.manifest(step.target).files.bytes
        for step in plan.steps
        if step.action == "remove" and step.target in on_disk
    )
    promised: dict[str, Manifest | None] = {}
    for step in plan.steps:
        release = step.detail["release"] if step.action == "assign" else step.target
        if step.action == "fetch":
            promised[release] = source.promised(release, freed)
        elif step.action == "prove":
            executor.prove(step.target)
        elif step.action in ("check", "assign"):
            if step.action == "check" and not executor.goes_back:
                executor.refuse_unsound()
            manifest = store.manifest(release) if release in on_disk else promised.get(release)
            if manifest and step.action == "check":
                executor.check_release(release, manifest)
            elif manifest:
                store.try_assign(step.target, release, manifest)
