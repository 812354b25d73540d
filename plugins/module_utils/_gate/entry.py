# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger entry of a decision of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._ledger.query import FAILED, SUCCEEDED

GATE = "gate"
PASSED = "passed"


def entry(params: Mapping[str, Any]) -> dict[str, Any]:
    """From the options of ``gate_entry``."""
    return {
        "kind": GATE,
        "action": params["action"],
        "outcome": SUCCEEDED if params["action"] == PASSED else FAILED,
        **{name: params[name] for name in ("change", "application", "gate", "run", "actor")},
    }
