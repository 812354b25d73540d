# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version 2: a number instead of two lanes. Until the contract step, both versions can write and read tasks."""

from __future__ import annotations

from agents.migrations.step import Step

FROM_LANE = "UPDATE tasks SET priority = 10 WHERE lane = 'express' AND priority = 0 AND state = 'queued'"

STEP = Step(
    name="0002-priority",
    expand=("ALTER TABLE tasks ADD COLUMN priority INTEGER NOT NULL DEFAULT 0", FROM_LANE),
    contract=(FROM_LANE, "ALTER TABLE tasks DROP COLUMN lane"),  # once more, for what version 1 wrote since
)
