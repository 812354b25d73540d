# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows and freezes in templates. The documentation is in this folder, one file for each filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils.adapters.template import as_filter


def _used(name: str) -> Callable[..., Any]:
    """Ansible loads the filters of a collection all together: who uses another one need not wait for calendars."""

    def use(*args: Any, **options: Any) -> Any:
        from ..plugin_utils.windows.adapters import templates  # noqa: PLC0415

        return getattr(templates, name)(*args, **options)

    return use


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        names = ("window_state", "window_next", "window_calendar", "to_rrule")
        return {name: as_filter(_used(name)) for name in names}
