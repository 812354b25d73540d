# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How strongly counts say that a canary fails more often than its baseline. Exact at any number of looks.

Requests are compared within each stretch of time, so that a bad minute of both arms, a share that grows from step
to step or a busy hour says nothing (Mantel and Haenszel, 1959). When both fail at the same rate, an error is the
canary's with the probability of its share of the requests; when the canary's rate is ``ratio`` times as high, with
``ratio * share / (ratio * share + 1 - share)``. The Bayes factor of the second, averaged over ratios, against the
first is a test martingale: the chance that it *ever* reaches E while the first holds is at most 1/E (Ville, 1939;
Robbins, 1970; for counts in canaries Lindon and Malek, "Anytime-valid inference for multinomial count data", 2022).
It needs no errors in the baseline, and no prior for its rate. That errors are drawn without replacement only makes
it smaller (Hoeffding, 1963, section 6). Each stretch is allowed to be out of the ordinary (a stall of the machine, an
outage of the baseline), in which it says nothing: so a few of them cannot hide what all others show. The factor stays
a test martingale, because a mean of such factors is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from .sample import SampleWindow

#: How many times as high the rate may be, all equally likely beforehand: in steps that no rise falls between.
RATIOS = (1.0, 1.4, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
#: The part of the strata that may be out of the ordinary.
ODD = 0.1


@dataclass(frozen=True)
class Stratum:
    """Events (errors, slow requests) among the requests of both arms in one stretch of time.

    :param peak: the most events of the canary in one of its windows
    """

    canary: int
    canary_events: int
    baseline: int
    baseline_events: int
    peak: int


@dataclass(frozen=True)
class Evidence:
    """Natural logarithms of Bayes factors for "worse".

    :param total: from all strata
    :param spread: without the canary's events of the one window that says the most, so that a single burst of errors
        leaves it small
    """

    total: float
    spread: float


def evidence(strata: Sequence[Stratum], tolerated: float) -> Evidence:
    """
    :param strata: with requests of both arms in each
    :param tolerated: a ratio of the rates, above 1, up to which the canary is not worse however much is counted.
        The least ratio that counts as worse is its square, which is as far from it as 1 is on the other side.
    """
    ratios = [tolerated * tolerated * ratio for ratio in RATIOS]
    eventful = [stratum for stratum in strata if stratum.canary_events or stratum.baseline_events]
    parts = [[_log_ratio(stratum, ratio, stratum.canary_events) for stratum in eventful] for ratio in ratios]
    sums = [math.fsum(part) for part in parts]
    without = [
        log_mean(
            [
                whole - part[number] + _log_ratio(stratum, ratio, stratum.canary_events - stratum.peak)
                for whole, part, ratio in zip(sums, parts, ratios)
            ]
        )
        for number, stratum in enumerate(eventful)
        if stratum.peak
    ]
    return Evidence(log_mean(sums), min(without, default=0.0))


def _log_ratio(stratum: Stratum, ratio: float, events: int) -> float:
    """Log likelihood of the events' division between the arms under ``ratio``, over that under equal rates; or of
    an odd stratum, where it is the same.

    :param events: of the canary
    """
    requests = stratum.canary + stratum.baseline
    base = math.log(requests / (stratum.baseline + ratio * stratum.canary))
    usual = events * (math.log(ratio) + base) + stratum.baseline_events * base
    top = max(usual, 0.0)
    return top + math.log((1 - ODD) * math.exp(usual - top) + ODD * math.exp(-top))


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of numbers that are given by their logarithms."""
    top = max(logs)
    return top + math.log(math.fsum(math.exp(each - top) for each in logs) / len(logs))


def rate_ratio(strata: Sequence[Stratum]) -> float:
    """How many times the baseline's rate the canary's is, as Mantel and Haenszel pool it.

    Infinite when only the canary has events, 1 when neither arm has.
    """
    mine = math.fsum(each.canary_events * each.baseline / (each.canary + each.baseline) for each in strata)
    base = math.fsum(each.baseline_events * each.canary / (each.canary + each.baseline) for each in strata)
    if not base:
        return math.inf if mine else 1.0
    return mine / base


def worst_difference(all_of: Stratum, confidence: float) -> float:
    """The upper limit of the canary's rate less the baseline's, one-sided.

    The hybrid score interval, which holds for small counts and for zero (Newcombe, 1998, method 10).
    """
    z = NormalDist().inv_cdf(confidence)
    rate_c, dummy, upper_c = _wilson(all_of.canary_events, all_of.canary, z)
    rate_b, lower_b, dummy = _wilson(all_of.baseline_events, all_of.baseline, z)
    return rate_c - rate_b + math.hypot(upper_c - rate_c, rate_b - lower_b)


def _wilson(events: int, requests: int, z: float) -> tuple[float, float, float]:
    """Rate, lower and upper limit (Wilson, 1927)."""
    if not requests:
        return 0.0, 0.0, 1.0
    rate, square = events / requests, z * z
    middle = (events + square / 2) / (requests + square)
    half = z * math.sqrt(rate * (1 - rate) * requests + square / 4) / (requests + square)
    return rate, max(0.0, middle - half), min(1.0, middle + half)


def strata_of(windows: Sequence[SampleWindow]) -> list[tuple[SampleWindow, ...]]:
    """Neighbouring windows in groups that each have requests of both arms, as a comparison needs.

    When the canary serves alone at the end, it is compared with the latest that is known of the baseline: with as
    much of it as the canary has requests, or all.
    """
    groups: list[tuple[SampleWindow, ...]] = []
    waiting: tuple[SampleWindow, ...] = ()
    for window in windows:
        waiting += (window,)
        if window.baseline.requests:
            groups.append(waiting)
            waiting = ()
    alone = sum(window.canary.requests for window in waiting)
    if alone and groups:
        known = 0
        while groups and known < alone:
            group = groups.pop()
            known += sum(window.baseline.requests for window in group)
            waiting = group + waiting
        groups.append(waiting)
    return [group for group in groups if any(window.canary.requests for window in group)]
