"""The measures: a table of entries and numbers, and what must hold of any entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mas.ops.plugins.filter.dora import FilterModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger.dora import dora
from hypothesis import given
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/dora/measures.yml").read_text("utf-8"))
USUAL = {"kind": "release", "application": "agents", "environment": "production", "run": "r1"}


def entry(line: dict[str, Any]) -> dict[str, Any]:
    given = {**USUAL, **line}
    return {**given, "time": f"2026-11-{given['time']}"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_measures(case: dict[str, Any]) -> None:
    entries = [entry(line) for line in case["entries"]]
    found = dora(entries, at=case.get("at", "2026-11-24T00:00:00Z"), days=case.get("days", 30))
    assert len(found["measures"]) == len(case["expected"])
    for measures, expected in zip(found["measures"], case["expected"], strict=True):
        assert {name: measures[name] for name in expected} == expected
    json.dumps(found)


RELEASES = st.sampled_from(["1.0.0-aa", "1.1.0-bb", "1.2.0-cc"])
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["release", "release", "release", "drill"]),
            "application": st.sampled_from(["agents", "billing"]),
            "environment": st.sampled_from(["production", "staging"]),
            "action": st.sampled_from(["live", "rolled_back", "failed", "?"]),
            "time": st.floats(0, 364.9).map(lambda days: f"{(YEAR + timedelta(days)):%Y-%m-%dT%H:%M:%S.%fZ}"),
        },
        optional={
            "from": st.none() | RELEASES,
            "to": st.none() | RELEASES,
            "run": st.sampled_from(["r1", "r2", "r3"]),
            "built": st.sampled_from(["2026-01-01T00:00:00Z", "", None, 7]),
            "operation": st.sampled_from(["deploy", "rollback"]),
        },
    ),
    max_size=30,
)


@given(ENTRIES, st.integers(1, 400), st.randoms())
def test_any_entries(entries: list[dict[str, Any]], days: int, random: Any) -> None:
    found = dora(entries, at="2026-12-31T00:00:00Z", days=days)
    for measures in found["measures"]:
        failure = measures["change_failure_rate"]
        assert 0 <= failure["failed"] <= failure["n"]
        assert measures["deployments"] <= failure["n"]
        assert (failure["rate"] is None) == (failure["n"] == 0)
        for sample in (measures["lead_time"], measures["time_to_restore"]):
            assert (sample["median_seconds"] is None) == (sample["n"] == 0)
            assert sample["n"] == 0 or sample["median_seconds"] >= 0
        for name in ("deployments",):
            assert sum(week[name] for week in measures["weeks"]) == measures[name]
        assert sum(week["changes"] for week in measures["weeks"]) == failure["n"]
        assert sum(week["failed"] for week in measures["weeks"]) == failure["failed"]


def test_one_application_in_one_environment() -> None:
    entries = [
        entry({"time": "10T12:00:00Z", "action": "live", "to": "1-a", **more})
        for more in ({}, {"application": "billing"}, {"environment": "staging"})
    ]
    (only,) = dora(entries, application="billing", environment="production")["measures"]
    assert (only["application"], only["environment"]) == ("billing", "production")
    assert len(dora(entries, environment="production")["measures"]) == 2


def test_the_time_span_ends_with_the_newest_entry() -> None:
    entries = [entry({"time": f"{day}T12:00:00Z", "action": "live", "to": "1-a"}) for day in ("11", "10")]
    found = dora(entries, days=7)
    assert (found["from"], found["until"]) == ("2026-11-04T12:00:00Z", "2026-11-11T12:00:00Z")
    assert dora([])["until"] is None


@pytest.mark.parametrize(
    "entries, options",
    [
        ("text", {}),
        ({"a": 1}, {}),
        (7, {}),
        (["text"], {}),
        ([], {"at": "2026-11-10", "days": 7}),
        ([], {"at": "soon"}),
        ([], {"days": 0}),
        ([], {"days": True}),
        ([], {"days": 10_000}),
        ([], {"days": "many"}),
    ],
)
def test_what_is_not_a_question(entries: Any, options: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as raised:
        dora(entries, **options)
    assert raised.value.fix
    with pytest.raises(AnsibleFilterError, match=str(raised.value.what)[:10]):
        FilterModule().filters()["dora"](entries, **options)
