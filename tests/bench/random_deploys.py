#!/usr/bin/env python3
"""Whether a deploy's exit status is correct: deploys of random good and bad versions, over whatever the one before left warm.

    tests/bench/random_deploys.py [--deploys 200] [--hosts 2] [--seed 1]

After each deploy every host is asked through its front door, as a user would. The exit status must be 0 if and only if
every host answers with the new version; otherwise every host must answer with the version from before. It prints what did
not hold, and a table by kind of version, and writes .cache/bench/random_deploys.json. Its exit status says whether all held.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/bed"))

from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build
from bed import CHECKOUT
from fleet import APPLICATION, CommandFailed, Done, Fleet
from variants import VARIANTS, Variant

RESULTS = CHECKOUT / ".cache/bench/random_deploys.json"
#: One deploy in so many is a canary that is watched for a moment, and one is followed by a rollback.
CANARY, ROLLBACK = 8, 10
WATCHED = {"deploy_strategy": "canary", "deploy_bake": 5, "deploy_canary": {"hold_limit": 5}}
#: Requests a second of users, on all hosts together.
RATE = 40


@dataclass(frozen=True)
class Trial:
    """One deploy: what was shipped, how the command ended, and what users got before and after it."""

    number: int
    variant: str
    version: str
    good: bool
    status: int
    seconds: float
    before: str
    after: dict[str, str]
    failed: int
    output: str

    @property
    def broken(self) -> str:
        """The promise that was broken; empty if none was."""
        new = set(self.after.values()) == {self.version}
        if self.status == 0 and not new:
            return "exit status 0, but not every host answers with the new version"
        if self.status != 0 and new:
            return "a failure, but every host answers with the new version"
        if self.status != 0 and set(self.after.values()) != {self.before}:
            return "a failure, and not every host answers with the version from before"
        if self.good != (self.status == 0):
            return "a good version was refused" if self.good else "a bad version was taken"
        if self.good and self.failed:
            return f"{self.failed} requests failed while a good version was shipped"
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deploys", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = f"random-{os.getpid()}"
    trials: list[Trial] = []
    try:
        fleet = Fleet.up(run, options.hosts, suite="mixed", application_environment={})
        fleet.provision().check()
        for trial in deploys(fleet, options.deploys, random.Random(options.seed)):
            trials.append(trial)
            print(
                f"{trial.number:>4} status {trial.status}  {trial.seconds:5.1f} s  {trial.failed:>4} failed  {trial.variant}",
                flush=True,
            )
            if trial.broken:
                print(
                    f"     BROKEN: {trial.broken}: {trial.before} -> {trial.after}\n{trial.output}",
                    flush=True,
                )
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        Fleet.remove(run)
        report(trials, options.seed)
    return int(any(trial.broken for trial in trials) or len(trials) != options.deploys)


def deploys(fleet: Fleet, count: int, chance: random.Random) -> Iterator[Trial]:
    """The trials, one after the other on the same hosts. The first version is good, so that there is one to go back to."""
    first = VARIANTS[0]
    make(fleet, first, "0.1.0")
    fleet.deploy("0.1.0").check()
    live = "0.1.0"
    for number in range(1, count + 1):
        # As many good ones as bad ones: a fleet on which everything fails has no warm slots to get wrong.
        good = chance.random() < 0.5
        variant = chance.choice([each for each in VARIANTS if each.good == good])
        version = f"1.{number}.0"
        make(fleet, variant, version)
        with fleet.load(RATE) as load:
            done = fleet.deploy(version, **(WATCHED if number % CANARY == 0 else {}))
        trial = judged(fleet, number, variant, version, live, done, load.result.failed)
        yield trial
        live = version if trial.status == 0 else live
        if number % ROLLBACK == 0 and trial.status == 0 and trial.before:
            fleet.rollback().check()
            found = set(fleet.live().values())
            if found != {trial.before}:
                raise CommandFailed(
                    f"a rollback from {version} ended well and users get {found}, not {trial.before}"
                )
            live = trial.before


def make(fleet: Fleet, variant: Variant, version: str) -> None:
    source = fleet.bed.state / "source" / "variant"
    variant.write(source, APPLICATION, version)
    request = BuildRequest(
        source, fleet.store, built="2026-01-01T00:00:00Z", commit="0" * 40, signing_key=fleet.key
    )
    build(request)


def judged(
    fleet: Fleet, number: int, variant: Variant, version: str, before: str, done: Done, failed: int
) -> Trial:
    # A process that dies a moment after the deploy has ended is a bad version as well.
    time.sleep(0.5)
    return Trial(
        number,
        variant.name,
        version,
        variant.good,
        done.status,
        done.seconds,
        before,
        fleet.live(),
        failed,
        done.output,
    )


def report(trials: list[Trial], seed: int) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(
        json.dumps({"seed": seed, "trials": [asdict(trial) for trial in trials]}, indent=2) + "\n"
    )
    count: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for trial in trials:
        count[trial.variant] += 1
        ended[trial.variant] += trial.status == 0
        broken[trial.variant] += bool(trial.broken)
    print(f"\n{'version':<34} {'deploys':>8} {'exit 0':>7} {'broken':>7}")
    for variant in VARIANTS:
        print(
            f"{variant.name:<34} {count[variant.name]:>8} {ended[variant.name]:>7} {broken[variant.name]:>7}"
        )
    print(f"{'all':<34} {len(trials):>8} {sum(ended.values()):>7} {sum(broken.values()):>7}")
    print(f"\nAll deploys: {RESULTS.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    sys.exit(main())
