"""What is known about a run, and how it is shown: no Ansible, no clock."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.progress import log_lines
from ansible_collections.mas.ops.plugins.plugin_utils.progress.board import Board
from ansible_collections.mas.ops.plugins.plugin_utils.progress.estimate import TimeLeft
from ansible_collections.mas.ops.plugins.plugin_utils.progress.formats import failure, format_duration
from ansible_collections.mas.ops.plugins.plugin_utils.progress.phases import phase_of
from ansible_collections.mas.ops.plugins.plugin_utils.progress.screen import Style, render
from hypothesis import given
from hypothesis import strategies as st

STYLE = Style(width=80, height=24, colour=False)


@pytest.mark.parametrize(
    "action, args, phase",
    [
        ("mas.ops.gate", {}, "gate"),
        ("mas.ops.artifact_info", {}, "gate"),
        ("mas.ops.approval", {}, "gate"),
        ("mas.ops.release", {"state": "staged"}, "stage"),
        ("mas.ops.release", {"state": "live"}, "switch"),
        ("mas.ops.canary_verdict", {}, "verdict"),
        ("mas.ops.release", {"state": "confirmed"}, "confirm"),
        ("mas.ops.release", {"state": "rolled_back"}, "back"),
        ("mas.ops.release", {"state": "{{ state }}"}, ""),
        ("mas.ops.release_info", {}, ""),
        ("other.ops.release", {"state": "live"}, ""),
        ("ansible.builtin.command", {}, ""),
        ("release", {"state": "live"}, ""),
    ],
)
def test_phases(action: str, args: dict[str, str], phase: str) -> None:
    assert phase_of(action, args) == phase


def deploy() -> Board:
    """Three hosts; one is through, one fails, one waits."""
    board = Board("deploy agents 2.0.0").expect(["web1", "web2", "web3"])
    for host in ("web1", "web2"):
        board = board.began(host, "Stage", "stage", 1.0).finished(host, "stage", "ok", 4.0)
    board = board.began("web1", "Switch", "switch", 5.0).finished("web1", "switch", "ok", 65.0)
    return board.began("web2", "Switch", "switch", 5.0).finished("web2", "switch", "failed", 7.0)


def test_a_picture() -> None:
    board = deploy().began("web1", "Say so", "", 70.0)
    assert render(board, None, 70.0, STYLE) == [
        "deploy agents 2.0.0  1m10s",
        "host  stage      switch     now",
        "web1  ✓ 3.0s     ✓ 1m00s    Say so",
        "web2  ✓ 3.0s     ✗ 2.0s     failed",
        "web3                        waiting",
    ]


def test_a_phase_of_several_tasks_goes_on() -> None:
    board = Board().began("a", "One", "gate", 1.0).finished("a", "gate", "ok", 2.0)
    board = board.began("a", "Two", "gate", 2.5)
    assert board.rows["a"].cells["gate"].state == "working"
    skipped = board.finished("a", "gate", "skipped", 3.0)
    assert (skipped.rows["a"].cells["gate"].state, skipped.rows["a"].cells["gate"].seconds(9.0)) == (
        "ok",
        1.0,
    )
    done = board.finished("a", "gate", "ok", 4.0)
    assert done.rows["a"].cells["gate"].seconds(9.0) == 3.0


def test_a_skipped_phase_was_none_and_a_failed_one_stays_failed() -> None:
    board = Board().began("a", "Back", "back", 1.0).finished("a", "back", "skipped", 1.1)
    assert not board.rows["a"].cells
    failed = deploy().began("web2", "Again", "switch", 8.0).finished("web2", "switch", "ok", 9.0)
    assert failed.rows["web2"].cells["switch"].state == "failed"
    assert failed.rows["web2"].state == "failed"


def test_the_end() -> None:
    closed = deploy().closed(["web2"], [])
    assert log_lines.closing(closed, 80.0) == "deploy agents 2.0.0: 1 failed, 1 done, 1 waiting after 1m20s"
    # a failure that a rescue caught is none
    assert log_lines.closing(deploy().closed([], []), 8.0).endswith("2 done, 1 waiting after 8.0s")
    # but it was the reason when the run failed
    assert log_lines.closing(deploy().closed(["web1"], []), 8.0).endswith("2 failed, 1 waiting after 8.0s")


def test_a_phase_that_failed_did_so_where_that_is_ignored() -> None:
    board = Board().began("a", "Switch", "switch", 1.0).finished("a", "switch", "ignored", 2.0)
    assert board.rows["a"].cells["switch"].state == "failed"
    assert board.rows["a"].state == "working"


def test_what_stops_all_hosts() -> None:
    stopped = deploy().stopped(["web1", "web2", "web3", "stranger"])
    assert log_lines.closing(stopped.closed(["web2"], []), 8.0).endswith("1 failed, 2 stopped after 8.0s")
    assert log_lines.closing(stopped.closed([], []), 8.0).endswith("3 done after 8.0s")


def test_lines_of_a_log() -> None:
    assert log_lines.phase("web2", "switch", "ok", 2.0, 7.0, None) == "[  7.0s] switch   web2 ok 2.0s"
    assert log_lines.phase("web2", "gate", "ok", 2, 7, TimeLeft(9, 9)).endswith(
        "web2 ok 2.0s (about 9.0s left)"
    )
    assert log_lines.task("Copy", {"ok": 2, "skipped": 1}, 65.0) == "[ 1m05s] Copy: 2 ok, 1 skipped"
    assert log_lines.opening(Board("x").expect(["a"]), None) == "x, 1 host"


def test_failures_are_printed_in_full_and_once() -> None:
    message = "the slot is not healthy (port 8102). See journalctl -u agents-api@green."
    assert failure("web1", "Switch", {"msg": message, "error": "health"}) == [
        "web1 failed: Switch",
        f"    {message}",
    ]
    lines = failure("web1", "Run", {"msg": "broken", "stderr": "a\nb\n", "stdout": "", "exception": "broken"})
    assert lines == ["web1 failed: Run", "    broken", "    stderr:", "        a", "        b"]
    loop = {"msg": "some failed", "results": [{"item": 1}, {"item": 2, "failed": True, "msg": "no"}]}
    assert failure("a", "T", loop)[2:] == ["    item 2:", "        no"]
    assert failure("a", "T", {"censored": "hidden"}) == ["a failed: T", "    hidden"]
    assert failure("a", "T", {}, unreachable=True) == ["a could not be reached: T", "    it gave no message"]
    assert failure("a", "T", {"msg": ["one", 2]})[1:] == ["    one", "    2"]


@pytest.mark.parametrize(
    "seconds, text",
    [
        (-1, "0.0s"),
        (0.04, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (3599, "59m59s"),
        (3660, "1h01m"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


PHASES = st.sampled_from(["", "gate", "stage", "switch", "back"])
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40).map(lambda number: f"host-{number}"), PHASES,
        st.sampled_from(["", "ok", "ignored", "skipped", "failed", "unreachable"]), st.text(max_size=60),
    ),
    max_size=60,
)  # fmt: skip


@given(events=EVENTS, width=st.integers(1, 120), height=st.integers(1, 40))
def test_a_picture_fits_its_terminal(
    events: list[tuple[str, str, str, str]], width: int, height: int
) -> None:
    board = Board("deploy")
    for at, (host, phase, outcome, task) in enumerate(events):
        if outcome:
            board = board.finished(host, phase, outcome, float(at))
        else:
            board = board.began(host, task, phase, float(at))
    lines = render(board, None, 100.0, Style(width, height, colour=False))
    assert len(lines) <= max(4, height - 1)
    for line in lines:
        assert len(line) < max(2, width)
        assert line.isprintable()
    # those who failed are seen whenever there is room for them
    bad = [row.host for row in board.rows.values() if row.state in {"failed", "unreachable"}]
    if len(bad) < height - 5 and width > 20:
        assert all(any(line.startswith(host) for line in lines) for host in bad)
