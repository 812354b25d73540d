# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's clock.

There is no option to tell the gate another time: in production it would be a way around it. A test puts
a clock of its own into the action, or runs the whole playbook under faketime(1).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The time, and waiting for it."""

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)
