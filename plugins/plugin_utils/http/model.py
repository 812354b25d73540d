# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request over HTTP, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of a response that are read at most, where a request does not say.
LIMIT = 8 << 20


@dataclass(frozen=True)
class HttpEndpoint:
    """Where and how to send HTTP requests. ``headers`` may hold secrets and are never shown.

    :param timeout: seconds for all of a request, from the look for the name of the server to the last byte
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0


@dataclass(frozen=True)
class Response:
    """A response, also one with an error status; ``body`` may have one byte more than the limit, never more."""

    status: int
    body: bytes

    @property
    def is_absent(self) -> bool:
        """The server says that there is no such thing, as of a file that is not there."""
        return self.status in (404, 410)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")
