"""The releases of ansible-core that the collection is tried with, beside the one of the checkout's own environment.

Each has a lock, requirements/NAME.txt, and an environment of its own, on one Python that all of them support.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .stage import ROOT

#: Names of locks, oldest first. The checkout's own environment has the release between the first two.
RELEASES = ("core-2.18", "core-2.20", "newest")
#: Debian 13's, and the one that the locks are made for.
PYTHON = "3.13"


def lock(release: str) -> Path:
    return ROOT / f"requirements/{release}.txt"


def version(release: str) -> str:
    """The version of ansible-core, as the lock pins it."""
    lines = lock(release).read_text("utf-8").splitlines()
    (pinned,) = [line for line in lines if line.startswith("ansible-core==")]
    return pinned.split()[0].removeprefix("ansible-core==")


def install(release: str, *where: str) -> None:
    """Install what the lock names.

    :param where: options of ``uv pip install``, such as ``--target``
    """
    command = ["uv", "pip", "install", "--quiet", "--python-version", PYTHON, *where]
    subprocess.run(
        [*command, "--no-compile", "--require-hashes", "--requirement", str(lock(release))], check=True
    )


def environment(release: str, python: Path) -> Path:
    """A virtual environment with a release, made anew when its lock or the Python has changed.

    :param python: an interpreter of :data:`PYTHON`
    """
    place = ROOT / ".cache/ansible-core" / release
    stamp, wanted = place / "stamp", f"{python}\n{sys.prefix}\n{lock(release).read_text('utf-8')}"
    if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
        _uv("venv", "--quiet", "--clear", "--python", str(python), str(place))
        install(release, "--python", str(place / "bin/python"))
        stamp.write_text(wanted, "utf-8")
    return place


def _uv(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *words], check=True)
