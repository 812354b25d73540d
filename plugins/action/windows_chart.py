# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw a calendar of windows. The documentation is in plugins/modules/windows_chart.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._core.errors import BadInput, NotFound
from ..module_utils._core.files import write_atomic
from ..modules.windows_chart import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.windows.adapters.inventory import moment
from ..plugin_utils.windows.adapters.picture import MISSING, Chart, panel_of, picture
from ..plugin_utils.windows.fields import checked_zone


class ActionModule(ControllerAction):
    spec = SPEC
    missing = MISSING

    def answer(self, params: Mapping[str, Any]) -> Facts:
        path = Path(str(params["path"]))
        file_format = path.suffix[1:].lower()
        if file_format not in {"svg", "png"}:
            raise BadInput(
                f"{path.name} is not an .svg or .png file",
                where="path",
                fix="Name a file that ends in .svg or .png.",
            )
        if not path.parent.is_dir():
            raise NotFound(
                "there is no such folder", where=str(path.parent), fix="Create it, or correct path."
            )
        data = picture(_chart(params), file_format)
        changed = not path.is_file() or path.read_bytes() != data
        if changed and not self._task.check_mode:
            write_atomic(str(path), data)
        result: Facts = {"changed": changed, "path": str(path)}
        if self._task.diff:
            result["diff"] = {"before_header": str(path), "after_header": f"{path} ({len(data)} bytes)"}
        return result


def _chart(params: Mapping[str, Any]) -> Chart:
    zone = str(params["zone"])
    checked_zone(zone, "zone")
    try:
        panels = tuple(panel_of(group) for group in params["groups"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"a group does not have the format that windows_info returns: {error!r}",
            where="groups",
            fix="Pass the groups that mas.ops.windows_info returned.",
        ) from error
    at, end = moment(params["at"], zone), moment(params["end"], zone)
    if not at < end:
        raise BadInput(
            "the calendar ends before it begins", where="end", fix="Pass the result of mas.ops.windows_info."
        )
    return Chart(panels, at, end, zone, str(params["title"]))
