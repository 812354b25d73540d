# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release``: push a local artifact, and say who runs what."""

from __future__ import annotations

import secrets
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.errors import OpsError
from ..plugin_utils.adapters.run import actor, run_id
from ..plugin_utils.adapters.sidecars import is_url, local_artifact


class ActionModule(ActionBase):
    """Pushes only what is a path on the controller; the host fetches a URL by itself."""

    # It does push a file, but not into Ansible's temporary folder, whose making and removal would cost each host
    # two more ssh executions in each phase.
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the host with what it needs from the controller."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = {"run": run_id(task_vars), "actor": actor(task_vars), **self._task.args}
        try:
            args.update(self._bring(args))
        except OpsError as error:
            return {**result, "failed": True, "msg": str(error), **error.to_dict()}
        done = self._execute_module(module_name="mas.ops.release", module_args=args, task_vars=task_vars)
        return {**result, **done}

    def _bring(self, args: dict[str, Any]) -> dict[str, Any]:
        place = args.get("artifact")
        if args.get("state") != "staged" or not place or is_url(place):
            return {}
        found = local_artifact(str(place), args.get("sha256"), args.get("signature"))
        if self._task.check_mode:
            return found
        # An unguessable name: the module checks the bytes before it trusts them, and removes the file.
        remote = f"/tmp/mas-artifact-{secrets.token_hex(16)}.tar.gz"  # noqa: S108
        self._transfer_file(place, remote)
        return {**found, "artifact": remote, "artifact_pushed": True}
