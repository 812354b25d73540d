"""``python -m tests.run check|test [stage ...]``: run the stages of a tier, or the named ones of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import stage, stages

TIERS = {"check": stages.check, "test": stages.everything}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("tier", choices=sorted(TIERS))
    parser.add_argument("only", nargs="*", metavar="stage", help="run these alone, in the tier's order")
    wanted = parser.parse_args(argv)
    chosen = TIERS[wanted.tier]()
    unknown = set(wanted.only) - {each.name for each in chosen}
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {_names(chosen)}")
    if wanted.only:
        chosen = [each for each in chosen if each.name in wanted.only]
    prepare_environment()
    outcomes = stage.run_all(chosen, time.monotonic() + stages.TIME[wanted.tier], lanes=stages.LANES)
    print(stage.table(outcomes), flush=True)
    return 0 if stage.good(outcomes) else 1


def prepare_environment() -> None:
    """What every stage sees: our tools first, and none of the caller's Ansible settings."""
    for name in [name for name in os.environ if name.startswith(("ANSIBLE_", "MOLECULE_"))]:
        del os.environ[name]
    tools = Path(sys.executable).parent
    os.environ["PATH"] = os.pathsep.join([str(tools), os.environ.get("PATH", os.defpath)])


def _names(chosen: Sequence[stage.Stage]) -> str:
    return ", ".join(each.name for each in chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
