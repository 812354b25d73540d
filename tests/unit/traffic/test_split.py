"""Splits as text and as plans."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Refused
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import (
    NO_TRAFFIC,
    ProxyServer,
    Split,
    TrafficFacts,
    parse,
    plan_split,
    render,
    variable,
)
from hypothesis import given
from hypothesis import strategies as st

PERCENT = st.integers(0, 100)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)


def facts(blue: int, green: int, persisted: Split | None, down: tuple[str, ...] = ()) -> TrafficFacts:
    servers = {
        slot: ProxyServer(weight, slot not in down, 0, 0, 0, 0, "DOWN" if slot in down else "UP")
        for slot, weight in (("blue", blue), ("green", green))
    }
    return TrafficFacts(persisted, servers)


@given(NAMES, PERCENT)
def test_what_is_rendered_is_parsed(name: str, blue: int) -> None:
    split = Split(blue, 100 - blue)
    text = render(name, split)
    assert parse(name, text) == split
    assert parse(name, text.replace("\n", "\r\n")) == split
    assert parse(f"{name}x", text) is None
    assert [
        line for line in text.splitlines() if not re.match(r"#|global$|    setenv [A-Z0-9_]+ \d+$", line)
    ] == []


@given(st.text())
def test_any_text_is_a_split_or_none(text: str) -> None:
    assert parse("agents", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "setenv MAS_A_BLUE 100",
        "setenv MAS_A_BLUE 60\nsetenv MAS_A_GREEN 60",
        "setenv MAS_A_BLUE -1\nsetenv MAS_A_GREEN 101",
        "setenv MAS_A_BLUE 1.5\nsetenv MAS_A_GREEN 98.5",
        "# setenv MAS_A_BLUE 100\n# setenv MAS_A_GREEN 0",
    ],
)
def test_what_is_no_split(text: str) -> None:
    assert parse("a", text) is None


def test_the_last_line_counts_as_it_does_for_the_proxy() -> None:
    text = "setenv MAS_A_BLUE 100\nsetenv MAS_A_GREEN 0\nsetenv MAS_A_BLUE 10\nsetenv MAS_A_GREEN 90\n"
    assert parse("a", text) == Split(10, 90)


def test_the_variable_is_one_that_the_proxy_takes() -> None:
    assert variable("my-app-2", "blue") == "MAS_MY_APP_2_BLUE"


@pytest.mark.parametrize("blue, green", [(-1, 101), (101, -1), (50, 49), (1, 0), (100, 100)])
def test_a_split_is_a_whole(blue: int, green: int) -> None:
    with pytest.raises(BadInput, match="add up to 100"):
        Split(blue, green)


def test_a_split_without_any_slot_is_refused() -> None:
    with pytest.raises(BadInput, match="add up to 100"):
        Split.asked(0, 0)
    assert Split.asked(10, 90) == Split(10, 90)
    assert parse("a", render("a", NO_TRAFFIC)) == NO_TRAFFIC


def test_all_to_a_slot_or_a_part() -> None:
    assert (Split.to("blue"), Split.to("green", 10)) == (Split(100, 0), Split(90, 10))


def test_no_weight_at_all_is_no_percent() -> None:
    assert facts(0, 0, None).running == {"blue": 0, "green": 0}


@given(PERCENT, PERCENT)
def test_a_plan_ends_in_what_was_asked_for(now: int, wanted: int) -> None:
    split, before = Split(wanted, 100 - wanted), Split(now, 100 - now)
    plan = plan_split(facts(now, 100 - now, before), "agents", split)
    assert plan.changed == (now != wanted)
    assert plan.after == {"running": split.to_dict(), "persisted": split.to_dict()}


@pytest.mark.parametrize("persisted", [None, Split(0, 100)])
def test_what_would_not_survive_a_reload_is_written_again(persisted: Split | None) -> None:
    plan = plan_split(facts(100, 0, persisted, down=("blue",)), "agents", Split(100, 0))
    assert plan.describe() == ["shift agents"]


@pytest.mark.parametrize(
    "now, wanted, down, refused",
    [
        ((100, 0), (90, 10), "green", True),
        ((90, 10), (50, 50), "green", True),
        ((90, 10), (95, 5), "green", False),
        ((50, 50), (100, 0), "green", False),
        ((0, 100), (100, 0), "blue", True),
        ((0, 100), (0, 100), "green", False),
    ],
)
def test_a_slot_that_is_down_never_gets_more(
    now: tuple[int, int], wanted: tuple[int, int], down: str, refused: bool
) -> None:
    seen = facts(*now, Split(*now), down=(down,))
    if not refused:
        plan_split(seen, "agents", Split(*wanted))
        return
    with pytest.raises(Refused, match=f"sees the {down} slot down .DOWN"):
        plan_split(seen, "agents", Split(*wanted))


def test_a_histogram_is_only_for_who_wants_it() -> None:
    server = ProxyServer(1, True, 0, 0, 7, 0, "UP", latency=((0.0, 7), (1.0, 0)))
    assert "latency" not in server.to_dict(histogram=False)
    assert server.to_dict()["latency"] == [[0.0, 7], [1.0, 0]]
