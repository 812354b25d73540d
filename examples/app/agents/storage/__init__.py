# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database behind one small interface: SQL with named values in, rows as dictionaries out."""

from __future__ import annotations

from agents.settings import BadSetting, Settings
from agents.storage.base import Database, SchemaMismatch, StorageDown, StorageError

__all__ = ["Database", "SchemaMismatch", "StorageDown", "StorageError", "open_database"]


def open_database(settings: Settings) -> Database:
    """Opens no connection yet, so a process starts, and says so in /health, while its database is away."""
    if settings.database_url:
        try:
            from agents.storage.postgres import Postgres  # noqa: PLC0415 it needs python3-psycopg2, only here
        except ImportError as problem:
            raise BadSetting(f"AGENTS_DATABASE_URL is set, but {problem}: install python3-psycopg2") from None
        return Postgres(settings.database_url, settings.pool)
    from agents.storage.sqlite import SQLite  # noqa: PLC0415 and this is not needed there

    return SQLite(f"{settings.shared}/agents.db", settings.pool)
