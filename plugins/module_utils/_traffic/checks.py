# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy checks each slot: what it reads at a start, and how that changes. Pure text and numbers.

Path and Host header are kept by slot in map files, which the proxy reads at a start and takes at run time as well. Which
answers are good, how long one may take and the ports are fixed when HAProxy reads its configuration.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from .settings import parse_settings, render_settings, variable
from .split import SLOTS

_LISTED = re.compile(r"^0x[0-9a-f]+ (\S+) (\S+)$", re.MULTILINE)


class HttpCheck(Protocol):
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
class Fixed:
    """What the proxy knows of the slots since it read its configuration.

    ``statuses`` mean that a slot is healthy, when one comes within ``timeout`` seconds; ``ports`` are the slots' own.
    """

    statuses: frozenset[int]
    timeout: float
    ports: Mapping[str, int]

    @classmethod
    def of(cls, checks: Collection[HttpCheck], ports: Mapping[str, int]) -> Fixed:
        """What serves all of these."""
        statuses = frozenset(check.expected for check in checks)
        return cls(statuses, max(float(check.timeout) for check in checks), dict(ports))

    def covers(self, other: Fixed) -> bool:
        return other.statuses <= self.statuses and other.timeout <= self.timeout and other.ports == self.ports


def render_fixed(application: str, fixed: Fixed) -> str:
    """The text of the file that the proxy reads before its backends."""
    settings = {
        variable(application, "status"): ",".join(str(status) for status in sorted(fixed.statuses)),
        variable(application, "timeout"): f"{fixed.timeout:g}s",
        **{variable(application, slot, "port"): fixed.ports[slot] for slot in SLOTS},
    }
    return render_settings(f" from what the slots of {application} hold.", settings)


def parse_fixed(application: str, text: str) -> Fixed | None:
    """What such a file says, or ``None`` when it does not."""
    found = parse_settings(text)
    try:
        statuses = frozenset(int(word) for word in found[variable(application, "status")].split(","))
        ports = {slot: int(found[variable(application, slot, "port")]) for slot in SLOTS}
        return Fixed(statuses, float(found[variable(application, "timeout")].rstrip("s")), ports)
    except (KeyError, ValueError):
        return None


def render_warm(application: str, slot: str | None) -> str:
    """The text of the file that says which slot answers while the live one is down, if any."""
    settings = {variable(application, name, "warm"): int(name == slot) for name in SLOTS}
    return render_settings(f": which slot of {application} is the backup of the live one.", settings)


def parse_warm(application: str, text: str) -> str | None:
    """The slot that such a file names."""
    found = parse_settings(text)
    return next((slot for slot in SLOTS if found.get(variable(application, slot, "warm")) == "1"), None)


def render_map(values: Mapping[str, str]) -> str:
    """The text of a map file with one value for each slot that has one."""
    return "".join(f"{slot} {values[slot]}\n" for slot in SLOTS if slot in values)


def parse_map(text: str) -> dict[str, str]:
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {words[0]: words[1].strip() for words in pairs if len(words) == 2 and words[0] in SLOTS}


def parse_listed(text: str) -> dict[str, str]:
    """The entries of a map as the running proxy has them, from the answer to ``show map``."""
    return dict(_LISTED.findall(text))
