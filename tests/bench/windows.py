#!/usr/bin/env python3
"""How long it takes to judge the windows of a fleet, as a ratio against the plain way in the same run.

    tests/bench/windows.py [--hosts 10000] [--sets 50] [--rounds 5]

Each host has its variables, as an inventory would hand them over, and one of a number of different sets of windows
and freezes. A round judges all of them, with nothing kept from the round before:

  all hosts          from the variables of each host to its state
  naive expansion    the same windows, expanded for each host with recurring-ical-events over eight weeks around
                     now; measured on as many hosts as there are sets, and multiplied

Both are one process that computes, so its CPU seconds are what it takes on a core of its own, however busy the machine
is; the target is for those, and the wall's are printed beside them.

It prints a table and writes .cache/bench/windows.json. Its exit status says whether the target was met.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]
from ansible_collections.mas.ops.plugins.plugin_utils.windows import judge as judging
from ansible_collections.mas.ops.plugins.plugin_utils.windows import timeline
from ansible_collections.mas.ops.plugins.plugin_utils.windows.adapters import inventory

CHECKOUT = Path(__file__).resolve().parents[2]
RESULTS = CHECKOUT / ".cache/bench/windows.json"
#: CPU seconds for all hosts.
TARGET = 2.0
AT = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Row:
    """Seconds of one way, the ratio of its CPU seconds to the naive one's, and hosts a second of those."""

    name: str
    wall: float
    cpu: float
    ratio: float
    hosts_per_second: float


def window_sets(count: int) -> list[dict[str, Any]]:
    """Sets that differ: each with three windows, one of them cron, and two freezes."""
    chance = random.Random(1)
    found = []
    for number in range(count):
        days = ",".join(chance.sample(DAYS, 2))
        start = f"20{chance.randint(15, 25)}-01-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:00"
        windows = [
            {
                "name": "nightly",
                "rrule": f"FREQ=WEEKLY;BYDAY={days}",
                "start": f"{number % 24:02}:15",
                "end": "05:00",
            },
            {"name": "fortnight", "rrule": "FREQ=WEEKLY;INTERVAL=2", "start": start, "duration": "4h"},
            {"name": "noon", "cron": f"{number} 12 * * 1-5", "duration": "90m"},
        ]
        freezes = [
            {"name": "year end", "rrule": "FREQ=YEARLY", "start": "2015-12-20", "end": "2016-01-04"},
            {"name": "month end", "rrule": "FREQ=MONTHLY;BYMONTHDAY=-1", "start": "12:00", "end": "20:00"},
        ]
        found.append(
            {
                "change_windows": windows,
                "change_freezes": freezes,
                "change_time_zone": ZONES[number % len(ZONES)],
            }
        )
    return found


def fleet(hosts: int, sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # A copy for each host: an inventory hands over equal values, not the same objects.
    text = [json.dumps(each) for each in sets]
    return [
        {"inventory_hostname": f"web{number}", "group_names": ["web"], **json.loads(text[number % len(sets)])}
        for number in range(hosts)
    ]


def forget() -> None:
    inventory._PARSED.clear()
    judging._judged.cache_clear()
    timeline._timeline.cache_clear()


def ours(hosts: list[dict[str, Any]]) -> list[bool]:
    forget()
    return [
        judging.judge(inventory.policy_of_host(host), inventory.target_of_host(host), AT).open
        for host in hosts
    ]


def texts(host: dict[str, Any]) -> tuple[str, str]:
    """The windows and the freezes of a host as iCalendar; cron and ends by the clock in words of its own."""
    zone = host["change_time_zone"]
    windows: list[str] = []
    freezes: list[str] = []
    for entry, into in [(each, windows) for each in host["change_windows"]] + [
        (each, freezes) for each in host["change_freezes"]
    ]:
        rule, start, length = entry.get("rrule"), entry.get("start", ""), timedelta(hours=4)
        if "cron" in entry:
            minute, hour = entry["cron"].split()[:2]
            rule, start, length = (
                "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                f"{hour}:{minute:0>2}",
                timedelta(minutes=90),
            )
        first = datetime.fromisoformat(start if len(start) > 5 else f"2015-01-01 {start}")
        if "end" in entry:
            end = datetime.fromisoformat(
                entry["end"] if len(entry["end"]) > 5 else f"{first.date()} {entry['end']}"
            )
            length = end - first if end > first else end - first + timedelta(days=1)
        stamp = f":{first:%Y%m%dT%H%M%S}Z" if zone == "UTC" else f";TZID={zone}:{first:%Y%m%dT%H%M%S}"
        into.append(
            f"BEGIN:VEVENT\r\nUID:{entry['name']}\r\nDTSTART{stamp}\r\n"
            f"DURATION:PT{int(length.total_seconds())}S\r\nRRULE:{rule}\r\nEND:VEVENT\r\n"
        )
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n"
    return tuple(f"{head}{''.join(part)}END:VCALENDAR\r\n" for part in (windows, freezes))  # type: ignore[return-value]


def naive(hosts: list[dict[str, Any]]) -> list[bool]:
    found = []
    for host in hosts:
        held = []
        for text in texts(host):
            events = recurring_ical_events.of(icalendar.Calendar.from_ical(text))
            spans = events.between(AT - timedelta(days=28), AT + timedelta(days=28))
            held.append(any(each["DTSTART"].dt <= AT < each["DTEND"].dt for each in spans))
        found.append(held[0] and not held[1])
    return found


def timed(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The medians of wall and CPU seconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def measure(count: int, sets: int, rounds: int) -> list[Row]:
    hosts = fleet(count, window_sets(sets))
    sample = hosts[:sets]
    if ours(sample) != naive(sample):
        raise SystemExit("the two ways disagree about which hosts are open")
    factor = count / sets
    plain_wall, plain_cpu = (each * factor for each in timed(lambda: naive(sample), 1))
    wall, cpu = timed(lambda: ours(hosts), rounds)
    rows = (("all hosts", wall, cpu), ("naive expansion", plain_wall, plain_cpu))
    return [Row(name, wall, cpu, cpu / plain_cpu, count / cpu) for name, wall, cpu in rows]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = measure(options.hosts, options.sets, options.rounds)
    met = rows[0].cpu < TARGET
    report = {
        "settings": {**vars(options), "cores": os.cpu_count()},
        "medians": [asdict(row) for row in rows],
        "met": met,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(f"{options.hosts} hosts with {options.sets} sets of windows, medians of {options.rounds} rounds")
    print(f"{'':<18} {'wall s':>9} {'CPU s':>9} {'x naive':>9} {'hosts/s':>9}  target")
    for row in rows:
        verdict = f"{'met' if met else 'NOT met'} (< {TARGET:g} s)" if row is rows[0] else ""
        numbers = f"{row.wall:>9.2f} {row.cpu:>9.2f} {row.ratio:>9.4f} {row.hosts_per_second:>9.0f}"
        print(f"{row.name:<18} {numbers}  {verdict}")
    print(f"\nWritten: {RESULTS.relative_to(CHECKOUT)}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
