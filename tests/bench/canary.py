#!/usr/bin/env python3
"""How reliable the verdict on a canary is: simulated traffic, thousands of canaries, and other methods on the same data.

    tests/bench/canary.py [--runs 1000] [--seed 1]

A canary is watched for 20 windows with a tenth of the requests, and judged after each. The output has, for each scenario, the
part of the canaries that failed (false alarms for healthy ones, power for the others), the median window in which they
did, and the part that passed before the end. The other methods are what is often used instead:

  threshold       fails when the canary's error rate of one window is above 1 %
                  (for latencies: its 99th percentile above 1.25 times the baseline's)
  fisher          Fisher's exact test on all counts so far, p < 0.01, after every window
                  (for latencies: on requests slower than the baseline's first 99th percentile)
  mann-whitney    Mann and Whitney's test on the rates of all windows, p < 0.01, once at the end
                  (for latencies: on their 99th percentiles)

It prints a table, writes .cache/bench/canary.json, and fails when a bound that docs/canary.md promises does not hold.
The same seed gives the same numbers; nothing is timed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import canary_traffic as traffic
import numpy as np
from ansible_collections.mas.ops.plugins.module_utils._canary.judge import judge
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import SampleWindow
from ansible_collections.mas.ops.plugins.module_utils._canary.settings import CanarySettings
from scipy import stats

CHECKOUT = Path(__file__).resolve().parents[2]
RESULTS = CHECKOUT / ".cache/bench/canary.json"
OURS = "mas.ops"
#: What must hold for ours: at most this part of healthy canaries fails, at least this part of bad ones.
FALSE_ALARMS, POWER = 0.01, 0.99
P = 0.01
THRESHOLD = 0.01

#: The window in which a run failed, 0 for one that did not, and whether it passed before the end.
Outcome = tuple[int, bool]
Run = list[SampleWindow]


def ours(run: Run) -> Outcome:
    for number in range(1, len(run) + 1):
        found = judge(run[:number], CanarySettings(), ended=number == len(run))
        if found.final:
            return (number if found.verdict == "fail" else 0), number < len(run)
    raise AssertionError("a canary that ended has no final verdict")


def first(flags: Sequence[bool]) -> Outcome:
    """The first window after which a method flags the canary."""
    return next((number for number, flag in enumerate(flags, 1) if flag), 0), False


def threshold_errors(run: Run) -> Outcome:
    return first([window.canary.rate > THRESHOLD for window in run])


def fisher_errors(run: Run) -> Outcome:
    return fisher([[w.canary.errors, w.canary.requests, w.baseline.errors, w.baseline.requests] for w in run])


def mann_whitney_errors(run: Run) -> Outcome:
    return at_the_end(run, [w.canary.rate for w in run], [w.baseline.rate for w in run])


def threshold_latency(run: Run) -> Outcome:
    return first([window.canary.values[0] > 1.25 * window.baseline.values[0] for window in run])


def fisher_latency(run: Run) -> Outcome:
    """On requests slower than the 99th percentile of the baseline in the first window."""
    edge = run[0].baseline.quantile(0.99) or 0.0
    arms = [(window.canary, window.baseline) for window in run]
    return fisher([[n for arm in pair for n in (arm.tails()[edge], arm.requests)] for pair in arms])


def mann_whitney_latency(run: Run) -> Outcome:
    return at_the_end(run, [w.canary.values[0] for w in run], [w.baseline.values[0] for w in run])


def fisher(counts: list[list[int]]) -> Outcome:
    """On all counts so far, after each window; one-sided. What scipy's fisher_exact computes, for all at once."""
    canary_events, canary, baseline_events, baseline = np.cumsum(counts, axis=0).T
    events = canary_events + baseline_events
    return first(list(stats.hypergeom.sf(canary_events - 1, canary + baseline, events, canary) < P))


def at_the_end(run: Run, canary: list[float], baseline: list[float]) -> Outcome:
    if len({*canary, *baseline}) == 1:
        return 0, False
    found = stats.mannwhitneyu(canary, baseline, alternative="greater", method="asymptotic")
    return (len(run) if found.pvalue < P else 0), False


METHODS: dict[str, dict[str, Callable[[Run], Outcome]]] = {
    "errors": {
        OURS: ours,
        "threshold": threshold_errors,
        "fisher": fisher_errors,
        "mann-whitney": mann_whitney_errors,
    },
    "latency": {
        OURS: ours,
        "threshold": threshold_latency,
        "fisher": fisher_latency,
        "mann-whitney": mann_whitney_latency,
    },
    # Only values by window, as a monitoring system gives them.
    "values": {OURS: ours, "mann-whitney": mann_whitney_latency},
}


@dataclass(frozen=True)
class Row:
    """
    :param failed: the part of the canaries that failed
    :param window: the median window in which those did
    :param early: the part that passed before the end
    """

    kind: str
    scenario: str
    method: str
    expected: str
    failed: float
    window: float
    early: float

    @property
    def holds(self) -> bool:
        """Whether what is promised of ours holds; the others promise nothing."""
        if self.method != OURS or self.expected == "any":
            return True
        return self.failed <= FALSE_ALARMS if self.expected == "pass" else self.failed >= POWER


def measure(scenario: traffic.Scenario, number: int, runs: int, seed: int) -> list[Row]:
    """All methods on the same runs."""
    rng = np.random.default_rng([seed, number])
    outcomes: dict[str, list[Outcome]] = {name: [] for name in METHODS[scenario.kind]}
    for _ in range(runs):
        run = scenario.draw(rng)
        for name, method in METHODS[scenario.kind].items():
            outcomes[name].append(method(run))
    return [_row(scenario, name, each) for name, each in outcomes.items()]


def _row(scenario: traffic.Scenario, method: str, outcomes: list[Outcome]) -> Row:
    windows = [window for window, _ in outcomes if window]
    early = sum(early and not window for window, early in outcomes)
    return Row(
        scenario.kind,
        scenario.name,
        method,
        scenario.expected,
        len(windows) / len(outcomes),
        statistics.median(windows) if windows else 0,
        early / len(outcomes),
    )


def table(rows: list[Row]) -> Iterator[str]:
    names = list(METHODS["errors"])
    yield f"{'':<48} {'must':<5}" + "".join(f"{name:>20}" for name in names)
    for scenario in dict.fromkeys((row.kind, row.scenario) for row in rows):
        mine = {row.method: row for row in rows if (row.kind, row.scenario) == scenario}
        expected = mine[OURS].expected
        must = {"pass": "pass", "fail": "fail", "any": ""}[expected]
        cells = "".join(f"{_cell(mine.get(name)):>20}" for name in names)
        yield f"{scenario[0]:<8} {scenario[1]:<39} {must:<5}{cells}"


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{100 * row.failed:.1f} %" + (f", window {row.window:g}" if row.failed else "")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        futures = [
            pool.submit(measure, scenario, number, options.runs, options.seed)
            for number, scenario in enumerate(traffic.SCENARIOS)
        ]
        rows = [row for future in futures for row in future.result()]
    broken = [row for row in rows if not row.holds]
    report = {
        "settings": {**vars(options), "canary": asdict(CanarySettings())},
        "bounds": {"false_alarms": FALSE_ALARMS, "power": POWER},
        "rows": [{**asdict(row), "holds": row.holds} for row in rows],
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(f"{options.runs} canaries each: part that failed, and the median window in which they did")
    print("\n".join(table(rows)))
    for row in broken:
        print(f"NOT HELD: {row.kind} {row.scenario}: {100 * row.failed:.2f} % failed", file=sys.stderr)
    print(f"\nAll numbers: {RESULTS.relative_to(CHECKOUT)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
