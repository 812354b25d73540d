# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resident: a process that has this code loaded, and makes each call in a process of its own.

systemd starts it when somebody knocks (socket activation) and it goes when nobody has for a while, so that a host on
which nothing changes runs nothing of ours. Each call is a fork: it sees nothing of another one, and can be killed as
any process that makes a call by itself. It makes nothing possible that was not: only root can knock.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import traceback
from collections.abc import Callable

from .door import TAKEN

#: The first file that systemd hands over, see sd_listen_fds(3).
_HANDED = 3
#: Seconds after the last call; the next phase of a deploy comes sooner, and so does a rollback of what it broke.
_IDLE = 900.0
#: Seconds between two looks at the calls that are being made.
_LOOK = 1.0
#: Exit status of a call that was meant for other code.
_OTHER_CODE = 3

#: Makes a call with the text that it was given, and returns its answer.
Make = Callable[[str, bytes], bytes]


def serve(make: Make, digest: str, listener: socket.socket | None = None, idle: float = _IDLE) -> int:
    """Answer calls until nobody came for ``idle`` seconds, or somebody came for other code than this.

    :param digest: which code this is
    """
    listener = listener or socket.socket(fileno=_HANDED)
    calls: set[int] = set()
    quiet, stale = 0.0, False
    while calls or (quiet < idle and not stale):
        # While it waits only for calls that it began, it sends everybody else away at once.
        wait = _LOOK if calls else idle - quiet
        if select.select([listener], [], [], wait)[0]:
            calls |= _taken(listener, make, digest, stale)
            quiet = 0.0
        elif not calls:
            quiet += wait
        ended = _ended(calls)
        stale = stale or _OTHER_CODE in ended.values()
        calls -= ended.keys()
    return 0


def _taken(listener: socket.socket, make: Make, digest: str, stale: bool) -> set[int]:
    """The process of one call more; none where it could not be made, or newer code waits for this to go.

    Whoever called then does it without us: a host that is out of processes must not lose the calls being made.
    """
    with contextlib.suppress(OSError):
        line = listener.accept()[0]
        with contextlib.closing(line):
            return set() if stale else {_forked(line, listener, make, digest)}
    return set()


def _ended(calls: set[int]) -> dict[int, int]:
    """The exit status of each call that has ended."""
    seen = {pid: os.waitpid(pid, os.WNOHANG) for pid in calls}
    return {pid: os.waitstatus_to_exitcode(status) for pid, (gone, status) in seen.items() if gone}


def _forked(line: socket.socket, listener: socket.socket, make: Make, digest: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        listener.close()
        status = _answer(line, make, digest)
    except BaseException:  # noqa: BLE001 - what is raised here must never go on in the parent's loop
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _answer(line: socket.socket, make: Make, digest: str) -> int:
    """One call. What nobody foresaw is told to whoever called, as a process of its own would print it."""
    data = b"".join(iter(lambda: line.recv(1 << 16), b""))
    size, dummy, rest = data.partition(b" ")
    if not size.isdigit():
        return 0
    call, code, *environment = rest[: int(size)].split(b"\0")
    if code.decode() != digest:
        return _OTHER_CODE
    os.environb.clear()
    os.environb.update(pair.partition(b"=")[::2] for pair in environment)
    line.sendall(TAKEN)
    try:
        answer = make(call.decode(), rest[int(size) :])
    except Exception:  # noqa: BLE001
        answer = traceback.format_exc().encode()
    # Whoever called may be gone. Its next command continues what was begun, or finds it done.
    with contextlib.suppress(ConnectionError):
        line.sendall(answer)
    return 0
