# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host keeps its ledger: when a file is full, what is kept of old ones, and how they are protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from .._core.errors import BadInput

#: Each phase of a release reads the file; a full one took 15 ms where this was measured, and holds some 500 changes.
MAX_BYTES = 512 * 1024
_LEAST_BYTES = 64 * 1024
_DAY = 86400.0


@dataclass(frozen=True)
class LedgerPolicy:
    """``keep_segments`` and ``keep_days`` are retention; ``None`` keeps everything.

    :param max_bytes: an entry that finds the file this large goes to a new one
    :param keep_segments: how many sealed files stay
    :param keep_days: sealed files whose last entry is older go
    :param append_only: set the file attribute of chattr +a, where the file system has it
    """

    max_bytes: int = MAX_BYTES
    keep_segments: int | None = None
    keep_days: int | None = None
    append_only: bool = False

    def surplus(self, ages: Sequence[float]) -> int:
        """How many of the oldest sealed files go. ``ages`` are seconds since their last entry, oldest first."""
        too_many = len(ages) - self.keep_segments if self.keep_segments is not None else 0
        limit = self.keep_days * _DAY if self.keep_days is not None else float("inf")
        young = next((index for index, age in enumerate(ages) if age <= limit), len(ages))
        return max(too_many, young, 0)


def parse_policy(data: Any, where: str, append_only: bool) -> LedgerPolicy:
    """Read the parsed file; ``None`` (no file) is the default policy.

    :param append_only: the default of this host
    :raises BadInput: the file holds something else
    """
    if data is None:
        return LedgerPolicy(append_only=append_only)
    known = {each.name for each in fields(LedgerPolicy)}
    if not isinstance(data, Mapping) or set(data) - known:
        raise _bad(f"it may hold {', '.join(sorted(known))} and nothing else", where)
    for name in ("max_bytes", "keep_segments", "keep_days"):
        least = _LEAST_BYTES if name == "max_bytes" else 1
        value = data.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _bad(f"{name} is {value!r}, not a whole number of at least {least}", where)
    if not isinstance(data.get("append_only", True), bool):
        raise _bad(f"append_only is {data['append_only']!r}, not true or false", where)
    return LedgerPolicy(**{"append_only": append_only, **data})


def _bad(what: str, where: str) -> BadInput:
    return BadInput(
        f"this is not a valid configuration of the ledger: {what}", where=where, fix="Correct the file."
    )
