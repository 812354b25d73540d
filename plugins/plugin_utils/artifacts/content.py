# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into an artifact, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from ...module_utils._core.errors import ArtifactError
from ...module_utils._releases import archive
from ...module_utils._releases.manifest import MEMBER, Files, Manifest


@dataclass(frozen=True)
class Tree:
    """The members of an archive, sorted, with the folder they come from."""

    root: PurePath
    members: tuple[archive.Member, ...]

    @property
    def files(self) -> Files:
        """The totals that the manifest promises."""
        content = [member for member in self.members if member.type != archive.FOLDER]
        return Files(count=len(content), bytes=sum(member.size for member in content))


@dataclass(frozen=True)
class Packed:
    """An archive that was written."""

    sha256: str
    size: int
    #: sha256 of each regular file, by name
    digests: Mapping[str, str] = field(default_factory=dict)


def checked(root: PurePath, members: Iterable[archive.Member], shared: Sequence[str] = ()) -> Tree:
    """The tree, if a host would take it: the host's own rules, before anything is built in vain.

    :param shared: the paths that each release links to, see mas.yml
    :raises ArtifactError: a file that no artifact may hold: a socket, a link that leaves the tree
    """
    tree = Tree(root, tuple(sorted(members, key=lambda member: member.name)))
    if any(member.name == MEMBER for member in tree.members):
        raise ArtifactError(
            f"the source holds a file {MEMBER}, the name of the artifact's own manifest",
            where=str(root / MEMBER),
            fix="Rename it or put it into exclude in mas.yml.",
        )
    try:
        archive.check_members([archive.Member(MEMBER, archive.FILE), *tree.members])
        archive.check_shared(shared, tree.members)
    except ArtifactError as error:
        raise ArtifactError(
            error.what.replace("the archive is not safe to unpack", "the source cannot become an artifact"),
            where=f"{root}, {error.where}",
            fix=_advice(error.what),
        ) from error
    return tree


def _advice(what: str) -> str:
    if "which is not a relative path" in what and "/bin/" in what:
        return (
            "A link to a program must be relative, or be /usr/bin/python3 or one of its versions: make the virtual"
            " environment with /usr/bin/python3 -m venv, or leave the link out with exclude in mas.yml."
        )
    if " is shared and " in what or " is shared, so " in what:
        return "Take it out of shared in mas.yml, or leave it out of the artifact with exclude."
    return "Correct it in the source, or leave it out with exclude in mas.yml."


def contents(members: Iterable[archive.Member], digests: Mapping[str, str]) -> dict[str, str]:
    """What members hold, by name: digest and who may run and read it, or where a link points."""
    found = {}
    for member in members:
        if member.type == archive.SYMLINK:
            found[member.name] = f"-> {member.linkname}"
        elif member.type == archive.FILE:
            executable = " executable" if member.mode & 0o100 else ""
            private = " private" if member.private else ""
            found[member.name] = f"{digests[member.name]}{executable}{private}"
    return found


def contents_of(tree: Tree, manifest: Manifest, packed: Packed, digest: str) -> dict[str, str]:
    """The same for a newly packed archive; ``digest`` is the manifest's."""
    first = archive.Member(MEMBER, archive.FILE, size=len(manifest.to_json()))
    return contents([first, *tree.members], {MEMBER: digest, **packed.digests})


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names whose content differs, with how."""
    words = []
    for name in sorted({*before, *after}):
        if name not in after:
            words.append(f"{name} is only in the store")
        elif name not in before:
            words.append(f"{name} is new")
        elif before[name] != after[name]:
            words.append(f"{name} differs")
    return words
