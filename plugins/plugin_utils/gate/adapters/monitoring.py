# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What monitoring says: firing alerts from Alertmanager, values from Prometheus.

What is not as expected is :class:`Unknown`, with the reason in one sentence.
"""

from __future__ import annotations

from typing import Any

from ....module_utils._core.errors import NoResponse, QueryRefused
from ...http.adapters.json_api import get_json
from ...http.adapters.prometheus import instant_query
from ..checks.model import Unknown
from ..settings import AlertQuery, BudgetQuery


def alerts(query: AlertQuery) -> list[dict[str, str]] | Unknown:
    """The labels of all alerts that fire now, neither silenced nor inhibited."""
    parameters = [("active", "true"), ("silenced", "false"), ("inhibited", "false")]
    parameters += [("filter", matcher) for matcher in query.matchers]
    try:
        return _firing(get_json(query.endpoint, "/api/v2/alerts", parameters))
    except NoResponse as error:
        return Unknown(error.what)


def budget(query: BudgetQuery) -> list[tuple[str, float]] | Unknown:
    """The values of the query now, each with its labels as one text."""
    try:
        return instant_query(query.endpoint, query.query)
    except (NoResponse, QueryRefused) as error:
        return Unknown(error.what)


def _firing(answer: Any) -> list[dict[str, str]]:
    """The labels of each alert of Alertmanager's ``GET /api/v2/alerts``."""
    # An empty mapping or text has no alerts either, but it is not a valid response.
    if not isinstance(answer, list):
        raise NoResponse(f"Alertmanager's answer is not a list of alerts but a {type(answer).__name__}")
    try:
        return [
            {str(name): str(value) for name, value in alert["labels"].items()}
            for alert in answer
            # The query excludes suppressed alerts, but an old Alertmanager may send them all the same.
            # Unprocessed ones may be active in a moment.
            if alert.get("status", {}).get("state") != "suppressed"
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise NoResponse(f"Alertmanager's answer is not a list of alerts: {error!r}") from error
