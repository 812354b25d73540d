"""The numbered points of a deploy at which something goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import strikes
from strikes import Strike

#: How a point ends.
#:   again  without waiting: the same command, until it succeeds
#:   wait   no command: what the hosts do by themselves until the limit of the automatic rollback
#:   both   no command, and nothing is armed; later the same command
#:   end    the command is alive and deals with it
#:   back   another command takes the fleet back while it is alive, see preempting.py
AGAIN, WAIT, BOTH, END, BACK = "again", "wait", "both", "end", "back"

RELEASES, STATE = "/srv/agents/releases", "/var/lib/mas"
#: The parts of a deploy that take hosts one by one.
ONE_BY_ONE = {"deploy_batch_size": 1}
CANARY = {
    "deploy_strategy": "canary",
    "deploy_batch_size": "100%",
    "deploy_canaries": 0,
    "deploy_steps": [50],
}


@dataclass(frozen=True)
class Line:
    """The controller printed a line that begins so, for the ``count``-th time."""

    start: str
    count: int = 1


@dataclass(frozen=True)
class On:
    """The victim's state met a condition, see agent.condition(); its modules stand still meanwhile."""

    when: str
    what: str = ""


@dataclass(frozen=True)
class Point:
    """
    :param host: which host is the victim, counted from 0
    :param modes: each is a row of the table
    :param extra: extra variables of the deploy
    :param prepare: before the deploy begins
    :param known: why two versions may be live until the command is run again; empty where that breaks the promise
    """

    number: int
    place: str
    fault: str
    where: Line | On
    strike: Strike
    modes: tuple[str, ...] = (END,)
    host: int = 1
    extra: Mapping[str, object] = field(default_factory=dict)
    prepare: Strike | None = None
    known: str = ""


TWICE = (AGAIN, WAIT)
DEAD, MODULE, PROXY = "controller killed", "module killed", "HAProxy killed"
BOTH_DEAD = "controller and module killed"
_kill = strikes.kill_controller
_TASK = "TASK [Find and verify the artifact"
_UNHEARD = "the host got the confirmation, its answer was lost, and the others were taken back"
_HALF = "some hosts got the confirmation, and the controller died before it sent the others"

POINTS = (
    Point(1, "artifact check", DEAD, Line(_TASK), _kill, (BOTH,)),
    Point(2, "stage: fetch", DEAD, On("step", "fetch"), _kill, (BOTH,)),
    Point(3, "stage: unpack", DEAD, On("step", "unpack"), _kill, (BOTH,)),
    Point(4, "stage: migrate", DEAD, On("step", "migrate"), _kill, (BOTH,)),
    Point(5, "stage: await health", DEAD, On("step", "await_health"), _kill, (BOTH,)),
    Point(6, "staged, before the switch", DEAD, Line("PLAY [Switch"), _kill, (BOTH,)),
    Point(7, "switch: armed", DEAD, On("step", "start_workers"), _kill, TWICE),
    Point(8, "switch: shift", DEAD, On("step", "shift"), _kill, TWICE),
    Point(9, "switch: old workers", DEAD, On("step", "stop_workers"), _kill, TWICE),
    Point(10, "switch: ledger, before the journal", DEAD, On("ledger", "live"), _kill, TWICE),
    Point(11, "between batches", DEAD, Line("PLAY [Switch", 2), _kill, TWICE, extra=ONE_BY_ONE),
    Point(12, "canary: watching", DEAD, On("step", "bake"), _kill, TWICE, extra=CANARY | {"deploy_bake": 10}),
    Point(13, "switched, before the confirmation", DEAD, Line("PLAY [Confirm"), _kill, TWICE),
    Point(
        14,
        "confirmed on all hosts but one",
        DEAD,
        On("confirming"),
        strikes.kill_both_after_the_others,
        TWICE,
        known=_HALF,
    ),
    Point(15, "stage: migrate", MODULE, On("step", "migrate"), strikes.kill_module),
    Point(16, "stage: await health", MODULE, On("step", "await_health"), strikes.kill_module),
    Point(17, "switch: shift", MODULE, On("step", "shift"), strikes.kill_module),
    Point(18, "switch: ledger, before the journal", MODULE, On("ledger", "live"), strikes.kill_module),
    Point(19, "confirmation", MODULE, On("confirming"), strikes.kill_module),
    Point(20, "stage: await health", PROXY, On("step", "await_health"), strikes.kill_proxy),
    Point(21, "switch: shift", PROXY, On("step", "shift"), strikes.kill_proxy),
    Point(22, "switch: old workers", PROXY, On("step", "stop_workers"), strikes.kill_proxy),
    Point(23, "stage: await health", "live slot killed", On("step", "await_health"), strikes.kill_live_web),
    Point(24, "before the confirmation", "new slot killed", On("confirming"), strikes.kill_live_web),
    Point(25, "switch: new workers", "idle slot killed", On("step", "start_workers"), strikes.kill_idle_web),
    Point(26, "stage: migrate", "live worker killed", On("step", "migrate"), strikes.kill_live_worker),
    Point(27, "switch: shift", "new worker killed", On("step", "shift"), strikes.kill_idle_worker),
    Point(28, "stage: await health", "host stopped", On("step", "await_health"), strikes.stop_host, host=2),
    Point(29, "switch: shift", "host stopped", On("step", "shift"), strikes.stop_host, host=2),
    Point(30, "confirmation", "host stopped", On("confirming"), strikes.stop_host, host=2),
    Point(31, "stage: await health", "network cut", On("step", "await_health"), strikes.cut_network),
    Point(32, "switch: shift", "network cut", On("step", "shift"), strikes.cut_network),
    Point(33, "confirmation", "network cut", On("confirming"), strikes.cut_network, known=_UNHEARD),
    Point(
        34,
        "stage: unpack",
        "disk of releases full",
        On("step", "unpack"),
        strikes.fill_disk(RELEASES),
        prepare=strikes.small_disk(RELEASES),
    ),
    Point(
        35,
        "switch: shift",
        "disk of the state full",
        On("step", "shift"),
        strikes.fill_disk(STATE),
        prepare=strikes.small_disk(STATE),
    ),
    Point(
        36,
        "switch: old workers",
        "clock +1 day, controller killed",
        On("step", "stop_workers"),
        strikes.move_clock("+1d", _kill),
        TWICE,
    ),
    Point(
        37,
        "switch: old workers",
        "clock -1 day, controller killed",
        On("step", "stop_workers"),
        strikes.move_clock("-1d", _kill),
        TWICE,
    ),
    Point(
        38,
        "going back, another host cannot stage",
        DEAD,
        Line("TASK [Leave agents"),
        _kill,
        (BOTH,),
        prepare=strikes.squat,
    ),
    Point(39, "switch: shift", BOTH_DEAD, On("step", "shift"), strikes.kill_both, TWICE),
    Point(
        40, "switch: ledger, before the journal", BOTH_DEAD, On("ledger", "live"), strikes.kill_both, TWICE
    ),
    Point(
        41,
        "canary: watching",
        BOTH_DEAD,
        On("step", "bake"),
        strikes.kill_both,
        TWICE,
        # The limit is longer while a canary is watched: by that time, and by the one for which it is held.
        extra=CANARY | {"deploy_bake": 10, "deploy_canary": {"hold_limit": 5}},
    ),
)
