# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dora: how fast and how safely an application changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._core.errors import OpsError
from ..module_utils._ledger import dora as measures


def dora(entries: Any, **options: Any) -> Mapping[str, Any]:
    """The measures, with errors as a template shows them."""
    try:
        return measures.dora(entries, **options)
    except OpsError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dora": dora}
