# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healthy: warmed up, not stopping, and every check holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agents.checks import CHECKS, CheckFailed
from agents.storage import Database, StorageError


class Health:
    def __init__(
        self, database: Database, warmup: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._ready_at = clock() + warmup
        self.stopping = False

    def warming_up(self) -> float:
        """Seconds until requests are answered; 0 from then on."""
        return max(0.0, self._ready_at - self._clock())

    def report(self) -> tuple[int, dict[str, Any]]:
        if self.stopping:
            return 503, {"status": "stopping"}
        left = self.warming_up()
        if left:
            return 503, {"status": "warming up", "seconds_left": round(left, 1)}
        try:
            for check in CHECKS:
                check(self._database)
        except (StorageError, CheckFailed) as problem:
            return 503, {"status": "unhealthy", "reason": str(problem)}
        return 200, {"status": "ok"}
