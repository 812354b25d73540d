# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a play knows about a canary to the windows of the whole fleet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._canary.counters import Reading, windows_of
from ...module_utils._canary.sample import Sample, SampleWindow, pool
from ...module_utils._core.errors import BadInput


def fleet_windows(readings: Mapping[str, Any], canary: Any) -> tuple[SampleWindow, ...]:
    """The windows between the readings of all hosts, summed over the hosts.

    :param readings: lists of what ``traffic_info`` returned, oldest first, by host
    :param canary: the slot of the new version, or a mapping of host to slot
    """
    return pool([_host_windows(str(host), each, canary) for host, each in readings.items()])


def unread_latencies(readings: Mapping[str, Any]) -> list[str]:
    """The hosts whose readings were made without the histogram of latencies, where a proxy that counts none has an empty one."""
    return [
        str(host)
        for host, results in readings.items()
        for result in results[-1:]
        if any("latency" not in server for server in dict(result.get("servers") or {}).values())
    ]


def _host_windows(host: str, results: Any, canary: Any) -> tuple[SampleWindow, ...]:
    if isinstance(results, Mapping) or not isinstance(results, Sequence) or isinstance(results, str):
        raise BadInput(
            "this is not a list of readings",
            where=host,
            fix="Give the results of mas.ops.traffic_info as a list.",
        )
    if any(
        isinstance(result, Mapping) and "lines" in result and "servers" not in result for result in results
    ):
        raise BadInput(
            "a reading has no counters",
            where=host,
            fix="Give mas.ops.traffic_info counters or latency: true.",
        )
    slot = canary.get(host) if isinstance(canary, Mapping) else canary
    if not slot:
        raise BadInput(
            "its new slot was not named", where=host, fix="Give canary, for all hosts or for each."
        )
    good = [result for result in results if isinstance(result, Mapping) and "servers" in result]
    windows = windows_of([Reading.parse(result, host) for result in good], str(slot))
    if not results or results[-1] not in good:
        windows += (SampleWindow(missing=f"{host}: the proxy could not be read"),)
    elif not windows:
        windows = (SampleWindow(missing=f"{host}: read only once"),)
    return windows


def total(samples: Iterable[tuple[str, float]]) -> float | None:
    """The sum of the values of a query, ``None`` when it gives nothing or no number."""
    numbers = [value for dummy, value in samples if math.isfinite(value)]
    return math.fsum(numbers) if numbers else None


def prometheus_window(answers: Mapping[str, float | None], at: float) -> SampleWindow:
    """One window of the answers to queries, whose names are ``canary_requests`` and so on.

    An answer is ``None`` when Prometheus knows no such series: that means no errors, and an unknown number of requests.
    """
    missing = [
        f"Prometheus has no data for {arm}_requests"
        for arm in ("canary", "baseline")
        if answers.get(f"{arm}_requests") is None
    ]
    if missing:
        return SampleWindow(at, missing="; ".join(missing))
    arms = {}
    for arm in ("canary", "baseline"):
        requests, errors = (
            max(0, round(answers.get(f"{arm}_{name}") or 0)) for name in ("requests", "errors")
        )
        latency = answers.get(f"{arm}_latency")
        values = () if latency is None else (latency,)
        # increase() estimates both, each for itself.
        arms[arm] = Sample(max(requests, errors), errors, values=values)
    return SampleWindow(at, arms["canary"], arms["baseline"])
