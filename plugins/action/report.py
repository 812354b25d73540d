# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the report on the controller. The documentation is in plugins/modules/report.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..modules.report import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.report.adapters.build import Request, build
from ..plugin_utils.report.adapters.painter import MISSING


class ActionModule(ControllerAction):
    spec = SPEC
    missing = MISSING

    def answer(self, params: Mapping[str, Any]) -> Facts:
        plan, facts = build(_request(params), check_mode=self._task.check_mode)
        return self.planned(plan, facts)


def _request(params: Mapping[str, Any]) -> Request:
    archive = params["archive"]
    return Request(
        ledgers=params["ledgers"],
        window_states=params["window_states"] or {},
        window_calendars=params["window_calendars"] or {},
        path=Path(str(params["path"])),
        # AWX hands over an empty string for a survey question without an answer.
        archive=Path(str(archive)) if archive else None,
        application=str(params["application"] or ""),
        title=str(params["title"]),
        at=str(params["at"]) if params["at"] else None,
        days=int(params["period_days"]),
        now=datetime.now(UTC),
        zone=str(params["zone"]),
    )
