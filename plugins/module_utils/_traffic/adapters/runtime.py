# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtime API of HAProxy: commands and answers over its socket."""

from __future__ import annotations

import re
import socket
import time

from ..._core.clock import MonotonicClock
from ..._core.errors import TrafficError

_TIMEOUT = 5.0
_POLL = 0.1
#: How long a restart of the proxy may take before it counts as stopped.
_RESTART = 3.0
#: Every server of every proxy: by name alone, a frontend of the same name would be meant.
STAT = "show stat -1 4 -1"
HEAD = "# pxname,"
_LIFE = re.compile(r"^(?:Pid|Start_time_sec): ([0-9]+)$", re.MULTILINE)


class UninterruptedClock:
    """For callers that nothing has to interrupt."""

    seconds = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class Runtime:
    """
    :param path: the socket, with level admin
    :param clock: every wait goes through it
    """

    def __init__(self, path: str, clock: MonotonicClock) -> None:
        self.path = path
        self.clock = clock

    def ask(self, command: str) -> str:
        """The answer to ``command``; all commands that this is used for may be asked again after a restart.

        :raises TrafficError: it does not answer
        """
        deadline = self.clock.seconds() + _RESTART
        while True:
            try:
                answer = self._exchange(command)
                break
            except OSError as error:
                restarts = isinstance(error, (ConnectionError, FileNotFoundError))
                if not restarts or self.clock.seconds() > deadline:
                    raise self._silent(error) from error
                self.clock.sleep(_POLL)
        return answer

    def order(self, command: str) -> None:
        """A command that answers nothing when it is obeyed.

        :raises TrafficError: it was refused
        """
        answer = self.ask(command).strip()
        if answer:
            raise TrafficError(
                f"the proxy refused: {answer}",
                where=self.path,
                fix="Write its configuration again with mas.ops.provision.",
            )

    def _exchange(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_TIMEOUT)
            line.connect(self.path)
            line.sendall(command.encode() + b"\n")
            # What a checked server said is in there too, in any bytes it likes.
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode(errors="replace")
        if command.endswith(STAT) and not (HEAD in answer and answer.endswith("\n\n")):
            raise ConnectionResetError("it broke off in the middle of its answer")
        return answer

    def _silent(self, error: OSError) -> TrafficError:
        denied = isinstance(error, PermissionError)
        return TrafficError(
            "only root may send commands to the proxy"
            if denied
            else f"the proxy does not answer: {error.strerror or error}",
            where=self.path,
            fix="Set become: true."
            if denied
            else "Run `systemctl restart haproxy`, which also restores a lost socket, or install it with "
            "mas.ops.provision.",
        )


def life(text: str) -> str:
    """What identifies one process of the proxy, from its answer to ``show info``."""
    return "-".join(_LIFE.findall(text))


def began(text: str) -> float:
    """When the process that answers began, in seconds since 1970, from its answer to ``show info``."""
    found = re.search(r"^Start_time_sec: ([0-9]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
