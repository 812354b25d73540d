# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a source folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....module_utils._core.errors import BadInput, NotFound
from ....module_utils._releases import archive
from ..content import Tree, checked

# A controller without it can still load the plugins and say what it lacks.
try:
    from pathspec import GitIgnoreSpec
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Left out unless mas.yml takes it back in with "!__pycache__/". What is `.git` never comes in.
_DEFAULT_EXCLUDE = ("__pycache__/",)
_GIT = ".git"


def collect(root: Path, exclude: Sequence[str], store: Path | None = None) -> Tree:
    """Look at every file of the source; folders that would be empty are left out, as git does it.

    :param store: left out when it is inside the source, or each artifact would hold the ones before it
    :raises ArtifactError: a file that no artifact may hold: a socket, a link that leaves the tree
    """
    if not root.is_dir():
        raise NotFound(
            "there is no such source folder", where=str(root), fix="Give the folder that holds mas.yml."
        )
    try:
        spec = GitIgnoreSpec.from_lines([*_DEFAULT_EXCLUDE, *exclude])
    except ValueError as error:
        raise BadInput(
            f"exclude has a pattern that cannot be read: {error}", where=str(root / "mas.yml")
        ) from error
    skip = None if store is None else store.resolve()
    if skip == root.resolve():
        raise BadInput(
            "the store is the source folder itself", where=str(root), fix="Give another folder as store."
        )
    return checked(root, _walk(root, "", spec, skip))


def _walk(root: Path, folder: str, spec: GitIgnoreSpec, skip: Path | None) -> Iterator[archive.Member]:
    with os.scandir(root / folder) as entries:
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name == _GIT or spec.match_file(f"{name}/" if is_folder else name):
                continue
            if not is_folder:
                yield _member(entry, name)
                continue
            if skip is not None and entry.name == skip.name and Path(entry.path).resolve() == skip:
                continue
            below = list(_walk(root, name, spec, skip))
            if below:
                yield archive.Member(name, archive.FOLDER, mode=0o755)
                yield from below


def _member(entry: os.DirEntry[str], name: str) -> archive.Member:
    """Owner, time and exact mode do not matter to the application; whether it can be run does."""
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        return archive.Member(name, archive.SYMLINK, linkname=str(Path(entry.path).readlink()), mode=0o777)
    if not stat.S_ISREG(status.st_mode):
        return archive.Member(name, archive.SPECIAL)
    mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    return archive.Member(name, archive.FILE, size=status.st_size, mode=mode)
