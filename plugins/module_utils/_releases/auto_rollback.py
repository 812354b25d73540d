# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The automatic rollback, a dead-man's switch: a host goes back by itself unless its release is confirmed in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .lease import Deadline

#: Who did it, in the ledger.
ACTOR = "auto-rollback"


@dataclass(frozen=True)
class Armed:
    """The content of ``auto-rollback.json``: which release waits for whose confirmation, and until when."""

    release: str
    run: str
    since: str
    until: Deadline

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "until": self.until.to_dict()}


def parse_armed(data: Mapping[str, Any] | None) -> Armed | None:
    """Read the parsed file; ``None`` when there is none.

    :raises KeyError, TypeError: the file was written by something else
    """
    if data is None:
        return None
    found = Armed(**{**data, "until": Deadline(**data["until"])})
    until = found.until
    if not all(isinstance(word, str) for word in (found.release, found.run, found.since, until.boot)):
        raise TypeError("release, run, since")
    if not all(isinstance(number, (int, float)) for number in (until.uptime, until.wall, until.seconds)):
        raise TypeError("until")
    return found
