# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the schema, oldest first. Code of the version before a step runs on the schema after its expand."""

from __future__ import annotations

from agents.migrations import base
from agents.migrations.step import Step

__all__ = ["STEPS", "Step"]

STEPS: tuple[Step, ...] = (base.STEP,)
