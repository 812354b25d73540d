# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on a port, from what the kernel says about sockets. Pure text and bytes.

A health check is answered by whoever listens. Only when that is the unit of the slot does the answer mean anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

_LISTEN = "0A"
#: From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h; see sock_diag(7).
_BY_FAMILY, _REQUEST_ALL, _ERROR, _DONE = 20, 0x301, 2, 3
_TCP, _LISTENING = 6, 1 << 10
_HEADER = struct.Struct("=LHHLL")
#: Family and protocol; all states that are wanted; then which socket, of which nothing is said.
_ASKED = struct.Struct("=BBxxL48x")
#: Family; the port in the order of the network; the address; the inode.
_SOCKET = struct.Struct("=Bxxx2s2x16s44xL")
#: Addresses at which the proxy, which connects to 127.0.0.1, can meet a listener.
_FOUR = (bytes(4), b"\x7f\x00\x00\x01")
_MET = frozenset({*_FOUR, *(bytes(10) + b"\xff\xff" + address for address in _FOUR)})
#: All of IPv6, and of IPv4 as well, unless the program wants IPv6 only, which the kernel's tables do not show.
_ALL_OF_IPV6 = bytes(16)


@dataclass(frozen=True)
class Ownership:
    """``own``: the unit listens on its port. ``stranger``: who else does, in words; empty when no other program does."""

    own: bool
    stranger: str = ""

    @property
    def good(self) -> bool:
        return self.own and not self.stranger


#: A socket that takes connections: its address, 4 or 16 bytes; its port; its inode.
Listener = tuple[bytes, int, int]


def listening(sockets: Iterable[Listener], port: int) -> frozenset[int]:
    """The inodes of the sockets that take connections to 127.0.0.1 on ``port``."""
    return _listening(sockets, port, _MET)


def listening_to_all(sockets: Iterable[Listener], port: int) -> frozenset[int]:
    """The inodes of the sockets that listen on all of IPv6, and get what comes to 127.0.0.1 where no other one does."""
    return _listening(sockets, port, frozenset({_ALL_OF_IPV6}))


def _listening(sockets: Iterable[Listener], port: int, addresses: frozenset[bytes]) -> frozenset[int]:
    return frozenset(number for address, found, number in sockets if found == port and address in addresses)


def request(family: int) -> bytes:
    """Ask the kernel for all sockets of TCP that listen.

    ``/proc/net/tcp`` holds all connections as well: reading it takes a millisecond on an idle host and many on a busy one.

    :param family: ``socket.AF_INET`` or ``socket.AF_INET6``
    """
    asked = _ASKED.pack(family, _TCP, _LISTENING)
    return _HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST_ALL, 0, 0) + asked


def from_answer(data: bytes, four: int) -> tuple[list[Listener], bool]:
    """One part of the kernel's answer to :func:`request`; and whether it was the last one.

    :param four: the number of the family whose addresses are 4 bytes
    :raises OSError: the kernel cannot say it, or not as it is known here
    """
    found: list[Listener] = []
    start = 0
    while start < len(data):
        try:
            length, kind, _flags, _number, _sender = _HEADER.unpack_from(data, start)
            if kind == _DONE:
                return found, True
            if kind == _ERROR or length < _HEADER.size:
                raise OSError("the kernel does not list its sockets")
            family, port, address, held = _SOCKET.unpack_from(data, start + _HEADER.size)
        except struct.error as error:
            raise OSError(f"the kernel's answer is incomplete: {error}") from error
        found.append((address[:4] if family == four else address, int.from_bytes(port, "big"), held))
        # They are aligned to four bytes.
        start += (length + 3) & ~3
    return found, False


def from_table(text: str) -> list[Listener]:
    """The same from the text of ``/proc/net/tcp`` or ``/proc/net/tcp6``."""
    found = []
    for line in text.splitlines()[1:]:
        # A busy host has tens of thousands of lines.
        words = line.split() if f" {_LISTEN} " in line else []
        if len(words) >= 10 and words[3] == _LISTEN:
            address, _colon, port = words[1].partition(":")
            found.append((_address(address), int(port, 16), int(words[9])))
    return found


def _address(digits: str) -> bytes:
    """The kernel prints each 32 bits of an address as a number of the machine's own byte order."""
    return b"".join(
        struct.pack("=I", int(digits[start : start + 8], 16)) for start in range(0, len(digits), 8)
    )


def inode(link: str) -> int | None:
    """The socket that a link in ``/proc/PID/fd`` means."""
    number = link[len("socket:[") : -1]
    return int(number) if link.startswith("socket:[") and number.isdigit() else None


def unit_of(text: str) -> str:
    """The unit of a process from its ``/proc/PID/cgroup``, or an empty string."""
    for line in text.splitlines():
        # With the old hierarchies of cgroups too, systemd's own says it.
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" or controllers == "name=systemd":
            units = [part for part in path.split("/") if part.endswith((".service", ".scope", ".socket"))]
            if units:
                return units[-1]
    return ""


def slice_of(unit: str) -> str:
    """The folder below systemd's root of cgroups in which a system unit runs unless it says otherwise."""
    template, found, _instance = unit.partition("@")
    if not found:
        return "system.slice"
    escaped = "".join(char if char.isalnum() or char in ":_." else f"\\x{ord(char):02x}" for char in template)
    return f"system.slice/system-{escaped}.slice"
