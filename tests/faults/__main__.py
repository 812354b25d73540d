"""Faults at every point of a deploy, on three hosts under load: what users saw, and where the fleet ended.

    python tests/faults [--only 1,14]       or: make faults [FAULT=1,14]

It prints a table, writes .cache/faults/faults.json, and ends with a status other than 0 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from bed import CHECKOUT
from fault_run import FaultRun, Row, prepared, summary
from fleet import Fleet
from points import POINTS as FAULTS
from preempting import POINTS as PREEMPTING

POINTS = FAULTS + PREEMPTING
RESULTS = CHECKOUT / ".cache/faults/faults.json"
_TABLE = "{:>3}  {:<36} {:<32} {:<6} {:>6} {:>6} {:>8} {:>7}  {:<26} {}"
_HEAD = ("no", "point", "fault", "mode", "failed", "while", "outage s", "rest s", "all hosts on", "")


def line(row: Row) -> str:
    return _TABLE.format(
        row.number,
        row.place,
        row.fault,
        row.mode,
        row.failed,
        row.excused,
        f"{row.outage:.1f}" if row.outage else "",
        f"{row.seconds:.1f}",
        ended(row),
        "BROKEN" if row.broken else "",
    )


def markdown(rows: Sequence[Row]) -> str:
    """The table of docs/faults.md."""
    lines = [
        "| no | point | fault | mode | failed | while | outage | rest | all hosts on |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        outage = f"{row.outage:.1f}" if row.outage else ""
        words = (
            row.number,
            row.place,
            row.fault,
            row.mode,
            row.failed,
            row.excused or "",
            outage,
            row.seconds,
            ended(row),
        )
        lines.append(f"| {' | '.join(map(str, words))} |")
    return "\n".join(lines) + "\n"


def ended(row: Row) -> str:
    """In words that do not depend on the numbers of the versions."""
    last = row.end.removeprefix("split, then ")
    name = {row.before: "old", row.version: "new"}.get(last, last)
    return f"two, for {row.split_for:.0f} s; then {name}" if row.end.startswith("split") else name


def run(wanted: Sequence[int], keep: str) -> list[Row]:
    name = keep or f"faults-{os.getpid()}"
    rows: list[Row] = []
    try:
        fault_run = FaultRun(prepared(name))
        print(_TABLE.format(*_HEAD), flush=True)
        for point in POINTS:
            for mode in point.modes if not wanted or point.number in wanted else ():
                row = fault_run.run(point, mode)
                rows.append(row)
                print(line(row), flush=True)
                for what in row.broken:
                    print(f"     BROKEN: {what}", flush=True)
                RESULTS.parent.mkdir(parents=True, exist_ok=True)
                RESULTS.write_text(json.dumps([summary(one) for one in rows], indent=2) + "\n")
                RESULTS.with_suffix(".md").write_text(markdown(rows))
        fault_run.close()
    finally:
        if not keep:
            Fleet.remove(name)
    return rows


def numbers(text: str) -> list[int]:
    """``1,4-6`` are 1, 4, 5 and 6."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="numbers of points, with commas, also 42-50")
    parser.add_argument(
        "--keep", default="", metavar="RUN", help="leave the hosts for another call with this name"
    )
    options: Any = parser.parse_args()
    began = time.monotonic()
    rows = run(numbers(options.only), options.keep)
    broken = [row for row in rows if row.broken]
    print(
        f"\n{len(rows)} runs of {len({row.number for row in rows})} points in {time.monotonic() - began:.0f} s, "
        f"{sum(row.failed for row in rows)} of {sum(row.sent for row in rows)} requests failed, "
        f"{sum(row.excused for row in rows)} more while their host had nothing to answer with, "
        f"{len(broken)} broken\nnumbers: {RESULTS.relative_to(CHECKOUT)}"
    )
    return 1 if broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
