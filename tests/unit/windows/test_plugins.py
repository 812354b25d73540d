"""Filters and tests as templates call them, the text for people, and the picture."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mas.ops.plugins.filter.windows import FilterModule
from ansible_collections.mas.ops.plugins.plugin_utils.windows.adapters.picture import (
    MOST,
    Chart,
    Panel,
    picture,
)
from ansible_collections.mas.ops.plugins.plugin_utils.windows.days import bars, group_hosts, lines
from ansible_collections.mas.ops.plugins.plugin_utils.windows.judge import judge
from ansible_collections.mas.ops.plugins.plugin_utils.windows.model import Kind, Span, Target
from ansible_collections.mas.ops.plugins.plugin_utils.windows.parse import parse_policy
from ansible_collections.mas.ops.plugins.test.windows import TestModule as Conditions

FILTERS, TESTS = FilterModule().filters(), Conditions().tests()
WINDOWS = [
    {"name": "nightly", "rrule": "FREQ=WEEKLY;BYDAY=TU", "start": "22:00", "end": "02:00", "hosts": ["web*"]}
]
FREEZES = [{"name": "sale", "start": "2026-12-01", "end": "2026-12-02", "reason": "sale"}]
INSIDE = "2026-11-24T22:30:00+00:00"
BERLIN = ZoneInfo("Europe/Berlin")


def host(**more: Any) -> dict[str, Any]:
    return {
        "inventory_hostname": "web1",
        "group_names": ["web"],
        "mas_environment": "production",
        "change_windows": WINDOWS,
        "change_freezes": FREEZES,
        "change_time_zone": "UTC",
        **more,
    }


def test_a_state_is_made_of_builtins():
    state = FILTERS["window_state"](host(), at=INSIDE)
    assert json.loads(json.dumps(state)) == state
    assert state["open"] is True
    assert state["closes_at"] == "2026-11-25T02:00:00+00:00"
    assert state["next_opening"] == "2026-12-02T00:00:00+00:00"


def test_a_list_and_options_say_the_same_as_variables():
    options = {"freezes": FREEZES, "host": "web1", "zone": "UTC", "at": INSIDE}
    assert FILTERS["window_state"](WINDOWS, **options) == FILTERS["window_state"](host(), at=INSIDE)
    assert (
        FILTERS["window_next"](WINDOWS, **{**options, "at": "2026-11-25 12:00"})
        == "2026-12-02T00:00:00+00:00"
    )
    assert FILTERS["window_next"](WINDOWS, **options) == INSIDE


def test_an_option_counts_more_than_a_variable():
    assert not FILTERS["window_state"](host(change_windows=[]), required=True, at=INSIDE)["open"]
    assert FILTERS["window_state"](
        host(change_windows_required=True, change_windows=[]), required=False, at=INSIDE
    )["open"]
    assert FILTERS["window_state"](host(), host="db1", at="2026-11-24T10:00:00Z")["open"]


def test_a_range_in_a_zone():
    found = FILTERS["window_calendar"](host(), at="2026-12-01 12:00", days=1, zone="Europe/Berlin")
    assert (found["begin"], found["end"]) == ("2026-12-01T12:00:00+01:00", "2026-12-02T12:00:00+01:00")
    assert [(span["name"], span["kind"]) for span in found["spans"]] == [
        ("sale", "freeze"),
        ("nightly", "window"),
    ]
    assert [span["begin"] for span in found["open"]] == ["2026-12-02T00:00:00+01:00"]
    ending = FILTERS["window_calendar"](host(), at="2026-12-01", end="2026-12-03")
    assert ending["end"] == "2026-12-03T00:00:00+00:00"


def test_conditions_are_booleans():
    assert TESTS["in_window"]("web1", WINDOWS, freezes=FREEZES, at=INSIDE) is True
    assert TESTS["in_window"]("web1", WINDOWS, freezes=FREEZES, at="2026-12-01T22:30Z") is False
    assert TESTS["in_window"](host(), at=INSIDE) is True
    assert TESTS["is_frozen"]("web1", FREEZES, at="2026-12-01T12:00Z") is True
    assert TESTS["is_frozen"]("web1", [], at=INSIDE) is False
    assert TESTS["is_frozen"](host(), at=INSIDE) is False


SCOPED = [{"name": "audit", "start": "2026-11-01", "end": "never"}]


@pytest.mark.parametrize(
    "scope, option, other",
    [
        ({"environments": ["prod*"]}, {"environment": "production"}, {"environment": ""}),
        ({"applications": ["agents"]}, {"application": "agents"}, {"application": "shop"}),
        ({"groups": ["db"]}, {"groups": ["all", "db"]}, {"groups": []}),
    ],
)
def test_an_entry_for_some_needs_to_know_its_target(
    scope: dict[str, Any], option: dict[str, Any], other: dict[str, Any]
):
    freezes = [{**SCOPED[0], **scope}]
    for call in (
        lambda: TESTS["is_frozen"]("db1", freezes, at=INSIDE),
        lambda: TESTS["in_window"]("db1", freezes, at=INSIDE),
        lambda: FILTERS["window_state"]([], freezes=freezes, at=INSIDE),
        lambda: FILTERS["window_next"]([], freezes=freezes, at=INSIDE),
    ):
        with pytest.raises(AnsibleFilterError) as caught:
            call()
        assert "'audit'" in str(caught.value)
        assert f"Give {next(iter(option))}= too" in str(caught.value)
    assert TESTS["is_frozen"]("db1", freezes, at=INSIDE, **option) is True
    assert TESTS["is_frozen"]("db1", freezes, at=INSIDE, **other) is False
    # Of a host everything is known, also that it has none; and what is known may be enough.
    assert TESTS["is_frozen"]({"inventory_hostname": "db1", "change_freezes": freezes}, at=INSIDE) is False
    assert TESTS["is_frozen"]("db1", [{**freezes[0], "hosts": ["web*"]}], at=INSIDE) is False


def test_now_is_now():
    state = FILTERS["window_state"]([{"name": "x", "start": "2000-01-01", "end": "2001-01-01"}])
    assert (state["open"], state["next_opening"]) == (False, None)
    assert FILTERS["window_state"]([])["open"]


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: FILTERS["window_state"]([{"name": "x"}]), "it does not say when"),
        (lambda: FILTERS["window_state"]([], at="soon"), "'soon' is not a moment"),
        (lambda: FILTERS["window_state"]([], zone="Mars"), "no time zone 'Mars'"),
        (lambda: FILTERS["window_state"]([], groups="web"), "groups must be a list"),
        (lambda: FILTERS["window_state"](WINDOWS, at=INSIDE), "Give host= too"),
        (lambda: FILTERS["window_calendar"]([], days=0), "ends before it begins"),
        (lambda: FILTERS["to_rrule"]({"name": "x"}), "it does not say when"),
        (lambda: TESTS["in_window"]("web1", "nightly"), "must be a list"),
    ],
)
def test_an_error_is_one_of_a_template(call: Any, says: str):
    with pytest.raises(AnsibleFilterError) as caught:
        call()
    assert says in str(caught.value)


def test_hosts_with_the_same_windows_are_one_group():
    policy = parse_policy(WINDOWS, FREEZES, zone="Europe/Berlin")
    begin = datetime(2026, 11, 30, tzinfo=BERLIN)
    targets = {name: Target(name) for name in ("web1", "web2", "db1", "web3", "web4")}
    hosts = {name: (policy, target, judge(policy, target, begin)) for name, target in targets.items()}
    end = begin + timedelta(days=3)
    first, second = group_hosts(hosts, begin, end)
    assert (first.hosts, second.hosts) == (("web1", "web2", "web3", "web4"), ("db1",))
    assert list(lines(first, begin, end, BERLIN)) == [
        "web1, web2, web3 and 1 more: closed, outside of every window; the next one opens at 2026-12-02 00:00 CET",
        "  Mon 30 Nov  closed",
        "  Tue 01 Dec  closed; frozen 00:00-24:00 sale (sale)",
        "  Wed 02 Dec  open 00:00-02:00 nightly",
    ]


def test_days_on_which_clocks_jump():
    span = Span(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    assert [(str(bar.day), str(bar)) for bar in bars([span], BERLIN)] == [("2026-10-25", "00:00-24:00")]
    # From the first 02:45 to the second 02:15.
    back = Span(datetime(2026, 10, 25, 0, 45, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC))
    assert [str(bar) for bar in bars([back], BERLIN)] == ["02:45-03:15"]


@pytest.mark.parametrize("form, magic", [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_picture_is_the_same_every_time(form: str, magic: bytes):
    begin = datetime(2026, 11, 24, tzinfo=UTC)
    spans = (
        Span(begin + timedelta(hours=20), begin + timedelta(hours=30), "nightly"),
        Span(begin + timedelta(hours=25), begin + timedelta(hours=60), "sale", Kind.FREEZE, "sale"),
    )
    panels = tuple(Panel((f"web{number}",), spans, (), is_open=number % 2 > 0) for number in range(2))
    chart = Chart(panels, begin + timedelta(hours=10), begin + timedelta(days=2), "Asia/Kolkata", "T $x$ <b>")
    first = picture(chart, form)
    assert first.startswith(magic)
    assert picture(chart, form) == first
    other = Chart(panels[:1], chart.at, chart.end, chart.zone, chart.title)
    assert picture(other, form) != first


def test_a_picture_says_how_many_groups_it_leaves_out():
    at = datetime(2026, 11, 24, tzinfo=UTC)
    panels = tuple(Panel((f"web{number}",), (), ()) for number in range(MOST + 2))
    # Glyphs are paths; what is written in them is kept as a comment.
    assert b"and 2 more groups of hosts" in picture(
        Chart(panels, at, at + timedelta(days=1), "UTC", "x"), "svg"
    )


def test_what_a_template_puts_together_is_asked_for_each_host():
    """ansible-core's containers may hold one thing and answer another."""

    class Lazy(dict[str, Any]):
        answer: dict[str, Any]

        def items(self) -> Any:
            return self.answer.items()

    states = []
    for start in ("21:00", "23:00"):
        lazy = Lazy(start="{{ start }}")
        lazy.answer = {"name": "x", "rrule": "FREQ=DAILY", "start": start, "duration": "1h"}
        states.append(FILTERS["window_state"]([lazy], at=INSIDE, zone="UTC")["next_opening"])
    assert states == ["2026-11-25T21:00:00+00:00", "2026-11-24T23:00:00+00:00"]
