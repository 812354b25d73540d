# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL through Debian's python3-psycopg2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg2  # type: ignore[import-untyped]
from psycopg2 import errors
from psycopg2.extras import RealDictCursor  # type: ignore[import-untyped]

from agents.storage.base import PATIENCE, Database, Execute, Rows, SchemaMismatch, StorageDown, StorageError

WORDS = {
    "now": "extract(epoch FROM clock_timestamp())::double precision",
    "identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "skip_locked": "FOR UPDATE SKIP LOCKED",
}
MIGRATION_LOCK = 5_174_632_027  # any number, the same in every version of this application
LOCK_PATIENCE = "60s"  # for the turn to migrate
TABLE_PATIENCE = "2s"  # for a table: a migration must not make the requests behind it wait for long


class Postgres(Database):
    def __init__(self, url: str, size: int) -> None:
        super().__init__(size)
        self._url = url

    @contextmanager
    def migrating(self) -> Iterator[Execute]:
        connection = self._connect()
        try:
            for statement in (
                "SET statement_timeout = 0",
                f"SET lock_timeout = '{LOCK_PATIENCE}'",
                f"SELECT pg_advisory_lock({MIGRATION_LOCK})",  # ends with the connection, so before any pool
                f"SET lock_timeout = '{TABLE_PATIENCE}'",
                "BEGIN",
            ):
                self._execute(connection, statement, {})
            yield lambda sql, /, **values: self._execute(connection, sql, values)
            self._execute(connection, "COMMIT", {})
        finally:
            connection.close()

    def _connect(self) -> Any:
        milliseconds = int(PATIENCE * 1000)
        try:
            connection = psycopg2.connect(
                self._url,
                connect_timeout=3,
                cursor_factory=RealDictCursor,
                application_name="agents",
                options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            )
        except psycopg2.ProgrammingError:  # its message quotes the address, with the password
            raise StorageDown("PostgreSQL: AGENTS_DATABASE_URL cannot be read as an address") from None
        except psycopg2.Error as problem:
            raise StorageDown(f"PostgreSQL: {_first_line(problem)}") from None
        connection.autocommit = True
        return connection

    def _execute(self, connection: Any, sql: str, values: dict[str, object]) -> Rows:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_worded(sql), values)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        except (errors.UndefinedTable, errors.UndefinedColumn) as problem:
            raise SchemaMismatch(f"the schema does not suit this version: {_first_line(problem)}") from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as problem:
            raise StorageDown(f"PostgreSQL: {_first_line(problem)}") from None
        except psycopg2.Error as problem:
            raise StorageError(f"PostgreSQL: {_first_line(problem)}") from None


@cache
def _worded(sql: str) -> str:
    return re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql.format_map(WORDS))


def _first_line(problem: Exception) -> str:
    """The rest may quote the statement and its values."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
