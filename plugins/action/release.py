# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of ``mas.ops.release``: push a local artifact, and add actor and run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._core.errors import BadInput, Refused
from ..module_utils._core.urls import is_url
from ..module_utils._releases.options import RELEASE
from ..plugin_utils.adapters import host_call
from ..plugin_utils.adapters.action import Facts, HostAction
from ..plugin_utils.adapters.damage import warn_of_damage
from ..plugin_utils.adapters.parent_death import end_with_parent
from ..plugin_utils.adapters.run import inventory, run_limit
from ..plugin_utils.artifacts.adapters.local import local_artifact

_CALL = host_call.Call("release", RELEASE)
#: States for which an artifact may be needed.
_BRING = ("staged", "rolled_back")


class ActionModule(HostAction):
    """Pushes only what is a path on the controller; the host fetches a URL by itself.

    It does push a file, but not into Ansible's temporary folder, whose making and removal would cost each host
    two more ssh executions in each phase.
    """

    module = "release"

    def known(self) -> Facts:
        application = str(self.options().get("application") or "")
        said = {"inventory": inventory(self.variables), "limit": run_limit(self.variables, application)}
        return {**super().known(), "code_digest": _CALL.digest, **said}

    def options(self) -> Facts:
        """On top of those that the task has from ``defaults``."""
        own = super().options()
        defaults = own.pop("defaults", None) or {}
        if not isinstance(defaults, Mapping):
            raise BadInput(f"defaults is {defaults!r}", where="the task", fix="Give a dictionary of options.")
        given = {**defaults, **own}
        if not self._task.check_mode:
            # The host reads the one in the artifact.
            given.pop("manifest", None)
        return given

    def answer(self, args: Facts) -> Facts:
        found = self._found(args)
        with end_with_parent():
            done = self._made(args, found)
        warn_of_damage(done)
        return done

    def _made(self, args: Facts, found: Mapping[str, Any]) -> Facts:
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
            done = self.run_module(args)
        return done

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
