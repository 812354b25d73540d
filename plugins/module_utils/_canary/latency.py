# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence from latencies: the tail of a histogram, or ranks where there are only values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import factor, suspicious
from .evidence import Evidence, Stratum, evidence, strata_of, worst_difference
from .ranks import Comparison, compare
from .sample import SampleWindow, total
from .settings import CanarySettings

#: Values are looked at when there are this many times as many as at the last look: few looks, few false alarms.
_NEXT_LOOK = 1.5


@dataclass(frozen=True)
class Slower:
    """Requests slower than ``edge``, against those of the baseline slower than ``allowed``, both in milliseconds.

    ``allowed`` is so much below that the canary has fewer of them as long as it is slower by no more than is
    tolerated, whatever the distribution: P(canary > edge) <= P(tolerated(baseline) > edge).
    """

    edge: float
    allowed: float
    found: Evidence
    whole: Stratum

    @property
    def difference(self) -> float:
        canary = self.whole.canary_events / self.whole.canary if self.whole.canary else 0.0
        return canary - (self.whole.baseline_events / self.whole.baseline if self.whole.baseline else 0.0)


@dataclass(frozen=True)
class Tail:
    """One comparison for each edge of the histogram.

    :param limit: the logarithm of the evidence that is asked for at one edge: it grows with their number
    """

    settings: CanarySettings
    edges: tuple[Slower, ...]
    limit: float

    @classmethod
    def of(
        cls, windows: Sequence[SampleWindow], whole: SampleWindow, settings: CanarySettings
    ) -> Tail | None:
        """``None`` when an arm has no histogram."""
        all_of = _Tails.of(windows, whole)
        if not all(all_of.requests):
            return None
        pairs = list(_pairs(sorted({*all_of.canary, *all_of.baseline}), settings))
        strata = [_Tails.of(group, total(group)) for group in strata_of(windows)]
        edges = tuple(_slower(strata, all_of, edge, allowed, settings) for edge, allowed in pairs)
        return cls(settings, edges, math.log(settings.evidence * max(1, len(pairs))))

    def _is_significant(self, each: Slower) -> bool:
        settings = self.settings
        enough = min(each.whole.canary, each.whole.baseline) >= settings.min_requests
        stays = each.found.spread >= math.log(settings.spread) if settings.spread else True
        return enough and stays and each.found.total >= self.limit

    def against(self) -> list[str]:
        slower = [each for each in self.edges if self._is_significant(each)]
        if not slower:
            return []
        worst = max(slower, key=lambda each: each.found.total)
        sentence = (
            f"it is slower: {_share(worst.whole.canary_events, worst.whole.canary)} of its requests took "
            f"{worst.edge:g} ms or more, of its baseline's {worst.allowed:g} ms or more "
            f"{_share(worst.whole.baseline_events, worst.whole.baseline)}"
        )
        return [sentence]

    @property
    def harmless(self) -> bool:
        sure, share = self.settings.confidence, self.settings.latency_share
        return not any(
            suspicious(each.found, self.settings) or worst_difference(each.whole, sure) >= share
            for each in self.edges
        )

    def numbers(self) -> dict[str, Any]:
        if not self.edges:
            return {}
        most = max(self.edges, key=lambda each: (each.found.total, each.difference))
        return {
            "edge": most.edge,
            "allowed": most.allowed,
            "difference": round(most.difference, 6),
            "evidence": factor(most.found.total - self.limit + math.log(self.settings.evidence)),
        }


def _pairs(known: Sequence[float], settings: CanarySettings) -> Iterator[tuple[float, float]]:
    """Edges at least twice as long one after another, and for each the one that the baseline is measured at."""
    last = 0.0
    for edge in known:
        most = min(edge / settings.latency_ratio, edge - settings.latency_floor)
        below = [low for low in known if low <= most]
        # Everything is slower than the lowest edge: nothing can be worse than that.
        if edge >= 2 * last and below and below[-1] > known[0]:
            yield edge, below[-1]
            last = edge


@dataclass(frozen=True)
class _Tails:
    """How many requests of both arms were slower than each edge, and how many have a latency at all.

    :param each: the canary's, window by window
    """

    canary: Mapping[float, int]
    baseline: Mapping[float, int]
    requests: tuple[int, int]
    each: tuple[Mapping[float, int], ...]

    @classmethod
    def of(cls, windows: Sequence[SampleWindow], whole: SampleWindow) -> _Tails:
        canary, baseline = whole.canary.tails(), whole.baseline.tails()
        each = (canary,) if len(windows) == 1 else tuple(window.canary.tails() for window in windows)
        requests = (max(canary.values(), default=0), max(baseline.values(), default=0))
        return cls(canary, baseline, requests, each)

    def at(self, edge: float, allowed: float) -> Stratum:
        canary, baseline = self.requests
        peak = max((tails.get(edge, 0) for tails in self.each), default=0)
        return Stratum(canary, self.canary.get(edge, 0), baseline, self.baseline.get(allowed, 0), peak)


def _slower(
    strata: Sequence[_Tails], all_of: _Tails, edge: float, allowed: float, settings: CanarySettings
) -> Slower:
    """Where no more of the canary's requests are slow than may be, there is nothing to show, and none is computed."""
    slower = Slower(edge, allowed, Evidence(0.0, 0.0), all_of.at(edge, allowed))
    if slower.whole.canary_events <= settings.latency_share * slower.whole.canary:
        return slower
    counted = (each.at(edge, allowed) for each in strata)
    return replace(
        slower,
        found=evidence([each for each in counted if each.canary and each.baseline], settings.latency_ratio),
    )


@dataclass(frozen=True)
class Values:
    """The comparison of measurements by window, such as averages or quantiles that a monitoring system gave."""

    settings: CanarySettings
    found: Comparison
    more: float

    @classmethod
    def of(cls, windows: Sequence[SampleWindow], settings: CanarySettings, ended: bool) -> Values | None:
        """``None`` when an arm has too few values."""
        canary = [value for window in windows for value in window.canary.values]
        baseline = [value for window in windows for value in window.baseline.values]
        number = min(len(canary), len(baseline))
        if number < settings.min_values:
            return None
        if not ended:
            look = float(settings.min_values)
            while look * _NEXT_LOOK <= number:
                look *= _NEXT_LOOK
            canary, baseline = canary[: int(look)], baseline[: int(look)]
        more = _middle(canary) - _middle(baseline)
        return cls(settings, compare(canary, baseline), more)

    def against(self) -> list[str]:
        found, settings = self.found, self.settings
        if not (
            found.p < settings.latency_p
            and found.delta >= settings.latency_delta
            and found.ratio >= settings.latency_ratio
            and self.more >= settings.latency_floor
        ):
            return []
        sentence = (
            f"it is slower: the median is {found.ratio:.3g} times its baseline's, {self.more:.3g} ms more "
            f"(Mann-Whitney p {found.p:.2g}, Cliff's delta {found.delta:.2f})"
        )
        return [sentence]

    @property
    def harmless(self) -> bool:
        return self.found.ratio < self.settings.latency_ratio or self.more < self.settings.latency_floor

    def numbers(self) -> dict[str, Any]:
        ratio = round(self.found.ratio, 3) if self.found.ratio < math.inf else None
        return {"p": self.found.p, "delta": round(self.found.delta, 3), "ratio": ratio}


def _middle(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "none"
