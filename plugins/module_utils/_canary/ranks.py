# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether one set of measurements is larger than another, by ranks: no assumption about their distribution."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median


@dataclass(frozen=True)
class Comparison:
    """
    :param u: in how many pairs the first is larger; ties count half
    :param p: the chance of such a ``u`` or a larger one when both come from one distribution
    :param delta: the part of pairs in which the first is larger, less that in which it is smaller (Cliff, 1993):
        -1 to 1. 0.474 and more is called large (Romano and others, 2006).
    :param ratio: the medians' ratio
    """

    u: float
    p: float
    delta: float
    ratio: float


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Mann and Whitney's test (1947) that ``first`` is larger: normal approximation, with the corrections for ties
    and for continuity. Neither may be empty."""
    ordered = sorted(second)
    u = math.fsum((bisect_left(ordered, x) + bisect_right(ordered, x)) / 2 for x in first)
    pairs, count = len(first) * len(second), len(first) + len(second)
    ties = sum(n**3 - n for n in Counter((*first, *second)).values())
    spread = math.sqrt(pairs / 12 * (count + 1 - ties / (count * (count - 1))))
    p = NormalDist().cdf(-(u - pairs / 2 - 0.5) / spread) if spread else 1.0
    return Comparison(u, p, 2 * u / pairs - 1, _ratio(median(first), median(second)))


def _ratio(first: float, second: float) -> float:
    if second > 0:
        return first / second
    return math.inf if first > 0 else 1.0
