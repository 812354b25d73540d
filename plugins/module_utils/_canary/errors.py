# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the counts of failed requests say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .evidence import Evidence, Stratum, evidence, rate_ratio, strata_of, worst_difference
from .sample import Window
from .settings import Settings


@dataclass(frozen=True)
class Errors:
    """The comparison of the error rates."""

    settings: Settings
    whole: Stratum
    found: Evidence
    ratio: float
    difference: float
    worst: float

    @classmethod
    def of(cls, windows: Sequence[Window], whole: Window, settings: Settings) -> Errors:
        strata = [
            Stratum(each.canary.requests, each.canary.errors, each.baseline.requests, each.baseline.errors)
            for each in strata_of(windows)
        ]
        all_of = Stratum(
            whole.canary.requests, whole.canary.errors, whole.baseline.requests, whole.baseline.errors
        )
        return cls(
            settings,
            all_of,
            evidence(strata),
            rate_ratio(strata),
            whole.canary.rate - whole.baseline.rate,
            worst_difference(all_of, settings.pass_confidence),
        )

    @property
    def _enough(self) -> bool:
        return min(self.whole.canary, self.whole.baseline) >= self.settings.min_requests

    def against(self) -> list[str]:
        """The sentence that fails the canary, or nothing."""
        shown = self.found.total >= math.log(self.settings.evidence)
        stays = self.found.spread >= math.log(self.settings.spread) if self.settings.spread else True
        much = self.ratio >= self.settings.error_ratio and self.difference > self.settings.error_floor
        if not (self._enough and shown and stays and much):
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
        return self.worst < self.settings.pass_margin

    def numbers(self) -> dict[str, Any]:
        return {
            "evidence": factor(self.found.total),
            "spread": factor(self.found.spread),
            "ratio": round(self.ratio, 3) if self.ratio < math.inf else None,
            "difference": round(self.difference, 6),
            "worst_difference": round(self.worst, 6),
        }


def factor(logarithm: float) -> float:
    """A Bayes factor for people: three digits, and no more than a report can print."""
    return float(f"{math.exp(min(logarithm, 27.6)):.3g}")
