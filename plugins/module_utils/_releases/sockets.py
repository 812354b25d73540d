# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who listens on a port, from what the kernel says about sockets. Pure text.

A health check is answered by whoever listens. Only when that is the unit of the slot does the answer mean anything.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_LISTEN = "0A"
#: Addresses at which the proxy, which connects to 127.0.0.1, can meet a listener.
_MET = frozenset({b"\x00\x00\x00\x00", b"\x7f\x00\x00\x01", bytes(10) + b"\xff\xff\x7f\x00\x00\x01"})
#: All of IPv6, and of IPv4 as well, unless the program wants IPv6 only, which the kernel's tables do not show.
_ALL_OF_IPV6 = bytes(16)


@dataclass(frozen=True)
class Ownership:
    """``own``: the unit listens on its port. ``stranger``: who else does, in words; empty when nobody else does."""

    own: bool
    stranger: str = ""

    @property
    def good(self) -> bool:
        return self.own and not self.stranger


def listening(text: str, port: int) -> frozenset[int]:
    """The inodes of the sockets that take connections to 127.0.0.1 on ``port``.

    :param text: of ``/proc/net/tcp`` or ``/proc/net/tcp6``
    """
    return _listening(text, port, _MET)


def listening_to_all(text: str, port: int) -> frozenset[int]:
    """The inodes of the sockets that listen on all of IPv6, and get what comes to 127.0.0.1 where no other one does.

    :param text: of ``/proc/net/tcp6``
    """
    return _listening(text, port, frozenset({_ALL_OF_IPV6}))


def _listening(text: str, port: int, addresses: frozenset[bytes]) -> frozenset[int]:
    found = set()
    suffix = f":{port:04X}"
    for line in text.splitlines()[1:]:
        # A busy host has tens of thousands of lines.
        if f"{suffix} " not in line or f" {_LISTEN} " not in line:
            continue
        words = line.split()
        if len(words) < 10 or words[3] != _LISTEN or not words[1].endswith(suffix):
            continue
        if _address(words[1].partition(":")[0]) in addresses:
            found.add(int(words[9]))
    return frozenset(found)


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
