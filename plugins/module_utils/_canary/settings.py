# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The thresholds of a verdict. The defaults are those of tests/bench/canary.py, which measures their effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import BadInput

#: The smallest and the largest that each setting may be.
_LIMITS = {
    "min_requests": (0, math.inf),
    "evidence": (1, math.inf),
    "spread": (0, math.inf),
    "error_ratio": (1.01, 100),
    "error_floor": (0, 1),
    "hard_rate": (0, 1),
    "hard_requests": (1, math.inf),
    "margin": (0, 1),
    "confidence": (0.5, 0.999999),
    "latency_ratio": (1.01, 100),
    "latency_floor": (0, math.inf),
    "latency_share": (0, 1),
    "latency_p": (0, 0.5),
    "latency_delta": (0, 1),
    "min_values": (2, math.inf),
    "hold_limit": (0, math.inf),
}


@dataclass(frozen=True)
class CanarySettings:
    """
    :param min_requests: requests of each arm below which nothing is concluded
    :param evidence: the Bayes factor at which worse counts as shown; 1/evidence bounds the healthy canaries failed
    :param spread: the Bayes factor that must remain without the window that says the most
    :param error_ratio: times the baseline's error rate that are tolerated
    :param error_floor: an error rate of the canary up to which nothing fails (0.001 is 0.1 %)
    :param hard_rate: the error rate that fails at once, whatever the baseline does
    :param hard_requests: the latest requests of the canary over which that rate is taken
    :param margin: passes early when the error rate is shown to be higher by less than this
    :param confidence: how sure that must be
    :param latency_ratio: times the baseline's latency that are tolerated
    :param latency_floor: milliseconds more that are tolerated
    :param latency_share: the part of the requests that may be slower than tolerated (0.01: the 99th percentile)
    :param latency_p: where there are only values, the p at which slower counts as shown
    :param latency_delta: and the least Cliff's delta
    :param min_values: and the least number of values of each arm
    :param hold_limit: seconds after which a canary that nothing can be said about fails
    """

    min_requests: int = 20
    evidence: float = 50.0
    spread: float = 3.0
    error_ratio: float = 1.25
    error_floor: float = 0.001
    hard_rate: float = 0.25
    hard_requests: int = 30
    margin: float = 0.005
    confidence: float = 0.999
    latency_ratio: float = 1.25
    latency_floor: float = 5.0
    latency_share: float = 0.01
    latency_p: float = 0.001
    latency_delta: float = 0.474
    min_values: int = 8
    hold_limit: float = 300.0

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            # Not a number compares as false.
            if not low <= value <= high:
                raise BadInput(
                    f"{name} is {value:g}",
                    where="canary settings",
                    fix=f"Give a number of at least {low:g}"
                    + (f" and at most {high:g}." if high < math.inf else "."),
                )

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> CanarySettings:
        """The defaults with what ``data`` says; what is ``None`` there is not said.

        :raises BadInput: an unknown name or no number
        """
        kinds = {name: type(value) for name, value in vars(cls()).items()}
        unknown = sorted(set(data) - set(kinds))
        if unknown:
            raise BadInput(
                f"there is no setting {unknown[0]!r}",
                where="canary settings",
                fix=f"The settings are: {', '.join(kinds)}.",
            )
        given = {name: value for name, value in data.items() if value is not None}
        try:
            return cls(**{name: kinds[name](value) for name, value in given.items()})
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"a setting is not a number: {error}", where="canary settings", fix="Give numbers."
            ) from error
