# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instant queries to Prometheus, or to what speaks its HTTP API."""

from __future__ import annotations

import http.client
import json
import math
import time
import urllib.error
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.urls import open_url

from ....module_utils._core.errors import BadInput
from ...adapters.body import read_body

#: An answer that is longer is not read to its end, and so is none.
_LIMIT = 8 << 20


class Unreachable(Exception):
    """Prometheus did not answer, or not as itself; the message says why."""


def query(url: str, expression: str, timeout: float, headers: Mapping[str, str]) -> float | None:
    """The sum of what ``expression`` gives now, ``None`` when it gives nothing or no number.

    :param timeout: seconds to connect, and again for all of the answer
    :raises Unreachable: there is no answer
    :raises BadInput: Prometheus does not understand the query, or the URL is none
    """
    if not url.startswith(("http://", "https://")):
        raise BadInput("this is not a URL of Prometheus", where=url, fix="Begin it with http:// or https://.")
    address = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with open_url(address, headers=dict(headers), timeout=timeout) as answer:
            data = json.loads(read_body(answer, time.monotonic() + timeout, _LIMIT))["data"]
            return _sum(data["resultType"], data["result"])
    except urllib.error.HTTPError as error:
        raise _refused(error, url, expression) from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreachable(f"Prometheus does not answer ({url}): {reason}") from error


def _sum(kind: str, result: Any) -> float | None:
    if kind == "scalar":
        values = [float(result[1])]
    elif kind == "vector":
        values = [float(series["value"][1]) for series in result]
    else:
        raise ValueError(f"the query gives a {kind}, not a number")
    numbers = [value for value in values if math.isfinite(value)]
    return math.fsum(numbers) if numbers else None


def _refused(error: urllib.error.HTTPError, url: str, expression: str) -> Exception:
    """400 and 422 are Prometheus's words for a query that cannot be right; anything else may pass."""
    if error.code not in (400, 422):
        return Unreachable(f"Prometheus does not answer ({url}): HTTP {error.code} {error.reason}")
    try:
        why = json.load(error)["error"]
    except (OSError, ValueError, KeyError, TypeError):
        why = error.reason
    return BadInput(
        f"Prometheus refuses a query: {why}", where=expression, fix="Try the query in Prometheus."
    )
