# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as a file: durable appends under concurrency and kill -9."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from io import FileIO
from typing import Any

from ..._core.errors import LedgerError
from ..._core.files import storage_errors, sync_folder
from .. import chain

#: Where every application of a host writes.
LEDGER = "/var/lib/mas/ledger.jsonl"
_BLOCK = 65536
_FIX = "Find out who changed it; keep the file as evidence and restore it from the last backup."


class FileLedger:
    """An append-only file of JSON lines."""

    def __init__(self, path: str = LEDGER) -> None:
        self.path = path

    def entries(self) -> list[dict[str, Any]]:
        """All entries. A torn last line (a writer that died) is not an entry.

        :raises LedgerError: the chain is broken
        """
        entries, broken = chain.verify(self._lines())
        if broken:
            raise LedgerError(
                f"the ledger is broken at line {broken.line}: {broken.reason}",
                where=self.path,
                fix=_FIX,
            )
        return entries

    def _lines(self) -> list[bytes]:
        try:
            with open(self.path, "rb") as stream:
                # A writer that repairs a torn line cuts and writes at the same place.
                fcntl.flock(stream.fileno(), fcntl.LOCK_SH)
                return stream.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    def append(self, entry: Mapping[str, Any], time: str) -> None:
        """Write one entry and return only when it is on the disk.

        A torn last line is cut off first and the repair is noted as an entry of its own.
        """
        with storage_errors(self.path):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            with os.fdopen(handle, "r+b", buffering=0) as stream:
                fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
                torn = _cut_torn_line(stream)
                if stream.seek(0, os.SEEK_END) == 0:
                    # Under the lock: nobody's first line counts as written before the file's name does.
                    sync_folder(os.path.dirname(self.path))
                if torn:
                    _append(
                        stream,
                        {"kind": "ledger", "action": "repaired", "bytes": torn, "time": time},
                        self.path,
                    )
                _append(stream, {**entry, "time": time}, self.path)


def _append(stream: FileIO, entry: Mapping[str, Any], path: str) -> None:
    try:
        previous, sequence = chain.follow(_last_line(stream))
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(
            f"the last line of the ledger is not an entry: {error}", where=path, fix=_FIX
        ) from error
    line = chain.encode(entry, previous, sequence) + b"\n"
    end = stream.seek(0, os.SEEK_END)
    try:
        while line:
            line = line[stream.write(line) :]
        os.fsync(stream.fileno())
    except OSError:
        # On a full disk, say: what is reported as not written must not stay behind, nor half of it.
        with contextlib.suppress(OSError):
            stream.truncate(end)
        raise


def _last_line(stream: FileIO) -> bytes | None:
    """The last whole line, or ``None`` in an empty file; the file ends with a newline."""
    end = stream.seek(0, os.SEEK_END)
    tail = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        stream.seek(start)
        tail = stream.read(end - start) + tail
        lines = tail.split(b"\n")
        if len(lines) > 2 or start == 0:
            return lines[-2]
        end = start
    return None


def _cut_torn_line(stream: FileIO) -> int:
    """Remove bytes after the last newline; the number of bytes removed."""
    end = size = stream.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        stream.seek(start)
        newline = stream.read(end - start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        stream.truncate(end)
        os.fsync(stream.fileno())
    return size - end
