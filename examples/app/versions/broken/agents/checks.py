# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold before this process calls itself healthy. A check raises StorageError or CheckFailed."""

from __future__ import annotations

from collections.abc import Callable

from agents.storage import Database


class CheckFailed(Exception):
    """Why the process is not healthy."""


def model_is_loaded(_database: Database) -> None:
    raise CheckFailed("the model of this version cannot be loaded")  # the mistake of this version


CHECKS: tuple[Callable[[Database], None], ...] = (model_is_loaded,)
