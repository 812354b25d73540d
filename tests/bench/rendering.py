"""Does systemd run the intended command? Generated manifests, contracts and secrets against its own answer.

make bench B=rendering
.venv/bin/python tests/bench/rendering.py --count 10000 --suites bookworm,trixie
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bed"))

from bed import Bed
from renderings import cases, values, wrong_units, wrong_values

#: So many units are loaded at once.
BATCH = 500


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--suites", default="bookworm,trixie")
    options = parser.parse_args()
    found = []
    for suite in options.suites.split(","):
        bed = Bed.named(f"render-{suite[:4]}-{os.getpid()}")
        try:
            bed.up(1, suite=suite)
            found += compared(bed, suite, options.count)
        finally:
            bed.down()
    print("\n".join(found[:50]))
    return 1 if found else 0


def compared(bed: Bed, suite: str, count: int) -> list[str]:
    host = bed.hosts[0].name
    version = bed.exec(host, ["systemctl", "--version"]).split("\n")[0]
    begin, found = time.monotonic(), list[str]()
    for number in range(0, count, BATCH):
        size = min(BATCH, count - number)
        found += wrong_units(bed, host, cases(size, seed=number))
        found += wrong_values(bed, host, values(size, seed=number))
        done = number + size
        print(f"{suite} ({version}): {done} units and {done} values, {len(found)} wrong", flush=True)
    print(f"{suite}: {time.monotonic() - begin:.0f} s")
    return [f"{suite}: {line}" for line in found]


if __name__ == "__main__":
    sys.exit(main())
