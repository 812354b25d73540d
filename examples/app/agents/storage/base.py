# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both databases have in common: a small pool, one statement a transaction, three errors.

SQL is written once, with `:name` for values and three words that differ: {now} (the clock of the database, so
that hosts need not agree), {identity} (a growing number as key) and {skip_locked}.
"""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

PATIENCE = 5.0  # seconds to wait for a free connection or a lock

Rows = list[dict[str, Any]]


class StorageError(Exception):
    """The database cannot do what it was asked."""


class StorageDown(StorageError):
    """It does not answer, or is busy for too long."""


class SchemaMismatch(StorageError):
    """A table or column is missing: not migrated yet, or contracted since."""


class Execute(Protocol):
    """Runs one statement."""

    def __call__(self, sql: str, /, **values: object) -> Rows: ...


class Database(ABC):
    def __init__(self, size: int) -> None:
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        self._places = threading.BoundedSemaphore(size)

    def rows(self, sql: str, /, **values: object) -> Rows:
        """Reads."""
        with self._connection() as connection:
            return self._execute(connection, sql, values)

    def change(self, sql: str, /, **values: object) -> Rows:
        """Changes, in one statement and so in one transaction; returns what RETURNING asks for."""
        return self.rows(sql, **values)

    @abstractmethod
    def migrating(self) -> AbstractContextManager[Execute]:
        """One transaction that no other migration runs beside."""

    def close(self) -> None:
        while True:
            try:
                self._free.get_nowait().close()
            except queue.Empty:
                return

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if not self._places.acquire(timeout=PATIENCE):
            raise StorageDown("every connection to the database is in use")
        try:
            connection = self._take()
            try:
                yield connection
            except StorageDown:
                connection.close()
                self.close()  # the others may be as broken
                raise
            except BaseException:
                self._free.put(connection)
                raise
            self._free.put(connection)
        finally:
            self._places.release()

    def _take(self) -> Any:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return self._connect()

    @abstractmethod
    def _connect(self) -> Any:
        """A new connection in which every statement is a transaction; StorageDown when there is none."""

    @abstractmethod
    def _execute(self, connection: Any, sql: str, values: dict[str, object]) -> Rows:
        """Runs a statement and turns the errors of the driver into ours."""
