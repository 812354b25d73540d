"""What the harness of the faults lets pass and what it does not."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from agent import condition
from fault_run import Row, judge_load
from load import summarise
from points import AGAIN, BACK, BOTH, END, POINTS, WAIT
from preempting import POINTS as PREEMPTING
from scene import Outage, live_version, needs_undo, restless

NOTHING = summarise([], 10.0, 0.0, began=100.0)
UNITS = {
    "agents-api@blue.service": "active",
    "agents-api@green.service": "active",
    "agents-worker@blue.service": "inactive",
    "agents-worker@green.service": "active",
}
AT_REST: dict[str, Any] = {
    "live": "green",
    "held": {"blue": "1.0.0-aaaaaaaaaaaa", "green": "2.0.0-bbbbbbbbbbbb"},
    "operation": None,
    "armed": {},
    "lease": {"run": "", "token": 3},
    "units": UNITS,
    "modules": [],
}


def outage(begin: float, end: float | None) -> Outage:
    return Outage("web2", "http://web2/", begin, end)


@pytest.mark.parametrize(
    "at, url, excused",
    [
        (21.0, "http://web2/", True),
        (18.5, "http://web2/", True),  # it was under way when it happened
        (17.0, "http://web2/", False),
        (26.0, "http://web2/", False),  # the host had answered again
        (21.0, "http://web1/", False),  # another host
    ],
)
def test_a_lost_request_is_excused_only_while_its_host_had_nothing_to_answer_with(
    at: float, url: str, excused: bool
) -> None:
    row = Row(1, "", "", END)
    judge_load(replace(NOTHING, lost=((at, url, "no answer"),)), [outage(120.0, 125.0)], row)
    assert (row.excused, row.failed) == ((1, 0) if excused else (0, 1))
    assert bool(row.broken) is not excused


@pytest.mark.parametrize("end, free, kept", [(125.0, 0.0, True), (None, 0.0, False), (170.0, 130.0, False)])
def test_a_host_has_to_serve_again(end: float | None, free: float, kept: bool) -> None:
    row = Row(1, "", "", END)
    judge_load(NOTHING, [replace(outage(120.0, end), free=free)], row)
    assert (not row.broken) is kept


@pytest.mark.parametrize(
    "change, why",
    [
        ({}, ""),
        ({"armed": {"release": "2.0.0-b"}}, "waits for its confirmation"),
        ({"modules": [17]}, "a module runs"),
        ({"live": None}, "nothing is live"),
        ({"units": {**UNITS, "agents-worker@blue.service": "active"}}, "agents-worker@blue is active"),
        ({"units": {**UNITS, "agents-api@green.service": "failed"}}, "agents-api@green is failed"),
    ],
)
def test_a_host_is_at_rest(change: dict[str, Any], why: str) -> None:
    assert restless({**AT_REST, **change}) == why or (why and why in restless({**AT_REST, **change}))


def test_a_host_that_is_gone_is_not_at_rest() -> None:
    assert restless({}) == "cannot be seen"
    assert live_version({}) == ""
    assert live_version(AT_REST) == "2.0.0"


@pytest.mark.parametrize(
    "change", [{"operation": {"step": "fetch"}}, {"lease": {"run": "x"}}, {"armed": {"run": "x"}}]
)
def test_what_a_dead_run_left_is_seen(change: dict[str, Any]) -> None:
    assert needs_undo({**AT_REST, **change})
    assert not needs_undo(AT_REST)


def test_points_are_numbered_and_there_are_enough() -> None:
    assert [point.number for point in POINTS] == list(range(1, len(POINTS) + 1))
    assert len(POINTS) >= 25
    assert {mode for point in POINTS for mode in point.modes} == {AGAIN, WAIT, BOTH, END}
    assert len({(point.place, point.fault) for point in POINTS}) == len(POINTS)


def test_each_step_is_ended_in_every_way() -> None:
    assert [point.number for point in PREEMPTING] == [
        *range(len(POINTS) + 1, len(POINTS) + len(PREEMPTING) + 1)
    ]
    places = {point.place for point in PREEMPTING}
    assert len(places) == 10
    for place in places:
        points = [point for point in PREEMPTING if point.place == place]
        assert len({point.fault for point in points}) == len(points) == 9
        assert sum(point.modes == (BACK,) for point in points) == 6


def test_an_outage_ends_with_the_first_good_answer_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True, False, *[True] * 5])

    class Answer:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def ask(_url: str, timeout: float) -> Answer:
        if not next(answers):
            raise OSError("refused")
        return Answer()

    monkeypatch.setattr("urllib.request.urlopen", ask)
    seen = outage(time.monotonic(), None)
    seen.watch()
    assert seen.end is not None
    assert next(answers, None) is None


def test_an_unknown_condition_is_an_error() -> None:
    with pytest.raises(KeyError):
        condition("nonsense", "")
