#!/usr/bin/env python3
"""How long a deploy and a rollback take, as ratios against a ping of the same hosts in the same run.

    tests/bench/deploy.py [--hosts 10] [--rounds 3]
    tests/bench/deploy.py --hosts 1 5 10 20 --rounds 1     how it grows with the number of hosts
    tests/bench/deploy.py --warm-up 5                      of an application that takes so long to start

A round is: ping, deploy of a version that no host has seen, ping, rollback, named rollback. The medians of
all rounds are compared, so a machine that is busy with something else slows both sides of a ratio. All
commands of a mode have the same settings:

  cold   those that are advised (pipelining, and at least as many forks as hosts); ssh's shared connections are closed
         before each command, so that each one pays for its own
  warm   the same, with the connections open, as a ping just before left them
  plain  none but Ansible's own, as after its installation, and cold

All hosts are containers of one machine: where it has fewer cores than hosts, the ratios of wall time are those
of all work, on the hosts too, and not only those of the waiting that an operator of real hosts would see.

The targets are for ten hosts, cold. What a deploy waits for is not its cost, so two columns say more, as ratios to the
ping:

  -start  without the warm-up of the application, from its start until it is healthy, and without what was really waited
          of the bake, the second for which new workers must stay up before the switch is confirmed
  -app    also without the application's migration, and without the time that its old copies take to stop

Where hosts share cores both still hold some waiting for a core.

It prints a table, and below it the seconds of each step on the median host, from runs that are not timed. It writes
.cache/bench/deploy.json. Its exit status says whether all commands worked, not whether they were fast.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/bed"))

from bed import CHECKOUT
from fleet import ADVISED, CommandFailed, Done, Fleet

RESULTS = CHECKOUT / ".cache/bench/deploy.json"
PING = "ping"
#: How long it may take in pings, and how much of the controller's CPU.
TARGETS = {"deploy": (2.6, 1.5), "rollback": (1.4, 1.5), "rollback to a version": (1.2, 1.5)}
#: Steps in which a host waits for the application: its start with the rest of the bake, and all that it does.
STARTS = ("start_web", "await_health", "start_workers", "await_workers", "bake")
WAITS = (*STARTS, "migrate", "stop", "stop_workers")
MODES = ("cold", "warm", "plain")
#: What a task did on a host, in the words of Ansible's own output.
OUTCOME = re.compile(r"^(?:ok|changed|skipping|included): \[([^\]]+)\]", re.MULTILINE)
#: What a module returned, with one -v.
RESULT = re.compile(r"^(?:ok|changed): \[([^\]]+)\] => (\{.*\})$", re.MULTILINE)
SSH = re.compile(r"^<([^>]+)> SSH: EXEC (?:ssh|sftp|scp) ", re.MULTILINE)


@dataclass(frozen=True)
class Sample:
    """One command: wall and controller CPU seconds, and the tasks that a host had a part in.

    What is done once for all hosts counts for none of them, although Ansible names the first host for it.
    """

    mode: str
    name: str
    wall: float
    cpu: float
    tasks: int


@dataclass(frozen=True)
class Waits:
    """Seconds of the median host: those that it waited for the start of the application, for all of it, and by step."""

    start: float = 0.0
    all: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """The medians of one command in one mode, and their ratios to those of the ping.

    ``started_ratio`` is that of the wall time without the start, ``own_ratio`` that without all of the application.
    """

    mode: str
    name: str
    wall: float
    cpu: float
    wall_ratio: float
    cpu_ratio: float
    started_ratio: float
    own_ratio: float
    tasks: int
    waits: Waits

    @property
    def verdict(self) -> str:
        targets = TARGETS.get(self.name)
        if targets is None or self.mode != MODES[0]:
            return ""
        ratios = (("wall", self.wall_ratio, targets[0]), ("CPU", self.cpu_ratio, targets[1]))
        return ", ".join(
            f"{name} {'met' if found <= target else 'NOT met'} ({target:.3g})"
            for name, found, target in ratios
        )


class Bench:
    """A fleet whose versions are counted up, and what was measured on it."""

    def __init__(self, fleet: Fleet, rounds: int) -> None:
        self.fleet = fleet
        self.advised = {**ADVISED, "ANSIBLE_FORKS": str(max(10, len(fleet.names)))}
        # Two to start from, one for each mode of each round, and one to count ssh's executions with, one for the waits.
        self._versions = iter([f"1.{number}.0" for number in range(rounds * len(MODES) + 4)])
        self.samples: list[Sample] = []

    @classmethod
    def prepared(cls, fleet: Fleet, rounds: int) -> Bench:
        """Hosts in the state between two deploys: one release live, the one before it warm."""
        bench = cls(fleet, rounds)
        fleet.ansible_settings = bench.advised
        fleet.provision().check()
        for _ in range(2):
            fleet.deploy(bench.next_version()).check()
        return bench

    def next_version(self) -> str:
        version = next(self._versions)
        self.fleet.build(version, like="1.0.0")
        return version

    def round(self, mode: str) -> None:
        self.fleet.ansible_settings = {} if mode == "plain" else self.advised
        version = self.next_version()
        before = next(iter(self.fleet.live().values()))
        self._measure(mode, PING, self.ping)
        self._measure(mode, "deploy", lambda: self.fleet.deploy(version))
        self._expect(version)
        self._measure(mode, PING, self.ping)
        self._measure(mode, "rollback", self.fleet.rollback)
        self._expect(before)
        # The same way again, because a rollback with a named target has nothing to find out first.
        self.fleet.deploy(version).check()
        self._measure(mode, "rollback to a version", lambda: self.fleet.rollback(before))
        self._expect(before)

    def ping(self) -> Done:
        return self.fleet.ansible("ansible.builtin.ping")

    def ssh_executions(self) -> dict[str, int]:
        """The most that one host had in a command, from a verbose run that is not timed."""
        version = self.next_version()
        commands: dict[str, Callable[[], Done]] = {
            PING: lambda: self.fleet.ansible("ansible.builtin.ping", "-vvv"),
            "deploy": lambda: self.fleet.deploy(version, "-vvv"),
            "rollback": lambda: self.fleet.rollback("", "-vvv"),
        }
        return {name: _most(SSH.findall(run().check().output)) for name, run in commands.items()}

    def waits(self) -> dict[str, Waits]:
        """What hosts waited for, from runs that are not timed."""
        before = next(iter(self.fleet.live().values()))
        version = self.next_version()
        deployed = _waited(self.fleet.deploy(version, "-v").check().output)
        rolled_back = _waited(self.fleet.rollback("", "-v").check().output)
        self.fleet.deploy(version).check()
        named = _waited(self.fleet.rollback(before, "-v").check().output)
        return {"deploy": deployed, "rollback": rolled_back, "rollback to a version": named}

    def _measure(self, mode: str, name: str, command: Callable[[], Done]) -> None:
        if mode == "warm":
            self.ping().check()
        else:
            self._close_connections()
        before = _cpu()
        done = command().check()
        sample = Sample(
            mode,
            name,
            done.seconds,
            _cpu() - before,
            _usual(OUTCOME.findall(done.output)),
        )
        print(f"   {mode} {name}: {sample.wall:.1f} s, CPU {sample.cpu:.1f} s", flush=True)
        self.samples.append(sample)

    def _expect(self, version: str) -> None:
        wrong = {name: live for name, live in self.fleet.live().items() if live != version}
        if wrong:
            raise CommandFailed(f"{version} should be live, but it is not: {wrong}")

    def _close_connections(self) -> None:
        """End the shared connections, with the configuration that opened them."""
        config = str(self.fleet.bed.state / "ssh_config")
        for host in self.fleet.bed.hosts:
            command = ["ssh", "-F", config, "-O", "exit", host.name]
            subprocess.run(command, capture_output=True, check=False)
        deadline = time.monotonic() + 5
        while any(self.fleet.bed.control.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)


def rows(samples: list[Sample], waits: dict[str, Waits]) -> Iterator[Row]:
    """The medians, with the ping of each mode first."""
    for mode in MODES:
        mine = [sample for sample in samples if sample.mode == mode]
        base_wall, base_cpu = _medians([sample for sample in mine if sample.name == PING])
        for name in dict.fromkeys(sample.name for sample in mine):
            these = [sample for sample in mine if sample.name == name]
            wall, cpu = _medians(these)
            tasks = max(sample.tasks for sample in these)
            waited = waits.get(name, Waits())
            yield Row(
                mode,
                name,
                wall,
                cpu,
                wall_ratio=wall / base_wall,
                cpu_ratio=cpu / base_cpu,
                started_ratio=(wall - waited.start) / base_wall,
                own_ratio=(wall - waited.all) / base_wall,
                tasks=tasks,
                waits=waited,
            )


def table(measured: list[Row], executions: dict[str, int]) -> str:
    lines = [
        f"{'':<28} {'wall s':>7} {'x ping':>7} {'-start':>7} {'-app':>7} {'CPU s':>7} {'x ping':>7} {'tasks':>6} {'ssh':>4}  target"
    ]
    for row in measured:
        name = f"{row.mode}  {row.name}"
        wall = f"{row.wall:>7.1f} {row.wall_ratio:>7.2f} {row.started_ratio:>7.2f} {row.own_ratio:>7.2f}"
        numbers = f"{wall} {row.cpu:>7.1f} {row.cpu_ratio:>7.2f}"
        # `ansible -m` prints in words of its own, and is one task by nature.
        tasks = row.tasks or 1
        lines.append(f"{name:<28} {numbers} {tasks:>6} {executions.get(row.name, '-'):>4}  {row.verdict}")
    return "\n".join(lines)


def by_step(waits: Mapping[str, Waits]) -> str:
    """Seconds of the median host, for the steps that took any."""
    return "\n".join(
        f"{name:<22} "
        + ", ".join(f"{step} {spent:.2f}" for step, spent in waited.steps.items() if spent >= 0.005)
        for name, waited in waits.items()
    )


def growth(reports: list[dict[str, Any]]) -> str:
    """Between the smallest and the largest fleet, by mode and command."""
    small, large = reports[0], reports[-1]
    more = large["hosts"] - small["hosts"]
    walls = {(row["mode"], row["name"]): row["wall"] for row in small["medians"]}
    return "\n".join(
        f"{row['mode']}  {row['name']:<22} {(row['wall'] - walls[row['mode'], row['name']]) / more:>7.2f}"
        for row in large["medians"]
    )


def _medians(samples: list[Sample]) -> tuple[float, float]:
    wall = statistics.median(sample.wall for sample in samples)
    return wall, statistics.median(sample.cpu for sample in samples)


def _most(hosts: list[str]) -> int:
    return max(Counter(hosts).values(), default=0)


def _waited(output: str) -> Waits:
    hosts: dict[str, list[dict[str, float]]] = {}
    for host, text in RESULT.findall(output):
        hosts.setdefault(host, []).append(json.loads(text).get("seconds") or {})
    names = dict.fromkeys(name for calls in hosts.values() for steps in calls for name in steps)
    steps = {name: _median_of([name], hosts.values()) for name in names}
    return Waits(_median_of(STARTS, hosts.values()), _median_of(WAITS, hosts.values()), steps)


def _median_of(kinds: Sequence[str], hosts: Iterable[list[dict[str, float]]]) -> float:
    sums = [sum(steps.get(kind, 0.0) for steps in host for kind in kinds) for host in hosts]
    return statistics.median(sums) if sums else 0.0


def _usual(hosts: list[str]) -> int:
    return int(statistics.median(Counter(hosts).values())) if hosts else 0


def _cpu() -> float:
    """What all children that have ended used, with their own; ssh's background connections are not among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(
    hosts: int, rounds: int, suite: str, warm_up: float
) -> tuple[list[Sample], dict[str, int], dict[str, Waits]]:
    run = f"bench-{os.getpid()}"
    try:
        print(f"-- {hosts} hosts, provisioned, with two releases", flush=True)
        # Nor does the application wait for idle connections of the proxy when its old copy is stopped.
        settings = {"AGENTS_WARMUP": f"{warm_up:g}", "AGENTS_LINGER": "0"}
        fleet = Fleet.up(run, hosts, suite=suite, agents_settings=settings)
        bench = Bench.prepared(fleet, rounds)
        for number in range(1, rounds + 1):
            print(f"-- round {number} of {rounds}", flush=True)
            for mode in MODES:
                bench.round(mode)
        fleet.ansible_settings = bench.advised
        return bench.samples, bench.ssh_executions(), bench.waits()
    finally:
        Fleet.remove(run)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, nargs="+", default=[10])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--warm-up", type=float, default=0.0, help="seconds that the application takes to start"
    )
    parser.add_argument("--suite", choices=["bookworm", "trixie", "mixed"], default="bookworm")
    options = parser.parse_args()
    reports = []
    for hosts in options.hosts:
        try:
            samples, executions, waits = measure(hosts, options.rounds, options.suite, options.warm_up)
        except CommandFailed as error:
            print(error, file=sys.stderr)
            return 1
        measured = list(rows(samples, waits))
        reports.append(
            {
                "hosts": hosts,
                "medians": [{**asdict(row), "verdict": row.verdict} for row in measured],
                "ssh_executions": executions,
                "steps": {name: dict(waited.steps) for name, waited in waits.items()},
                "samples": [asdict(sample) for sample in samples],
            }
        )
        print(f"\n{hosts} hosts on {os.cpu_count()} cores, medians of {options.rounds} rounds")
        print(table(measured, executions))
        print(f"\nSeconds of the median host by step\n{by_step(waits)}")
    settings = {**vars(options), "cores": os.cpu_count()}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"settings": settings, "sizes": reports}, indent=2) + "\n")
    if len(reports) > 1:
        print(f"\nSeconds that each further host costs, all on this machine\n{growth(reports)}")
    print(f"\nAll samples: {RESULTS.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
