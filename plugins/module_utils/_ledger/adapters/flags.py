# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file attribute of ``chattr +a``: the kernel lets no process change or remove what was written.

It guards against accidents and careless programs. Who may change attributes (root with
CAP_LINUX_IMMUTABLE) may take it off, so the hash chain is still what proves.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator

# <linux/fs.h>: _IOR('f', 1, long) and _IOW('f', 2, long), though what is read and written is an int.
# Machines that number their ioctls otherwise (ppc64el, mips) say ENOTTY, which counts as "has no attributes".
_LONG = struct.calcsize("l")
_GET = 2 << 30 | _LONG << 16 | ord("f") << 8 | 1
_SET = 1 << 30 | _LONG << 16 | ord("f") << 8 | 2
_APPEND_ONLY = 0x20


def is_append_only(handle: int) -> bool | None:
    """Whether an open file has the attribute; ``None`` where the file system has none."""
    flags = _flags(handle)
    return None if flags is None else bool(flags & _APPEND_ONLY)


def set_append_only(handle: int, wanted: bool) -> bool:
    """Give an open file the attribute or take it away; whether the file system let us."""
    flags = _flags(handle)
    if flags is None:
        return False
    changed = flags | _APPEND_ONLY if wanted else flags & ~_APPEND_ONLY
    if changed != flags:
        try:
            fcntl.ioctl(handle, _SET, struct.pack("i", changed).ljust(_LONG, b"\0"))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def lifted(handle: int) -> Iterator[None]:
    """Without the attribute for a moment. Who calls this holds the ledger's lock.

    A crash in here leaves the file without it; the next append sets it again.
    """
    had = is_append_only(handle)
    if had:
        set_append_only(handle, False)
    try:
        yield
    finally:
        if had:
            set_append_only(handle, True)


def remove(path: str) -> None:
    """Unlink a file that may be append-only."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        set_append_only(handle, False)
        os.unlink(path)
    finally:
        os.close(handle)


def _flags(handle: int) -> int | None:
    try:
        answer = fcntl.ioctl(handle, _GET, bytes(_LONG))
    except OSError:
        return None
    return int(struct.unpack_from("i", answer)[0])
