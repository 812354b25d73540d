# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove folders of an application, in which its own account may have put anything, and be led nowhere by it.

All is done from open folders: no link is followed, and no other file system is entered.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from typing import Callable

from ..._core.errors import Refused
from ..._core.files import storage_errors

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOUNTS = "/proc/self/mountinfo"
_OCTAL = re.compile(r"\\([0-7]{3})")
#: What became something else between two looks at it is looked at again.
_CHANGED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENOENT)


def remove_tree(path: str, look: Callable[[], None]) -> None:
    """Remove the folder ``path`` with all that is in it, however deep it goes. What is removed already is no error.

    :param path: without links
    :param look: called again and again, it raises what ends the run; the rest is then removed by the next one
    :raises Refused: another file system is mounted in there
    :raises StorageError: something cannot be removed
    """
    parent, name = os.path.split(path)
    with storage_errors(path), contextlib.suppress(FileNotFoundError), _opened(parent) as above:
        top = os.open(name, _FOLDER, dir_fd=above)
        try:
            while names := os.listdir(top):
                for each in names:
                    look()
                    _take(top, each, path)
        finally:
            os.close(top)
        os.rmdir(name, dir_fd=above)
        os.fsync(above)


def _take(top: int, name: str, path: str) -> None:
    """Remove one entry of ``top``. The folders in it are moved up: so any depth needs two open folders and no recursion."""
    if _unlinked(top, name):
        return
    try:
        inner = os.open(name, _FOLDER, dir_fd=top)
    except OSError as error:
        if error.errno in _CHANGED:
            return
        raise
    try:
        if os.fstat(inner).st_dev != os.fstat(top).st_dev:
            raise mounted([os.path.join(path, name)])
        for each in os.listdir(inner):
            if not _unlinked(inner, each):
                with _changing():
                    os.rename(each, f".mas-{os.urandom(8).hex()}", src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    with _changing():
        os.rmdir(name, dir_fd=top)


def _unlinked(folder: int, name: str) -> bool:
    """Whether it is gone now; not so a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        # POSIX has another word for it than Linux, and it may be a file that cannot be removed.
        if error.errno != errno.EISDIR:
            raise
        return False
    return True


@contextlib.contextmanager
def _changing() -> Iterator[None]:
    """A process of the application may be at work in there."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CHANGED:
            raise


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """A folder, from the root folder name by name: what became a link since the path was resolved is refused by the kernel."""
    handle = os.open("/", _FOLDER)
    try:
        for part in filter(None, path.split("/")):
            inner = os.open(part, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def remove_folder(path: str) -> bool:
    """Remove an empty folder; whether it is gone. A link is none."""
    with storage_errors(path):
        try:
            with _opened(os.path.dirname(path)) as above:
                os.rmdir(os.path.basename(path), dir_fd=above)
                os.fsync(above)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY):
                return False
            raise
    return True


def remove_file(path: str) -> None:
    """Remove a file or a link, which may be gone already."""
    parent, name = os.path.split(path)
    with storage_errors(path), contextlib.suppress(FileNotFoundError), _opened(parent) as above:
        os.unlink(name, dir_fd=above)
        os.fsync(above)


def mounts_in(path: str, mounts: str = _MOUNTS) -> list[str]:
    """Where other file systems, or folders of this one, are mounted at ``path`` or below it."""
    with open(mounts, encoding="utf-8", errors="surrogateescape") as stream:
        points = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split()[4]) for line in stream]
    return sorted({point for point in points if point == path or point.startswith(f"{path.rstrip('/')}/")})


def mounted(points: list[str]) -> Refused:
    """What to say of file systems that are mounted where all is to be removed."""
    return Refused(
        f"another file system is mounted at {', '.join(points)}, and what is on it is not removed",
        where="this host",
        fix="Unmount it, or keep shared: -e decommission_shared=keep. Then run the same command again.",
    )
