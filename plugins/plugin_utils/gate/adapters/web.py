# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask over HTTP with a time-out, and say in one sentence what went wrong."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any

from ....module_utils._releases.adapters.receive import redact_url
from ...adapters.body import read_body
from ..answers import firing, samples
from ..check import Unknown
from ..settings import AlertQuestion, BudgetQuestion, Server

#: An answer that is longer is not read to its end; ten thousand alerts fit.
_LIMIT = 32 << 20


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: the headers may hold a secret that is not for where it leads."""

    def redirect_request(self, *_: Any) -> None:
        return None


#: It knows http(s) only, because the settings check, and the controller's proxy settings.
_BROWSER = urllib.request.build_opener(_Stay)


def get(url: str, server: Server) -> tuple[int, str] | Unknown:
    """The status and the text of an answer, or why there is none; the time-out is for all of it."""
    request = urllib.request.Request(url, headers=dict(server.headers))  # noqa: S310
    deadline = time.monotonic() + server.timeout
    try:
        with _open(request, server.timeout) as answer:
            return answer.status, read_body(answer, deadline, _LIMIT).decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        return Unknown(f"{redact_url(url)} did not answer: {reason}")


def _open(request: urllib.request.Request, timeout: float) -> Any:
    """An answer, also one that is an error."""
    try:
        return _BROWSER.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        return error


def alerts(question: AlertQuestion) -> list[dict[str, str]] | Unknown:
    """The labels of all alerts that fire now, neither silenced nor inhibited."""
    words = [("active", "true"), ("silenced", "false"), ("inhibited", "false")]
    words += [("filter", matcher) for matcher in question.matchers]
    answer = _json(question.server, "/api/v2/alerts", words, good=(200,))
    return answer if isinstance(answer, Unknown) else firing(answer)


def budget(question: BudgetQuestion) -> list[tuple[str, float]] | Unknown:
    """The values of the query now. Prometheus explains a bad query (400, 422) in its body."""
    answer = _json(question.server, "/api/v1/query", [("query", question.query)], good=(200, 400, 422))
    return answer if isinstance(answer, Unknown) else samples(answer)


def _json(server: Server, path: str, words: Iterable[tuple[str, str]], good: tuple[int, ...]) -> Any:
    url = f"{server.url}{path}?{urllib.parse.urlencode(list(words))}"
    answer = get(url, server)
    if isinstance(answer, Unknown):
        return answer
    status, text = answer
    if status not in good:
        return Unknown(f"{redact_url(url)} answered {status}: {text[:200].strip()}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unknown(f"{redact_url(url)} answered something that is not JSON")
