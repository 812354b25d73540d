# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dora: how fast and how safely an application changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._ledger.dora import dora
from ..plugin_utils.adapters.template import template_errors


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dora": template_errors(dora)}
