# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release``: push a local artifact, and add actor and run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.errors import BadInput, OpsError, Refused
from ..module_utils._core.names import check_given
from ..module_utils._core.outcome import error_result
from ..module_utils._core.urls import is_url
from ..module_utils._releases.options import RELEASE
from ..plugin_utils.adapters import host_call
from ..plugin_utils.adapters.damage import warn_of_damage
from ..plugin_utils.adapters.parent_death import end_with_parent
from ..plugin_utils.adapters.run import actor, inventory, run_id
from ..plugin_utils.adapters.sidecars import local_artifact

_CALL = host_call.Call("release", RELEASE)
#: States for which an artifact may be needed.
_BRING = ("staged", "rolled_back")


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
        known = {
            "run": run_id(task_vars),
            "actor": actor(task_vars),
            "code_digest": _CALL.digest,
            "inventory": inventory(task_vars),
        }
        try:
            args = {**known, **self._options()}
            found = self._found(args)
        except OpsError as error:
            return {**result, "failed": True, **error_result(error)}
        try:
            with end_with_parent():
                done = self._made(args, found, task_vars)
        except OpsError as error:
            return {**result, "failed": True, **error_result(error)}
        warn_of_damage(done)
        return {**result, **done}

    def _made(
        self, args: dict[str, Any], found: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The result on the host."""
        # A small artifact goes along with the call, where the host has the code for it; a large one is pushed first.
        along = "" if self._task.check_mode or not found else found["artifact"]
        if along and Path(along).stat().st_size > host_call.ALONG:
            args, along = {**args, **self._pushed(found)}, ""
        else:
            args.update(found)
        done = _CALL(self, args, along)
        if done is None:
            args.update(self._pushed(found) if along else {})
            done = self._execute_module(module_name="mas.ops.release", module_args=args, task_vars=task_vars)
        return done

    def _options(self) -> dict[str, Any]:
        """The options of the task, on top of those that it has from ``defaults``."""
        own = dict(self._task.args)
        defaults = own.pop("defaults", None) or {}
        if not isinstance(defaults, Mapping):
            raise BadInput(f"defaults is {defaults!r}", where="the task", fix="Give a dictionary of options.")
        given = {**defaults, **own}
        check_given(given)
        if not self._task.check_mode:
            # The host reads the one in the artifact.
            given.pop("manifest", None)
        return given

    @staticmethod
    def _found(args: Mapping[str, Any]) -> dict[str, Any]:
        """An artifact on the controller, with what lies beside it; nothing where the host fetches it, or needs none."""
        place = args.get("artifact")
        if args.get("state") not in _BRING or not place or is_url(place):
            return {}
        found = local_artifact(str(place), args.get("sha256"), args.get("signature"))
        return {"artifact": str(place), "size": Path(place).stat().st_size, **found}

    def _pushed(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Copy the artifact to the host, into a folder that only its owner can open; the module removes both.

        :raises Refused: the host cannot make the folder
        """
        folder = f"/tmp/mas-artifact-{secrets.token_hex(16)}"  # noqa: S108
        # As the user of the connection, which cannot write where only root can. Fails where anything has that name.
        done = self._low_level_execute_command(f"mkdir -m 0700 {folder}", sudoable=False)
        if done["rc"]:
            raise Refused(
                f"the artifact cannot be pushed: {done['stderr'].strip() or 'mkdir failed'}",
                where=folder,
                fix="Check that the host's /tmp has room and is writable.",
            )
        remote = f"{folder}/artifact.tar.gz"
        self._transfer_file(found["artifact"], remote)
        return {**found, "artifact": remote, "artifact_pushed": True}
