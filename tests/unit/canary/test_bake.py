"""Readings of a proxy in, a verdict out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._canary.bake import MOST, Bake
from ansible_collections.mas.ops.plugins.module_utils._canary.counters import Reading, between, windows_of
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import total
from ansible_collections.mas.ops.plugins.module_utils._canary.settings import CanarySettings
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput


def result(
    at: float, canary: tuple[int, ...], baseline: tuple[int, ...], process: str = "1"
) -> dict[str, Any]:
    """What traffic_info returns: requests, errors and downs of green, then of blue."""
    names = ("requests", "errors", "downs")
    servers = {
        slot: {**dict(zip(names, counts, strict=False)), "latency": [[0.0, counts[0]], [1.0, 0]]}
        for slot, counts in (("green", canary), ("blue", baseline))
    }
    return {"at": at, "process": process, "servers": servers, "split": {}, "changed": False}


def reading(at: float, canary: tuple[int, ...], baseline: tuple[int, ...], process: str = "1") -> Reading:
    return Reading.parse(result(at, canary, baseline, process))


def test_between_two_readings() -> None:
    window = between(reading(1, (100, 5, 1), (900, 7, 0)), reading(2, (130, 6, 1), (950, 7, 2)), "green")
    assert (window.canary.requests, window.canary.errors, window.canary.downs) == (30, 1, 0)
    assert (window.baseline.requests, window.baseline.errors, window.baseline.downs) == (50, 0, 2)
    assert window.canary.histogram == {0.0: 30, 1.0: 0}
    assert window.at == 2


@pytest.mark.parametrize(
    "after",
    [
        reading(2, (30, 1, 0), (50, 0, 0)),  # fewer than before
        reading(2, (300, 10, 0), (5000, 0, 0), "2"),  # more, but of another life
        reading(2, (100, 5, 0), (900, 7, 0)),  # only the downs differ
    ],
)
def test_a_proxy_that_began_again(after: Reading) -> None:
    """What it counted since then, as increase() of Prometheus does it."""
    window = between(reading(1, (100, 5, 1), (900, 7, 0)), after, "green")
    assert window.canary == after.slots["green"]
    assert window.baseline == after.slots["blue"]


def test_an_error_that_was_counted_before_its_request() -> None:
    window = between(reading(1, (10, 0), (10, 0)), reading(2, (10, 1), (11, 0)), "green")
    assert (window.canary.requests, window.canary.errors) == (1, 1)


def test_an_unknown_slot() -> None:
    with pytest.raises(BadInput, match="no slot 'yellow'"):
        between(reading(1, (1, 0), (1, 0)), reading(2, (1, 0), (1, 0)), "yellow")


@pytest.mark.parametrize("data", [None, {}, {"servers": {}}, {"servers": {"blue": 5}, "at": 1}, []])
def test_a_reading_that_is_none(data: Any) -> None:
    with pytest.raises(BadInput, match="not a reading of a proxy"):
        Reading.parse(data, "web1")


def test_a_healthy_bake_ends_with_a_pass() -> None:
    bake = Bake(CanarySettings(), "green", 30)
    verdicts = [bake.step(reading(n, (10 * n, 0), (90 * n, 0)), n) for n in range(31)]
    assert [verdict.final for verdict in verdicts].index(True) == 30
    assert verdicts[0].verdict == "inconclusive"
    assert verdicts[-1].verdict == "pass"
    assert total(bake.windows).canary.requests == 300
    assert len(bake.windows) == 6


def test_a_bad_bake_ends_early() -> None:
    bake = Bake(CanarySettings(), "green", 300)
    found = next(
        (n, verdict)
        for n in range(300)
        if (verdict := bake.step(reading(n, (20 * n, n // 2), (180 * n, 0)), n)).final
    )
    assert found[0] < 15
    assert found[1].verdict == "fail"


def test_a_proxy_that_cannot_be_read_holds_and_then_fails() -> None:
    bake = Bake(CanarySettings(hold_limit=60), "green", 10)
    verdicts = {n: bake.step(reading(n, (100 * n, 0), (900 * n, 0)) if n < 5 else None, n) for n in range(71)}
    assert {(verdicts[n].verdict, verdicts[n].final) for n in range(5, 70)} == {("inconclusive", False)}
    assert (verdicts[70].verdict, verdicts[70].final) == ("fail", True)
    assert "could not be read" in verdicts[70].reasons[1]


def test_counts_of_a_time_without_readings_are_not_lost() -> None:
    bake = Bake(CanarySettings(), "green", 10)
    for n in range(11):
        verdict = bake.step(None if 3 < n < 8 else reading(n, (100 * n, 0), (900 * n, 0)), n)
    assert (verdict.verdict, verdict.final) == ("pass", True)
    assert total(bake.windows).canary.requests == 1000


def test_stale_readings_are_inconclusive() -> None:
    bake = Bake(CanarySettings(), "green", 10)
    same = reading(1, (100, 0), (900, 0))
    bake.step(reading(0, (0, 0), (0, 0)), 0)
    assert bake.step(same, 1).verdict == "pass"
    found = bake.step(same, 11)
    assert (found.verdict, found.final) == ("inconclusive", False)
    assert "stale" in found.reasons[0]


def test_a_bake_goes_on_from_earlier_steps() -> None:
    earlier = windows_of([reading(0, (0, 0), (0, 0)), reading(9, (500, 3), (4500, 0))], "green")
    later = [reading(10, (500, 3), (4500, 0)), reading(12, (600, 6), (5400, 0))]
    alone, going_on = Bake(CanarySettings(), "green", 30), Bake(CanarySettings(), "green", 30, earlier)
    for each in later:
        alone.step(each, each.at)
        verdict = going_on.step(each, each.at)
    assert verdict.verdict == "fail"
    assert alone.step(later[-1], 13).verdict != "fail"


def test_a_long_bake_stays_small() -> None:
    bake = Bake(CanarySettings(evidence=1e9, margin=0), "green", 1e9)
    for n in range(0, 20 * MOST, 6):
        bake.step(reading(n, (n, 0), (9 * n, 0)), n)
    assert len(bake.windows) <= MOST + 2
    assert total(bake.windows).canary.requests == n
