#!/usr/bin/env python3
"""The tour: ship, ship under load, catch a broken version, roll back; on three hosts of the test bed.

Run it with ``make demo``. It removes its hosts (``--keep`` leaves them up to look at), and says at its end what else stays.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/bed"))

from fleet import CommandFailed, Done, Fleet
from leftovers import leftovers
from load import Result

HOSTS = 3
RATE = 100
WARMUP = 5
RUN = "demo"


@dataclass(frozen=True)
class Act:
    """One thing that was done, and what the users saw meanwhile."""

    title: str
    live: str
    seconds: float
    load: Result | None


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the hosts up; `tests/bed/bed.py down --run demo`"
    )
    keep = parser.parse_args().keep
    fleet = None
    try:
        started = time.monotonic()
        fleet = prepare()
        acts = play(fleet)
        print(table(acts))
        print(f"All of it took {time.monotonic() - started:.0f} s.")
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if fleet and not keep:
            fleet.down()
        print(f"\n{leftovers()}")
    return 0 if good(acts) else 1


def prepare() -> Fleet:
    """Three empty hosts become hosts of the application."""
    Fleet.remove(RUN)
    say(f"starting {HOSTS} hosts")
    fleet = Fleet.up(RUN, HOSTS, agents_settings={"AGENTS_WARMUP": str(WARMUP)})
    say("building versions 1.0.0, 2.0.0 and 3.0.0-broken, signed")
    fleet.build("1.0.0", "2.0.0", "3.0.0-broken")
    say("provisioning: account, units for two slots, proxy")
    fleet.provision().check()
    return fleet


def play(fleet: Fleet) -> list[Act]:
    """The four acts; all but the first under load."""
    acts = [act(fleet, "ship 1.0.0", lambda: fleet.deploy("1.0.0").check(), under_load=False)]
    acts.append(act(fleet, "ship 2.0.0", lambda: fleet.deploy("2.0.0").check()))
    acts.append(act(fleet, "ship 3.0.0-broken", lambda: caught(fleet.deploy("3.0.0-broken"))))
    acts.append(act(fleet, "roll back to 1.0.0", lambda: fleet.rollback("1.0.0").check()))
    return acts


def act(fleet: Fleet, title: str, command: Callable[[], Done], under_load: bool = True) -> Act:
    say(title + (f", {RATE} requests a second on" if under_load else ""))
    if not under_load:
        done = command()
        return Act(title, versions(fleet), done.seconds, None)
    with fleet.load(RATE) as load:
        time.sleep(1)
        done = command()
        time.sleep(1)
    return Act(title, versions(fleet), done.seconds, load.result)


def caught(done: Done) -> Done:
    """A broken version must be refused, by itself."""
    if done.status == 0:
        raise CommandFailed(f"the broken version was not caught:\n{done.output}")
    return done


def versions(fleet: Fleet) -> str:
    return ", ".join(sorted(set(fleet.live().values())))


def table(acts: list[Act]) -> str:
    rows = [
        f"\n{'what':<22} {'live after it':<16} {'seconds':>7} {'requests':>9} {'failed':>7} {'p99 ms':>7}"
    ]
    for one in acts:
        load = (
            (f"{one.load.sent:>9} {one.load.failed:>7} {one.load.p99:>7.0f}")
            if one.load
            else f"{'-':>9} {'-':>7} {'-':>7}"
        )
        rows.append(f"{one.title:<22} {one.live:<16} {one.seconds:>7.1f} {load}")
    return "\n".join(rows) + "\n"


def good(acts: list[Act]) -> bool:
    """What the tour promises: the versions that it says, and not one failed request."""
    expected = ["1.0.0", "2.0.0", "2.0.0", "1.0.0"]
    failed = sum(one.load.failed for one in acts if one.load)
    return [one.live for one in acts] == expected and failed == 0


def say(text: str) -> None:
    print(f"-- {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
