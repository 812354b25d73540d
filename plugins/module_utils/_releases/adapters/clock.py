# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clocks of this host: the one that can be set, and the one that cannot."""

from __future__ import annotations

import time

from ..._core.adapters.clock import SystemClock
from ..lease import Moment

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class HostClock(SystemClock):
    """The clocks of this host."""

    @classmethod
    def moment(cls) -> Moment:
        """Now, on the clock that can be set and on the one that cannot."""
        with open(_BOOT_ID, encoding="ascii") as stream:
            boot = stream.read().strip()
        return Moment(cls.text(), time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))
