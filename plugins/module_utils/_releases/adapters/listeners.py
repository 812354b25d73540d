# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on the ports of this host, from the kernel."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Iterator

from ..health import printable
from ..sockets import (
    Listener,
    Ownership,
    from_answer,
    from_table,
    inode,
    listening,
    listening_to_all,
    request,
    slice_of,
    unit_of,
)

_LOOPBACK = "127.0.0.1"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
#: Where systemd's tree of control groups is; the second one on hosts with both kinds.
_CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
_SYSTEMD = 1
#: From linux/netlink.h.
_SOCK_DIAG = 4
_SECONDS = 2.0


def port_taken(port: int) -> bool:
    """Whether some program listens where a stopped slot wants to."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        return False


def ownership(port: int, unit: str, by_systemd: bool = False) -> Ownership:
    """Whether ``unit`` listens on its port, and nothing else does.

    :param by_systemd: systemd itself holds the socket and hands it to the unit
    """
    sockets = listeners()
    wanted = listening(sockets, port)
    if not wanted:
        # A socket of IPv4 gets all that comes to 127.0.0.1; then a socket of IPv6 does no harm, whichever process has it.
        wanted = listening_to_all(sockets, port)
        if wanted and not port_taken(port):
            # It wants IPv6 only.
            return Ownership(False)
    if not wanted:
        return Ownership(False)
    pids = [_SYSTEMD] if by_systemd else []
    left = _not_held(wanted, [*pids, *members(unit)])
    return Ownership(left != wanted, _who(left) if left else "")


def listeners() -> list[Listener]:
    """All sockets of TCP that listen. A kernel need not have sock_diag(7); then its tables are read."""
    try:
        return [*_asked(socket.AF_INET), *_asked(socket.AF_INET6)]
    except OSError:
        return [found for table in _TABLES for found in from_table(_read(table))]


def holders_of(ports: Iterable[int]) -> Iterator[tuple[int, int, str, str]]:
    """Who listens on these ports, on any address: port, process, program and unit. The process is 0 where none is seen."""
    asked = set(ports)
    left = {number: port for _address, port, number in listeners() if port in asked}
    held: set[int] = set()
    for pid in _processes() if left else ():
        own = left.keys() & set(_sockets(pid))
        held |= own
        for port in sorted({left[number] for number in own}):
            yield port, pid, _program(pid), unit_of(_read(f"/proc/{pid}/cgroup"))
    for port in sorted({left[number] for number in left.keys() - held}):
        yield port, 0, "", ""


def _asked(family: int) -> list[Listener]:
    found: list[Listener] = []
    ended = False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as line:
        line.settimeout(_SECONDS)
        line.send(request(family))
        while not ended:
            # No part is larger.
            part, ended = from_answer(line.recv(1 << 16), socket.AF_INET)
            found += part
    return found


def _not_held(inodes: Iterable[int], pids: Iterable[int]) -> set[int]:
    """The sockets that none of these processes holds. A look at one process costs more than a look at one table."""
    left = set(inodes)
    for pid in pids:
        if not left:
            break
        left -= set(_sockets(pid))
    return left


def _sockets(pid: int) -> Iterator[int]:
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                found = inode(os.readlink(os.path.join(folder, name)))
                if found is not None:
                    yield found


def members(unit: str) -> list[int]:
    """The processes of a unit, oldest first."""
    if not unit:
        return []
    for root in _CGROUPS:
        top = os.path.join(root, slice_of(unit), unit)
        if os.path.isdir(top):
            texts = [_read(os.path.join(folder, "cgroup.procs")) for folder, dummy, dummy in os.walk(top)]
            return sorted(int(word) for text in texts for word in text.split())
    # In a slice of its own.
    return [pid for pid in _processes() if unit_of(_read(f"/proc/{pid}/cgroup")) == unit]


def _processes() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _who(inodes: set[int]) -> str:
    """Who holds these sockets, in words. All processes are looked at: this is for an error only."""
    for pid in _processes():
        if not inodes.isdisjoint(_sockets(pid)):
            return _described(pid)
    return "a program that this host does not show"


def _described(pid: int) -> str:
    import pwd  # noqa: PLC0415 - for an error only

    program = _program(pid)
    user = ""
    with contextlib.suppress(OSError, KeyError):
        number = os.stat(f"/proc/{pid}").st_uid
        user = f"user {number}"
        user = f"user {pwd.getpwuid(number).pw_name}"
    unit = unit_of(_read(f"/proc/{pid}/cgroup"))
    parts = [f"pid {pid}", user, f"unit {unit}" if unit else ""]
    return f"{program} ({', '.join(part for part in parts if part)})"


def _program(pid: int) -> str:
    # The name was chosen by the user who runs it.
    return printable(_read(f"/proc/{pid}/comm").encode()) or "a program"


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
    return ""
