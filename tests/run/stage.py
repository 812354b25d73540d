"""Runs stages, group by group, and says how each of them went."""

from __future__ import annotations

import collections
import itertools
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: A stage's program ends with this status when it cannot run here, after saying why.
SKIPPED_STATUS = 77

_GRACE = 20.0
#: Seconds for the rest of what an ended program printed; what it left running may hold its output open for ever.
_REST = 2.0

#: What a line that names a failure begins with, in the output of pytest, Ansible, Molecule, mypy and ruff.
_NAMES_A_FAILURE = re.compile(rb"^(E  |FAILED |ERROR |fatal: |\[ERROR\]|[^ ]+:\d+:)")
#: Characters of a line, and lines of a stage, that the summary repeats: some places keep the end of an output only.
_WIDTH, _LINES = 160, 6


class Result(Enum):
    PASSED = "passed"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    NOT_RUN = "not run"


#: The programs of stages that run now, so that an interrupted run stops all of them.
_RUNNING: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Stage:
    """One program, and what it is about.

    :param group: stages of one group all run, even when one fails; the next group only after a clean one
    :param subjects: globs below the checkout that must each match something: a check of nothing is no check
    :param limit: seconds after which it is stopped and has failed
    """

    name: str
    group: str
    argv: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    limit: float = 600.0

    def missing(self, root: Path = ROOT) -> list[str]:
        return [pattern for pattern in self.subjects if not any(root.glob(pattern))]


@dataclass(frozen=True)
class Outcome:
    stage: Stage
    result: Result
    seconds: float = 0.0
    why: str = ""
    said: tuple[str, ...] = ()


def run_all(
    stages: Sequence[Stage], deadline: float, root: Path = ROOT, lanes: Mapping[str, int] | None = None
) -> list[Outcome]:
    """Run the groups in order; ``deadline`` is on the monotonic clock.

    :param lanes: for each group how many of its stages run at a time; 1 where it says nothing
    """
    outcomes: list[Outcome] = []
    broken = ""
    for group, members in itertools.groupby(stages, key=lambda stage: stage.group):
        if broken:
            outcomes += [
                Outcome(each, Result.NOT_RUN, why=f"a stage of the group {broken} failed") for each in members
            ]
            continue
        outcomes += _run_group(list(members), deadline, root, (lanes or {}).get(group, 1))
        if any(each.result is Result.FAILED for each in outcomes):
            broken = group
    return outcomes


def _run_group(stages: Sequence[Stage], deadline: float, root: Path, lanes: int) -> list[Outcome]:
    """In the order of the stages, however they end."""
    if min(lanes, len(stages)) == 1:
        return [run_one(stage, deadline, root) for stage in stages]
    with ThreadPoolExecutor(lanes) as pool:
        jobs = [pool.submit(run_one, stage, deadline, root, f"{stage.name}| ") for stage in stages]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            # Ctrl-C reaches this thread only: what runs is stopped, what waits does not begin.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_RUNNING):
                _stop(process)
            raise


def run_one(stage: Stage, deadline: float, root: Path = ROOT, prefix: str = "") -> Outcome:
    """:param prefix: before each line that it prints, where another stage prints meanwhile"""
    print(f"\n=== {stage.group}: {stage.name}", flush=True)
    started = time.monotonic()
    missing = stage.missing(root)
    said: tuple[str, ...] = ()
    if missing:
        result, why = Result.FAILED, f"there is nothing to check: no {', '.join(missing)}"
    elif started >= deadline:
        result, why = Result.FAILED, "there was no time left for it"
    else:
        status, timed_out, said = _run(stage, min(stage.limit, deadline - started), root, prefix)
        result, why = _judge(status, timed_out)
    outcome = Outcome(stage, result, time.monotonic() - started, why, said)
    if why:
        print(f"=== {stage.name}: {result.value}: {why}", flush=True)
    return outcome


def _judge(status: int, timed_out: float | None) -> tuple[Result, str]:
    if timed_out is not None:
        return Result.FAILED, f"stopped after {timed_out:.0f} seconds"
    if status == SKIPPED_STATUS:
        return Result.SKIPPED, "see above"
    return (Result.PASSED, "") if status == 0 else (Result.FAILED, f"exit status {status}")


def _run(stage: Stage, limit: float, root: Path, prefix: str) -> tuple[int, float | None, tuple[str, ...]]:
    """Exit status, the limit when it was the limit that ended it, and what it said of a failure."""
    listener = _Listener(prefix.encode())
    # A session of its own, so that what the program started can be stopped with it.
    with subprocess.Popen(
        stage.argv,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=listener.end,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        listener.start()
        _RUNNING.add(process)
        try:
            return process.wait(limit), None, listener.said()
        except subprocess.TimeoutExpired:
            _stop(process)
            return process.wait(), limit, listener.said()
        except BaseException:
            _stop(process)
            raise
        finally:
            _RUNNING.discard(process)


class _Listener(threading.Thread):
    """Passes on what a program prints, and keeps the end of it."""

    def __init__(self, prefix: bytes) -> None:
        super().__init__(daemon=True)
        self._prefix = prefix
        # Not a pipe of Popen, which waits for its reader where the program left something running.
        read, self.end = os.pipe()
        self._lines = os.fdopen(read, "rb")
        self._last: collections.deque[bytes] = collections.deque(maxlen=_LINES)
        self._failures: collections.deque[bytes] = collections.deque(maxlen=_LINES)

    def start(self) -> None:
        """Once the program has its end of the pipe."""
        os.close(self.end)
        super().start()

    def run(self) -> None:
        with self._lines:
            for line in self._lines:
                os.write(1, self._prefix + line)
                if line.strip():
                    self._last.append(line)
                if _NAMES_A_FAILURE.match(line):
                    self._failures.append(line)

    def said(self) -> tuple[str, ...]:
        """The last lines that name a failure, or the last ones at all."""
        self.join(_REST)
        lines = list(self._failures or self._last)
        return tuple(line.decode(errors="replace").strip()[:_WIDTH] for line in lines)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, what)
            process.wait(_GRACE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def table(outcomes: Iterable[Outcome]) -> str:
    """The summary; its last line is one that a machine can read too."""
    rows = list(outcomes)
    width = max((len(row.stage.name) for row in rows), default=0)
    lines = [
        f"{row.stage.name:<{width}}  {row.seconds:7.1f} s  {row.result.value}"
        + (f"  ({row.why})" if row.why else "")
        for row in rows
    ]
    total = sum(row.seconds for row in rows)
    lines.append(f"{'in all':<{width}}  {total:7.1f} s")
    for row in rows:
        if row.result is Result.FAILED:
            lines += ["", f"{row.stage.name}, the whole of it above:", *row.said]
    return "\n".join(["", *lines, "", closing(rows)])


def closing(outcomes: Iterable[Outcome]) -> str:
    results = [outcome.result for outcome in outcomes]
    unran = results.count(Result.SKIPPED) + results.count(Result.NOT_RUN)
    line = f"{results.count(Result.PASSED)} passed, {results.count(Result.FAILED)} failed"
    return f"{line}, {unran} skipped" if unran else line


def good(outcomes: Sequence[Outcome]) -> bool:
    """Something passed and nothing failed."""
    results = {outcome.result for outcome in outcomes}
    return Result.PASSED in results and not results & {Result.FAILED, Result.NOT_RUN}


def skip(why: str) -> int:
    """Say why this program, a stage, cannot run here; what it must end with."""
    print(f"SKIPPED: {why}", flush=True)
    return SKIPPED_STATUS
