# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking for secrets in what is about to become an artifact."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....module_utils._core.errors import ArtifactError
from ....module_utils._releases import archive
from ..content import Tree
from ..findings import Finding, Waiver, by_name, is_dependency, judge
from ..masfile import FILE_NAME
from ..secret_scan import CHUNK, OVERLAP, look


def refuse_secrets(tree: Tree, waivers: Sequence[Waiver]) -> tuple[str, ...]:
    """Warnings, when no file of the tree looks like a secret.

    :raises Refused: one does; file and line are named, the secret is not
    """
    root = Path(tree.root)
    found = (finding for member in tree.members for finding in _in_member(root, member))
    return judge(found, waivers, str(root / FILE_NAME))


def _in_member(root: Path, member: archive.Member) -> Iterator[Finding]:
    if member.type != archive.FILE:
        return
    dependency = is_dependency(member.name)
    kind = "" if dependency else by_name(member.name)
    if kind:
        yield Finding(member.name, 0, kind)
        return
    yield from _in_content(root / member.name, member.name, keys_only=dependency)


def _in_content(path: Path, name: str, *, keys_only: bool) -> Iterator[Finding]:
    line, rest = 1, b""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb", buffering=0) as stream:
            while data := stream.read(CHUNK):
                piece = rest + data
                yield from look(name, piece, keys_only=keys_only, line=line)
                rest = piece[-OVERLAP:]
                line += piece.count(b"\n") - rest.count(b"\n")
    except OSError as error:
        fix = "Run the build as a user who may read it, or leave it out with exclude in mas.yml."
        raise ArtifactError(f"cannot read the source: {error.strerror}", where=str(path), fix=fix) from error
