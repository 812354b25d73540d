# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy checks each slot: what it reads at a start, and how that changes. Pure text and numbers.

Path and Host header are kept by slot in map files, which the proxy reads at a start and takes at run time as well. Which
answers are good and how long one may take is the same for both slots: HAProxy fixes these when it reads its configuration.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from .split import SLOTS, prefix

_LINE = re.compile(r"^\s*setenv\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)
_LISTED = re.compile(r"^0x[0-9a-f]+ (\S+) (\S+)$", re.MULTILINE)


class Check(Protocol):
    """One health request."""

    @property
    def path(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def expected(self) -> int: ...
    @property
    def timeout(self) -> float: ...


@dataclass(frozen=True)
class Accepted:
    """The statuses that mean a slot is well, and the seconds within which one must come."""

    statuses: frozenset[int]
    timeout: float

    @classmethod
    def of(cls, checks: Collection[Check]) -> Accepted:
        """What serves all of these."""
        return cls(
            frozenset(check.expected for check in checks), max(float(check.timeout) for check in checks)
        )

    def covers(self, other: Accepted) -> bool:
        return other.statuses <= self.statuses and other.timeout <= self.timeout


def render_accepted(application: str, accepted: Accepted) -> str:
    """The text of the file that the proxy reads before its backends."""
    name = prefix(application)
    statuses = ",".join(str(status) for status in sorted(accepted.statuses))
    return (
        f"# Written by mas.ops from the manifests of what the slots of {application} hold.\n"
        f"global\n    setenv {name}_STATUS {statuses}\n    setenv {name}_TIMEOUT {accepted.timeout:g}s\n"
    )


def parse_accepted(application: str, text: str) -> Accepted | None:
    """What such a file says, or ``None`` when it does not."""
    found = dict(_LINE.findall(text))
    name = prefix(application)
    try:
        statuses = frozenset(int(word) for word in found[f"{name}_STATUS"].split(","))
        return Accepted(statuses, float(found[f"{name}_TIMEOUT"].rstrip("s")))
    except (KeyError, ValueError):
        return None


def render_map(values: Mapping[str, str]) -> str:
    """The text of a map file with one value for each slot that has one."""
    return "".join(f"{slot} {values[slot]}\n" for slot in SLOTS if slot in values)


def parse_map(text: str) -> dict[str, str]:
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {words[0]: words[1].strip() for words in pairs if len(words) == 2 and words[0] in SLOTS}


def parse_listed(text: str) -> dict[str, str]:
    """The entries of a map as the running proxy has them, from the answer to ``show map``."""
    return dict(_LISTED.findall(text))
