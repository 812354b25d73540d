# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redact secrets in the output of an application. Pure text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .environment_file import parse

#: A password within a URL or a list is a secret by itself.
_PARTS = re.compile(r"[^A-Za-z0-9._~+-]+")
#: What is shorter is a number or a switch; hiding it would hide everything.
_SHORTEST = 4
_HIDDEN = "***"
#: What the engine itself says to each process: no secret, and words of it ("blue") are in the names of units.
OURS = ("PORT", "MAS_SLOT", "MAS_SHARED")


def values(text: str) -> frozenset[str]:
    """All that must not be shown of an environment file: its values, their lines, and the words in them."""
    found: set[str] = set()
    for name, whole in parse(text).items():
        if name in OURS:
            continue
        for line in (whole, *whole.splitlines()):
            found.update((line.strip(), *_PARTS.split(line)))
    return frozenset(value for value in found if len(value) >= _SHORTEST)


def hide(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any of these; longer ones first, for they may hold shorter ones."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
