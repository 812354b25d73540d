"""What people write for the gate: durations, overrides, variables; and what ledgers say about a release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.plugin_utils.gate import history, override, values
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks import signals
from ansible_collections.mas.ops.plugins.plugin_utils.gate.checks.model import NAMES, CheckOutcome, Mode
from ansible_collections.mas.ops.plugins.plugin_utils.gate.facts import GateFacts
from ansible_collections.mas.ops.plugins.plugin_utils.gate.settings import VARIABLES, parse_settings
from hypothesis import given
from hypothesis import strategies as some

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/gate/inputs.yml").read_text())
AT = datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
DAY = datetime(2026, 3, 9, tzinfo=UTC)
NEVER = frozenset({"artifact", "lock"})
LIMIT = timedelta(hours=24)


@pytest.mark.parametrize("text, seconds", CASES["durations"].items())
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(text, "x") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text, size", CASES["sizes"].items())
def test_sizes(text: str, size: int) -> None:
    assert values.size(text, "x") == size


@pytest.mark.parametrize("text, found", CASES["moments"].items())
def test_moments(text: str, found: str) -> None:
    assert values.moment(text, "x").isoformat() == found


@pytest.mark.parametrize(
    "read, text",
    [
        *((values.duration, text) for text in CASES["bad_durations"]),
        *((values.size, text) for text in CASES["bad_sizes"]),
        *((values.moment, text) for text in CASES["bad_moments"]),
    ],
)
def test_what_cannot_be_read_says_where(read: Any, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text, "the variable")
    assert caught.value.where == "the variable"
    assert caught.value.fix


@pytest.mark.parametrize("seconds, text", CASES["formatted_durations"].items())
def test_format_duration(seconds: int, text: str) -> None:
    assert values.format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize("case", CASES["overrides"], ids=lambda case: case["name"])
def test_override(case: dict[str, Any]) -> None:
    parsed = override.parse_override(case["given"])
    assert parsed is not None
    why = override.refusal(parsed, AT, LIMIT, NEVER)
    assert (case["refused"] in why) if case["refused"] else not why, why
    check = override.judge(parsed, AT, LIMIT, NEVER)
    assert check is not None
    assert check.outcome.value == ("fail" if case["refused"] else "pass")


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_no_override(nothing: Any) -> None:
    assert override.parse_override(nothing) is None
    assert override.judge(None, AT, LIMIT, NEVER) is None


def test_an_override_without_a_bottom() -> None:
    parsed = override.parse_override("[" * 200_000)
    assert parsed is not None
    assert "nested too deeply" in override.refusal(parsed, AT, LIMIT, NEVER)


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.text(),
        lambda s: some.lists(s) | some.dictionaries(some.text(), s),
    )
)
def test_no_override_raises(value: Any) -> None:
    """A rollback must get past whatever is in there."""
    override.judge(override.parse_override(value), AT, LIMIT, NEVER)


@pytest.mark.parametrize("case", CASES["settings"], ids=lambda case: case["where"] + ": " + case["error"])
def test_settings_that_are_wrong(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=case["error"]) as caught:
        parse_settings("deploy", case["given"])
    assert caught.value.where == case["where"]
    assert caught.value.fix


def test_yaml_reads_on_and_off_as_booleans() -> None:
    written = yaml.safe_load("{window: on, freeze: off, disk: advisory, lock: 'on', room: 'off'}")
    modes = parse_settings("deploy", {"gate_checks": written}).modes
    assert [modes[name] for name in ("window", "freeze", "disk", "lock", "room")] == [
        Mode.ON, Mode.OFF, Mode.ADVISORY, Mode.ON, Mode.OFF,
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["off", "advisory", False])
def test_the_stop_stops_whatever_the_variables_say(mode: Any) -> None:
    """Only a way back goes past it."""
    for variables, checks in (({"gate_checks": {"stop": mode}}, None), ({}, {"stop": mode})):
        with pytest.raises(BadInput, match="the check stop cannot be"):
            parse_settings("deploy", variables, checks)
    assert parse_settings("rollback", {"gate_rollback_checks": {"stop": mode}}).mode("stop") is not Mode.ON
    assert parse_settings("deploy", {"gate_checks": {"stop": "on"}}).mode("stop") is Mode.ON


def test_what_was_lowered_is_recorded() -> None:
    found = parse_settings(
        "deploy", {"gate_checks": {"window": "off", "freeze": "advisory", "disk": "on", "reboot": "off"}}
    )
    assert found.lowered == {"window": "off", "freeze": "advisory"}
    assert parse_settings("rollback", {"gate_rollback_checks": {"window": "off"}}).lowered == {}


def test_modes_of_the_task_beat_the_variables() -> None:
    found = parse_settings("deploy", {"gate_checks": {"window": True, "room": False}}, {"window": "advisory"})
    assert found.mode("window") is Mode.ADVISORY
    assert found.mode("room") is Mode.OFF
    assert found.named == {"window", "room"}


@pytest.mark.parametrize(
    "value, reason",
    [
        (True, "no reason was given"), ("yes", "no reason was given"), ("fire", "fire"),
        (False, ""), ("false", ""), ("", ""), (None, ""), ("0", ""),
    ],
)  # fmt: skip
def test_stop(value: Any, reason: str) -> None:
    assert parse_settings("deploy", {"change_stop": value}).stop == reason


@pytest.mark.parametrize(
    "value, checks",
    [
        (None, NEVER), ("", NEVER), ([], set()), ("[]", set()), (["lock"], {"lock"}), ("lock", {"lock"}),
        ("artifact,lock", NEVER), (" artifact , lock ", NEVER), ('["artifact","lock"]', NEVER), (("lock",), {"lock"}),
    ],
)  # fmt: skip
def test_never_override(value: Any, checks: set[str]) -> None:
    assert parse_settings("deploy", {"gate_never_override": value}).never_override == checks
    assert parse_settings("deploy", {}).never_override == NEVER


def test_a_rollback_is_stopped_by_nothing_by_default() -> None:
    assert (
        Mode.ON not in parse_settings("rollback", {"gate_checks": dict.fromkeys(NAMES, True)}).modes.values()
    )


def test_every_variable_is_documented() -> None:
    docs = Path(__file__).parents[3] / "docs"
    variables, text = (docs / "variables.md").read_text(), (docs / "gate.md").read_text()
    module = (Path(__file__).parents[3] / "plugins/modules/gate.py").read_text()
    assert not [name for name in VARIABLES if f"`{name}`" not in variables]
    assert not [name for name in VARIABLES if f"C({name})" not in module]
    assert not [name for name in NAMES if f"`{name}`" not in text]


@pytest.mark.parametrize("case", CASES["deployments"], ids=lambda case: case["name"])
def test_deployment_of(case: dict[str, Any]) -> None:
    entries = [_entry(*one) for one in case["entries"]]
    found = history.deployment_of(entries, "agents", "a", "s1", DAY.replace(hour=20))
    wanted = case["deployment"]
    if wanted is None:
        assert found is None
        return
    assert found is not None
    assert found.seconds == 3600 * wanted["hours"]
    assert wanted["bad"] in found.bad if "bad" in wanted else not found.bad


def _entry(
    hour: int, action: str, before: str | None, after: str | None, application: str = "agents"
) -> dict[str, Any]:
    time = DAY.replace(hour=hour).isoformat()
    return {
        "kind": "release", "application": application, "action": action, "from": before, "to": after, "time": time,
    }  # fmt: skip


def test_a_run_takes_as_long_as_its_slowest_host() -> None:
    runs = [
        {"run": "1", "kind": "deploy", "seconds": 10}, {"run": "1", "kind": "deploy", "seconds": 70},
        {"run": "2", "kind": "deploy", "seconds": 30}, {"run": "2", "kind": "rollback", "seconds": 5},
    ]  # fmt: skip
    assert history.durations(runs) == {"deploy": (70.0, 30.0), "rollback": (5.0,)}


@pytest.mark.parametrize("value, said", [("inf", "+Inf"), ("-inf", "-Inf"), ("nan", "NaN")])
def test_a_budget_that_is_no_measurement(value: str, said: str) -> None:
    settings = parse_settings(
        "deploy", {"gate_prometheus": "http://p", "gate_error_budget": {"query": "q", "maximum": 9}}
    )
    check = signals.error_budget(GateFacts(budget=[("job=api", 1.0), ("", float(value))]), settings)
    assert check.outcome is CheckOutcome.INCONCLUSIVE
    assert check.message == f"the query returned {said}"
