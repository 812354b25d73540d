# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around every normal request (not around /health, /version and /metrics): nothing."""

from __future__ import annotations

from agents.router import Handler


def around(handler: Handler) -> Handler:
    return handler
