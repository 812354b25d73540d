"""mypy --strict over the collection, seen under its full name, and over the programs that test it."""

from __future__ import annotations

import subprocess
import sys

from .stage import ROOT
from .stages import TYPED_PROGRAMS


def main() -> int:
    # mypy does not search site-packages for what is being checked, so the checkout gets a second link.
    link = ROOT / ".cache/collections/ansible_collections/mas/ops"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return max(_mypy("--package", "ansible_collections.mas.ops.plugins"), _mypy(*TYPED_PROGRAMS))


def _mypy(*what: str) -> int:
    return subprocess.run([sys.executable, "-m", "mypy", *what], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
