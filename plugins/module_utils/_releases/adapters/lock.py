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

from ..._core.errors import Busy, StorageError
from ..._core.files import exclusive, held_by_another, read_regular, replace_lock, set_aside, write_json
from ..layout import THIS_APPLICATION, Layout
from ..lease import Claim, refuse_overtaken
from ..preemption import GRACE, PATIENCE, EndRequest, Holder, may_end, parse_holder, patience
from .folders import Folders
from .interruptible_clock import InterruptibleClock
from .lockers import holders, lockers
from .processes import began, stands_still

_POLL = 0.1
#: Seconds for a killed process to be gone. The kernel lets it finish a write to a disk first.
_DIES = 30.0
#: What a run starts beside itself, which outlives its process.
_MIGRATIONS = "{}-migration@*.service"


def end_request(layout: Layout) -> str:
    """The file beside the lock in which a run is requested to end."""
    return f"{layout.lock}.end"


def this_process(wanted: Claim) -> Holder:
    """What the lock file says about the process that makes ``wanted``."""
    pid = os.getpid()
    return Holder(pid, began(pid), wanted.run, wanted.owner, wanted.operation, wanted.returns)


@contextlib.contextmanager
def hold(layout: Layout, wanted: Claim, clock: InterruptibleClock, ends: bool = True) -> Iterator[list[str]]:
    """Hold the lock of the application.

    :param ends: the run at work is ended where ``wanted`` may do that, and not only waited for
    :returns: what was in the way and was set aside, in sentences
    :raises Overtaken: another run has changed this host since ``wanted`` got its token
    :raises Busy: a run that may not be ended is still at work
    """
    said = json.dumps(this_process(wanted).to_dict()).encode()
    waiting = _Waiting(layout, wanted, clock, ends)
    with exclusive(layout.lock, wait=waiting, said=said, subject=THIS_APPLICATION) as kept:
        aside = [f"{layout.lock} was not a file. It was set aside as {name}." for name in kept]
        yield [*aside, *waiting.messages, *_forget_request(layout)]


def _forget_request(layout: Layout) -> list[str]:
    path = end_request(layout)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return []
    except OSError:
        return [f"{path} was not a file. It was set aside as {set_aside(path)}."]
    return []


class _Waiting:
    """What is done while another process holds the lock. ``messages``: what was set aside."""

    def __init__(self, layout: Layout, wanted: Claim, clock: InterruptibleClock, ends: bool) -> None:
        self.messages: list[str] = []
        self._layout = layout
        self._wanted = wanted
        self._clock = clock
        self._ends = ends
        self._asked: Holder | None = None
        self._since = 0.0
        #: A process that holds the lock and is no run of ours, and since when it was seen.
        self._stranger: frozenset[int] | None = None
        self._seen = 0.0

    def __call__(self, waited: float) -> None:
        refuse_overtaken(Folders(self._layout).lease(), self._wanted)
        holder = self._holder()
        if self._held_by_stranger(holder):
            self._meet_stranger(waited)
        elif not self._ends or not self._may_end(holder):
            if waited > (patience(holder, self._wanted) if self._ends else 0.0):
                raise held_by_another(self._layout.lock, THIS_APPLICATION, str(holder))
        elif holder != self._asked:
            self._ask(holder)
        elif time.monotonic() - self._since > _DIES:
            raise held_by_another(self._layout.lock, THIS_APPLICATION, str(holder))
        elif time.monotonic() - self._since > GRACE:
            self._kill(holder)
        self._clock.sleep(_POLL)

    def _may_end(self, holder: Holder) -> bool:
        """Another way back is not ended, unless it was stopped: then it would never end."""
        hangs = self._wanted.returns and stands_still(holder.pid)
        return hangs or may_end(holder, self._wanted)

    def _held_by_stranger(self, holder: Holder) -> bool:
        """Whether a process holds the lock that is not the one that the file names, and not just for a moment.

        A run of ours writes itself into the file at once, and what does not (the module traffic) is seen by the kernel.
        A child that outlived the process that took the lock is not.
        """
        found = frozenset(lockers(self._layout.lock))
        if holder.pid in found or (found and not holder.pid):
            self._stranger = None
        elif found != self._stranger:
            self._stranger, self._seen = found, time.monotonic()
        return self._stranger is not None and time.monotonic() - self._seen > GRACE

    def _meet_stranger(self, waited: float) -> None:
        """Nothing is known of what it does, so it is not ended; a way back leaves it the file that it holds.

        It cannot be at work on an application: all that changes one writes itself into the file.
        """
        path = self._layout.lock
        inode, who = os.lstat(path).st_ino, holders(path)
        words = ", ".join(f"{name} (pid {pid})" for pid, name in sorted(who.items()))
        held = f"held by {words or 'a process that this host does not show'}, which is no run of mas.ops"
        if self._ends and (self._wanted.returns or self._wanted.force_unlock):
            kept = replace_lock(path, inode)
            if kept:
                self.messages.append(f"{path} was {held}. It was set aside as {kept}, and a new one made.")
        elif waited > (PATIENCE if self._ends else 0.0):
            fix = f"End it there (kill {' '.join(map(str, sorted(who)))})" if who else "Boot the host"
            raise Busy(
                f"the lock of the application is {held}",
                where=path,
                fix=f"{fix}, then run the same command again. A rollback does not wait for it.",
            )

    def _holder(self) -> Holder:
        try:
            return parse_holder(json.loads(read_regular(self._layout.lock)))
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
            self._clock.text(),
            wanted.force_unlock,
        )
        # On a full disk it is not asked, only killed.
        with contextlib.suppress(StorageError):
            self.messages += _forget_request(self._layout)
            write_json(end_request(self._layout), request.to_dict(), mode=0o640)
        self._asked, self._since = holder, time.monotonic()

    def _kill(self, holder: Holder) -> None:
        """The process that holds the lock, stopped or not, and what it started beside itself."""
        for pid in lockers(self._layout.lock):
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(pid)
                try:
                    # Only now does the number surely mean the process that was found.
                    if pid in lockers(self._layout.lock) and holder.pid in (0, pid):
                        signal.pidfd_send_signal(process, signal.SIGKILL)
                finally:
                    os.close(process)
        units = _MIGRATIONS.format(self._layout.app.name)
        command = ["systemctl", "kill", "--signal=SIGKILL", "--", units]
        subprocess.run(command, capture_output=True, timeout=10, check=False)
