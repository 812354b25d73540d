# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small files beside an artifact, for everything that reads them, on the controller and on hosts.

Anyone who can write to the store can put anything under their names: a link to the operator's own secrets, a pipe, a file
without an end. So only a regular file of a bounded size is read, and what it holds is never part of an error.
"""

from __future__ import annotations

import errno
import os
import stat

from ..._core.errors import ArtifactError
from ..._core.urls import is_url, redact_url
from ..sidecars import LIMITS
from .fetch import fetch_text

#: Seconds for one file over HTTP, from the first look for the server to the last byte.
DEADLINE = 60.0
_FIX = "Check who may write to the store, remove the file, and build the artifact again with mas.ops.build."
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_sidecar(place: str, suffix: str) -> str | None:
    """The text of a file beside an archive, or ``None`` when there is none.

    :param place: the path or URL of the archive
    :param suffix: one of :data:`LIMITS`
    :raises ArtifactError: it is no regular file, or longer than such a file can be
    :raises NotFound: the store does not answer
    """
    where, limit = f"{place}{suffix}", LIMITS[suffix]
    if not is_url(place):
        return _local(where, limit)
    text = fetch_text(where, limit + 1, DEADLINE)
    if text is not None and len(text) > limit:
        raise _too_long(redact_url(where), limit)
    return text


def _local(path: str, limit: int) -> str | None:
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise ArtifactError(
            f"a file beside the artifact is not read: {reason}", where=path, fix=_FIX
        ) from error
    try:
        return _bounded(handle, path, limit).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _bounded(handle: int, path: str, limit: int) -> bytes:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(
            "a file beside the artifact is not read: it is not a regular file", where=path, fix=_FIX
        )
    if found.st_size > limit:
        raise _too_long(path, limit)
    with os.fdopen(handle, "rb", closefd=False) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _too_long(path, limit)
    return data


def _too_long(where: str, limit: int) -> ArtifactError:
    return ArtifactError(
        f"a file beside the artifact is longer than {limit} bytes, the limit", where=where, fix=_FIX
    )
