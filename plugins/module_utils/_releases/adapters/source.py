# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact that a request names, as the executor's ``Source``."""

from __future__ import annotations

from dataclasses import dataclass

from ..application import Application
from ..manifest import Manifest
from .archive import read_manifest
from .fetch import fetch, fetch_text, verify_signature
from .folders import Folders


@dataclass(frozen=True)
class Artifact:
    """Where the archive comes from and what proves it.

    ``place`` is a file of this host or an http(s) URL; ``signature`` the text of the ``.sig`` file,
    looked for beside ``place`` when it is not given.
    """

    app: Application
    folders: Folders
    place: str
    sha256: str
    signature: str | None = None

    def fetch(self, release: str) -> None:
        """Digest and signature are checked before a byte of the archive is interpreted."""
        self.folders.sweep()
        path = self.folders.archive(release)
        fetch(self.place, path, self.sha256)
        if self.app.signature_required:
            signature = self.signature or fetch_text(f"{self.place}.sig")
            try:
                verify_signature(path, signature, self.app.signers)
            except BaseException:
                self.forget(release)
                raise

    def manifest(self, release: str) -> Manifest:
        return read_manifest(self.folders.archive(release))

    def forget(self, release: str) -> None:
        self.folders.forget_archive(release)
