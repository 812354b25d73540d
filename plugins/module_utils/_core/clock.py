# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What code needs of a clock that has to wait, so that tests can give it one that passes at once."""

from __future__ import annotations

from typing import Protocol


class MonotonicClock(Protocol):
    """A clock that never goes back, for durations and deadlines."""

    def seconds(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
