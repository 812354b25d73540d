# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be inside an artifact's archive. Pure: it judges names, types and sizes, not files.

The rules are stricter than "does not escape": an archive holds what mas.ops.artifact_build writes
and nothing else, so that anything unusual is a reason to stop and not something to interpret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._core.errors import ArtifactError
from . import manifest, shared

FILE = "file"
FOLDER = "folder"
SYMLINK = "symbolic link"
HARDLINK = "hard link"
SPECIAL = "special file"
SPARSE = "sparse file"

#: As many as Linux follows before it says ELOOP.
_MAX_LINKS = 40
#: The interpreter of a virtual environment that a distribution's own Python made. No other link leaves the tree.
_SYSTEM = re.compile(r"/usr/bin/python3(\.[0-9]{1,2})?")
#: What has none of these bits can be read by root and the application's group only.
_OTHERS = 0o004
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")
_FIX = "Do not unpack it. Build the artifact again with mas.ops.build and find out who made this one."


@dataclass(frozen=True)
class Member:
    """One entry of an archive; ``mode`` holds the permission bits only."""

    name: str
    type: str
    linkname: str = ""
    size: int = 0
    mode: int = 0o644

    @property
    def private(self) -> bool:
        """Whether only the application may read it on a host."""
        return self.type != SYMLINK and not self.mode & _OTHERS


@dataclass(frozen=True)
class ArchiveLimits:
    """Beyond these an archive is taken for an attack or a mistake."""

    members: int = 500_000
    file_bytes: int = 8 * 1024**3
    total_bytes: int = 32 * 1024**3


USUAL = ArchiveLimits()


def check_members(members: Iterable[Member], limits: ArchiveLimits = USUAL) -> None:
    """Raise :class:`ArtifactError` at the first member that must not be unpacked.

    ``members`` may be a generator over an open archive: sizes are judged before the next member is
    asked for, so a decompression bomb is refused and not decompressed.
    """
    seen: dict[str, Member] = {}
    total = 0
    for member in members:
        if not seen:
            _check_first(member)
        _check_name(member)
        _check_kind(member)
        _check_place(member, seen)
        total += member.size
        if member.size > limits.file_bytes or total > limits.total_bytes:
            raise _unsafe(
                member, f"it makes the archive larger than {limits.total_bytes >> 20} MiB, the limit,"
            )
        seen[member.name] = member
        if len(seen) > limits.members:
            raise _unsafe(member, f"it is beyond the limit of {limits.members} members")
    if not seen:
        raise ArtifactError("the archive is empty", fix=_FIX)
    _check_links(seen)


def _unsafe(member: Member, reason: str) -> ArtifactError:
    return ArtifactError(
        f"the archive is not safe to unpack: {reason}", where=f"member {member.name!r}", fix=_FIX
    )


def _check_first(member: Member) -> None:
    if member.name != manifest.MEMBER or member.type != FILE:
        raise _unsafe(member, f"the first member must be the file {manifest.MEMBER}")
    if member.size > manifest.MAX_BYTES:
        raise _unsafe(member, f"a manifest of {member.size} bytes")


def _check_name(member: Member) -> None:
    """Plain relative names that every file system can hold."""
    if member.name.startswith("/"):
        raise _unsafe(member, "its name is absolute")
    for part in member.name.split("/"):
        if part in ("", ".", ".."):
            raise _unsafe(member, f"its name has the part {part!r}")
        if len(part.encode("utf-8", "surrogateescape")) > 255:
            raise _unsafe(member, "a part of its name is longer than 255 bytes")
    if len(member.name) > 2048:
        raise _unsafe(member, "its name is longer than 2,048 characters")
    if _CONTROL.search(member.name):
        raise _unsafe(member, "its name has control characters or is not UTF-8")


def _check_kind(member: Member) -> None:
    if member.type not in (FILE, FOLDER, SYMLINK):
        raise _unsafe(member, f"it is a {member.type}")
    if member.mode & ~0o777:
        raise _unsafe(member, "it has the setuid, setgid or sticky bit")
    if member.size < 0 or (member.size and member.type != FILE):
        raise _unsafe(member, f"a {member.type} of {member.size} bytes")


def _check_place(member: Member, seen: Mapping[str, Member]) -> None:
    """Every member stands once, in a folder that came before it: so never below a link."""
    if member.name in seen:
        raise _unsafe(member, "it is there twice")
    parent = member.name.rpartition("/")[0]
    if not parent:
        return
    if parent not in seen:
        raise _unsafe(member, f"its folder {parent!r} does not come before it")
    if seen[parent].type != FOLDER:
        raise _unsafe(member, f"it is below {parent!r}, which is a {seen[parent].type}")


def check_shared(paths: Sequence[str], members: Iterable[Member]) -> None:
    """Raise :class:`ArtifactError` where a path that all releases share cannot be linked into this tree."""
    found = {member.name: member for member in members}
    reason = shared.clash(paths, {name: member.type == FOLDER for name, member in found.items()})
    if reason:
        raise ArtifactError(
            f"the archive is not safe to unpack: {reason}", where="shared in its manifest", fix=_FIX
        )
    _check_links(found, frozenset(map(shared.plain, paths)))


def _check_links(members: Mapping[str, Member], ends: Collection[str] = ()) -> None:
    links = {name: member.linkname for name, member in members.items() if member.type == SYMLINK}
    for name, target in links.items():
        culprit, reason = follow(name, links, ends)
        if reason:
            through = "" if culprit == name else f"to {target!r} and so through {culprit!r} "
            raise _unsafe(members[name], f"it points {through}to {links[culprit]!r}, {reason}")


def is_system(target: str) -> bool:
    """Whether this is the absolute path of the one program that a link may point at outside of the tree."""
    return _SYSTEM.fullmatch(target) is not None


def system_links(members: Iterable[Member]) -> frozenset[str]:
    """The links that lead to that program, by whatever other links; of members that were checked."""
    links = {member.name: member.linkname for member in members if member.type == SYMLINK}
    return frozenset(name for name in links if is_system(links[follow(name, links)[0]]))


def escape(name: str, links: Mapping[str, str]) -> str:
    """Why the symbolic link ``name`` would leave the tree; empty when it stays inside."""
    return follow(name, links)[1]


def follow(name: str, links: Mapping[str, str], ends: Collection[str] = ()) -> tuple[str, str]:
    """The link at which ``name`` leaves the tree, and why; the reason is empty when it stays inside.

    Links are followed as the kernel does, one part at a time: in a tree with ``a -> .`` the link
    ``b -> a/..`` leaves it although its text does not look like it.

    :param ends: names that become links to elsewhere on the host: a path may go down there and not come back
    """
    here: list[str] = []
    ahead = name.split("/")[::-1]
    followed = 0
    culprit = name
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                return culprit, "outside the tree"
            here.pop()
            continue
        here.append(part)
        place = "/".join(here)
        if place in ends and ".." in ahead:
            return culprit, f"back out of {place}, which is shared"
        target = links.get(place)
        if target is None:
            continue
        followed += 1
        if followed > _MAX_LINKS:
            return name, "a loop of links"
        culprit = place
        if is_system(target) and not ahead:
            return culprit, ""
        if not target or target.startswith("/") or "\0" in target:
            return culprit, "which is not a relative path"
        here.pop()
        ahead.extend(target.split("/")[::-1])
    return culprit, ""
