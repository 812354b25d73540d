# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dead-man's switch: a host goes back by itself when nobody confirms its release in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .lease import Deadline

#: Who did it, in the ledger.
ACTOR = "dead-man's switch"


@dataclass(frozen=True)
class Armed:
    """The content of ``dead-man.json``: which release waits for whose confirmation, and until when."""

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
    return Armed(**{**data, "until": Deadline(**data["until"])})
