# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slots of an application as seen on its loopback ports."""

from __future__ import annotations

import errno
import re
import socket
import time

from ..lease import Moment
from ..manifest import Health

_LOOPBACK = "127.0.0.1"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r?\n")
#: A status line is not longer.
_LINE = 4096


def healthy(port: int, health: Health, timeout: float = 2.0) -> bool:
    """Whether one health request is answered as the manifest expects.

    Only the status line is read, as the proxy's own checks do. It is asked without http.client, which loads the
    mail package and TLS: 14 ms of each phase of a release.

    :param timeout: seconds for all of it
    """
    request = (
        f"GET {health.path} HTTP/1.1\r\nHost: {_LOOPBACK}:{port}\r\n"
        "User-Agent: mas.ops\r\nConnection: close\r\n\r\n"
    )
    deadline = time.monotonic() + timeout
    try:
        # Not create_connection: it looks the address up, and loads what international names need for that.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as line:
            line.settimeout(timeout)
            line.connect((_LOOPBACK, port))
            line.sendall(request.encode("ascii"))
            return _status(line, deadline) == health.expected
    except OSError:
        return False


def _status(line: socket.socket, deadline: float) -> int | None:
    """The status of the answer; ``None`` for what is no HTTP."""
    read = b""
    while b"\n" not in read and len(read) < _LINE:
        line.settimeout(max(0.001, deadline - time.monotonic()))
        more = line.recv(_LINE)
        if not more:
            break
        read += more
    found = _STATUS.match(read)
    return int(found[1]) if found else None


def port_taken(port: int) -> bool:
    """Whether some program listens where a stopped slot wants to."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        return False


class Clock:
    """The time, in one place so that nothing else has to ask for it."""

    @staticmethod
    def text() -> str:
        """Now in UTC, RFC 3339 with milliseconds."""
        moment = time.time()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03d}Z"

    @classmethod
    def moment(cls) -> Moment:
        """Now, on the clock that can be set and on the one that cannot."""
        with open(_BOOT_ID, encoding="ascii") as stream:
            boot = stream.read().strip()
        return Moment(cls.text(), time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))

    @staticmethod
    def seconds() -> float:
        """A clock that never goes back, for durations and deadlines."""
        return time.monotonic()

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)
