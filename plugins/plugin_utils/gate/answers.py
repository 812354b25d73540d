# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Alertmanager and Prometheus answered, read without trust: what is not as expected is unknown."""

from __future__ import annotations

from typing import Any

from .check import Unknown


def firing(answer: Any) -> list[dict[str, str]] | Unknown:
    """The labels of each alert of Alertmanager's ``GET /api/v2/alerts``."""
    # An empty mapping or text has no alerts either, but it is no answer.
    if not isinstance(answer, list):
        return Unknown(f"Alertmanager's answer is not a list of alerts but a {type(answer).__name__}")
    try:
        return [
            {str(name): str(value) for name, value in alert["labels"].items()}
            for alert in answer
            # Suppressed ones were not asked for; an old Alertmanager may send them all the same.
            # Those that are not processed yet may be active in a moment.
            if alert.get("status", {}).get("state") != "suppressed"
        ]
    except (AttributeError, KeyError, TypeError) as error:
        return Unknown(f"Alertmanager's answer is not a list of alerts: {error!r}")


def samples(answer: Any) -> list[tuple[str, float]] | Unknown:
    """The values of Prometheus's ``GET /api/v1/query``, each with its labels in short."""
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
    """:raises TypeError: it is none, also when Python would take it for one"""
    if isinstance(value, bool):
        raise TypeError(f"{value} is not a number")
    return float(value)


def _labels(metric: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(metric.items()) if name != "__name__")
