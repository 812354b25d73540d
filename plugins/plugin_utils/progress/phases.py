# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which phase of a deploy a task belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: In the order in which a deploy goes through them; ``back`` only when it fails.
PHASES = ("gate", "stage", "switch", "verdict", "confirm", "back")

_ACTIONS = {
    "approval": "gate",
    "artifact_info": "gate",
    "canary_verdict": "verdict",
    "gate": "gate",
    "gate_entry": "gate",
    "gate_info": "gate",
    "traffic": "switch",
}
_STATES = {
    "confirmed": "confirm",
    "live": "switch",
    "rolled_back": "back",
    "settled": "confirm",
    "staged": "stage",
}


def phase_of(action: str, args: Mapping[str, Any]) -> str:
    """The phase, or nothing for a task that is no part of a deploy.

    :param action: the task's action, with the name of its collection
    :param args: its arguments; those of ``release`` say the state
    """
    collection, dummy, name = action.rpartition(".")
    if collection != "mas.ops":
        return ""
    if name == "release":
        return _STATES.get(str(args.get("state", "")), "")
    return _ACTIONS.get(name, "")
