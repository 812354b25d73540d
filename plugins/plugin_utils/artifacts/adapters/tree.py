# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a source folder."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ....module_utils._core.errors import BadInput, NotFound
from ....module_utils._releases import archive
from ..content import Tree, checked
from ..masfile import FILE_NAME, Description
from ..selection import Selection, forgotten
from . import checkout

#: What the group and all others may do with a file as an umask usually leaves it.
_READ = 0o044


@dataclass(frozen=True)
class Collected:
    """The tree, the names in it that git tracks (``None`` when it was not asked), and what the user should know."""

    tree: Tree
    tracked: frozenset[str] | None
    warnings: tuple[str, ...]


def collect(root: Path, description: Description, store: Path | None = None) -> Collected:
    """Look at every file of the source; folders that would be empty are left out, as git does it.

    :param store: left out when it is inside the source, or each artifact would hold the ones before it
    :raises ArtifactError: a file that no artifact may hold: a socket, a link that leaves the tree
    """
    if not root.is_dir():
        raise NotFound(
            "there is no such source folder", where=str(root), fix=f"Give the folder that holds {FILE_NAME}."
        )
    skip = None if store is None else store.resolve()
    if skip == root.resolve():
        raise BadInput(
            "the store is the source folder itself", where=str(root), fix="Give another folder as store."
        )
    tracked, untracked, warnings = _listing(root)
    selection = Selection(tracked, description.include, description.exclude, str(root / FILE_NAME))
    members = list(_Walk(root, selection, skip).members(""))
    names = [member.name for member in members]
    selection.check_used(names)
    forgot = forgotten(selection.left_out(untracked))
    tree = checked(root, members, description.shared)
    return Collected(tree, selection.tracked, tuple(filter(None, [*warnings, forgot])))


def _listing(root: Path) -> tuple[list[str] | None, list[str], list[str]]:
    """What git tracks or ``None``, what it could track, and warnings."""
    everything = "all files in it become part of the artifact, except what exclude names"
    if not checkout.inside_checkout(root):
        return None, [], [f"{root} is not a git checkout: {everything}"]
    tracked = checkout.names(root, "--cached", "--recurse-submodules")
    others = checkout.names(root, "--others", "--exclude-standard")
    untracked = [name for name in others if not name.endswith("/")]
    if tracked:
        return tracked, untracked, []
    if checkout.git(root, "check-ignore", ".", allowed=(0, 1)):
        # Something that a build made, inside a checkout, and that was named on purpose.
        return None, [], [f"git ignores {root}: {everything}"]
    if not untracked:
        fix = "Track what is to be shipped with git add."
        raise BadInput("git tracks nothing in the source and ignores all of it", where=str(root), fix=fix)
    return (
        untracked,
        [],
        [f"git tracks nothing in {root} yet: all files that it does not ignore were included"],
    )


class _Walk:
    """Looks at each file once. The mode of mas.yml shows which files are less readable on purpose."""

    def __init__(self, root: Path, selection: Selection, skip: Path | None) -> None:
        self._root = root
        self._bases = (os.path.abspath(root), os.path.realpath(root))  # noqa: PTH100 - links stay in one of them
        self._selection = selection
        self._skip = skip
        # Under a umask of 077 no file can be read by others, and that says nothing about any of them.
        self._usual = (root / FILE_NAME).stat().st_mode & _READ

    def members(self, folder: str) -> Iterator[archive.Member]:
        with os.scandir(self._root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if self._selection.excluded(name, folder=is_folder):
                    continue
                if is_folder:
                    yield from self._below(entry, name)
                elif self._selection.takes(name):
                    yield self._member(entry, name)

    def _below(self, entry: os.DirEntry[str], name: str) -> Iterator[archive.Member]:
        if self._selection.tracked is not None and name in self._selection.tracked:
            raise BadInput(
                f"the submodule {name} is not checked out",
                where=entry.path,
                fix="Run git submodule update --init --recursive, or leave it out with exclude in mas.yml.",
            )
        if not self._selection.enters(name):
            return
        if (
            self._skip is not None
            and entry.name == self._skip.name
            and Path(entry.path).resolve() == self._skip
        ):
            return
        below = list(self.members(name))
        if below:
            mode = entry.stat(follow_symlinks=False).st_mode
            yield archive.Member(name, archive.FOLDER, mode=self._mode(0o755, mode))
            yield from below

    def _member(self, entry: os.DirEntry[str], name: str) -> archive.Member:
        """Owner, time and exact mode do not matter to the application; who may read and run it does."""
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return archive.Member(name, archive.SYMLINK, linkname=self._target(entry.path, name), mode=0o777)
        if not stat.S_ISREG(status.st_mode):
            return archive.Member(name, archive.SPECIAL)
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        return archive.Member(name, archive.FILE, size=status.st_size, mode=self._mode(mode, status.st_mode))

    def _mode(self, mode: int, found: int) -> int:
        """Kept from others when it was made less readable than mas.yml."""
        return mode & ~0o007 if self._usual & ~found else mode

    def _target(self, path: str, name: str) -> str:
        """Where a link points; one into the source by its absolute path holds on a host when it is relative."""
        target = str(Path(path).readlink())
        for base in self._bases:
            if target.startswith(f"{base}/") and ".." not in target.split("/"):
                return posixpath.relpath(target[len(base) + 1 :], posixpath.dirname(name) or ".")
        return target
