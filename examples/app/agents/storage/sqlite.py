# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite: one file in the shared folder, used by both slots of a host at once."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from agents.storage.base import PATIENCE, Database, Execute, Rows, SchemaMismatch, StorageDown, StorageError

WORDS = {
    "now": "((julianday('now') - 2440587.5) * 86400.0)",
    "identity": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "skip_locked": "",  # writers stand in line anyway
}
MISMATCH = ("no such table", "no such column", "has no column named")
MIGRATION_PATIENCE = 60.0


class SQLite(Database):
    def __init__(self, path: str, size: int) -> None:
        super().__init__(size)
        self._path = Path(path)

    @contextmanager
    def migrating(self) -> Iterator[Execute]:
        self._refuse_foreign_owner()
        connection = self._connect(MIGRATION_PATIENCE)
        try:
            self._execute(connection, "BEGIN IMMEDIATE", {})
            yield lambda sql, /, **values: self._execute(connection, sql, values)
            self._execute(connection, "COMMIT", {})
        finally:
            connection.close()  # rolls back what was not committed

    def _connect(self, patience: float = PATIENCE) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._path,
                timeout=patience,
                isolation_level=None,
                check_same_thread=False,
            )
            _use_wal(connection, patience)
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as problem:
            raise StorageDown(f"{self._path}: {problem}") from None
        connection.row_factory = sqlite3.Row
        return connection

    def _execute(self, connection: sqlite3.Connection, sql: str, values: dict[str, object]) -> Rows:
        try:
            return [dict(row) for row in connection.execute(_worded(sql), values).fetchall()]
        except sqlite3.OperationalError as problem:
            if any(words in str(problem) for words in MISMATCH):
                raise SchemaMismatch(f"the schema does not suit this version: {problem}") from None
            raise StorageDown(f"{self._path}: {problem}") from None
        except sqlite3.Error as problem:
            raise StorageError(f"{self._path}: {problem}") from None

    def _refuse_foreign_owner(self) -> None:
        folder = self._path.parent
        try:
            owner = folder.stat().st_uid
        except OSError as problem:
            raise StorageDown(str(problem)) from None
        if os.geteuid() == 0 and owner != 0:
            raise StorageError(
                f"run this as the owner of {folder}: a database of root would lock the application out"
            )


@cache
def _worded(sql: str) -> str:
    return sql.format_map(WORDS)


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """The very first switch to WAL does not wait for its lock by itself."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
