"""The runner reports each stage as it ended: all other checks depend on its word."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.run import stage, stages
from tests.run.stage import Outcome, Result, Stage


def program(name: str, code: str, group: str = "one", **more: object) -> Stage:
    return Stage(name, group, (sys.executable, "-c", code), **more)  # type: ignore[arg-type]


def run(*given: Stage, root: Path, seconds: float = 60.0) -> list[Outcome]:
    return stage.run_all(given, time.monotonic() + seconds, root)


def test_a_group_ends_and_the_next_does_not_start(tmp_path: Path) -> None:
    outcomes = run(
        program("a", "raise SystemExit(3)"),
        program("b", "pass"),
        program("c", "pass", group="two"),
        root=tmp_path,
    )
    assert [outcome.result for outcome in outcomes] == [Result.FAILED, Result.PASSED, Result.NOT_RUN]
    assert not stage.good(outcomes)
    assert stage.table(outcomes).splitlines()[-1] == "1 passed, 1 failed, 1 skipped"


def test_a_check_of_nothing_fails(tmp_path: Path) -> None:
    given = program("a", "pass", subjects=("roles/*/tasks/main.yml",))
    assert [outcome.result for outcome in run(given, root=tmp_path)] == [Result.FAILED]
    (tmp_path / "roles/x/tasks").mkdir(parents=True)
    (tmp_path / "roles/x/tasks/main.yml").touch()
    assert [outcome.result for outcome in run(given, root=tmp_path)] == [Result.PASSED]


def test_a_skipped_stage_is_said_and_does_not_count_as_passed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = run(program("a", f"raise SystemExit({stage.SKIPPED_STATUS})"), root=tmp_path)
    assert [outcome.result for outcome in outcomes] == [Result.SKIPPED]
    assert "a: SKIPPED" in capfd.readouterr().out
    assert not stage.good(outcomes)


def test_a_hanging_stage_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    code = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('child').write_text(str(child.pid))\n"
        "child.wait()"
    )
    (outcome,) = run(program("a", code, limit=2.0), root=tmp_path)
    assert outcome.result is Result.FAILED
    assert outcome.seconds < 30
    child = Path("/proc") / (tmp_path / "child").read_text("utf-8") / "cmdline"
    deadline = time.monotonic() + 10
    while child.exists() and child.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (child.exists() and child.read_bytes())


def test_no_stage_starts_when_the_time_is_up(tmp_path: Path) -> None:
    (outcome,) = run(program("a", "pass"), root=tmp_path, seconds=-1.0)
    assert outcome.result is Result.FAILED


def test_the_summary_repeats_what_a_failed_stage_said(tmp_path: Path) -> None:
    code = "print('FAILED tests/x.py::y\\n' + 'more\\n' * 50, flush=True); raise SystemExit(1)"
    silent = "print('one\\n\\nlast'); raise SystemExit(1)"
    outcomes = run(
        program("a", code), program("b", silent), program("c", "print('FAILED not')"), root=tmp_path
    )
    said = stage.table(outcomes)
    assert "FAILED tests/x.py::y" in said
    assert "one\nlast\n" in said
    assert "more" not in said
    assert "FAILED not" not in said


def test_what_a_stage_leaves_running_does_not_hold_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_REST", 0.2)
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    (outcome,) = run(program("a", code), root=tmp_path)
    assert outcome.result is Result.PASSED
    assert outcome.seconds < 4


def test_the_closing_line_is_plain() -> None:
    passed = Outcome(program("a", ""), Result.PASSED)
    assert stage.closing([passed, passed]) == "2 passed, 0 failed"
    assert stage.good([passed])
    assert not stage.good([])


def test_stages_of_a_group_with_lanes_run_at_a_time(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Each waits for the file that the other one writes: one after the other, neither would end well.
    code = (
        "import pathlib, time\n"
        "pathlib.Path('{own}').touch()\n"
        "end = time.monotonic() + 20\n"
        "while not pathlib.Path('{other}').exists() and time.monotonic() < end: time.sleep(0.02)\n"
        "print('met' if pathlib.Path('{other}').exists() else 'alone', flush=True)\n"
    )
    both = [program("a", code.format(own="x", other="y")), program("b", code.format(own="y", other="x"))]
    last = program("c", "raise SystemExit(1)")
    after = program("d", "pass", group="two")
    outcomes = stage.run_all([*both, last, after], time.monotonic() + 60, tmp_path, {"one": 2})
    assert [outcome.stage.name for outcome in outcomes] == ["a", "b", "c", "d"]
    assert [outcome.result for outcome in outcomes[2:]] == [Result.FAILED, Result.NOT_RUN]
    said = capfd.readouterr().out
    assert "a| met\n" in said
    assert "b| met\n" in said


def test_an_interrupted_run_stops_all_that_runs_at_a_time(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "from tests.run import stage\n"
        "from tests.run.stage import Stage\n"
        # A shell starts programs in the background with the signal ignored, and they hand that on.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "argv = (sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)')\n"
        "both = [Stage(name, 'one', argv) for name in 'ab']\n"
        "stage.run_all(both, time.monotonic() + 60, stage.ROOT, {'one': 2})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=stage.ROOT, stdout=subprocess.PIPE, text=True
    ) as run_:
        assert run_.stdout is not None
        said: set[str] = set()
        while not {"a| 1", "b| 1"} <= said:
            said.add(run_.stdout.readline().strip())
        run_.send_signal(signal.SIGINT)
        assert run_.wait(30) != 0


def test_every_scenario_is_a_stage(tmp_path: Path) -> None:
    for name in ("default", "proxy", "application", "_shared"):
        (tmp_path / "molecule" / name).mkdir(parents=True)
    for name in ("default", "proxy", "application"):
        (tmp_path / "molecule" / name / "molecule.yml").touch()
    found = [each.name for each in stages.containers(tmp_path) if each.name.startswith("molecule-")]
    assert found == ["molecule-application", "molecule-default", "molecule-proxy"]


def test_no_scenario_at_all_is_a_failing_stage(tmp_path: Path) -> None:
    (scenario,) = [each for each in stages.containers(tmp_path) if each.name.startswith("molecule-")]
    assert scenario.missing(tmp_path)


def test_stages_have_names_of_their_own() -> None:
    every = [each.name for each in stages.everything()]
    assert len(every) == len(set(every))
