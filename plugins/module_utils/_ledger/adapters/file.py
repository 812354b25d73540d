# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as files: durable appends under concurrency and kill -9."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from typing import IO, Any, Callable

from ..._core.errors import LedgerError, Refused
from ..._core.files import storage_errors, sync_folder
from .. import chain
from ..policy import LedgerPolicy
from ..segments import LEDGER_KIND, REPAIRED, Chain, audit, everything
from . import flags, rotation

#: Where every application of a host writes.
LEDGER = "/var/lib/mas/ledger.jsonl"
_DEFAULT = LedgerPolicy()
_BLOCK = 65536
_NO_FOLDER = "Check that the folder exists (mas.ops.provision makes it) and is writable."
_FIX = "Find out who changed it; keep the file as evidence and restore it from the last backup."


@dataclass(frozen=True)
class File:
    """One file of a ledger as it was at one moment.

    :param append_only: the attribute of chattr +a; ``None`` where the file system has none
    :param torn: bytes after the last line, which a writer that died left; the next one cuts them off
    """

    path: str
    bytes: int
    append_only: bool | None
    torn: int = 0

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True)
class LedgerContent:
    """What was found in a ledger, oldest first."""

    entries: list[dict[str, Any]]
    chain: Chain
    files: list[File]


class FileLedger:
    """An append-only file of JSON lines, and the sealed files before it."""

    def __init__(self, path: str = LEDGER, policy: LedgerPolicy = _DEFAULT) -> None:
        self.path = path
        self.policy = policy
        #: The lines that this has proven, and their entries: a change reads them before it and after it.
        self._proven: tuple[list[bytes], list[dict[str, Any]]] = ([], [])

    def entries(self) -> list[dict[str, Any]]:
        """The entries of the file that is written now; the first of them sums up what is older.

        A torn last line (a writer that died) is not an entry.

        :raises LedgerError: the chain is broken there
        """
        with _opened(self.path, older=False) as files:
            lines = [line for dummy, whole in files[-1:] for line in whole]
        before, known = self._proven
        if lines[: len(before)] != before:
            before, known = [], []
        after = _follow(before[-1], self.path) if before else None
        entries, state = audit([(self.path, lines[len(before) :])], whole=False, after=after)
        if state.broken:
            raise LedgerError(
                f"the ledger is broken at line {len(known) + state.broken.line}: {state.broken.reason}",
                where=self.path,
                fix=_FIX,
            )
        entries = [*known, *entries]
        if not entries and rotation.segments(self.path):
            raise _missing(self.path)
        self._proven = lines, entries
        return list(entries)

    def read(
        self,
        wanted: Callable[[Mapping[str, Any]], bool] = everything,
        limit: int | None = None,
        verify: bool = True,
    ) -> LedgerContent:
        """Entries of all files, and what the chain over them is like; see :func:`..segments.audit`."""
        with _opened(self.path) as files:
            found = audit([(file.path, lines) for file, lines in files], wanted, limit, verify)
            return LedgerContent(*found, [file for file, dummy in files])

    def check(self) -> int:
        """The sequence of the last entry, 0 in an empty ledger; what an append would refuse is refused here.

        :raises LedgerError: nothing can be written after what is there
        """
        folder = os.path.dirname(self.path) or "."
        with storage_errors(self.path, _NO_FOLDER):
            os.stat(folder)
        with _opened(self.path) as files:
            last = deque(files[-1][1], maxlen=1) if files else None
            if len(files) > 1 and not last:
                raise _missing(self.path)
            return _follow(last[0] if last else None, self.path)[1] - 1

    def append(self, entry: Mapping[str, Any], time: str) -> dict[str, Any]:
        """Write one entry and return it as written, only when it is on the disk.

        A torn last line is cut off first and the repair is noted as an entry of its own. A file that is
        full is sealed first.
        """
        with storage_errors(self.path, _NO_FOLDER), _locked(self.path) as stream:
            rotation.undo_unfinished(stream, self.path)
            self._mend(stream, time)
            fresh = None
            if os.fstat(stream.fileno()).st_size >= self.policy.max_bytes:
                fresh = rotation.rotate(stream, self.path, time)
            if fresh is None:
                return self._write(stream, entry, time)
            with fresh:
                self._prune(fresh, time)
                return self._write(fresh, entry, time)

    def _mend(self, stream: FileIO, time: str) -> None:
        torn = _cut_torn_line(stream)
        if stream.seek(0, os.SEEK_END) == 0:
            if rotation.segments(self.path):
                raise _missing(self.path)
            # Under the lock: no first line counts as written before the file's name does.
            sync_folder(os.path.dirname(self.path) or ".")
        if torn:
            repaired = {"kind": LEDGER_KIND, "action": REPAIRED, "bytes": torn, "time": time}
            _append(stream, repaired, self.path)

    def _write(self, stream: FileIO, entry: Mapping[str, Any], time: str) -> dict[str, Any]:
        written = _append(stream, {**entry, "time": time}, self.path)
        if self.policy.append_only:
            # The entry is on the disk: what protects it must not make it look as if it were not.
            with contextlib.suppress(OSError):
                rotation.protect(stream, self.path)
        return written

    def _prune(self, stream: FileIO, time: str) -> None:
        """Remove what the policy does not keep, after an entry that says so.

        Old files that stay are no reason to refuse a rollback; the next rotation tries again.
        """
        with contextlib.suppress(OSError):
            doomed = rotation.surplus(self.path, self.policy, time)
            if doomed:
                _append(stream, rotation.pruned(doomed, time), self.path)
                for segment in doomed:
                    flags.remove(segment.path)
                sync_folder(os.path.dirname(self.path) or ".")


def _locked(path: str, mode: int = fcntl.LOCK_EX) -> FileIO:
    """The ledger's file, locked until it is closed; it is made when a writer finds none.

    The lock is on the file itself, so a writer that waited for it while it was rotated has locked the wrong one.
    """
    how = os.O_RDWR | os.O_APPEND | os.O_CREAT if mode == fcntl.LOCK_EX else os.O_RDONLY
    while True:
        handle = os.open(path, how | os.O_CLOEXEC, 0o640)
        stream = os.fdopen(handle, "r+b" if mode == fcntl.LOCK_EX else "rb", buffering=0)
        fcntl.flock(handle, mode)
        if _is_at(stream, path):
            return stream
        stream.close()


def _is_at(stream: FileIO, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _opened(path: str, older: bool = True) -> Iterator[list[tuple[File, Iterator[bytes]]]]:
    """All files of a ledger as they are at one moment, oldest first, with their lines.

    Writers wait only while the last one is read: sealed files do not change any more, and stay readable
    when they are pruned meanwhile.
    """
    with contextlib.ExitStack() as stack:
        try:
            with _locked(path, fcntl.LOCK_SH) as stream:
                files = _sealed(path, stack) if older else []
                content = stream.read()
                torn = len(content) - content.rfind(b"\n") - 1
                files.append((_file(path, stream, torn), _lines(io.BytesIO(content), sealed=False)))
        except FileNotFoundError:
            files = _sealed(path, stack)
            if files:
                files.append((File(path, 0, None), iter(())))
        except PermissionError as error:
            raise Refused("this may only be read by root", where=path, fix="Set become: true.") from error
        yield files


def _sealed(path: str, stack: contextlib.ExitStack) -> list[tuple[File, Iterator[bytes]]]:
    found = []
    for segment in rotation.segments(path):
        stream = stack.enter_context(open(segment.path, "rb"))  # noqa: SIM115
        found.append((_file(segment.path, stream), _lines(stream, sealed=True)))
    return found


def _file(path: str, stream: IO[bytes], torn: int = 0) -> File:
    handle = stream.fileno()
    return File(path, os.fstat(handle).st_size, flags.is_append_only(handle), torn)


def _lines(stream: IO[bytes], sealed: bool) -> Iterator[bytes]:
    for line in stream:
        if line.endswith(b"\n"):
            yield line[:-1]
        elif sealed:
            # It was whole when it was sealed; a line feed inside is what no line was written with.
            yield line + b"\n"


def _missing(path: str) -> LedgerError:
    return LedgerError(
        "the current file of the ledger is missing, and older ones are there", where=path, fix=_FIX
    )


def _follow(last: bytes | None, path: str) -> tuple[str, int]:
    try:
        return chain.follow(last)
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(
            f"the last line of the ledger is not an entry: {error}", where=path, fix=_FIX
        ) from error


def _append(stream: FileIO, entry: Mapping[str, Any], path: str) -> dict[str, Any]:
    line = chain.encode(entry, *_follow(_last_line(stream), path)) + b"\n"
    written = chain.decode(line)
    end = stream.seek(0, os.SEEK_END)
    try:
        while line:
            line = line[stream.write(line) :]
        os.fsync(stream.fileno())
    except OSError:
        # On a full disk, say: what is reported as not written must not stay behind, nor half of it.
        with contextlib.suppress(OSError), flags.lifted(stream.fileno()):
            stream.truncate(end)
        raise
    return written or {}


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
        with flags.lifted(stream.fileno()):
            stream.truncate(end)
        os.fsync(stream.fileno())
    return size - end
