# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines that stay at the bottom of a terminal while everything else scrolls by above them.

No alternate screen and no hidden cursor: whatever ends the program, the terminal is as it was.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..screen import Style

#: Seconds between two pictures: when nothing happens, and when much does.
TICK = 0.5
SOONEST = 0.1


def is_live(environment: Mapping[str, str]) -> bool:
    """Whether lines can be redrawn here: a terminal that a person looks at."""
    plain = any(environment.get(name) for name in ("NO_COLOR", "CI")) or environment.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def style() -> Style:
    """What the terminal can do now; it may be resized at any time."""
    size = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Style(width=size.columns, height=size.lines, unicode=encoding.startswith("utf"))


class LiveArea:
    """The lines at the bottom.

    :param lines: makes them; called from a thread of its own as well, and always under ``lock``
    :param lock: the display's own, which Ansible holds while it forks, so that no other thread does
    """

    def __init__(self, lines: Callable[[], list[str]], lock: Any) -> None:
        self._lines = lines
        self._lock = lock
        self._drawn = 0
        self._drawn_at = 0.0
        self._process = os.getpid()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="mas.ops.progress", daemon=True)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        """Leave the last picture where it is."""
        if not self._over.is_set():
            self._over.set()
            self.draw()
            self._drawn = 0

    def touch(self) -> None:
        """Something changed: show it now, or with the next picture when the last one is hardly seen yet."""
        if time.monotonic() - self._drawn_at >= SOONEST:
            self.draw()

    def draw(self) -> None:
        """Replace the lines by what they are now."""
        with self._lock:
            lines = self._lines()
            self._write(self._up() + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
            self._drawn, self._drawn_at = len(lines), time.monotonic()

    def above(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose output comes above the lines."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            # A worker's output goes to the main process, which comes by here again.
            if os.getpid() != self._process or self._over.is_set():
                return write(*args, **kwargs)
            with self._lock:
                # Line by line: to erase all from the first line on is taken for an end of the picture by tmux, which
                # then keeps it in its history.
                self._write(self._up() + "\x1b[2K\n" * self._drawn + self._up())
                self._drawn = 0
                result = write(*args, **kwargs)
                sys.stdout.flush()
                sys.stderr.flush()
                self.draw()
            return result

        return wrapped

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._lock:
                # It may have ended while this waited for the lock.
                if not self._over.is_set():
                    self.draw()

    def _up(self) -> str:
        return f"\x1b[{self._drawn}A\r" if self._drawn else "\r"

    @staticmethod
    def _write(text: str) -> None:
        """Past Python's buffers; a terminal that went away is no reason to stop a deploy."""
        data = text.encode(sys.stdout.encoding or "utf-8", "replace")
        with suppress(OSError):
            while data:
                data = data[os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, data) :]
