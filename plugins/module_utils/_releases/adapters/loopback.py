# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slots of an application as seen on its loopback ports."""

from __future__ import annotations

import errno
import http.client
import socket
import time

from ..lease import Moment
from ..manifest import Health

_LOOPBACK = "127.0.0.1"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def healthy(port: int, health: Health, timeout: float = 2.0) -> bool:
    """Whether one health request is answered as the manifest expects."""
    line = http.client.HTTPConnection(_LOOPBACK, port, timeout=timeout)
    try:
        line.request("GET", health.path, headers={"User-Agent": "mas.ops", "Connection": "close"})
        return line.getresponse().status == health.expected
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


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
