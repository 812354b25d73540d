# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packages a host has, from what dpkg-query prints. Pure text."""

from __future__ import annotations

#: Of each package a line: its state, its name, and the names that it provides as well.
FORMAT = "${db:Status-Status}\\t${Package}\\t${Provides}\\n"
_INSTALLED = "installed"


def available(text: str) -> frozenset[str]:
    """The names of what is installed, and what that provides: Debian 13 has libssl3t64, which provides libssl3."""
    found: set[str] = set()
    for line in text.splitlines():
        state, name, provides = (*line.split("\t", 2), "", "")[:3]
        if state == _INSTALLED:
            # Such as: libssl3 (= 3.5.1-1), python3:any.
            words = (word.split() for word in provides.split(","))
            found.update({name, *(word[0].partition(":")[0] for word in words if word)})
    return frozenset(found)
