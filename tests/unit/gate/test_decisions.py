"""What the gate decides, from the table that operators can read, and what holds for every decision."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.model import (
    NAMES,
    Check,
    CheckOutcome,
    Mode,
)
from ansible_collections.mas.ops.plugins.plugin_utils.gate.decide import (
    CheckResult,
    Decision,
    decide,
    needs_history,
    needs_host,
)
from ansible_collections.mas.ops.plugins.plugin_utils.gate.report import GateVerdict, to_dict
from hypothesis import given, settings
from hypothesis import strategies as some

from .given import AT, at_of, facts_of, settings_of

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/gate/decisions.yml").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    found = decide("web1", facts_of(case), settings_of(case), at_of(case), case.get("recheck", False))
    assert found.decision.value == case["decision"], found
    assert [one.check.name for one in found.blocking] == case.get("failing", [])
    noted = [
        one.check.name
        for one in found.results
        if one.check.outcome is not CheckOutcome.PASS and not one.blocks
    ]
    assert noted == case.get("noted", [])
    if "made" in case:
        assert [one.check.name for one in found.results] == case["made"]
    if "used" in case:
        assert list(found.overridden) == case["used"]
    if "next_opening" in case:
        assert found.next_opening is not None
        assert found.next_opening.isoformat() == case["next_opening"]
    json.dumps(to_dict(GateVerdict("deploy", AT, {"web1": found})))


def test_names_of_cases_are_their_own() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))


def test_every_check_fails_in_some_case() -> None:
    assert {name for case in CASES for name in case.get("failing", [])} == set(NAMES)


@pytest.mark.parametrize(
    "variables, change, asked",
    [
        ({}, "deploy", False),
        ({"gate_checks": {"disk": True}}, "deploy", True),
        ({"gate_checks": {"disk": False, "window": True}}, "deploy", False),
        ({"gate_rollback_checks": {"lock": True}}, "deploy", False),
        ({"gate_rollback_checks": {"lock": "advisory"}}, "rollback", True),
        ({"gate_backup": "24h"}, "deploy", True),
        ({"gate_backup": {"max_age": "24h", "ledgers": "/x/*.jsonl"}}, "deploy", False),
        ({"gate_backup": "24h", "gate_checks": {"backup_age": False}}, "deploy", False),
        ({"change_windows": [{"name": "n", "cron": "0 22 * * *", "duration": "2h"}]}, "deploy", True),
        ({"change_windows": [{"name": "n", "cron": "0 22 * * *", "duration": "2h"}]}, "rollback", False),
        ({"change_windows": [{"name": "n", "cron": "0 22 * * *", "duration": "2h"}]}, "provision", False),
        ({"change_windows": [{"name": "n", "cron": "0 23 * * *", "duration": "2h"}]}, "deploy", False),
        (
            {
                "change_windows": [{"name": "n", "cron": "0 23 * * *", "duration": "2h"}],
                "gate_outside_window": "wait",
            },
            "deploy",
            True,
        ),
        (
            {"change_freezes": [{"name": "f", "start": "2026-03-20T00:00Z", "end": "2026-03-21T00:00Z"}]},
            "deploy",
            False,
        ),
    ],
)
def test_hosts_are_asked_only_when_something_depends_on_it(
    variables: dict[str, Any], change: str, asked: bool
) -> None:
    case = {"variables": variables, "change": change}
    found = settings_of(case)
    assert (needs_host(found) or needs_history(facts_of(case).opening, found, AT)) is asked


@given(
    outcome=some.sampled_from(CheckOutcome),
    mode=some.sampled_from([Mode.ON, Mode.ADVISORY]),
    overridden=some.booleans(),
)
def test_only_a_pass_or_an_exception_goes(outcome: CheckOutcome, mode: Mode, overridden: bool) -> None:
    result = CheckResult(Check("window", outcome, ""), mode, overridden)
    assert result.blocks == (outcome is not CheckOutcome.PASS and mode is Mode.ON and not overridden)


_MODES = some.dictionaries(
    some.sampled_from([name for name in NAMES if name != "stop"]),
    some.sampled_from(["on", "off", "advisory"]),
)
_OVERRIDES = some.none() | some.fixed_dictionaries(
    {
        "checks": some.lists(some.sampled_from(NAMES), max_size=3),
        "by": some.sampled_from(["", "ada"]),
        "reason": some.sampled_from(["", "too short", "long enough to be one"]),
        "until": some.sampled_from(
            [None, "2026-03-09T22:00:00Z", "2026-03-09T23:00:00Z", "2027-01-01T00:00:00Z"]
        ),
    }
)


@settings(max_examples=300, deadline=None)
@given(
    modes=_MODES,
    override=_OVERRIDES,
    outside=some.sampled_from(["fail", "skip", "wait"]),
    recheck=some.booleans(),
    stopped=some.booleans(),
    hour=some.integers(0, 23),
)
def test_what_holds_for_every_decision(
    modes: dict[str, str], override: Any, outside: str, recheck: bool, stopped: bool, hour: int
) -> None:
    variables = {
        "gate_checks": modes,
        "change_override": override,
        "gate_outside_window": outside,
        "change_stop": "fire" if stopped else "",
        "change_windows": [{"name": "n", "cron": f"0 {hour} * * *", "duration": "2h"}],
    }
    case = {"variables": variables}
    found = decide("web1", facts_of(case), settings_of(case), AT, recheck)
    assert (found.decision is Decision.GO) == (not found.blocking)
    if stopped:
        assert found.decision is Decision.STOP
    if recheck:
        assert found.decision in {Decision.GO, Decision.STOP}
    assert all(mode != "off" for mode in (modes.get(one.check.name) for one in found.results))
    if found.overridden:
        granted = [one for one in found.results if one.check.name == "override"]
        assert granted
        assert granted[0].check.outcome is CheckOutcome.PASS
        assert not set(found.overridden) & {"stop", "override", "artifact", "lock"}
    if found.decision is Decision.WAIT:
        assert {one.check.name for one in found.blocking} <= {"freeze", "window", "room"}


@given(seconds=some.lists(some.floats(1, 1e5), min_size=1, max_size=60))
def test_the_quantile_is_a_duration_that_occurred(seconds: list[float]) -> None:
    from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.schedule import quantile  # noqa: PLC0415

    found = quantile(seconds)
    assert found is not None
    assert any(abs(found - timedelta(seconds=one)) < timedelta(milliseconds=1) for one in seconds)
    below = sum(timedelta(seconds=one) <= found for one in seconds)
    assert below >= 0.95 * len(seconds)
