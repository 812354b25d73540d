# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows and freezes in conditions. The documentation is beside, one file for each test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..plugin_utils.adapters.template import template_errors
from ..plugin_utils.windows.adapters.door import question
from ..plugin_utils.windows.judge import judge
from ..plugin_utils.windows.model import WindowState


def _state(value: Any, options: Mapping[str, Any]) -> WindowState:
    """:param value: the name of a host, or its variables"""
    named = {} if isinstance(value, Mapping) else {"host": str(value)}
    asked = question(value, **{**named, **options})
    return judge(asked.policy, asked.target, asked.at)


def in_window(value: Any, windows: Any = None, **options: Any) -> bool:
    """Whether change is allowed: in a window, and not frozen."""
    return _state(value, {"windows": windows, **options}).open


def is_frozen(value: Any, freezes: Any = None, **options: Any) -> bool:
    """Whether a freeze forbids change."""
    return _state(value, {"freezes": freezes, **options}).frozen


class TestModule:
    """The tests by name."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        return {"in_window": template_errors(in_window), "is_frozen": template_errors(is_frozen)}
