"""A deploy in the background, whose output is followed, and which can be killed with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time

from ansible_collections.mas.ops.plugins.plugin_utils.adapters.parent_death import descendants


class NeverReached(Exception):
    """The command ended, or took too long, before it came to the point."""


class Controller:
    """One run of ansible-playbook."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def wait_for_line(self, start: str, count: int, seconds: float) -> float:
        """Wait until ``count`` lines begin with ``start``; when that was, on the monotonic clock."""
        with self._news:
            reached = self._news.wait_for(lambda: self._count(start) >= count or self._ended(), seconds)
            if not reached or self._count(start) < count:
                raise NeverReached(f"'{start}' was not printed {count} times:\n{self.output}")
        return time.monotonic()

    def _count(self, start: str) -> int:
        return sum(line.startswith(start) for line in self._lines)

    def _ended(self) -> bool:
        return not self._reader.is_alive()

    def wait(self, seconds: float) -> int:
        """Its exit status, once all is printed."""
        status = self._process.wait(seconds)
        self._reader.join(seconds)
        return status

    def signal_group(self, number: int) -> None:
        os.killpg(self._process.pid, number)

    def kill_main(self) -> None:
        self._process.kill()
        # What it started may hold its output open a little longer.
        self._process.wait(30)

    def kill(self) -> None:
        """As if the controller's machine lost its power: Ansible's workers have sessions of their own, so it is the
        tree that is killed. What is shared by all runs (ssh's open connections) stays."""
        tree = [self._process.pid, *descendants(self._process.pid)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in tree:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
        self.wait(30)
