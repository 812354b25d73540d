# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision a source folder is, and from when."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from ....module_utils._core.errors import BadInput
from ..origin import Revision

_FIX = "Correct that (git may want safe.directory), or give the options commit and built."


def revision(source: Path) -> Revision | None:
    """``None`` outside a checkout and for a folder that no commit knows.

    :raises BadInput: it is inside a checkout, but git cannot tell. Silence would be a false record.
    """
    if not _inside_checkout(source):
        return None
    if _git(source, "rev-parse", "--verify", "--quiet", "HEAD", allowed=(0, 1)) == "":
        return None
    last = _git(source, "log", "-1", "--format=%H %ct", "--", ".").split()
    if not last:
        return None
    dirty = _git(source, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return Revision(
        commit=last[0] + ("-dirty" if dirty else ""),
        time=datetime.fromtimestamp(int(last[1]), UTC),
    )


def _inside_checkout(source: Path) -> bool:
    folder = source.resolve()
    return any((place / ".git").exists() for place in (folder, *folder.parents))


def _git(source: Path, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    # Variables such as GIT_DIR, which hooks set, would make git answer about another checkout.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(source), *arguments]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"git cannot tell the revision: {error}", where=str(source), fix=_FIX) from error
    if done.returncode not in allowed:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise BadInput(f"git cannot tell the revision: {reason}", where=str(source), fix=_FIX)
    return done.stdout.strip()
