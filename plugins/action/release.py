# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release``: push a local artifact, and say who runs what."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._core.errors import OpsError
from ..module_utils._core.outcome import error_result
from ..modules.release import SPEC
from ..plugin_utils.adapters import resident
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
        known = {"run": run_id(task_vars), "actor": actor(task_vars), "resident": resident.digest()}
        args = {**known, **self._task.args}
        try:
            args.update(self._bring(args))
        except OpsError as error:
            return {**result, "failed": True, **error_result(error)}
        done = self._call(args) or self._execute_module(
            module_name="mas.ops.release", module_args=args, task_vars=task_vars
        )
        return {**result, **done}

    def _call(self, args: Mapping[str, Any]) -> dict[str, Any] | None:
        """The short way, where Ansible would have sent the module without a file of its own."""
        if not self._is_pipelining_enabled("new"):
            return None
        checked = ArgumentSpecValidator(**SPEC.to_kwargs()).validate(dict(args))
        if checked.error_messages:
            return {"failed": True, "changed": False, "msg": "; ".join(checked.error_messages)}
        return resident.call(self, checked.validated_parameters, self._task.check_mode)

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
