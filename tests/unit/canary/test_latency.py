"""Slower, as a histogram or as values show it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from ansible_collections.mas.ops.plugins.module_utils._canary.judge import Verdict, judge
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import Sample, SampleWindow
from ansible_collections.mas.ops.plugins.module_utils._canary.settings import CanarySettings
from ansible_collections.mas.ops.plugins.module_utils._traffic.latency import EDGES, parse_table
from hypothesis import given, settings
from hypothesis import strategies as st

Draw = Callable[[random.Random], float]


def usual(rng: random.Random) -> float:
    return rng.lognormvariate(1.2, 0.5)


def histogram(latencies: list[float]) -> dict[float, int]:
    found = dict.fromkeys(EDGES, 0)
    for latency in latencies:
        found[max(edge for edge in EDGES if edge <= latency)] += 1
    return found


def arm(draw: Draw, count: int, rng: random.Random) -> Sample:
    return Sample(count, histogram=histogram([draw(rng) for _ in range(count)]))


def watch(canary: Draw, *, windows: int = 10, count: int = 100, **more: float) -> Verdict:
    rng = random.Random(3)
    seen = [SampleWindow(n, arm(canary, count, rng), arm(usual, 9 * count, rng)) for n in range(windows)]
    return judge(seen, CanarySettings.parse(more))


@pytest.mark.parametrize(
    "canary",
    [
        usual,
        lambda rng: 1.2 * usual(rng),
        lambda rng: usual(rng) + 4.9,
        lambda rng: 0.5 * usual(rng),
        lambda rng: usual(rng) + (300 if rng.random() < 0.003 else 0),
    ],
    ids=["the same", "a fifth more", "5 ms more", "faster", "3 of 1000 wait"],
)
def test_what_is_tolerated(canary: Draw) -> None:
    assert watch(canary).verdict == "pass"


@pytest.mark.parametrize(
    "canary",
    [
        lambda rng: usual(rng) + (30 if rng.random() < 0.025 else 0),
        lambda rng: 3 * usual(rng),
        lambda rng: usual(rng) + 20,
    ],
    ids=["every 40th waits", "three times", "20 ms more"],
)
def test_what_is_slower(canary: Draw) -> None:
    found = watch(canary)
    assert (found.verdict, found.final) == ("fail", True)
    assert "it is slower" in found.reasons[0]
    assert found.numbers["latency"]["evidence"] >= CanarySettings().evidence


def test_a_service_whose_latencies_are_all_alike() -> None:
    """An edge in the middle of a narrow distribution: a twentieth more must not look like twice as many."""

    def steady(rng: random.Random) -> float:
        return rng.gauss(78, 2)

    rng = random.Random(4)
    seen = [
        SampleWindow(n, arm(lambda r: 1.05 * steady(r), 200, rng), arm(steady, 800, rng)) for n in range(10)
    ]
    assert judge(seen, CanarySettings()).verdict == "pass"


def test_one_stall_is_not_enough() -> None:
    quiet, stalled = (histogram([low] * 100) for low in (2, 300))
    base = Sample(900, histogram=histogram([2] * 900))
    windows = [SampleWindow(n, Sample(100, histogram=quiet), base) for n in range(9)]
    assert (
        judge([*windows, SampleWindow(9, Sample(100, histogram=stalled), base)], CanarySettings()).verdict
        == "pass"
    )


def test_without_a_histogram_of_both_nothing_is_said() -> None:
    base = Sample(900)
    slow = Sample(100, histogram=histogram([500] * 100))
    assert judge([SampleWindow(0, slow, base)] * 5, CanarySettings()).numbers["latency"] is None


@given(st.lists(st.sampled_from(EDGES), min_size=1, max_size=60), st.integers(0, 59), st.integers(1, 30))
@settings(max_examples=50)
def test_one_more_slow_request_never_turns_a_fail_into_a_pass(
    latencies: list[float], number: int, steps: int
) -> None:
    base = Sample(500, histogram=histogram([3.0] * 495 + [40.0] * 5))
    tolerant = CanarySettings(min_requests=0, spread=0)

    def verdict(seen: list[float]) -> str:
        return judge([SampleWindow(0, Sample(len(seen), histogram=histogram(seen)), base)], tolerant).verdict

    number %= len(latencies)
    slower = EDGES[min(len(EDGES) - 1, EDGES.index(latencies[number]) + steps)]
    worse = [*latencies[:number], slower, *latencies[number + 1 :]]
    if verdict(latencies) == "fail":
        assert verdict(worse) == "fail"


def values(canary: list[float], baseline: list[float], ended: bool = False) -> Verdict:
    windows = [
        SampleWindow(n, Sample(100, values=(mine,)), Sample(900, values=(base,)))
        for n, (mine, base) in enumerate(zip(canary, baseline, strict=True))
    ]
    return judge(windows, CanarySettings(), ended=ended)


def test_values() -> None:
    base = [10.0 + n % 3 for n in range(12)]
    found = values([30.0 + n % 5 for n in range(12)], base)
    assert found.verdict == "fail"
    assert "Mann-Whitney" in found.reasons[0]
    assert values(base, base).verdict == "pass"
    assert values([value + 4 for value in base], base, ended=True).verdict == "pass", "less than the floor"
    assert values([1.2 * value for value in base], base, ended=True).verdict == "pass", "less than the ratio"


def test_values_that_are_too_few_say_nothing() -> None:
    assert values([30.0] * 7, [10.0] * 7, ended=True).numbers["latency"] is None


def test_values_are_looked_at_now_and_then() -> None:
    """At 8, 12, 18 ... and at the end, not after each of them."""
    base, slow = [10.0, 12.0] * 5 + [11.0], [11.0, 10.0] * 4 + [300.0] * 3
    looks = {count: values(slow[:count], base[:count]).numbers["latency"]["p"] for count in (8, 9, 11)}
    assert looks[8] == looks[9] == looks[11]
    assert values(slow, base, ended=True).numbers["latency"]["p"] < looks[11]


def test_a_table_of_the_proxy() -> None:
    text = (
        "# table: agents_latency, type: string, size:2048, used:3\n"
        "0x7f48240444e8: key=blue/250 use=0 exp=0 gpc0=122\n"
        "0x561c9172d408: key=green/31000 use=1 exp=0 shard=0 gpc0=7\n"
        "0x561c9172d409: key=green/29000 use=0 exp=0 gpc0=2\n\n"
    )
    found = {slot: dict(counts) for slot, counts in parse_table(text).items()}
    assert found["blue"][0.0] == 122
    assert (found["green"][30.0], found["green"][25.0]) == (7, 2)
    assert parse_table("No such table\n\n\n") == {}
