"""The lock between processes: a way back ends the one that holds it, also when that stands still."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Busy, Overtaken
from ansible_collections.mas.ops.plugins.module_utils._core.files import exclusive
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import lock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.interruptible_clock import (
    InterruptibleClock,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Claim

#: Holds the lock as a module does, until it is to end; then it says why, and goes.
PROGRAM = """
import sys, time
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Stopped
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.interruptible_clock import InterruptibleClock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.lock import end_request, hold, this_process
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import Claim
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP
module.STATE = sys.argv[1]
layout = module.Layout(APP)
claim = Claim("run-1", "ada", "deploy of 2.0.0", returns=sys.argv[2] == "back")
clock = InterruptibleClock(end_request(layout), this_process(claim), controller=sys.argv[2] == "piped")
try:
    with hold(layout, claim, clock):
        print("held", flush=True)
        clock.sleep(60)
except Stopped as error:
    sys.stderr.write(f"{error.kind}: {error}")
"""
BACK = Claim("run-2", "bob", "rollback", returns=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def begin(kind: str = "deploy") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n", process.stderr.read()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def taken(layout: Layout, wanted: Claim, ends: bool = True) -> float:
    """Take the lock; how many seconds that took."""
    began = time.monotonic()
    with lock.hold(layout, wanted, InterruptibleClock(), ends):
        return time.monotonic() - began


def test_a_way_back_ends_what_is_at_work_within_a_second(layout: Layout, start: Any) -> None:
    process = start()
    assert taken(layout, BACK) < lock.GRACE
    assert "preempted: this run was ended by the rollback of bob (run run-2, " in process.communicate()[1]
    assert not Path(lock.end_request(layout)).exists()


def test_what_stands_still_is_killed(layout: Layout, start: Any) -> None:
    process = start()
    process.send_signal(signal.SIGSTOP)
    assert lock.GRACE < taken(layout, BACK) < lock.GRACE + 3
    assert process.wait(5) == -signal.SIGKILL


def test_what_says_nothing_about_itself_is_found_by_the_kernel(layout: Layout) -> None:
    """As the module traffic, which holds the lock for a moment."""
    program = (
        "import sys, time\n"
        "from ansible_collections.mas.ops.plugins.module_utils._core.files import exclusive\n"
        "with exclusive(sys.argv[1]):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, layout.lock], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        taken(layout, BACK)
        assert process.wait(5) == -signal.SIGKILL


def test_another_way_back_is_waited_for_and_ended_only_by_force(
    layout: Layout, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "patience", lambda *_: 0.5)
    process = start("back")
    with pytest.raises(Busy, match=r"another run .*: deploy of 2\.0\.0 by ada \(run run-1\)"):
        taken(layout, BACK)
    assert process.poll() is None
    assert taken(layout, replace(BACK, force_unlock=True)) < lock.GRACE
    assert "preempted" in process.communicate()[1]


def test_another_way_back_that_was_stopped_is_ended(layout: Layout, start: Any) -> None:
    process = start("back")
    process.send_signal(signal.SIGSTOP)
    assert taken(layout, BACK) < lock.GRACE + 3
    assert process.wait(5) == -signal.SIGKILL


def test_another_deploy_is_refused_and_the_same_one_goes_on(
    layout: Layout, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "patience", lambda *_: 0.5)
    process = start()
    with pytest.raises(Busy):
        taken(layout, Claim("run-2", "bob", "deploy of 2.0.0"))
    assert process.poll() is None
    assert taken(layout, Claim("run-2", "ada", "deploy of 2.0.0")) < lock.GRACE


def test_who_was_overtaken_ends_nothing(layout: Layout, start: Any) -> None:
    process = start("back")
    Path(layout.lease).write_text(json.dumps({"token": 7, "until": None}))
    for late in (replace(BACK, token=6), replace(BACK, token=6, force_unlock=True)):
        with pytest.raises(Overtaken):
            taken(layout, late)
    assert process.poll() is None


def test_who_only_looks_ends_nothing(layout: Layout, start: Any) -> None:
    process = start()
    with pytest.raises(Busy):
        taken(layout, BACK, ends=False)
    assert process.poll() is None


def test_a_request_that_is_too_old_ends_no_run(layout: Layout, start: Any) -> None:
    other = {"pid": 1, "began": "1", "run": "x", "owner": "x", "operation": "x", "since": "x", "force": True}
    for rubbish in (json.dumps(other), "[", "{}", "7"):
        Path(lock.end_request(layout)).write_text(rubbish)
        process = start()
        Path(lock.end_request(layout)).write_text(rubbish)
        time.sleep(0.6)
        assert process.poll() is None
        process.kill()
        process.wait()


@pytest.mark.usefixtures("layout")
def test_a_run_whose_answer_cannot_be_read_stops(start: Any) -> None:
    process = start("piped")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read().startswith("abandoned: the controller of this run is gone")
    assert process.wait(2) == 0


def test_what_waits_for_a_lock_sees_that_too(layout: Layout, start: Any, tmp_path: Path) -> None:
    with exclusive(layout.lock):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), "piped"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(1)
        assert process.stdout
        process.stdout.close()
        assert process.wait(5) == 0
        assert process.stderr
        assert process.stderr.read().startswith(b"abandoned")
        process.stderr.close()
