# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take the lock of an application on this host; where the run at work may be ended, end it first."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from ..._core.errors import StorageError
from ..._core.files import exclusive, held_by_another, write_json
from ..layout import Layout
from ..lease import Claim, refuse_overtaken
from ..preemption import GRACE, EndRequest, Holder, may_end, parse_holder, patience
from .attention import Attention
from .folders import Folders

_POLL = 0.1
#: Seconds for a killed process to be gone. The kernel lets it finish a write to a disk first.
_DIES = 30.0
#: What a run starts beside itself, which outlives its process.
_MIGRATIONS = "{}-migration@*.service"
#: The columns of /proc/locks: kind, and the id of the process.
_KIND, _PID, _INODE = 1, 4, 5


def end_request(layout: Layout) -> str:
    """The file beside the lock in which a run is requested to end."""
    return f"{layout.lock}.end"


def this_process(wanted: Claim) -> Holder:
    """What the lock file says about the process that makes ``wanted``."""
    pid = os.getpid()
    return Holder(pid, _began(pid), wanted.run, wanted.owner, wanted.operation, wanted.returns)


@contextlib.contextmanager
def hold(layout: Layout, wanted: Claim, attention: Attention, ends: bool = True) -> Iterator[None]:
    """Hold the lock of the application.

    :param ends: the run at work is ended where ``wanted`` may do that, and not only waited for
    :raises Overtaken: another run has gone on since ``wanted`` got its token
    :raises Busy: a run that may not be ended is still at work
    """
    said = json.dumps(this_process(wanted).to_dict()).encode()
    with exclusive(layout.lock, wait=_Waiting(layout, wanted, attention, ends), said=said):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(end_request(layout))
        yield


class _Waiting:
    """What is done while another process holds the lock."""

    def __init__(self, layout: Layout, wanted: Claim, attention: Attention, ends: bool) -> None:
        self._layout = layout
        self._wanted = wanted
        self._attention = attention
        self._ends = ends
        self._asked: Holder | None = None
        self._since = 0.0

    def __call__(self, waited: float) -> None:
        refuse_overtaken(Folders(self._layout).lease(), self._wanted)
        holder = self._holder()
        if not self._ends or not may_end(holder, self._wanted):
            if waited > (patience(holder, self._wanted) if self._ends else 0.0):
                raise held_by_another(self._layout.lock, str(holder))
        elif holder != self._asked:
            self._ask(holder)
        elif time.monotonic() - self._since > _DIES:
            raise held_by_another(self._layout.lock, str(holder))
        elif time.monotonic() - self._since > GRACE:
            self._kill(holder)
        self._attention.sleep(_POLL)

    def _holder(self) -> Holder:
        try:
            with open(self._layout.lock, encoding="utf-8") as stream:
                return parse_holder(json.load(stream))
        except (OSError, ValueError):
            return Holder()

    def _ask(self, holder: Holder) -> None:
        wanted = self._wanted
        request = EndRequest(
            holder.pid,
            holder.began,
            wanted.run,
            wanted.owner,
            wanted.words,
            self._attention.text(),
            wanted.take_over,
        )
        # On a full disk it is not asked, only killed.
        with contextlib.suppress(StorageError):
            write_json(end_request(self._layout), request.to_dict(), mode=0o640)
        self._asked, self._since = holder, time.monotonic()

    def _kill(self, holder: Holder) -> None:
        """The process that holds the lock, stopped or not, and what it started beside itself."""
        for pid in _lockers(self._layout.lock):
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(pid)
                try:
                    # Only now does the number surely mean the process that was found.
                    if pid in _lockers(self._layout.lock) and holder.pid in (0, pid):
                        signal.pidfd_send_signal(process, signal.SIGKILL)
                finally:
                    os.close(process)
        units = _MIGRATIONS.format(self._layout.app.name)
        command = ["systemctl", "kill", "--signal=SIGKILL", "--", units]
        subprocess.run(command, capture_output=True, timeout=10, check=False)


def _lockers(path: str) -> set[int]:
    """The processes that hold the lock file, by the kernel. Those that wait for it are lines with an arrow."""
    inode = str(os.stat(path).st_ino)
    with open("/proc/locks", encoding="ascii") as stream:
        lines = [line.split() for line in stream]
    found: Any = (
        words[_PID]
        for words in lines
        if words[_KIND] == "FLOCK" and words[_INODE].rpartition(":")[2] == inode
    )
    return {int(pid) for pid in found if int(pid) > 0}


def _began(pid: int) -> str:
    """Field 22 of proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        return stream.read().rpartition(")")[2].split()[19]
