"""The statistics against other ways to compute the same."""

from __future__ import annotations

import itertools
import math

import pytest
from ansible_collections.mas.ops.plugins.module_utils._canary.evidence import (
    Stratum,
    evidence,
    log_mean,
    rate_ratio,
    strata_of,
    worst_difference,
)
from ansible_collections.mas.ops.plugins.module_utils._canary.ranks import compare
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import Sample, SampleWindow, total
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats


def single(canary: int, events: int, baseline: int, baseline_events: int) -> Stratum:
    """A stratum of one window."""
    return Stratum(canary, events, baseline, baseline_events, events)


VALUES = st.lists(st.integers(0, 30).map(float), min_size=1, max_size=40)


def test_the_factor_is_one_on_average_when_both_are_alike() -> None:
    """All divisions of six errors over two strata, each with its probability: exactly, not by simulation."""
    mean = 0.0
    for mine in itertools.product(range(4), repeat=2):
        strata = [single(10, mine[0], 90, 3 - mine[0]), single(30, mine[1], 70, 3 - mine[1])]
        chance = stats.binom.pmf(mine[0], 3, 0.1) * stats.binom.pmf(mine[1], 3, 0.3)
        mean += chance * math.exp(evidence(strata, 1.25).total)
    assert mean == pytest.approx(1.0)


def test_the_factor_is_at_most_one_on_average_for_requests_that_are_drawn() -> None:
    """Errors of a finite number of requests: hypergeometric."""
    for events in range(1, 12):
        mean = sum(
            stats.hypergeom.pmf(mine, 40, events, 10)
            * math.exp(evidence([single(10, mine, 30, events - mine)], 1.25).total)
            for mine in range(min(events, 10) + 1)
        )
        assert mean <= 1.0 + 1e-9


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("ratio, significant", [(1.2, False), (1.4, True)])
def test_what_is_tolerated_is_tolerated_however_much_is_counted(
    share: float, ratio: float, significant: bool
) -> None:
    requests, rate = 10**6, 0.02
    mine = round(share * requests)
    stratum = single(mine, round(mine * rate * ratio), requests - mine, round((requests - mine) * rate))
    assert (evidence([stratum] * 300, 1.25).total > 0) == significant


def test_without_the_window_that_says_the_most() -> None:
    strata = [single(10, 0, 90, 0)] * 5 + [single(10, 6, 90, 0)]
    found = evidence(strata, 1.25)
    assert math.exp(found.total) > 50
    assert found.spread == pytest.approx(0.0)
    assert evidence([], 1.25) == evidence(strata[:5], 1.25)


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=8))
def test_log_mean(logs: list[float]) -> None:
    assert min(logs) - 1e-9 <= log_mean(logs) <= max(logs) + 1e-9


def test_huge_counts_are_numbers() -> None:
    assert math.isfinite(evidence([single(10**9, 10**9, 10**9, 0)] * 3, 1.25).total)
    assert math.isfinite(evidence([single(10**9, 0, 10**9, 10**9)] * 3, 1.25).total)


def test_rate_ratio_is_that_of_each_stratum() -> None:
    assert rate_ratio([single(10, 1, 1000, 20), single(500, 500, 500, 100)]) == pytest.approx(5.0)
    assert rate_ratio([single(10, 1, 90, 0)]) == math.inf
    assert rate_ratio([single(10, 0, 90, 0)]) == 1.0


def test_worst_difference_as_published() -> None:
    """Newcombe (1998), table II, method 10, case (a): 56/70 - 48/80 has the limits 0.0524 and 0.3339 (95 %)."""
    assert worst_difference(single(70, 56, 80, 48), 0.975) == pytest.approx(0.3339, abs=5e-5)
    assert -worst_difference(single(80, 48, 70, 56), 0.975) == pytest.approx(0.0524, abs=5e-5)
    assert worst_difference(single(0, 0, 0, 0), 0.999) >= 1.0


@given(VALUES, VALUES)
def test_mann_whitney_is_scipy_s(first: list[float], second: list[float]) -> None:
    found = compare(first, second)
    if len({*first, *second}) == 1:
        assert (found.p, found.delta) == (1.0, 0.0)
        return
    theirs = stats.mannwhitneyu(first, second, alternative="greater", method="asymptotic")
    assert found.u == theirs.statistic
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-6)
    assert -1 <= found.delta <= 1
    assert compare(second, first).delta == pytest.approx(-found.delta)


def arm(requests: int) -> Sample:
    return Sample(requests)


@pytest.mark.parametrize(
    "shape, expected",
    [
        ([(10, 90)], [(10, 90)]),
        ([(0, 90)], []),
        ([(10, 0)], []),
        ([(10, 0), (10, 90)], [(20, 90)]),
        ([(10, 90), (0, 90), (10, 90)], [(10, 90), (10, 90)]),
        # Alone at the end: with as much of the baseline as it has requests itself.
        ([(10, 90), (10, 90), (100, 0)], [(120, 180)]),
        ([(10, 90), (10, 90), (50, 0)], [(10, 90), (60, 90)]),
        ([(10, 90), (10, 90), (1000, 0), (1000, 0)], [(2020, 180)]),
    ],
)
def test_strata(shape: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    windows = [SampleWindow(0.0, arm(canary), arm(baseline)) for canary, baseline in shape]
    found = [total(group) for group in strata_of(windows)]
    assert [(w.canary.requests, w.baseline.requests) for w in found] == expected


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12))
def test_strata_count_nothing_twice(shape: list[tuple[int, int]]) -> None:
    windows = [SampleWindow(0.0, arm(canary), arm(baseline)) for canary, baseline in shape]
    strata = [total(group) for group in strata_of(windows)]
    assert all(window.canary.requests and window.baseline.requests for window in strata)
    assert total(strata).canary.requests <= total(windows).canary.requests
    assert total(strata).baseline.requests <= total(windows).baseline.requests
    if total(windows).baseline.requests:
        assert total(strata).canary.requests == total(windows).canary.requests
