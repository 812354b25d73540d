"""Points at which a deploy is ended: by a way back, by Ctrl-C, or because its processes are killed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import strikes
from points import AGAIN, BACK, BOTH, CANARY, DEAD, WAIT, On, Point
from strikes import Strike

#: Watched long enough for everything else to happen meanwhile.
_WATCHED = {**CANARY, "deploy_steps": [10, 50], "deploy_bake": 60}
_SECOND = {**_WATCHED, "deploy_bake": 5, "deploy_canary": {"min_requests": 1, "hold_limit": 1}}
#: Where a module works, how the journal says it, the deploy, and whether something is armed there already.
_STEPS: tuple[tuple[str, On, dict[str, object], bool], ...] = (
    ("stage: fetch", On("step", "fetch"), {}, False),
    ("stage: unpack", On("step", "unpack"), {}, False),
    ("stage: migrate", On("step", "migrate"), {}, False),
    ("stage: drain", On("step", "drain"), {}, False),
    ("stage: start", On("step", "start_web"), {}, False),
    ("stage: await health", On("step", "await_health"), {}, False),
    ("canary: watching 10 %", On("bake", "10"), _WATCHED, True),
    ("canary: watching 50 %", On("bake", "50"), _SECOND, True),
    ("switch: shift", On("step", "shift"), {}, True),
    ("confirmation", On("confirming"), {}, True),
)
#: What ends it, and how: the module goes on meanwhile, or stands still.
_ENDINGS: tuple[tuple[str, Strike], ...] = (
    ("rollback", strikes.preempt("rollback")),
    ("rollback by another person", strikes.preempt("rollback", another=True)),
    ("undo", strikes.preempt("undo")),
    ("undo by another person", strikes.preempt("undo", another=True)),
    ("rollback, module stands still", strikes.preempt("rollback", still=True)),
    ("undo by another person, module stands still", strikes.preempt("undo", another=True, still=True)),
)
_DEATHS: tuple[tuple[str, Strike], ...] = (
    ("Ctrl-C", strikes.interrupt),
    ("ansible-playbook killed", strikes.kill_main),
    (f"{DEAD}, and the module", strikes.kill_both),
)


def _points() -> Iterator[Point]:
    numbers = count(42)
    for place, where, extra, armed in _STEPS:
        for fault, strike in _ENDINGS:
            yield Point(next(numbers), place, fault, where, strike, (BACK,), extra=extra)
        # The same command would watch all of it once more, which points 12 and 41 do for less.
        modes = ((WAIT,) if where.when == "bake" else (AGAIN, WAIT)) if armed else (BOTH,)
        for fault, strike in _DEATHS:
            yield Point(next(numbers), place, fault, where, strike, modes, extra=extra)


POINTS = tuple(_points())
