"""Takes a fleet through one point after the other, and judges what came of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import points
from bed import Bed, BedError
from controller import NeverReached
from fleet import APPLICATION, Fleet
from host import Agent
from load import Result
from points import Point
from scene import (
    Outage,
    Scene,
    answered,
    broken_ledgers,
    described,
    live_version,
    needs_undo,
    restless,
    snapshots,
    wait_for,
)

RATE = 100
#: Seconds until a slot is healthy, as of applications that fill caches.
WARMUP = 5
BASELINE = "1.0.0"
#: What the load asks for: a request that waits for the warm-up as any other.
PATH = "/agents"
#: Of the automatic rollback in these deploys, seconds.
LIMIT = 20
#: What a host may take beyond the limit to be at rest again: to boot, to warm up, to go back.
MARGIN = 60.0
#: Within which a host must serve again once nothing hinders it: a boot or a start, and the warm-up.
SERVES_AGAIN = 30.0
#: Within which a way back has all hosts at rest: its own plays, and 10 s for the hosts.
BACK_WITHIN = 20.0
#: How often the same command may be needed: a module of the dead run may still be at work.
TRIES = 4
#: What a host says whose module is still at work, in the words of mas.ops.release.
AT_WORK = "another run is changing this application on this host right now"
SPARE = ("2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0")


@dataclass
class Row:
    """One line of the table.

    :param failed: requests that failed although their host had a healthy slot within reach
    :param excused: those that failed while it had none
    :param end: the version that all hosts are on, ``split`` when there are two
    :param seconds: from the fault until then
    :param broken: the promises that were not kept
    """

    number: int
    place: str
    fault: str
    mode: str
    before: str = ""
    version: str = ""
    sent: int = 0
    failed: int = 0
    excused: int = 0
    outage: float = 0.0
    end: str = ""
    seconds: float = 0.0
    tries: int = 0
    split_for: float = 0.0
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def prepared(run: str) -> Fleet:
    """Three hosts on both distributions, with what all points start from; those of an earlier run that kept them."""
    if Bed.named(run).hosts:
        fleet = Fleet(Bed.named(run))
        fleet.provision().check()
        fleet.deploy(SPARE[0], change_force_unlock=True).check()
        return fleet
    settings = {"AGENTS_WARMUP": str(WARMUP)}
    fleet = Fleet.up(run, 3, suite="mixed", agents_settings=settings, application_keep_releases=2)
    fleet.build(BASELINE)
    fleet.build(*SPARE, like="2.0.0")
    fleet.provision().check()
    fleet.deploy(BASELINE).check()
    return fleet


class FaultRun:
    """The fleet between two points: every host on one version, at rest, nothing held."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.agents = {name: Agent(fleet.bed, name) for name in fleet.names}
        for agent in self.agents.values():
            agent.start()

    def close(self) -> None:
        for agent in self.agents.values():
            agent.stop()

    def run(self, point: Point, mode: str) -> Row:
        """One point in one mode; what could not even be tried is broken, too."""
        before, version = self._versions()
        row = Row(point.number, point.place, point.fault, mode, before, version)
        scene = Scene(self.fleet, self.agents, point, version, PATH)
        try:
            if point.prepare:
                point.prepare(scene)
            self._under_load(scene, row, before)
        except (BedError, NeverReached, subprocess.TimeoutExpired) as error:
            row.broken.append(f"{type(error).__name__}: {error}")
        self._reset(scene, row)
        return row

    def _versions(self) -> tuple[str, str]:
        """What is live everywhere, and one that no host has."""
        seen = snapshots(self.agents)
        there = {name.rpartition("-")[0] for one in seen.values() for name in one["releases"]}
        fresh = [version for version in SPARE if version not in there]
        return live_version(next(iter(seen.values()))), fresh[0]

    def _under_load(self, scene: Scene, row: Row, before: str) -> None:
        load = self.fleet.load(RATE, PATH, timeout=10)
        load.start()
        try:
            time.sleep(1)
            extra = {
                **scene.point.extra,
                **({} if row.mode == points.AGAIN else {"deploy_confirm_timeout": LIMIT}),
            }
            scene.reach(extra)
            struck = time.monotonic()
            scene.point.strike(scene)
            self._follow(scene, row, before, struck)
        finally:
            for outage in scene.outages:
                outage.stop.set()
            began = time.time()
            judge_load(load.stop(), scene.outages, row)
            if row.failed:
                row.broken += [f"{name}: {self._witnesses(name, began)}" for name in self._failing(row)]

    def _failing(self, row: Row) -> list[str]:
        """The hosts whose requests failed."""
        return [
            name
            for name, url in zip(self.fleet.names, self.fleet.urls(PATH), strict=True)
            if any(url in lost for lost in row.lost)
        ]

    def _witnesses(self, name: str, until: float) -> str:
        """What a host says of its slots in the minute before: who took them for down, and what became of their units."""
        what = "Server agents/|Start(ing|ed)|Stopp|ended|signal|mas.ops"
        words = (
            "journalctl",
            "--no-pager",
            "--output=short-precise",
            f"--since=@{until - 60:.0f}",
            f"--grep={what}",
        )
        try:
            return self.agents[name].run(*words, "--unit=haproxy", f"--unit={APPLICATION}-*")[-6000:]
        except BedError as error:
            return f"it cannot be asked: {error}"

    def _follow(self, scene: Scene, row: Row, before: str, struck: float) -> None:
        """What the mode says, then the verdict on the fleet."""
        if row.mode == points.END:
            status = scene.controller.wait(300)
            row.notes.append(
                f"the command ended with status {status} after {time.monotonic() - struck:.0f} s"
            )
            scene.repair()
        if row.mode == points.BACK:
            self._taken_back(scene, row, before, struck)
        if row.mode in (points.WAIT, points.BOTH, points.END):
            self._expect_rest(scene, row, struck, {before, scene.version})
        if row.mode == points.BOTH:
            row.notes.append(
                f"before the re-run all hosts were on {row.end}, {row.seconds:.0f} s after the fault"
            )
        if row.mode in (points.AGAIN, points.BOTH):
            scene.repair()
            self._again(scene, row)
            self._expect_rest(scene, row, struck, {scene.version})
        wait_for(lambda: all(outage.end for outage in scene.outages), SERVES_AGAIN + 10)
        self._check(row)

    def _taken_back(self, scene: Scene, row: Row, before: str, struck: float) -> None:
        """Both commands end, the way back well and the deploy not; the fleet is where it was, and soon."""
        assert scene.back is not None
        status = scene.back.wait(120)
        if status:
            row.broken.append(f"the way back ended with status {status}:\n{scene.back.output[-1500:]}")
        # A module that stood still and had no lock was never seen: it has to find that it lost its turn.
        scene.thaw()
        self._expect_rest(scene, row, struck, {before})
        if row.seconds > BACK_WITHIN:
            row.broken.append(f"it took {row.seconds:.0f} s until all hosts were back")
        if not scene.controller.wait(60):
            row.broken.append("the deploy that was ended says that it succeeded")
        self._stays(row, before)

    def _stays(self, row: Row, before: str) -> None:
        """What the deploy that was ended does last must not fight."""
        versions = {live_version(one) for one in snapshots(self.agents).values()}
        if versions != {before}:
            row.broken.append(f"afterwards the hosts are on {versions}, not on {before}")

    def _again(self, scene: Scene, row: Row) -> None:
        row.tries, wrong = self._repeat(scene.version, **scene.point.extra)
        if wrong:
            row.broken.append(f"the same command failed (try {row.tries}):\n{wrong}")

    def _repeat(self, version: str, **extra: object) -> tuple[int, str]:
        """A deploy, again while what a killed one began on a host is still at work: how often, and what went wrong."""
        for number in range(1, TRIES + 1):
            done = self.fleet.deploy(version, **extra)
            if not done.status:
                return number, ""
            if AT_WORK not in done.output or number == TRIES:
                return number, done.output[-1500:]
            time.sleep(1)
        raise AssertionError("unreachable")

    def _expect_rest(self, scene: Scene, row: Row, struck: float, allowed: set[str]) -> None:
        """Wait until every host is at rest on one version."""
        end = time.monotonic() + LIMIT + MARGIN
        # No command is run: what the hosts do by themselves is what they have done when the limit is over.
        patience = struck + LIMIT + 10 if row.mode == points.WAIT else 0.0
        while True:
            seen = snapshots(self.agents)
            restful = not any(restless(one) for one in seen.values())
            versions = {live_version(one) for one in seen.values()}
            if restful and (len(versions) == 1 or time.monotonic() > patience):
                break
            if time.monotonic() > end:
                row.broken.append(f"the fleet does not come to rest: {described(seen)}")
                break
            time.sleep(0.3)
        row.end = versions.pop() if len(versions) == 1 else "split"
        row.seconds = round(time.monotonic() - struck, 1)
        if row.end == "split":
            self._heal(scene, row, struck, described(seen))
        elif row.end not in allowed:
            row.broken.append(f"the fleet is on {row.end}, not on one of {sorted(allowed)}")

    def _heal(self, scene: Scene, row: Row, struck: float, how: str) -> None:
        """Two versions are live: broken, or known and then healed by the same command."""
        (row.notes if scene.point.known else row.broken).append(f"two versions were live: {how}")
        row.split_for = row.seconds
        self._again(scene, row)
        versions = {live_version(one) for one in snapshots(self.agents).values()}
        row.end = f"split, then {versions.pop()}" if len(versions) == 1 else "split"
        row.seconds = round(time.monotonic() - struck, 1)
        if row.end == "split":
            row.broken.append("the same command did not heal it")

    def _check(self, row: Row) -> None:
        wanted = row.end.removeprefix("split, then ")
        met = answered(self.fleet)
        if any(versions != {wanted} for versions in met.values()):
            row.broken.append(f"users meet {met}, not only {wanted}")
        row.broken += broken_ledgers(self.agents)

    def _reset(self, scene: Scene, row: Row) -> None:
        """All hosts at rest and free again, whatever happened."""
        scene.repair()
        if scene.running:
            scene.running.kill()
        for agent in self.agents.values():
            agent.thaw()
        if any(map(needs_undo, snapshots(self.agents).values())):
            _, wrong = self._repeat(scene.version, deploy_abort=True)
            if wrong:
                row.broken.append(f"-e deploy_abort=true failed:\n{wrong}")
        scene.tidy()
        seen = snapshots(self.agents)
        if any(map(restless, seen.values())) or len({live_version(one) for one in seen.values()}) > 1:
            self.fleet.deploy(SPARE[0], change_force_unlock=True).check()


def judge_load(result: Result, outages: list[Outage], row: Row) -> None:
    """Separate the requests that no host could have answered from those that one should have."""
    row.sent = result.sent
    for at, url, error in result.lost:
        host = next(
            (one.host for one in outages if one.url == url and one.covers(one.host, result.began + at)), ""
        )
        if host:
            row.excused += 1
        else:
            row.failed += 1
            row.lost.append(f"{at:.2f} s: {url}: {error}")
    if row.failed:
        row.broken.append(f"{row.failed} requests failed: {'; '.join(row.lost[:3])}")
    for outage in outages:
        row.outage = round((outage.end or time.monotonic()) - outage.begin, 1)
        if outage.end is None or (outage.free and outage.end - outage.free > SERVES_AGAIN):
            row.broken.append(f"{outage.host} did not serve again within {SERVES_AGAIN:g} s")


def summary(row: Row) -> Mapping[str, Any]:
    return {**row.__dict__, "lost": row.lost[:20]}
