# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a policy of windows and freezes says to the gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..windows.judge import judge
from ..windows.model import Kind, Policy, Target
from .facts import Opening


def opening(policy: Policy, target: Target, at: datetime) -> Opening:
    """Windows and freezes apart, because either may be set aside without the other.

    Under a freeze the policy itself does not say whether a window would be open, so it is asked again without.
    """
    state = judge(policy, target, at)
    bare = judge(_without_freezes(policy), target, at) if state.frozen else state
    return Opening(
        open=bare.open,
        frozen=state.frozen,
        window_why=bare.why,
        freeze_why=state.why if state.frozen else "no freeze holds",
        window=bare.window,
        freeze=state.window if state.frozen else None,
        closes_at=bare.closes_at,
        next_opening=state.next_opening,
    )


def _without_freezes(policy: Policy) -> Policy:
    windows = tuple(window for window in policy.windows if window.kind is not Kind.FREEZE)
    return replace(policy, windows=windows)
