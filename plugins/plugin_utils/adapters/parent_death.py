# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End a worker of Ansible, and what it started, when ansible-playbook is gone.

Workers have sessions of their own: when ansible-playbook is killed they go on, hold the connection to their host, and the
host cannot know that no process is left that would read its answer or take the next step.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

#: Seconds between two looks.
_LOOK = 0.5


@contextlib.contextmanager
def end_with_parent() -> Iterator[None]:
    """While this lasts, the end of the parent process is the end of this one and of all that it started."""
    done = threading.Event()
    threading.Thread(target=_watch, args=(os.getppid(), done), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _watch(parent: int, done: threading.Event) -> None:
    while not done.wait(_LOOK):
        if os.getppid() != parent:
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os._exit(1)


def descendants(root: int) -> list[int]:
    """The processes that ``root`` started, and those that these started; none on a controller without /proc."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
