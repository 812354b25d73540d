"""The judgement: a table, and what must hold for any numbers."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._canary.evidence import strata_of
from ansible_collections.mas.ops.plugins.module_utils._canary.judge import judge
from ansible_collections.mas.ops.plugins.module_utils._canary.sample import Sample, SampleWindow, pool, total
from ansible_collections.mas.ops.plugins.module_utils._canary.settings import CanarySettings
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from hypothesis import given
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "canary" / "verdicts.yml").read_text())
DEFAULTS = CanarySettings()


@st.composite
def arms(draw: st.DrawFn, most: int = 2000) -> Sample:
    requests = draw(st.integers(0, most))
    return Sample(requests, draw(st.integers(0, min(requests, 50))))


WINDOWS = st.lists(st.builds(SampleWindow, canary=arms(200), baseline=arms()), max_size=12)


def windows_of(case: dict[str, Any]) -> list[SampleWindow]:
    found = []
    for each in case["windows"]:
        counts, downs = each["counts"], each.get("downs", [0, 0])
        window = SampleWindow(
            0.0,
            Sample(counts[0], counts[1], downs[0]),
            Sample(counts[2], counts[3], downs[1]),
            each.get("missing", ""),
        )
        found += [window] * each.get("times", 1)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_table(case: dict[str, Any]) -> None:
    settings = CanarySettings.parse(case.get("settings", {}))
    found = judge(windows_of(case), settings, ended=case.get("ended", False), held=case.get("held", 0.0))
    expected = case["expect"]
    assert (found.verdict, found.final) == (expected["verdict"], expected["final"]), found
    assert expected.get("reason", "") in found.reasons[0]
    json.dumps(found.to_dict(), allow_nan=False)


@given(WINDOWS, st.integers(0, 11), st.integers(1, 50), st.booleans())
def test_more_errors_never_turn_a_fail_into_a_pass(
    windows: list[SampleWindow], where: int, more: int, ended: bool
) -> None:
    before = judge(windows, DEFAULTS, ended=ended)
    if not windows:
        return
    where %= len(windows)
    window = windows[where]
    canary = window.canary
    worse = replace(canary, errors=min(canary.requests, canary.errors + more))
    after = judge(
        [*windows[:where], replace(window, canary=worse), *windows[where + 1 :]], DEFAULTS, ended=ended
    )
    if before.verdict == "fail":
        assert after.verdict == "fail"
    assert after.numbers["evidence"] >= before.numbers["evidence"]
    assert after.numbers["worst_difference"] >= before.numbers["worst_difference"] - 1e-9


@given(WINDOWS)
def test_less_of_the_baseline_s_errors_never_turns_a_fail_into_a_pass(windows: list[SampleWindow]) -> None:
    better = [replace(w, baseline=replace(w.baseline, errors=w.baseline.errors // 2)) for w in windows]
    if judge(windows, DEFAULTS).verdict == "fail":
        assert judge(better, DEFAULTS).verdict == "fail"


@given(WINDOWS)
def test_a_baseline_that_is_as_bad_as_the_canary_does_not_fail_it(windows: list[SampleWindow]) -> None:
    """But the hard stop, which looks at the canary alone."""
    alike = [replace(window, baseline=window.canary) for window in windows]
    found = judge(alike, replace(DEFAULTS, hard_requests=10**9), ended=True)
    assert found.verdict != "fail"


@given(WINDOWS, st.booleans())
def test_a_verdict_that_is_not_final_is_marked(windows: list[SampleWindow], ended: bool) -> None:
    found = judge(windows, DEFAULTS, ended=ended)
    assert found.final == (found.verdict == "fail" or (found.verdict == "pass" and (ended or found.final)))
    assert not (found.verdict == "inconclusive" and found.final)
    assert found.reasons
    assert judge(windows, DEFAULTS, ended=True, held=1e9).final


@given(WINDOWS, st.integers(2, 4))
def test_more_of_the_same_is_more_evidence(windows: list[SampleWindow], times: int) -> None:
    """The same are the comparisons: a window of one arm alone is compared with other neighbours when it is repeated."""
    compared = [total(group) for group in strata_of(windows)]
    once = judge(compared, DEFAULTS)
    again = judge(compared * times, DEFAULTS)
    if once.verdict == "fail" and "fails more often" in once.reasons[0]:
        assert again.verdict == "fail"


def test_healthy_canaries_are_failed_no_more_often_than_promised() -> None:
    """The bench has the numbers; this keeps a mistake from getting that far. Ville's bound is 2 %."""
    rng = random.Random(5)

    def arm(requests: int) -> Sample:
        return Sample(requests, sum(rng.random() < 0.01 for _ in range(requests)))

    failed = sum(
        judge([SampleWindow(n, arm(50), arm(150)) for n in range(20)], DEFAULTS).verdict == "fail"
        for _ in range(150)
    )
    assert failed <= 3


@given(st.lists(WINDOWS, max_size=4))
def test_pooling_loses_no_request(hosts: list[list[SampleWindow]]) -> None:
    pooled = pool(hosts)
    assert total(pooled) == total([window for host in hosts for window in host])
    assert len(pooled) == max(map(len, hosts), default=0)


def test_pooling_puts_the_latest_together() -> None:
    quiet, silent = SampleWindow(1.0, Sample(1), Sample(9)), SampleWindow(missing="web2: silent")
    assert [window.missing for window in pool([[quiet, quiet], [silent]])] == ["", "web2: silent"]


@given(WINDOWS)
def test_a_window_survives_its_way_through_json(windows: list[SampleWindow]) -> None:
    text = json.dumps([window.to_dict() for window in windows], allow_nan=False)
    assert [SampleWindow.parse(each) for each in json.loads(text)] == windows


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"canari": {}},
        {"canary": {"requests": -1}},
        {"canary": {"requests": 1, "errors": 2}},
        {"canary": {"requests": 1.5}},
        {"canary": {"requests": "many"}},
        {"canary": {"requests": None}},
        {"canary": {"histogram": [1, 2]}},
        {"canary": {"values": ["fast"]}},
        {"canary": {"more": 1}},
        {"canary": 5},
        {"at": "noon"},
    ],
)
def test_a_window_that_is_none(data: Any) -> None:
    with pytest.raises(BadInput) as caught:
        SampleWindow.parse(data)
    assert caught.value.fix


@pytest.mark.parametrize(
    "data",
    [
        {"evidence": 0},
        {"hard_rate": 1.1},
        {"min_requests": -1},
        {"confidence": 1},
        {"latency_ratio": 0.5},
        {"min_values": 1},
        {"evidence": float("nan")},
        {"evidence": "much"},
        {"evidense": 50},
    ],
)
def test_settings_that_cannot_be(data: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        CanarySettings.parse(data)
    assert caught.value.fix


def test_settings_not_said_are_the_defaults() -> None:
    assert CanarySettings.parse({"evidence": None, "spread": "4"}) == replace(DEFAULTS, spread=4.0)
