# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small multi-agent system: agents register, hand out tasks and write to each other."""

from __future__ import annotations

__version__ = "1.0.0"
