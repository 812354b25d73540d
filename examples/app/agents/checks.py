# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold before this process calls itself healthy. A check raises StorageError or CheckFailed."""

from __future__ import annotations

from collections.abc import Callable

from agents.storage import Database


class CheckFailed(Exception):
    """Why the process is not healthy."""


def database_answers(database: Database) -> None:
    database.rows("SELECT 1 AS one")


CHECKS: tuple[Callable[[Database], None], ...] = (database_answers,)
