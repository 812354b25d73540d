"""The traffic that tests/bench/canary.py judges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import Sample, SampleWindow
from ansible_collections.mas.ops.plugins.module_utils._traffic.latency import EDGES
from numpy.typing import NDArray

WINDOWS = 20
SHARES = (0.1,) * WINDOWS
#: A canary by steps: some windows with 1, 10 and 50 % each.
STEPS = (0.01,) * 6 + (0.1,) * 7 + (0.5,) * 7
#: Latencies in milliseconds: most requests near the median, some of them slow for reasons of their own.
MEDIAN, SIGMA = 4.0, 0.5
SLOW_SHARE, SLOW = 0.005, 25.0

Generator = np.random.Generator
Latencies = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """``expected`` says what must happen to such a canary: pass, fail, or any (only printed)."""

    kind: str
    name: str
    expected: str
    draw: Callable[[Generator], list[SampleWindow]]


def errors(
    rng: Generator,
    baseline: float,
    canary: float,
    requests: int = 1000,
    shares: Sequence[float] = SHARES,
    wave: float = 0.0,
) -> list[SampleWindow]:
    """
    :param wave: by how much both error rates swing around their mean together, as those of a shared database do
    """
    windows = []
    for number, share in enumerate(shares):
        swing = 1 + wave * math.sin(number)
        mine = round(requests * share)
        failed = [
            Sample(count, int(rng.binomial(count, min(1.0, rate * swing))))
            for count, rate in ((mine, canary), (requests - mine, baseline))
        ]
        windows.append(SampleWindow(number, failed[0], failed[1]))
    return windows


def burst(rng: Generator, rate: float, length: int) -> list[SampleWindow]:
    """Both arms are alike, but once the canary alone has some errors in a row."""
    windows = errors(rng, rate, rate)
    hit = int(rng.integers(len(windows)))
    window = windows[hit]
    wrong = Sample(window.canary.requests, min(window.canary.requests, window.canary.errors + length))
    windows[hit] = SampleWindow(window.at, wrong, window.baseline)
    return windows


def quick(rng: Generator, count: int) -> Latencies:
    """What the baseline does."""
    usual = rng.lognormal(math.log(MEDIAN), SIGMA, count)
    return usual + (rng.random(count) < SLOW_SHARE) * rng.exponential(SLOW, count)


def paused(rng: Generator, count: int, share: float = 0.025, pause: float = 30.0) -> Latencies:
    """Every so many requests wait, as in the example's version 5."""
    return quick(rng, count) + (rng.random(count) < share) * pause


def times(rng: Generator, count: int, factor: float) -> Latencies:
    return quick(rng, count) * factor


def later(rng: Generator, count: int, more: float) -> Latencies:
    return quick(rng, count) + more


def latency(
    rng: Generator, canary: Callable[[Generator, int], Latencies], requests: int = 1000, only: bool = False
) -> list[SampleWindow]:
    """
    :param only: no histogram, so that only the values of each window are known
    """
    mine = requests // 10
    windows = []
    for number in range(WINDOWS):
        new = _arm(canary(rng, mine), only)
        windows.append(SampleWindow(number, new, _arm(quick(rng, requests - mine), only)))
    return windows


def _arm(latencies: Latencies, only: bool) -> Sample:
    counts = np.histogram(latencies, [*EDGES, math.inf])[0]
    histogram = {} if only else dict(zip(EDGES, map(int, counts), strict=True))
    return Sample(len(latencies), 0, 0, histogram, (float(np.quantile(latencies, 0.99)),))


def _errors(name: str, expected: str, baseline: float, canary: float, **more: object) -> Scenario:
    draw = partial(errors, baseline=baseline, canary=canary, **more)  # type: ignore[arg-type]
    return Scenario("errors", name, expected, draw)


def _latency(
    name: str, expected: str, canary: Callable[[Generator, int], Latencies], kind: str = "latency"
) -> Scenario:
    return Scenario(kind, name, expected, partial(latency, canary=canary, only=kind == "values"))


SCENARIOS = (
    _errors("healthy, 0.2 %", "pass", 0.002, 0.002),
    _errors("healthy, 2 %", "pass", 0.02, 0.02),
    _errors("healthy, none", "pass", 0.0, 0.0),
    _errors("healthy, 2 %, both in waves", "pass", 0.02, 0.02, wave=0.9),
    _errors("healthy, 0.2 %, by steps 1/10/50", "pass", 0.002, 0.002, shares=STEPS),
    _errors("healthy, 0.2 %, a fifth of the traffic", "pass", 0.002, 0.002, requests=200),
    Scenario("errors", "healthy, 0.2 %, 4 errors at once", "any", partial(burst, rate=0.002, length=4)),
    _errors("0.2 -> 2 %", "fail", 0.002, 0.02),
    _errors("0.2 -> 2 %, by steps 1/10/50", "fail", 0.002, 0.02, shares=STEPS),
    _errors("0.2 -> 2 %, half of the traffic", "any", 0.002, 0.02, requests=500),
    _errors("0.2 -> 2 %, a fifth of the traffic", "any", 0.002, 0.02, requests=200),
    _errors("none -> 1 %", "fail", 0.0, 0.01),
    _errors("0.2 -> 5 %, a fifth of the traffic", "any", 0.002, 0.05, requests=200),
    _errors("0.2 -> 1 %", "any", 0.002, 0.01),
    _errors("0.2 -> 0.6 %", "any", 0.002, 0.006),
    _errors("0.2 -> 0.4 %", "any", 0.002, 0.004),
    _errors("2 -> 5 %", "any", 0.02, 0.05),
    _errors("2 -> 4 %", "any", 0.02, 0.04),
    _errors("2 -> 3 %", "any", 0.02, 0.03),
    _latency("healthy", "pass", quick),
    _latency("10 % and so not worth a rollback", "pass", partial(times, factor=1.1)),
    _latency("2 ms more, not worth one either", "pass", partial(later, more=2.0)),
    _latency("30 ms in every 40th request", "fail", paused),
    _latency("30 ms in every 80th request", "any", partial(paused, share=0.0125)),
    _latency("3 times", "fail", partial(times, factor=3.0)),
    _latency("2 times", "any", partial(times, factor=2.0)),
    _latency("healthy", "pass", quick, "values"),
    _latency("3 times", "fail", partial(times, factor=3.0), "values"),
    _latency("2 times", "any", partial(times, factor=2.0), "values"),
)
