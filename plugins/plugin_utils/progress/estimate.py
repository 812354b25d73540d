# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it still takes, from how long earlier runs took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Runs kept of each playbook and application, and such pairs.
RUNS = 50
KEYS = 200
#: With so many earlier runs on as many hosts, only those count.
ENOUGH = 3


@dataclass(frozen=True)
class Run:
    """A run that ended well: its seconds, and when each phase or play began."""

    hosts: int
    seconds: float
    marks: Mapping[str, float]


@dataclass(frozen=True)
class TimeLeft:
    """Seconds that are left in half of the earlier runs, and in 95 of 100."""

    usual: float
    long: float


History = Mapping[str, Sequence[Run]]


def parse(data: Any) -> dict[str, list[Run]]:
    """The history in the file; what is not understood is passed over, for it is only a history."""
    found: dict[str, list[Run]] = {}
    for key, runs in data.items() if isinstance(data, dict) else ():
        read = [run for run in map(_run, runs if isinstance(runs, list) else []) if run is not None]
        if read:
            found[str(key)] = read
    return found


def _run(data: Any) -> Run | None:
    try:
        marks = {str(name): float(at) for name, at in data["marks"].items()}
        return Run(int(data["hosts"]), float(data["seconds"]), marks)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def to_dict(history: History) -> dict[str, Any]:
    """What goes into the file."""
    return {
        key: [{"hosts": run.hosts, "seconds": run.seconds, "marks": dict(run.marks)} for run in runs]
        for key, runs in history.items()
    }


def remember(history: History, key: str, run: Run) -> dict[str, list[Run]]:
    """The history with one more run; the oldest ones make room. The key used last is the last one."""
    rest = {other: list(runs) for other, runs in history.items() if other != key}
    kept = list(rest.items())[-(KEYS - 1) :]
    return {**dict(kept), key: [*history.get(key, ()), run][-RUNS:]}


def time_left(runs: Sequence[Run], hosts: int, marks: Mapping[str, float], at: float) -> TimeLeft | None:
    """What is left now, counted from the phase that was entered last; nothing without earlier runs.

    :param runs: earlier runs of the same playbook and application
    :param hosts: how many hosts this run has
    :param marks: when its phases began
    :param at: how long it has been running
    """
    alike = [run for run in runs if run.hosts == hosts]
    runs = alike if len(alike) >= ENOUGH else runs
    begun = {name: when for name, when in marks.items() if any(name in run.marks for run in runs)}
    last = max(begun, key=lambda name: begun[name], default="")
    inside = at - begun.get(last, 0.0)
    known = [run for run in runs if not last or last in run.marks]
    rests = sorted(max(0.0, run.seconds - run.marks.get(last, 0.0) - inside) for run in known)
    return TimeLeft(percentile(rests, 50), percentile(rests, 95)) if rests else None


def percentile(ordered: Sequence[float], share: int) -> float:
    """The nearest rank, of values in rising order."""
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
