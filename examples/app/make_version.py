#!/usr/bin/env python3
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the source folder of one version: this folder, with the overlays of the version laid over it.

    make_version.py VERSION DEST               one of versions/versions.json
    make_version.py VERSION DEST --like KNOWN  the same code as KNOWN under another number, for long stories

The same version gives the same bytes every time.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CODE = "*.py"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


def known() -> dict[str, list[str]]:
    """The overlays of every version, in the order in which they are laid."""
    overlays: dict[str, list[str]] = json.loads((HERE / "versions" / "versions.json").read_text())
    return overlays


def make(version: str, destination: Path, like: str | None = None) -> None:
    overlays = known().get(like or version)
    if overlays is None:
        raise SystemExit(f"{like or version} is not a version here: choose from {', '.join(known())}")
    if not VERSION.fullmatch(version):
        raise SystemExit(f"{version!r} cannot be a version: letters, digits and . + - only")
    if destination.exists() and any(destination.iterdir()):
        raise SystemExit(f"{destination} is not empty: name a new folder")
    _lay(HERE / "agents", destination / "agents")
    for overlay in overlays:
        _lay(HERE / "versions" / overlay, destination)
    _put(HERE / "mas.yml", destination / "mas.yml")
    _set_version(destination / "mas.yml", r'(?m)^version: ".*"$', f'version: "{version}"')
    _set_version(
        destination / "agents" / "__init__.py", r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"'
    )


def _lay(source: Path, destination: Path) -> None:
    for file in sorted(source.rglob(CODE)):
        _put(file, destination / file.relative_to(source))


def _put(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    destination.chmod(0o644)


def _set_version(file: Path, line: str, wanted: str) -> None:
    text, count = re.subn(line, wanted, file.read_text())
    if count != 1:
        raise SystemExit(f"{file} has no line of its own for the version")
    file.write_text(text)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version")
    parser.add_argument("destination", type=Path)
    parser.add_argument("--like", metavar="KNOWN", help="take the code of this version")
    given = parser.parse_args(arguments)
    make(given.version, given.destination, given.like)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
