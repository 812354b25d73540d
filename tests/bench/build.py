#!/usr/bin/env python3
"""How long it takes to build an artifact of many files, a web application with its node_modules.

    tests/bench/build.py [--files 10000 50000] [--rounds 1]

Each source is a git checkout: a tenth of the files is the application's own and tracked, the rest is node_modules, which
git ignores and mas.yml includes, with a package.json for each eleven files. A round builds it into an empty store:
list, scan for secrets, pack, compress, digest, bill of materials, sign. Then it is built again, which must change
nothing. `tar` is the same tree through tar and gzip, for comparison.

A build is one process that computes, and a few short ones: its CPU seconds, which the target is for, are what it takes
on a core of its own, however busy the machine is; the wall's are beside them.

It prints a table and writes .cache/bench/build.json. Its exit status says whether the target was met.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build

CHECKOUT = Path(__file__).resolve().parents[2]
RESULTS = CHECKOUT / ".cache/bench/build.json"
#: CPU seconds for each tree.
TARGET = 30.0
MAS = """
name: shop
version: "1.0.0"
processes: {web: {kind: web, command: node server.js}}
health: {path: /health}
include: [node_modules/]
"""


@dataclass(frozen=True)
class Row:
    """CPU and wall seconds of a build, CPU seconds of the same again and of tar; bytes of source and bill of materials."""

    files: int
    source_bytes: int
    build: float
    wall: float
    again: float
    tar: float
    sbom_bytes: int
    components: int


def source(root: Path, files: int) -> int:
    """A tree of about that many files; the number of its bytes."""
    chance = random.Random(files)
    words = [f"{chance.randrange(16**6):06x}" for _ in range(2000)]
    total = 0
    for number in range(files):
        own = number % 10 == 0
        package = f"node_modules/package-{number // 110}"
        name = f"src/part{number // 1000}/file{number}.js" if own else f"{package}/lib/{number}.js"
        if not own and number % 11 == 1:
            name = (
                f"{package}/package.json"
                if number % 110 < 11
                else f"{package}/node_modules/in-{number}/package.json"
            )
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = " ".join(chance.choices(words, k=chance.randint(20, 400)))
        if name.endswith("package.json"):
            text = json.dumps({"name": path.parent.name, "version": f"1.{number}.0", "description": text})
        total += path.write_text(text)
    (root / "mas.yml").write_text(MAS)
    (root / ".gitignore").write_text("node_modules/\n")
    for words_of_git in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        names = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *names, *words_of_git], check=True)
    return total


def cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measure(files: int, rounds: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="mas-bench-") as scratch:
        root, store, key = (Path(scratch) / name for name in ("source", "store", "key"))
        root.mkdir()
        size = source(root, files)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        request, sbom = BuildRequest(source=root, store=store, signing_key=key), ""
        walls, builds, agains = [], [], []
        for _ in range(rounds):
            shutil.rmtree(store, ignore_errors=True)
            wall, start = time.perf_counter(), cpu()
            sbom = str(build(request).facts["sbom"])
            walls.append(time.perf_counter() - wall)
            builds.append(cpu() - start)
            start = cpu()
            if build(request).plan.changed:
                raise SystemExit("the same source gave other bytes")
            agains.append(cpu() - start)
        start = cpu()
        subprocess.run(["tar", "-C", str(root), "-czf", f"{scratch}/plain.tar.gz", "."], check=True)
        tar = cpu() - start
        text = Path(sbom).read_text(encoding="utf-8")
    components = len(json.loads(text)["components"])
    build_cpu, wall, again = (statistics.median(each) for each in (builds, walls, agains))
    return Row(files, size, build_cpu, wall, again, tar, len(text), components)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    rows = [measure(files, options.rounds) for files in options.files]
    met = all(row.build < TARGET for row in rows)
    report = {
        "settings": {**vars(options), "cores": os.cpu_count()},
        "rows": [asdict(row) for row in rows],
        "met": met,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    print(
        f"{'files':>8} {'MB':>7} {'build CPU s':>12} {'wall s':>8} {'again':>7} {'tar':>6} {'x tar':>6} {'components':>11}"
    )
    for row in rows:
        numbers = f"{row.build:>12.2f} {row.wall:>8.2f} {row.again:>7.2f} {row.tar:>6.2f} {row.build / row.tar:>6.2f}"
        print(f"{row.files:>8} {row.source_bytes / 1e6:>7.1f} {numbers} {row.components:>11}")
    print(f"target: < {TARGET:g} CPU s each: {'met' if met else 'NOT met'}")
    print(f"\nWritten: {RESULTS.relative_to(CHECKOUT)}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
