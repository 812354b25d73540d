# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing an archive that is the same bit for bit wherever and whenever it is built.

Nothing of the building machine comes in: names are sorted, owners are 0, times are the build time,
the gzip header has neither name nor time.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import IO

from ....module_utils._core.errors import ArtifactError
from ....module_utils._core.files import storage_errors
from ....module_utils._releases import archive
from ....module_utils._releases.adapters.archive import members_from_tar, reading
from ....module_utils._releases.manifest import MEMBER, Manifest, parse_built
from .. import content
from ..content import Packed, Tree

_CHUNK = 1024 * 1024
#: Fixed, because another level gives other bytes. 6 is within 1 % of 9 in size at a third of the time.
_LEVEL = 6
_TYPES = {archive.FILE: tarfile.REGTYPE, archive.FOLDER: tarfile.DIRTYPE, archive.SYMLINK: tarfile.SYMTYPE}


def pack(tree: Tree, manifest: Manifest, path: Path) -> Packed:
    """Write the archive to ``path``, durably, in one pass and with little memory."""
    mtime = int(parse_built(manifest.built).timestamp())
    digests: dict[str, str] = {}
    with storage_errors(str(path)), path.open("wb") as raw:
        sink = _Hashing(raw)
        with (
            gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=sink, mtime=0) as stream,
            tarfile.TarFile(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            text = manifest.to_json()
            first = archive.Member(MEMBER, archive.FILE, size=len(text))
            tar.addfile(_info(first, mtime), io.BytesIO(text))
            for member in tree.members:
                digest = _add(tar, Path(tree.root), member, mtime)
                if digest:
                    digests[member.name] = digest
        raw.flush()
        os.fsync(raw.fileno())
    return Packed(sha256=sink.digest.hexdigest(), size=sink.size, digests=digests)


def contents(path: Path) -> dict[str, str]:
    """What an archive in the store holds, see :func:`content.contents`."""
    digests: dict[str, str] = {}
    with reading(str(path)), tarfile.open(path, "r:gz") as tar:
        for info in tar:
            stream = tar.extractfile(info) if info.isreg() else None
            if stream:
                digests[info.name] = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        return content.contents(members_from_tar(tar), digests)


def _add(tar: tarfile.TarFile, root: Path, member: archive.Member, mtime: int) -> str:
    if member.type != archive.FILE:
        tar.addfile(_info(member, mtime))
        return ""
    path = root / member.name
    try:
        # A file that became a link since it was looked at must not be followed.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        fix = "Run the build as a user who may read it, or leave it out with exclude in mas.yml."
        raise ArtifactError(f"cannot read the source: {error.strerror}", where=str(path), fix=fix) from error
    with os.fdopen(handle, "rb") as raw:
        source = _Hashing(raw)
        try:
            tar.addfile(_info(member, mtime), source)
        except (tarfile.ReadError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, tarfile.ReadError) and error.errno:
                raise
            raise _changed(path) from error
        if raw.read(1):
            raise _changed(path)
    return source.digest.hexdigest()


def _changed(path: Path) -> ArtifactError:
    return ArtifactError(
        "a file changed while it was packed",
        where=str(path),
        fix="Build again when nothing writes to the source.",
    )


def _info(member: archive.Member, mtime: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(member.name)
    info.type = _TYPES[member.type]
    info.size = member.size
    info.mode = member.mode
    info.linkname = member.linkname
    info.mtime = mtime
    return info


class _Hashing(io.RawIOBase):
    """A stream that hashes what goes through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def _count(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._count(data)
        return data

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._count(data)
        return self._stream.write(data)
