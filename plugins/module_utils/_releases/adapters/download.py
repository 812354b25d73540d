# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artifacts over HTTP."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from io import RawIOBase
from typing import IO, Any, cast

from ..._core.errors import Absent, BadInput, NotFound
from ..._core.urls import redact_url

_TIMEOUT = 30.0
#: It follows redirects and the host's proxy settings, and knows http(s) only because the caller checks.
_BROWSER = urllib.request.build_opener()
_GONE = (404, 410)


class _Body(RawIOBase):
    """An answer whose end came too early is broken like a disk is."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        #: Bytes that the store says it will send, 0 when it does not say.
        self.announced: int = answer.length or 0

    def read(self, size: int = -1) -> bytes:
        try:
            # What has come, without waiting for the rest of it.
            return cast(bytes, self._answer.read1(size))
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        self._answer.close()
        super().close()


def open_url(source: str, missing: str) -> IO[bytes]:
    """The bytes of an http(s) URL.

    :param missing: what to say when there is no such thing
    :raises NotFound: the store says that it has no such artifact (:class:`Absent`), or something else than yes
    :raises OSError, ValueError: no answer, or one that is not HTTP
    """
    if "@" in source.split("/", 3)[2]:
        raise BadInput(
            "a URL of artifacts must not hold a name and password",
            where=redact_url(source),
            fix="Let the store trust the hosts' addresses, or name a folder of the controller instead.",
        )
    try:
        return cast(IO[bytes], _Body(_BROWSER.open(source, timeout=_TIMEOUT)))
    except urllib.error.HTTPError as error:
        error.close()
        kind = Absent if error.code in _GONE else NotFound
        raise kind(
            f"{missing}: HTTP {error.code}",
            where=redact_url(source),
            fix="Check that this version was published.",
        ) from error
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
