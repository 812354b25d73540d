#!/usr/bin/env python3
"""How often a healthy release is failed by its canary: real deploys under load, counted.

    tests/bench/canary_deploys.py [--deploys 20] [--hosts 1] [--rate 100]

Every deploy brings a version that no host has seen and that is no worse than the one before it. A deploy that does
not end well is a false alarm, and its verdict is printed. Writes .cache/bench/canary_deploys.json; its exit status
says whether there was none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/bed"))

from bed import CHECKOUT
from fleet import Fleet

RESULTS = CHECKOUT / ".cache/bench/canary_deploys.json"
PATH = "/tasks"
CANARY = {"deploy_strategy": "canary", "deploy_steps": [20, 50]}


@dataclass(frozen=True)
class Deploy:
    """One deploy: how it ended, what its last canary's verdict was based on, and what users lost."""

    version: str
    status: int
    seconds: float
    failed_requests: int
    verdicts: list[Any]


def verdicts(fleet: Fleet, version: str) -> list[Any]:
    """What each host wrote to its ledger about this version."""
    found = []
    for name in fleet.names:
        lines = fleet.bed.exec(name, ["cat", "/var/lib/mas/ledger.jsonl"]).splitlines()
        entries = [
            entry for entry in map(json.loads, lines) if (entry.get("to") or "").startswith(f"{version}-")
        ]
        found += [
            {"host": name, "error": entry.get("error"), **entry["verdict"]}
            for entry in entries
            if "verdict" in entry
        ]
    return found


def deploy(fleet: Fleet, version: str, rate: float, bake: float) -> Deploy:
    fleet.build(version, like="2.0.0")
    with fleet.load(rate * len(fleet.names), PATH) as load:
        done = fleet.deploy(version, **CANARY, deploy_bake=bake)
    return Deploy(version, done.status, round(done.seconds, 1), load.result.failed, verdicts(fleet, version))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deploys", type=int, default=20)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--rate", type=float, default=100, help="requests a second on each host (100)")
    parser.add_argument(
        "--bake", type=float, default=15, help="seconds that each of two steps is watched (15)"
    )
    options: Any = parser.parse_args()
    run, deploys = f"canaries-{os.getpid()}", []
    began = time.monotonic()
    try:
        fleet = Fleet.up(run, options.hosts, suite="mixed")
        fleet.build("2.0.0")
        fleet.provision().check()
        fleet.deploy("2.0.0").check()
        for number in range(1, options.deploys + 1):
            one = deploy(fleet, f"2.{number}.0", options.rate, options.bake)
            deploys.append(one)
            what = "ok" if not one.status else f"FALSE ALARM: {json.dumps(one.verdicts)}"
            print(
                f"{one.version:<8} {one.seconds:6.1f} s  {one.failed_requests} requests failed  {what}",
                flush=True,
            )
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps([asdict(each) for each in deploys], indent=2) + "\n")
    finally:
        Fleet.remove(run)
    alarms = sum(bool(one.status) for one in deploys)
    print(f"{alarms} false alarms in {len(deploys)} deploys, {time.monotonic() - began:.0f} s")
    return 1 if alarms or not deploys else 0


if __name__ == "__main__":
    sys.exit(main())
