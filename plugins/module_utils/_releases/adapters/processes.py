# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel says about one process, see proc_pid_stat(5)."""

from __future__ import annotations

#: Stopped by a signal, or by a debugger.
_STANDS_STILL = ("T", "t")
_STATE, _BEGAN = 0, 19


def began(pid: int) -> str:
    """When it was started, in ticks since the boot.

    :raises OSError: there is no such process
    """
    return _stat(pid)[_BEGAN]


def stands_still(pid: int) -> bool:
    """Whether it was stopped (SIGSTOP), and does nothing until a signal lets it go on. One that has ended does not."""
    try:
        return _stat(pid)[_STATE] in _STANDS_STILL
    except OSError:
        return False


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold spaces and brackets."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        return stream.read().rpartition(")")[2].split()
