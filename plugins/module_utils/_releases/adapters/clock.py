# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time, in one place so that nothing else has to ask for it."""

from __future__ import annotations

import time

from ..lease import Moment

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class HostClock:
    """The clocks of this host."""

    @staticmethod
    def text() -> str:
        """Now in UTC, RFC 3339 with milliseconds."""
        moment = time.time()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03d}Z"

    @classmethod
    def moment(cls) -> Moment:
        """Now, on the clock that can be set and on the one that cannot."""
        with open(_BOOT_ID, encoding="ascii") as stream:
            boot = stream.read().strip()
        return Moment(cls.text(), time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))

    @staticmethod
    def seconds() -> float:
        """A clock that never goes back, for durations and deadlines."""
        return time.monotonic()

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)
