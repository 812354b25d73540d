# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every normal request of this version."""

from __future__ import annotations

from agents.resources import agents, messages, stats, tasks
from agents.router import Route

ROUTES: tuple[Route, ...] = (*agents.ROUTES, *tasks.ROUTES, *messages.ROUTES, *stats.ROUTES)
