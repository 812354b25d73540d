# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP client of the gate: firing alerts from Alertmanager, values from Prometheus, the text at any URL.

Every request has a time limit, and every response is checked: what is not as expected is :class:`Unknown`, with the reason
in one sentence.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any

from ....module_utils._core.urls import redact_url
from ...adapters.body import read_body
from ..checks.model import Unknown
from ..settings import AlertQuery, BudgetQuery, HttpEndpoint

#: Bytes of a response that are read at most; ten thousand alerts fit.
_LIMIT = 32 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is returned like any other response: the headers may hold a secret that is not for its target."""

    def redirect_request(self, *_: Any) -> None:
        return None


#: For http(s) only, which the settings check, through the proxy that the controller's environment names.
_OPENER = urllib.request.build_opener(_NoRedirect)


def get(url: str, endpoint: HttpEndpoint) -> tuple[int, str] | Unknown:
    """Status and text of a response, or why there is none; the timeout is for all of it."""
    request = urllib.request.Request(url, headers=dict(endpoint.headers))  # noqa: S310
    deadline = time.monotonic() + endpoint.timeout
    try:
        with _open(request, endpoint.timeout) as response:
            return response.status, read_body(response, deadline, _LIMIT).decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        return Unknown(f"{redact_url(url)} did not answer: {reason}")


def _open(request: urllib.request.Request, timeout: float) -> Any:
    """A response, also one with an error status."""
    try:
        return _OPENER.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        return error


def alerts(query: AlertQuery) -> list[dict[str, str]] | Unknown:
    """The labels of all alerts that fire now, neither silenced nor inhibited."""
    parameters = [("active", "true"), ("silenced", "false"), ("inhibited", "false")]
    parameters += [("filter", matcher) for matcher in query.matchers]
    found = _get_json(query.endpoint, "/api/v2/alerts", parameters, accepted=(200,))
    return found if isinstance(found, Unknown) else _firing(found)


def budget(query: BudgetQuery) -> list[tuple[str, float]] | Unknown:
    """The values of the query now. Prometheus explains a bad query (400, 422) in its body."""
    found = _get_json(query.endpoint, "/api/v1/query", [("query", query.query)], accepted=(200, 400, 422))
    return found if isinstance(found, Unknown) else _samples(found)


def _get_json(
    endpoint: HttpEndpoint, path: str, parameters: Iterable[tuple[str, str]], accepted: tuple[int, ...]
) -> Any:
    url = f"{endpoint.url}{path}?{urllib.parse.urlencode(list(parameters))}"
    response = get(url, endpoint)
    if isinstance(response, Unknown):
        return response
    status, text = response
    if status not in accepted:
        return Unknown(f"{redact_url(url)} answered {status}: {text[:200].strip()}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unknown(f"{redact_url(url)} answered something that is not JSON")


def _firing(answer: Any) -> list[dict[str, str]] | Unknown:
    """The labels of each alert of Alertmanager's ``GET /api/v2/alerts``."""
    # An empty mapping or text has no alerts either, but it is not a valid response.
    if not isinstance(answer, list):
        return Unknown(f"Alertmanager's answer is not a list of alerts but a {type(answer).__name__}")
    try:
        return [
            {str(name): str(value) for name, value in alert["labels"].items()}
            for alert in answer
            # The query excludes suppressed alerts, but an old Alertmanager may send them all the same.
            # Unprocessed ones may be active in a moment.
            if alert.get("status", {}).get("state") != "suppressed"
        ]
    except (AttributeError, KeyError, TypeError) as error:
        return Unknown(f"Alertmanager's answer is not a list of alerts: {error!r}")


def _samples(answer: Any) -> list[tuple[str, float]] | Unknown:
    """The values of Prometheus's ``GET /api/v1/query``, each with its labels as one text."""
    try:
        if answer["status"] != "success":
            return Unknown(f"Prometheus refused the query: {answer.get('error', answer['status'])}")
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [("", _number(data["result"][1]))]
        if data["resultType"] != "vector":
            return Unknown(f"the query returns a {data['resultType']}, not one value now for each series")
        return [(_labels(row["metric"]), _number(row["value"][1])) for row in data["result"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Unknown(f"Prometheus's answer is not the result of a query: {error!r}")


def _number(value: Any) -> float:
    """:raises TypeError: it is not a number; a boolean is none, though ``float`` takes it"""
    if isinstance(value, bool):
        raise TypeError(f"{value} is not a number")
    return float(value)


def _labels(metric: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(metric.items()) if name != "__name__")
