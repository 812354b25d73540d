# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a checkout that may be hostile with git: nothing that its configuration names is run."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from ....module_utils._core.errors import BadInput
from ..provenance import Revision

#: What else a configuration could make these few questions run. Hooks, pagers and signatures belong to other commands,
#: but what git asks by itself changes from version to version.
_HARMLESS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.pager=cat"),
    *("-c", "log.showSignature=false"),
    *("-c", "safe.bareRepository=explicit"),
)
#: No promisor remote, no prompt; a clone that lacks objects is an error and not a connection.
_ALONE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_FILTER = re.compile(r"filter\.([A-Za-z0-9._-]+)\.[a-z]+")
_FIX = "Correct that (git may want safe.directory), or build from a copy without .git: git archive HEAD | tar -x -C FOLDER."


def inside_checkout(source: Path) -> bool:
    """Whether the folder is in a git checkout."""
    folder = source.resolve()
    return any((place / ".git").exists() for place in (folder, *folder.parents))


def git(source: Path, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    """The output of a git command that only reads.

    The user's and the system's configuration count, because ``safe.directory`` is there; they are not the checkout's.

    :raises BadInput: git is missing, or refuses
    """
    # Variables such as GIT_DIR, which hooks set, would make git answer about another checkout.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", *_HARMLESS, "-C", str(source), *arguments]
    try:
        done = subprocess.run(
            command,
            env={**environment, **_ALONE},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=120,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"git cannot read the source: {error}", where=str(source), fix=_FIX) from error
    if done.returncode not in allowed:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise BadInput(f"git cannot read the source: {reason}", where=str(source), fix=_FIX)
    return done.stdout


def names(source: Path, *arguments: str) -> list[str]:
    """The names that ``git ls-files`` gives, relative to the source."""
    return [name for name in git(source, "ls-files", "-z", *arguments).split("\0") if name]


def dirty(source: Path) -> bool:
    """Whether the folder, or a submodule in it, differs from what was committed."""
    # Filters are programs too, and git runs them to compare. It does not hand these settings on to submodules.
    no_filters = [word for name in _filters(source) for word in _without(name)]
    changes = git(
        source,
        *no_filters,
        *("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."),
    )
    return bool(changes) or any(dirty(source / name) for name in submodules(source))


def revision(source: Path) -> Revision | None:
    """The revision of a source folder, ``None`` outside a checkout and for a folder that is in no commit.

    :raises BadInput: it is inside a checkout that git cannot read. Silence would be a false record.
    """
    if not inside_checkout(source):
        return None
    if git(source, "rev-parse", "--verify", "--quiet", "HEAD", allowed=(0, 1)).strip() == "":
        return None
    last = git(source, "rev-list", "--max-count=1", "--timestamp", "HEAD", "--", ".").split()
    if not last:
        return None
    seconds, commit = last
    return Revision(
        commit=commit + ("-dirty" if dirty(source) else ""),
        time=datetime.fromtimestamp(int(seconds), UTC),
    )


def submodules(source: Path) -> list[str]:
    """The submodules below the source that are checked out."""
    staged = [entry.partition("\t") for entry in names(source, "--stage")]
    links = [name for head, dummy, name in staged if head.startswith("160000 ")]
    return [name for name in links if (source / name / ".git").exists()]


def _filters(source: Path) -> list[str]:
    """The filter drivers that the checkout itself defines."""
    words = git(source, "config", "--list", "--show-scope", "--name-only", "-z").split("\0")
    found = set()
    for scope, key in zip(words[::2], words[1::2], strict=False):
        if scope in ("local", "worktree") and key.startswith("filter."):
            match = _FILTER.fullmatch(key)
            if not match:
                what = "its configuration has a filter whose name is not plain"
                raise BadInput(what, where=str(source), fix="Remove it from .git/config.")
            found.add(match[1])
    return sorted(found)


def _without(name: str) -> list[str]:
    keys = (f"filter.{name}.clean=", f"filter.{name}.process=", f"filter.{name}.required=false")
    return [word for key in keys for word in ("-c", key)]
