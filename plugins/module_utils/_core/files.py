# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that a crash cannot leave half-written, and the lock between two runs on one host."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

from .errors import BadInput, Busy, Refused, StorageError

_POLL = 0.1


def write_atomic(path: str, data: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` so that a reader sees the old bytes or the new, never a mixture.

    Written beside the target, flushed to the disk, renamed, and the folder flushed as well, so that
    the new name survives a power cut.
    """
    folder = os.path.dirname(path) or "."
    with storage_errors(path):
        # As tempfile would name it, which costs each phase of a release 3 ms to load.
        scratch = os.path.join(folder, f".{os.path.basename(path)}.{os.urandom(6).hex()}")
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), mode)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(scratch, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)
            raise
        sync_folder(folder)


def write_changed(path: str, data: bytes) -> bool:
    """Replace ``path`` by ``data`` as :func:`write_atomic` does, unless it holds just that; whether it was replaced."""
    # What cannot be read is written, or fails there.
    with contextlib.suppress(OSError):
        if read_regular(path) == data:
            return False
    write_atomic(path, data)
    return True


def link_atomic(path: str, target: str) -> None:
    """Make the symbolic link ``path`` point at ``target`` in one step."""
    scratch = f"{path}.{os.getpid()}"
    with storage_errors(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)
        os.symlink(target, scratch)
        os.replace(scratch, path)
        sync_folder(os.path.dirname(path) or ".")


def sync_folder(folder: str) -> None:
    """Flush the names in ``folder`` to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_regular(path: str) -> bytes:
    """The bytes of a file. A pipe of that name, for one, would be waited for without end.

    :raises OSError: it is not there, is no regular file or cannot be read
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        return stream.read()


def read_json(path: str, fix: str = "Restore the file.") -> Any:
    """The parsed file, or ``None`` when there is no such file.

    :param fix: what to do where it is damaged, in the words of the caller, who knows what writes it
    :raises BadInput: it holds something else, or cannot be read
    """
    try:
        return json.loads(read_regular(path).decode())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Refused("this may only be read by root", where=path, fix="Set become: true.") from error
    except OSError as error:
        raise BadInput(
            f"this cannot be read: {error.strerror}",
            where=path,
            fix=fix,
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"this is not JSON: {error}", where=path, fix=fix) from error


def set_aside(path: str) -> str:
    """Rename what is at ``path``, whatever it is, and keep it as evidence; its new name.

    :raises StorageError: the folder cannot be written to
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = f"{path}.aside-{moment}-{os.urandom(2).hex()}"
    with storage_errors(path):
        os.rename(path, kept)
        sync_folder(os.path.dirname(path) or ".")
    return kept


def write_json(path: str, value: Any, mode: int = 0o644) -> None:
    """Write ``value`` durably as sorted JSON."""
    write_atomic(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode(), mode)


@contextlib.contextmanager
def storage_errors(where: str, fix: str = "Check that the folder exists and is writable.") -> Iterator[None]:
    """Turn an ``OSError`` of the disk into a :class:`StorageError` that says what to do.

    :param fix: what to do where nothing more exact is known, in the words of the caller, who knows what makes the folder
    """
    advice = {
        errno.ENOSPC: "Free some space there and run the same command again.",
        errno.EDQUOT: "Raise the quota and run the same command again.",
        errno.EROFS: "Remount the file system read-write and run the same command again.",
    }
    try:
        yield
    except OSError as error:
        what, fix = "cannot write", advice.get(error.errno or 0, fix)
        if isinstance(error, PermissionError) and os.geteuid():
            what, fix = "only root may write this", "Set become: true."
        elif error.errno == errno.EPERM:
            fix = f"See `lsattr -d {where}`: where it shows the flag i, run `chattr -i {where}`."
        raise StorageError(
            f"{what}: {error.strerror}", where=where, fix=fix, missing=isinstance(error, FileNotFoundError)
        ) from error


@contextlib.contextmanager
def exclusive(
    path: str,
    patience: float = 0.0,
    wait: Callable[[float], None] | None = None,
    said: bytes = b"",
    subject: str = "the same thing",
) -> Iterator[list[str]]:
    """Hold the lock file ``path``; raise :class:`Busy` when another process still holds it after ``patience`` seconds.

    The kernel drops the lock with its process, so a killed run never leaves one behind. What is at ``path`` and is no
    file is set aside.

    :param wait: called instead of that while another process holds it, with the seconds waited so far; it pauses
        for a moment, or raises what ends the waiting. It may have the file replaced by a new one
    :param said: what is written into the file, for others to read who holds it
    :param subject: what only one may change at a time, in the words of the error
    :returns: the names of what was set aside
    """
    kept: list[str] = []
    handle = _open_lock(path, kept)
    try:
        began = time.monotonic()
        while not _locked(handle) or not _is_at(handle, path):
            waited = time.monotonic() - began
            if not _is_at(handle, path):
                former, handle = handle, _open_lock(path, kept)
                os.close(former)
            elif wait:
                wait(waited)
            elif waited >= patience:
                raise held_by_another(path, subject)
            else:
                time.sleep(_POLL)
        # On a full disk the file does not say who holds the lock; the kernel still knows.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, said, 0)
        yield kept
    finally:
        os.close(handle)


def replace_lock(path: str, inode: int) -> str:
    """Set a lock file aside that a process holds which does not let it go; the name that it has now.

    Who waits for it sees that, and waits for the new one. Empty where another process did this first.

    :param inode: of the file that is meant
    """
    with _folder_locked(path), contextlib.suppress(FileNotFoundError):
        if os.lstat(path).st_ino == inode:
            return set_aside(path)
    return ""


def held_by_another(path: str, subject: str, holder: str = "") -> Busy:
    """What to say when the lock did not come free.

    :param subject: what it is for
    :param holder: who holds it, where that is known
    """
    return Busy(
        f"another run is changing {subject} right now" + (f": {holder}" if holder else ""),
        where=path,
        fix="Wait for it to end, then run the same command again.",
    )


def _open_lock(path: str, kept: list[str]) -> int:
    how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with storage_errors(path):
        if not _is_file(path):
            with _folder_locked(path):
                # Another process may have done it meanwhile, and hold what it made.
                if not _is_file(path):
                    kept.append(set_aside(path))
        return os.open(path, how, 0o600)


def _is_file(path: str) -> bool:
    """Whether a lock file is there, or nothing is, so that one can be made."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True


@contextlib.contextmanager
def _folder_locked(path: str) -> Iterator[None]:
    """One process at a time renames a lock file."""
    folder = os.path.dirname(path) or "."
    with storage_errors(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_at(handle: int, path: str) -> bool:
    """Whether the file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
