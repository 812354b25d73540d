# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client of the controller."""

from __future__ import annotations

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from ....module_utils._core.errors import BadInput, NoResponse
from ....module_utils._core.urls import is_url, redact_url
from ..model import LIMIT, HttpEndpoint, Response

_CHUNK = 1 << 16
#: What a server, a network or a wrong URL can raise.
_ERRORS = (OSError, ValueError, http.client.HTTPException)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is returned like any other response: the headers may hold a secret that is not for its target."""

    def redirect_request(self, *_: Any) -> None:
        return None


#: Through the proxy that the controller's environment names, with the certificates that OpenSSL trusts there (SSL_CERT_FILE).
_STAYS = urllib.request.build_opener(_NoRedirect)
_FOLLOWS = urllib.request.build_opener()


def get(endpoint: HttpEndpoint, limit: int = LIMIT, *, redirects: bool = False) -> Response:
    """One GET request; the time-out is for all of it.

    :param limit: bytes of the body that are read at most, and one more
    :param redirects: follow them; not for requests with headers, which may be secret
    :raises NoResponse: there is none
    :raises BadInput: the address is none of HTTP
    """
    if not is_url(endpoint.url):
        raise BadInput(
            "this is not an http(s) address",
            where=redact_url(endpoint.url),
            fix="Begin it with http:// or https://.",
        )
    opener = _FOLLOWS if redirects and not endpoint.headers else _STAYS
    results: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()
    # A thread, because a name server that keeps silent cannot be given up otherwise. It ends at its socket's time-out.
    threading.Thread(target=_send, args=(opener, endpoint, limit, results), daemon=True).start()
    try:
        result = results.get(timeout=endpoint.timeout + 0.1)
    except queue.Empty:
        raise NoResponse("timed out") from None
    if isinstance(result, Response):
        return result
    raise NoResponse(_reason(result)) from result


def _send(
    opener: urllib.request.OpenerDirector,
    endpoint: HttpEndpoint,
    limit: int,
    results: queue.SimpleQueue[Response | Exception],
) -> None:
    deadline = time.monotonic() + endpoint.timeout
    try:
        request = urllib.request.Request(endpoint.url, headers=dict(endpoint.headers))  # noqa: S310 - checked above
        with _open(opener, request, endpoint.timeout) as stream:
            results.put(Response(stream.status, _body(stream, deadline, limit)))
    except Exception as error:  # noqa: BLE001 - it is raised where the response is waited for
        results.put(error)


def _open(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Any:
    """A response, also one with an error status."""
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        return error


def _body(stream: Any, deadline: float, limit: int) -> bytes:
    """
    :param deadline: of :func:`time.monotonic`; a server that sends a byte now and then is too slow as well
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
    return bytes(data[: limit + 1])


def _reason(error: Exception) -> str:
    if not isinstance(error, _ERRORS):
        raise error from None
    return str(getattr(error, "reason", "") or error) or type(error).__name__
