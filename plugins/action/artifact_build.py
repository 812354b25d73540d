# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build an artifact on the controller. The documentation is in plugins/modules/artifact_build.py."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..modules.artifact_build import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.artifacts.adapters.build import MISSING, BuildRequest, build


class ActionModule(ControllerAction):
    spec = SPEC
    missing = MISSING

    def answer(self, params: Mapping[str, Any]) -> Facts:
        done = build(_request(params), check_mode=self._task.check_mode)
        return {**self.planned(done.plan, done.facts), "warnings": list(done.warnings)}


def _request(params: Mapping[str, Any]) -> BuildRequest:
    key = params["signing_key"]
    return BuildRequest(
        source=Path(str(params["source"])),
        store=Path(str(params["store"])),
        signing_key=Path(str(key)) if key else None,
        source_date_epoch=os.environ.get("SOURCE_DATE_EPOCH"),
        **{name: _text(params[name]) for name in ("version", "built", "commit")},
    )


def _text(value: Any) -> str | None:
    """AWX hands over an empty string for a survey question without an answer."""
    return str(value) if value else None
