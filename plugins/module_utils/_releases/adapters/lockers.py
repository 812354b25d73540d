# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes hold a lock file, as the kernel knows it."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ..health import printable

#: The columns of /proc/locks: kind, the id of the process, and the file.
_KIND, _PID, _INODE = 1, 4, 5


def lockers(path: str) -> set[int]:
    """The processes that locked the file. Those that wait for it are lines with an arrow."""
    inode = str(os.stat(path).st_ino)
    with open("/proc/locks", encoding="ascii") as stream:
        lines = [line.split() for line in stream]
    found: Any = (
        words[_PID]
        for words in lines
        if words[_KIND] == "FLOCK" and words[_INODE].rpartition(":")[2] == inode
    )
    return {int(pid) for pid in found if int(pid) > 0}


def holders(path: str) -> dict[int, str]:
    """Ids and names of all processes that keep the lock: a child has it from its parent, which may have ended since."""
    place = os.stat(path)
    found = {}
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        with contextlib.suppress(OSError):
            if any(_locks(pid, number, place) for number in os.listdir(f"/proc/{pid}/fd")):
                # The name was chosen by the user who runs it.
                found[pid] = printable(_text(f"/proc/{pid}/comm").encode())
    return found


def _locks(pid: int, number: str, place: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        if os.path.samestat(os.stat(f"/proc/{pid}/fd/{number}"), place):
            return "FLOCK" in _text(f"/proc/{pid}/fdinfo/{number}")
    return False


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
