# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of this version has beside the basics, how a client sets it, and which task goes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.exchange import HttpError

COLUMN = "lane"  # `express` goes before `normal`
FIRST = "CASE lane WHEN 'express' THEN 0 ELSE 1 END, id"


def from_client(fields: Mapping[str, Any]) -> object:
    lane = fields.get("lane", "normal")
    if lane not in ("normal", "express"):
        raise HttpError(400, "lane has to be normal or express")
    return lane
