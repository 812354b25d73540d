# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact that a request names, as the executor's ``Source``."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from dataclasses import dataclass, field, replace
from typing import Callable

from ..._core.urls import is_url
from ..application import Application
from ..manifest import Manifest
from ..ports import Transfer
from ..sidecars import SIGNATURE
from .archive import MARGIN, check_room, disk_of, read_manifest
from .fetch import fetch, find_principals, verify_signature
from .folders import Folders
from .receive import Bounds, go_on, receive
from .sidecars import read_sidecar

#: Where controllers put artifacts that are too large to go along with a call, and what their names begin with.
PUSHED, _PREFIX = "/tmp", "mas-artifact-"  # noqa: S108 - each in a folder of its own, which only who pushed it can open
#: Seconds after which a file that has not changed is no longer being pushed.
_STALE = 3600.0


def sweep_pushed(own: str) -> None:
    """Remove what runs that died have pushed and left.

    :param own: the file that this run has just got
    """
    for name in os.listdir(PUSHED):
        path = os.path.join(PUSHED, name)
        if name.startswith(_PREFIX) and not own.startswith(path) and time.time() - _changed(path) > _STALE:
            with contextlib.suppress(OSError):
                _remove(path)


def _remove(path: str) -> None:
    """A file, or a folder with nothing but files: who has a name in there may have made anything of it.

    Nothing deeper, which would take as many calls as it is deep; and no link is followed, also not one swapped in meanwhile.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        os.unlink(path)
        return
    try:
        for name in os.listdir(folder):
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(path)


def _changed(path: str) -> float:
    """When it, or the file in it, was last written to; now for what no run of ours has made."""
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode):
            return found.st_mtime
        files = os.listdir(path) if stat.S_ISDIR(found.st_mode) else ["none", "of", "ours"]
        if len(files) < 2:
            return max([found.st_mtime, *(os.lstat(os.path.join(path, name)).st_mtime for name in files)])
    return time.time()


@dataclass(frozen=True)
class Artifact:
    """Where the archive comes from and what proves it.

    ``place`` is a file of this host (in check mode of the controller) or an http(s) URL; ``signature`` the text of the
    ``.sig`` file, looked for beside ``place`` when it is not given. ``interrupted`` is called several times a second while
    it comes, and raises what is to end it.
    """

    app: Application
    folders: Folders
    place: str
    sha256: str
    signature: str | None = None
    transfer: Transfer = field(default_factory=Transfer)
    interrupted: Callable[[], None] = go_on

    def promised(self, release: str, freed: int) -> Manifest | None:  # noqa: ARG002 - as every source
        """What can be known of the artifact before it is here: its signer, whether it can be had and has room, its manifest.

        Only a fetch proves that the bytes are the ones that were signed.

        :param freed: bytes that are removed from the disk first
        :returns: what the controller read in the artifact, if it did
        """
        if self.app.signature_required:
            find_principals(self._signature(), self.app.signers, self.place)
        if is_url(self.place):
            receive(self.place, replace(self._bounds(), size=None), lambda *_: None, only=1)
        manifest = Manifest.parse(dict(given)) if (given := self.transfer.manifest) else None
        self._check_room(manifest, freed)
        return manifest

    def _check_room(self, manifest: Manifest | None, freed: int) -> None:
        """The archive lies beside what is unpacked from it, maybe on another disk."""
        layout, size = self.folders.layout, self.transfer.size or 0
        shared = disk_of(layout.incoming) == disk_of(layout.releases)
        check_room(layout.incoming, size - (freed if shared else 0))
        if manifest:
            unpacked = manifest.files.bytes + MARGIN - freed
            check_room(layout.releases, unpacked + (size if shared else 0))

    def _signature(self) -> str | None:
        if self.signature or not is_url(self.place):
            return self.signature
        return read_sidecar(self.place, SIGNATURE)

    def fetch(self, release: str) -> None:
        """Digest and signature are checked before a byte of the archive is interpreted."""
        self.folders.sweep()
        sweep_pushed(self.place)
        path = self.folders.archive(release)
        fetch(self.place, path, self.sha256, self._bounds())
        if self.app.signature_required:
            try:
                verify_signature(path, self._signature(), self.app.signers)
            except BaseException:
                self.forget(release)
                raise

    def _bounds(self) -> Bounds:
        allowed = self.transfer
        return Bounds(allowed.size, allowed.size_limit, allowed.seconds, self.interrupted)

    def manifest(self, release: str) -> Manifest:
        return read_manifest(self.folders.archive(release))

    def forget(self, release: str) -> None:
        self.folders.forget_archive(release)
