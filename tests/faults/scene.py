"""One fault: the fleet, the command that is running, the victim, and what has to be repaired."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._ledger import chain
from ansible_collections.mas.ops.plugins.module_utils._ledger.history import version_of
from bed import BedError
from controller import Controller
from fleet import Fleet
from host import Agent
from points import On, Point

#: What must have happened by then, with a machine that is busy with something else.
REACHED = 120.0
_GOOD_IN_A_ROW = 5


@dataclass
class Outage:
    """A host without a proxy, or without a healthy slot: from when to when, on the monotonic clock."""

    host: str
    url: str
    begin: float
    end: float | None = None
    #: Since when nothing hinders it.
    free: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until it serves again."""
        good, since = 0, 0.0
        while not self.stop.is_set():
            asked = time.monotonic()
            try:
                with urllib.request.urlopen(self.url, timeout=2):
                    good, since = good + 1, since if good else asked
            except OSError:
                good = 0
            if good == _GOOD_IN_A_ROW:
                self.end = since
                return
            self.stop.wait(0.1)

    def covers(self, host: str, at: float) -> bool:
        # What was under way when it happened could not be answered either.
        return host == self.host and self.begin - 2 <= at <= (self.end or float("inf"))


@dataclass
class Scene:
    """
    :param repairs: what ends the cause, in order, once the command has ended or the time was over
    :param endings: what puts the machinery of the strike away, when the point is over
    """

    fleet: Fleet
    agents: Mapping[str, Agent]
    point: Point
    version: str
    path: str
    repairs: list[Callable[[], None]] = field(default_factory=list)
    endings: list[Callable[[], None]] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    running: Controller | None = None
    #: The command that takes the fleet back.
    back: Controller | None = None

    @property
    def victim(self) -> str:
        return self.fleet.names[self.point.host]

    @property
    def agent(self) -> Agent:
        return self.agents[self.victim]

    @property
    def controller(self) -> Controller:
        assert self.running is not None
        return self.running

    def reach(self, extra: Mapping[str, Any]) -> None:
        """Begin the deploy and come to the point, where the victim's modules stand still."""
        where = self.point.where
        if isinstance(where, On):
            self.agent.trap(where.when, where.what, REACHED)
        self.running = Controller(self.fleet.start("deploy", deploy_version=self.version, **extra))
        if isinstance(where, On):
            self.agent.hit(REACHED + 10)
        else:
            self.running.wait_for_line(where.start, where.count, REACHED)

    def thaw(self) -> None:
        self.agent.thaw()

    def wait_for_others(self) -> bool:
        """Until no host but the victim waits for its confirmation."""
        others = [agent for name, agent in self.agents.items() if name != self.victim]
        return wait_for(lambda: not any(agent.snapshot()["armed"] for agent in others), REACHED)

    def wait_for_end_request(self) -> None:
        """Until the way back asks the module of the victim to end, or has ended: a module without a lock is not asked."""
        assert self.back is not None
        back = self.back

        def asked() -> bool:
            return "lock.end" in self.agent.run("ls", "/var/lib/mas/agents").split()

        wait_for(lambda: back.ended() or asked(), REACHED)

    def out_of_service(self, host: str) -> None:
        """From now on no answer can be expected there, until it gives one."""
        outage = Outage(host, self.fleet.bed.url(host, 80, self.path), time.monotonic())
        self.outages.append(outage)
        # Not before the damage is done: the last good answers would look like the end of it.
        threading.Timer(1.0, outage.watch).start()

    def repair(self) -> None:
        """End the cause; what the hosts make of it is theirs."""
        while self.repairs:
            self.repairs.pop(0)()
        for outage in self.outages:
            outage.free = outage.free or time.monotonic()

    def tidy(self) -> None:
        while self.endings:
            self.endings.pop()()


def wait_for(met: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def snapshots(agents: Mapping[str, Agent]) -> dict[str, dict[str, Any]]:
    """Of all hosts at once; a host that is gone has an empty one."""

    def one(agent: Agent) -> dict[str, Any]:
        try:
            return agent.snapshot()
        except BedError:
            return {}

    with ThreadPoolExecutor(len(agents)) as pool:
        return dict(zip(agents, pool.map(one, agents.values()), strict=True))


def restless(seen: Mapping[str, Any]) -> str:
    """Why a host is not at rest on one release; empty when it is."""
    live = seen.get("live")
    if not live:
        return "cannot be seen" if not seen else "nothing is live"
    idle = {"blue": "green", "green": "blue"}[live]
    wanted = {
        f"agents-api@{live}": "active",
        f"agents-worker@{live}": "active",
        f"agents-worker@{idle}": "no",
    }
    units = {name.removesuffix(".service"): state for name, state in seen["units"].items()}
    wrong = [
        f"{name} is {units.get(name)}"
        for name, state in wanted.items()
        if (units.get(name) == "active") != (state == "active")
    ]
    if seen["modules"]:
        return "a module runs"
    if seen["armed"]:
        return f"{seen['armed']['release']} waits for its confirmation"
    return ", ".join(wrong)


def live_version(seen: Mapping[str, Any]) -> str:
    return version_of(seen["held"][seen["live"]]) if seen.get("live") else ""


def answered(fleet: Fleet) -> dict[str, set[str]]:
    """The versions that users of each host meet."""
    found: dict[str, set[str]] = {name: set() for name in fleet.names}
    for _ in range(4):
        for name, version in fleet.live().items():
            found[name].add(version)
    return found


def broken_ledgers(agents: Mapping[str, Agent]) -> list[str]:
    """Hosts whose chain does not hold, and why."""
    wrong = []
    for name, agent in agents.items():
        lines = agent.run("cat", "/var/lib/mas/ledger.jsonl").encode().split(b"\n")[:-1]
        entries, broken = chain.verify(lines)
        if broken or not entries:
            wrong.append(f"{name}: the ledger is broken: {broken}")
    return wrong


def needs_undo(seen: Mapping[str, Any]) -> bool:
    """A run that was not continued still holds the lock of this host, or left something begun."""
    return bool(seen.get("operation") or seen.get("lease", {}).get("run") or seen.get("armed"))


def described(seen: Mapping[str, Mapping[str, Any]]) -> str:
    return json.dumps({name: restless(one) or live_version(one) for name, one in seen.items()})
