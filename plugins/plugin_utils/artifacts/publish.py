# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What publishing an artifact in a store takes, and why it may be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ...module_utils._core.errors import Refused
from ...module_utils._core.plan import Plan, Step
from ...module_utils._releases import sidecars
from ...module_utils._releases.manifest import MEMBER, Manifest, archive_name, release_id
from .content import Packed, changes

STORE = "store"
REMOVE = "remove"
_SHOWN = 5


@dataclass(frozen=True)
class Built:
    """An artifact that was built and not yet stored."""

    manifest: Manifest
    packed: Packed
    signature: str
    files: Mapping[str, str]

    @property
    def archive(self) -> str:
        """Its file name."""
        return archive_name(self.manifest.name, self.manifest.version)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The files that belong beside the archive."""
        return (sidecars.SHA256, sidecars.SBOM, *((sidecars.SIGNATURE,) if self.signature else ()))

    def facts(self, store: PurePath, *, signed: bool) -> dict[str, Any]:
        """What is returned about it."""
        path = str(store / self.archive)
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "release": release_id(self.manifest.version, self.packed.sha256),
            "sha256": self.packed.sha256,
            "path": path,
            "size": self.packed.size,
            "files": self.manifest.files.count,
            "manifest": self.manifest.to_dict(),
            "signature": path + sidecars.SIGNATURE if signed else "",
            "sbom": path + sidecars.SBOM,
        }


@dataclass(frozen=True)
class Stored:
    """What the store has under the same name: the very archive or none, and the files beside it."""

    archive: bool = False
    #: Those that are as good as the ones built now.
    good: frozenset[str] = frozenset()
    #: A signature, whatever it signs.
    signature: bool = False


def plan(built: Built, stored: Stored) -> Plan:
    """What the store lacks. Files beside the archive come first, the archive last."""
    steps = [Step(STORE, built.archive + suffix) for suffix in built.wanted if suffix not in stored.good]
    after = _state(built, built.wanted)
    if stored.archive:
        before = _state(built, [suffix for suffix in built.wanted if suffix in stored.good])
        return Plan(before, after, tuple(steps))
    if stored.signature and not built.signature:
        # Left by a build that was killed: it would make the new archive look forged.
        steps.insert(0, Step(REMOVE, built.archive + sidecars.SIGNATURE))
    return Plan({}, after, (*steps, Step(STORE, built.archive)))


def different_bytes(built: Built, where: str, stored: tuple[Manifest, Mapping[str, str]] | None) -> Refused:
    """The store has this version already, with different bytes: what differs.

    :param stored: the manifest and the contents of the stored artifact, where it is signed by the same key
    """
    return Refused(
        f"{built.manifest.name} {built.manifest.version} is in the store already, with other bytes: "
        + (_differences(built, *stored) if stored else "it has another digest"),
        where=where,
        fix="An artifact never changes: build under a new version.",
    )


def _differences(built: Built, manifest: Manifest, files: Mapping[str, str]) -> str:
    ours, theirs = built.manifest.to_dict(), manifest.to_dict()
    fields = ", ".join(key for key in ours if ours[key] != theirs[key])
    differences = changes({**files, MEMBER: ""}, {**built.files, MEMBER: ""})
    words = [*([f"{MEMBER} differs in {fields}"] if fields else []), *differences]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more if words else "the same files, packed differently"


def _state(built: Built, suffixes: tuple[str, ...] | list[str]) -> dict[str, Any]:
    return {
        "artifact": built.archive,
        "sha256": built.packed.sha256,
        "beside": list(suffixes),
        "files": dict(built.files),
    }
