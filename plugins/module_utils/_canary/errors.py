# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence from the counts of failed requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .evidence import Evidence, Stratum, evidence, rate_ratio, strata_of, worst_difference
from .sample import SampleWindow
from .settings import CanarySettings


@dataclass(frozen=True)
class Errors:
    """The comparison of the error rates."""

    settings: CanarySettings
    whole: Stratum
    found: Evidence
    ratio: float
    difference: float
    worst: float

    @classmethod
    def of(cls, windows: Sequence[SampleWindow], whole: SampleWindow, settings: CanarySettings) -> Errors:
        strata = [_stratum(group) for group in strata_of(windows)]
        all_of = _stratum(windows)
        return cls(
            settings,
            all_of,
            evidence(strata, settings.error_ratio),
            rate_ratio(strata),
            whole.canary.rate - whole.baseline.rate,
            worst_difference(all_of, settings.confidence),
        )

    @property
    def _enough(self) -> bool:
        return min(self.whole.canary, self.whole.baseline) >= self.settings.min_requests

    def against(self) -> list[str]:
        """The sentence that fails the canary, or nothing."""
        significant = self.found.total >= math.log(self.settings.evidence)
        stays = self.found.spread >= math.log(self.settings.spread) if self.settings.spread else True
        much = self.whole.canary_events > self.settings.error_floor * self.whole.canary
        if not (self._enough and significant and stays and much):
            return []
        canary, baseline = self.whole.canary_events, self.whole.baseline_events
        sentence = (
            f"it fails more often: {canary} of {self.whole.canary} requests, "
            f"its baseline {baseline} of {self.whole.baseline}; evidence {factor(self.found.total):g}, "
            f"the limit is {self.settings.evidence:g}"
        )
        return [sentence]

    @property
    def harmless(self) -> bool:
        return self.worst < self.settings.margin and not suspicious(self.found, self.settings)

    def numbers(self) -> dict[str, Any]:
        return {
            "evidence": factor(self.found.total),
            "spread": factor(self.found.spread),
            "ratio": round(self.ratio, 3) if self.ratio < math.inf else None,
            "difference": round(self.difference, 6),
            "worst_difference": round(self.worst, 6),
        }


def _stratum(windows: Sequence[SampleWindow]) -> Stratum:
    return Stratum(
        sum(window.canary.requests for window in windows),
        sum(window.canary.errors for window in windows),
        sum(window.baseline.requests for window in windows),
        sum(window.baseline.errors for window in windows),
        max((window.canary.errors for window in windows), default=0),
    )


def suspicious(found: Evidence, settings: CanarySettings) -> bool:
    """Whether half of what would fail it is already there."""
    return found.total > math.log(settings.evidence) / 2


def factor(logarithm: float) -> float:
    """A Bayes factor for people: three digits, and no more than a report can print."""
    return float(f"{math.exp(min(logarithm, 27.6)):.3g}")
