# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of this machine, in one place so that nothing else has to read it."""

from __future__ import annotations

import time


class SystemClock:
    """The time as text, and a clock that never goes back."""

    @staticmethod
    def text() -> str:
        """Now in UTC, RFC 3339 with milliseconds."""
        moment = time.time()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03d}Z"

    @staticmethod
    def seconds() -> float:
        """A clock that never goes back, for durations and deadlines."""
        return time.monotonic()

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)
