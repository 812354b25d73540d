# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes of a file or an http(s) URL, within bounds of size and time."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import stat
import threading
import time
from dataclasses import dataclass
from typing import IO, Callable

from ..._core.errors import Absent, ArtifactError, NotFound
from ..._core.urls import is_url, redact_url

_CHUNK = 1 << 18
#: Seconds between two looks at the clock, and at whether another run wants the fetch to end.
_LOOK = 0.25
#: All that a server, a network or a disk can do to a reader.
_BROKEN = (OSError, ValueError)


def go_on() -> None:
    """Nothing interrupts."""


@dataclass(frozen=True)
class Bounds:
    """How much a fetch may take.

    :param size: bytes that the artifact has, where that is known
    :param limit: bytes after which it is given up, where it is not
    :param seconds: until all of it must be there
    :param interrupted: called several times a second, whatever the store does; what it raises ends the fetch
    """

    size: int | None = None
    limit: int = 4 << 30
    seconds: float = 600.0
    interrupted: Callable[[], None] = go_on

    @property
    def most(self) -> int:
        return self.limit if self.size is None else self.size

    def check(self, total: int, source: str) -> None:
        """
        :param total: bytes that came, or that the store announced
        :raises ArtifactError: more than there may be
        """
        if total > self.most:
            known = f"the artifact has {self.size}" if self.size is not None else f"the limit is {self.limit}"
            raise ArtifactError(
                f"the store sends more than the artifact: at least {total} bytes, and {known}",
                where=redact_url(source),
                fix="Compare the store with what was built. For larger artifacts raise size_limit of mas.ops.release.",
            )


#: What holds where a caller says nothing else.
USUAL = Bounds()


def receive(source: str, bounds: Bounds, keep: Callable[[bytes, int], object], only: int = 0) -> int:
    """Hand what comes to ``keep``, with the bytes until then; their number.

    A thread reads: a name server, a connection or a store that keeps silent cannot keep this from looking at the clock.
    When it is given up, it ends with the process, or at the reader's own time-out.

    :param only: read so many bytes and no more
    """
    chunks: queue.Queue[bytes | BaseException] = queue.Queue(maxsize=4)
    given_up = threading.Event()
    words = (source, bounds, chunks, given_up, only)
    threading.Thread(target=_read_all, args=words, daemon=True).start()
    end, total = time.monotonic() + bounds.seconds, 0
    try:
        while True:
            bounds.interrupted()
            if time.monotonic() >= end:
                raise _late(source, bounds, total)
            try:
                chunk = chunks.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(chunk, BaseException):
                raise chunk
            if not chunk:
                return total
            total += len(chunk)
            bounds.check(total, source)
            keep(chunk, total)
    finally:
        given_up.set()


def _late(source: str, bounds: Bounds, total: int) -> NotFound:
    return NotFound(
        f"the artifact did not arrive within {bounds.seconds:g} seconds: {total} bytes were received",
        where=redact_url(source),
        fix="Check the store and the network. For slow ones raise change_fetch_timeout.",
    )


def _read_all(
    source: str,
    bounds: Bounds,
    chunks: queue.Queue[bytes | BaseException],
    given_up: threading.Event,
    only: int,
) -> None:
    """All chunks, an empty one at the end, or what went wrong."""

    def hand(chunk: bytes | BaseException) -> None:
        while not given_up.is_set():
            with contextlib.suppress(queue.Full):
                chunks.put(chunk, timeout=_LOOK)
                return

    try:
        with contextlib.closing(_open(source)) as stream:
            announced = 0 if only else getattr(stream, "announced", 0)
            bounds.check(announced, source)
            total, most = 0, only or bounds.most + 1
            while total < most and not given_up.is_set():
                chunk = _read(stream, source, min(most - total, _CHUNK))
                if not chunk:
                    break
                hand(chunk)
                total += len(chunk)
        if total < announced and not given_up.is_set():
            raise _broken(source, f"the connection ended after {total} of {announced} bytes")
        hand(b"")
    except BaseException as error:  # noqa: BLE001 - it is raised where the bytes are waited for
        hand(error)


def _open(source: str) -> IO[bytes]:
    missing = f"there is no {os.path.basename(redact_url(source))}"
    try:
        if not is_url(source):
            return _open_file(source)
        from .download import open_url  # noqa: PLC0415 - it loads the mail package and TLS, and most are files

        return open_url(source, missing)
    except FileNotFoundError as error:
        raise Absent(missing, where=source, fix="Build or publish this version first.") from error
    except _BROKEN as error:
        raise NotFound(
            f"the artifact cannot be reached: {cause(error)}",
            where=redact_url(source),
            fix="Check that its store runs, and try again.",
        ) from error


def _open_file(path: str) -> IO[bytes]:
    """A regular file, and neither a link, which could be swapped under a run that reads as root, nor a device."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(handle, "rb")


def cause(error: BaseException) -> str:
    """What a server, a network or a disk did, in words."""
    # urllib wraps what it met; TLS calls something else its reason.
    reason = getattr(error, "reason", error) if type(error).__name__ == "URLError" else error
    if isinstance(reason, TimeoutError) or "timed out" in str(reason):
        return "timed out"
    if isinstance(reason, ConnectionRefusedError):
        return "connection refused"
    if type(reason).__module__ == "ssl":
        return f"TLS: {getattr(reason, 'verify_message', '') or getattr(reason, 'reason', '') or reason}"
    if type(reason).__name__ == "gaierror":
        return f"its name cannot be resolved ({getattr(reason, 'strerror', reason)})"
    return str(reason) or type(reason).__name__


def _read(stream: IO[bytes], source: str, size: int) -> bytes:
    try:
        return stream.read(size)
    except _BROKEN as error:
        raise _broken(source, cause(error)) from error


def _broken(source: str, why: str) -> NotFound:
    return NotFound(
        f"reading the artifact failed: {why}", where=redact_url(source), fix="Run the same command again."
    )
