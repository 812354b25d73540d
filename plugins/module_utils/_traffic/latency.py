# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long each slot took to answer, counted by the proxy in a table of its own. Pure text and numbers.

HAProxy's averages (rtime) hide a slow hundredth part of the requests, and it keeps no quantiles. So the role proxy lets
it count each answer under its slot and its time in microseconds, of which only the first two digits are kept:
``blue/31000`` is from 31 to 32 ms.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping

#: Lower edges of the buckets, in milliseconds. All are edges of what the proxy counts, so nothing is split.
EDGES = (
    0.0,
    *(digits * 10**power / 10 for power in range(5) for digits in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)),
)
_ENTRY = re.compile(r"^0x[0-9a-f]+: key=([^/\s]+)/([0-9]+) .*\bgpc0=([0-9]+)", re.MULTILINE)

Histogram = tuple[tuple[float, int], ...]


def table(application: str) -> str:
    """The name of the proxy's table. No application has this name, because those have no underscore."""
    return f"{application}_latency"


def parse_table(text: str) -> Mapping[str, Histogram]:
    """Answers by slot and bucket, empty buckets too, from the answer to ``show table``."""
    counts: dict[str, list[int]] = {}
    for slot, microseconds, count in _ENTRY.findall(text):
        buckets = counts.setdefault(slot, [0] * len(EDGES))
        buckets[bisect_right(EDGES, int(microseconds) / 1000) - 1] += int(count)
    return {slot: tuple(zip(EDGES, buckets)) for slot, buckets in counts.items()}
