# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of this version has beside the basics, how a client sets it, and which task goes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.exchange import whole_of

COLUMN = "priority"
FIRST = "priority DESC, id"


def from_client(fields: Mapping[str, Any]) -> object:
    return whole_of(fields, "priority", 0, -100, 100)
