# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unpacked bytes of an archive, and no more of them than there may be.

A header of a few bytes can claim any size, and tarfile decompresses, and for some headers keeps in memory, what it claims.
"""

from __future__ import annotations

import contextlib
import gzip
import tarfile
from collections.abc import Iterator
from typing import Any

from ..._core.errors import ArtifactError
from ..archive import USUAL
from ..manifest import MAX_BYTES, Manifest

#: Bytes that are read at once: only a header asks for more.
_AT_ONCE = 4 << 20
#: What an archive has beside its files: their headers and padding, with long names; folders; its end.
_EACH, _SLACK = 16 << 10, 1 << 20


class Unpacked:
    """A stream as tarfile reads it.

    :param most: bytes that may be unpacked; may be set anew on the way
    """

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self.most = most

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, position: int, whence: int = 0) -> int:
        if whence or position > self.most:
            raise self._too_much()
        return self._stream.seek(position)

    def read(self, size: int = -1) -> bytes:
        """
        :raises ArtifactError: there is more than there may be
        """
        if not 0 <= size <= _AT_ONCE:
            raise ArtifactError(
                "the archive is not safe to unpack: one of its headers is too large",
                fix="Do not unpack it. Build the artifact again with mas.ops.build and find out who made this one.",
            )
        left = self.most - self._stream.tell()
        data = self._stream.read(min(size, left + 1))
        if len(data) > left:
            raise self._too_much()
        return data

    def _too_much(self) -> ArtifactError:
        return ArtifactError(
            f"the archive is not safe to unpack: it holds more than its manifest promises (it was read to {self.most} bytes)",
            fix="Do not unpack it. Build the artifact again with mas.ops.build and find out who made this one.",
        )


@contextlib.contextmanager
def opened(path: str, manifest: Manifest | None = None) -> Iterator[tuple[tarfile.TarFile, Unpacked]]:
    """An archive for reading from its beginning.

    :param manifest: what it is known to hold; without it only its manifest can be read, until :func:`allow`
    """
    with gzip.open(path, "rb") as stream:
        unpacked = Unpacked(stream, MAX_BYTES + _SLACK)
        if manifest:
            allow(unpacked, manifest)
        # What it calls of a file is there.
        file: Any = unpacked
        with tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar, unpacked


def allow(unpacked: Unpacked, manifest: Manifest) -> None:
    """From now on, what the manifest says that the archive holds."""
    files = manifest.files
    unpacked.most = MAX_BYTES + files.bytes + _EACH * min(files.count, USUAL.members) + _SLACK
