"""The tables of tests/cases/windows: semantics as operators of other systems know them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.windows.awx import to_rrule
from ansible_collections.mas.ops.plugins.plugin_utils.windows.fields import seconds
from ansible_collections.mas.ops.plugins.plugin_utils.windows.judge import judge, next_opening
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Target
from ansible_collections.mas.ops.plugins.plugin_utils.windows.parse import parse_policy

FOLDER = Path(__file__).parents[2] / "cases/windows"
SYSTEMS = ("argocd", "aws_ssm", "octopus", "spinnaker", "awx", "clocks")
KEYS = {"at", "for", "open", "frozen", "window", "why", "closes_at", "next_opening", "left"}


def table(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    assert found
    return found


def moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


CASES = [
    pytest.param(case, expected, id=f"{system}: {case['name']}, {expected['at']}")
    for system in SYSTEMS
    for case in table(system)
    for expected in case["moments"]
]


@pytest.mark.parametrize("case, expected", CASES)
def test_semantics(case: dict[str, Any], expected: dict[str, Any]):
    assert set(expected) <= KEYS
    assert set(case) <= {"name", "windows", "freezes", "required", "for", "moments", "to_rrule"}
    policy = parse_policy(case.get("windows"), case.get("freezes"), case.get("required", False))
    whom = expected.get("for", case.get("for", {}))
    target = Target(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in whom.items()}
    )
    at = moment(expected["at"])
    assert at is not None
    state = judge(policy, target, at)
    for name in ("open", "frozen", "window"):
        assert name not in expected or getattr(state, name) == expected[name]
    for name in ("closes_at", "next_opening"):
        assert name not in expected or getattr(state, name) == moment(expected[name])
    assert expected.get("why", "") in state.why
    assert "left" not in expected or state.closes_at == at + timedelta(seconds=seconds(expected["left"]) or 0)
    assert next_opening(policy, target, at) == (at if state.open else state.next_opening)


@pytest.mark.parametrize(
    "case", [case for case in table("awx") if "to_rrule" in case], ids=lambda case: case["name"]
)
def test_to_rrule(case: dict[str, Any]):
    text = to_rrule(case["windows"][0])
    assert text == case["to_rrule"]
    # What AWX gets starts when the window does.
    again = parse_policy([{"name": "x", "rrule": text, "duration": 1}], required=True)
    first = moment(case["moments"][0]["at"])
    assert first is not None
    ours = parse_policy(case["windows"], required=True)
    assert next_opening(again, Target(), first - timedelta(minutes=90)) is not None
    for number in range(200):
        at = first - timedelta(days=2) + number * timedelta(hours=1)
        opening = judge(again, Target(), at).next_opening
        assert opening is None or judge(ours, Target(), opening).open


@pytest.mark.parametrize("case", table("refused"), ids=lambda case: str(case["entry"])[:90])
@pytest.mark.parametrize("place", ["windows", "freezes"])
def test_refused(case: dict[str, Any], place: str):
    with pytest.raises(BadInput) as caught:
        parse_policy(**{place: [case["entry"]]})
    assert case["says"] in str(caught.value)
    assert f"{place}[0]" in caught.value.where
    assert caught.value.fix


@pytest.mark.parametrize("bad", ["nightly", {"name": "x"}, 1])
def test_no_list(bad: object):
    with pytest.raises(BadInput, match="must be a list"):
        parse_policy(bad)


def test_required_is_true_or_false():
    with pytest.raises(BadInput, match="change_windows_required"):
        parse_policy(required="yes")


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "x", "start": "2026-12-01 22:00", "end": "2026-12-02", "except_dates": []},
        {
            "name": "x",
            "rrule": "FREQ=WEEKLY;BYDAY=TU",
            "start": "22:00",
            "duration": 1,
            "except_dates": ["2026-12-01"],
        },
        {
            "name": "x",
            "rrule": "FREQ=WEEKLY;BYDAY=TU",
            "start": "22:00",
            "duration": 1,
            "dates": ["2026-12-01"],
        },
        {"name": "x", "rrule": "FREQ=DAILY;COUNT=1000", "start": "2026-12-01 22:00", "duration": 1},
        {"name": "x", "cron": "0 22 L * *", "duration": 60},
        {"name": "x", "end": "2026-12-01 22:00"},
    ],
)
def test_what_awx_cannot_follow(entry: dict[str, Any]):
    if "except_dates" in entry and not entry["except_dates"]:
        assert to_rrule(entry).endswith("COUNT=1")
        return
    with pytest.raises(BadInput):
        to_rrule(entry)
