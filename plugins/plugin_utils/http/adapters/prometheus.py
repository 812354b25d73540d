# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instant queries to Prometheus, or to what speaks its HTTP API."""

from __future__ import annotations

from typing import Any

from ....module_utils._core.errors import NoResponse, QueryRefused
from ..model import HttpEndpoint
from .json_api import get_json


def instant_query(endpoint: HttpEndpoint, query: str) -> list[tuple[str, float]]:
    """The values of ``query`` now, each with its labels as one text.

    :raises NoResponse: there is no response, or none of Prometheus
    :raises QueryRefused: Prometheus does not understand the query
    """
    # It explains a query that cannot be right in the body of a 400 or 422.
    answer = get_json(endpoint, "/api/v1/query", [("query", query)], accepted=(200, 400, 422))
    try:
        if answer["status"] != "success":
            why = f"Prometheus refused the query: {answer.get('error', answer['status'])}"
            raise QueryRefused(why, where=query, fix="Try the query in Prometheus.")
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [("", _number(data["result"][1]))]
        if data["resultType"] != "vector":
            raise NoResponse(f"the query returns a {data['resultType']}, not one value now for each series")
        return [(_labels(row["metric"]), _number(row["value"][1])) for row in data["result"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NoResponse(f"Prometheus's answer is not the result of a query: {error!r}") from error


def _number(value: Any) -> float:
    """:raises TypeError: it is not a number; a boolean is none, though ``float`` takes it"""
    if isinstance(value, bool):
        raise TypeError(f"{value} is not a number")
    return float(value)


def _labels(metric: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(metric.items()) if name != "__name__")
