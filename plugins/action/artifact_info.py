# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up an artifact on the controller. The documentation is in plugins/modules/artifact_info.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..modules.artifact_info import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.artifacts.adapters.info import info
from ..plugin_utils.artifacts.lookup import ArtifactLookup


class ActionModule(ControllerAction):
    spec = SPEC

    def answer(self, params: Mapping[str, Any]) -> Facts:
        return {"changed": False, **info(_lookup(params))}


def _lookup(params: Mapping[str, Any]) -> ArtifactLookup:
    signers = params["allowed_signers_file"]
    return ArtifactLookup(
        **{name: str(params[name] or "") for name in ("artifact", "store", "application", "version")},
        allowed_signers=[str(line) for line in params["allowed_signers"] or ()],
        allowed_signers_file=Path(str(signers)) if signers else None,
        signature_required=bool(params["signature_required"]),
        verify=bool(params["verify"]),
    )
