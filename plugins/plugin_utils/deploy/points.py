# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the user's own tasks ended on a host, as a deploy records it before and after each point.

A point that began and was never recorded as done has failed as well: the host was lost, or the tasks ended the play.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The only point at which a failure takes nothing back.
AFTER_CONFIRM = "after_confirm"
DONE, STARTED = "done", "started"


def failed_point(registered: Mapping[str, Any]) -> str:
    """The point before the confirmation at which the own tasks of a host failed; empty where none did."""
    points = registered.get("deploy_points") or {}
    return next((each for each, end in points.items() if end != DONE and each != AFTER_CONFIRM), "")


def failed_after(registered: Mapping[str, Any]) -> bool:
    """Whether they failed after the confirmation."""
    return bool((registered.get("deploy_points") or {}).get(AFTER_CONFIRM, DONE) != DONE)


def was_lost(registered: Mapping[str, Any]) -> bool:
    """Whether they began on a host and came to no end."""
    return STARTED in (registered.get("deploy_points") or {}).values()


def own_error(registered: Mapping[str, Any]) -> str:
    """What to say of a failure. The error itself may hold what its task must not show, and Ansible has printed it."""
    point = failed_point(registered) or (AFTER_CONFIRM if failed_after(registered) else "")
    if not point:
        return ""
    ended = registered["deploy_points"][point] != STARTED
    return f"its own tasks at {point} {'failed' if ended else 'did not come to their end'}, see above"
