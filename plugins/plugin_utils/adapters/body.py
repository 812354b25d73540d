# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an answer over HTTP, all of it and in time."""

from __future__ import annotations

import http.client
import time
from typing import Any

_CHUNK = 1 << 16


def read_body(stream: Any, deadline: float, limit: int) -> bytes:
    """What the server sends, up to a little more than ``limit`` bytes.

    :param stream: an answer of ``urllib``, also one that is an error
    :param deadline: of :func:`time.monotonic`; a server that sends a byte now and then is too slow as well
    :raises TimeoutError: the deadline has passed
    :raises http.client.IncompleteRead: it ended before all that was announced had come
    """
    # The count of the library itself is not kept by read1 everywhere.
    announced = getattr(stream, "length", None) or 0
    data = bytearray()
    while len(data) <= limit:
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
        chunk = stream.read1(_CHUNK)
        if not chunk:
            if len(data) < announced:
                raise http.client.IncompleteRead(bytes(data), announced - len(data))
            break
        data += chunk
    return bytes(data)
