"""The time that is left, and the file that it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.progress.adapters import history
from ansible_collections.mas.ops.plugins.plugin_utils.progress.estimate import (
    KEYS,
    RUNS,
    Run,
    TimeLeft,
    parse,
    percentile,
    remember,
    time_left,
    to_dict,
)
from ansible_collections.mas.ops.plugins.plugin_utils.progress.formats import format_time_left
from hypothesis import given
from hypothesis import strategies as st


def run(seconds: float, hosts: int = 3, **marks: float) -> Run:
    return Run(hosts, seconds, marks)


def test_nothing_is_known_before_the_first_run() -> None:
    assert time_left([], 3, {}, 5.0) is None
    assert format_time_left(None) == ""


def test_before_any_phase_the_whole_run_is_left() -> None:
    assert time_left([run(60.0), run(100.0), run(80.0)], 3, {}, 10.0) == TimeLeft(70.0, 90.0)


def test_it_is_counted_from_the_phase_that_was_entered_last() -> None:
    """The gate waited for an hour this time; what comes after it takes as long as ever."""
    runs = [run(100.0, gate=0.0, stage=20.0), run(110.0, gate=0.0, stage=10.0)]
    assert time_left(runs, 3, {"gate": 0.0, "stage": 3600.0}, 3610.0) == TimeLeft(70.0, 90.0)
    assert time_left(runs, 3, {"gate": 0.0, "new": 5.0}, 10.0) == TimeLeft(90.0, 100.0)


def test_runs_on_as_many_hosts_count_once_there_are_enough() -> None:
    runs = [run(10.0, 3), run(10.0, 3), run(100.0, 30)]
    assert time_left(runs, 3, {}, 0.0) == TimeLeft(10.0, 100.0)
    assert time_left([*runs, run(10.0, 3)], 3, {}, 0.0) == TimeLeft(10.0, 10.0)


def test_words() -> None:
    assert format_time_left(TimeLeft(12.2, 61.0)) == "about 12s left, 1m01s at most in 95 of 100 runs"
    assert format_time_left(TimeLeft(12.2, 12.4)) == "about 12s left"
    assert format_time_left(TimeLeft(0.0, 0.0)) == "longer than ever before"


@given(values=st.lists(st.floats(0, 1e6), min_size=1), share=st.integers(1, 100))
def test_percentiles(values: list[float], share: int) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= share * len(values)
    assert sum(value < found for value in values) * 100 < share * len(values)


def test_old_runs_make_room() -> None:
    known: dict[str, list[Run]] = {}
    for number in range(RUNS + 5):
        known = remember(known, "a", run(float(number)))
    assert [each.seconds for each in known["a"]] == [float(number) for number in range(5, RUNS + 5)]
    for number in range(KEYS):
        known = remember(known, f"k{number}", run(1.0))
    assert len(known) == KEYS
    assert "a" not in known
    assert parse(to_dict(known)) == known


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {"a": 1}, {"a": [1, {}, {"hosts": 1, "seconds": "x", "marks": {}}, {"hosts": None}]}],
)
def test_what_is_no_history_is_passed_over(data: Any) -> None:
    assert parse(data) == {}


def test_where_it_is_kept() -> None:
    assert history.default_path({"XDG_STATE_HOME": "/s"}) == Path("/s/mas.ops/progress.json")
    assert history.default_path({"XDG_STATE_HOME": "s", "HOME": "/h"}) == Path(
        "/h/.local/state/mas.ops/progress.json"
    )


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/progress.json"
    assert history.read(path) == {}
    assert history.add(path, "z", run(1.0, stage=0.5)) == ""
    assert history.add(path, "a", run(2.0)) == ""
    assert history.read(path) == {"z": [run(1.0, stage=0.5)], "a": [run(2.0)]}
    # the oldest first, not by name: they make room first
    assert list(json.loads(path.read_text())) == ["z", "a"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{")
    assert history.read(path) == {}
    assert history.add(path, "a", run(3.0)) == ""
    assert history.read(path) == {"a": [run(3.0)]}


def test_a_history_that_cannot_be_kept_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert history.add(tmp_path / "file/progress.json", "a", run(1.0))
