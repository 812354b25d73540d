# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few counters in the text format of Prometheus."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    def __init__(self, version: str, slot: str, started: float) -> None:
        self._info = {"version": version, "slot": slot}
        self._started = started
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            self._buckets[bisect_left(BUCKETS, seconds)] += 1
            self._seconds += seconds

    def text(self, gauges: Mapping[str, int], tasks: Iterable[tuple[str, int]]) -> str:
        with self._lock:
            requests, buckets, seconds = dict(self._requests), list(self._buckets), self._seconds
        lines = ["# TYPE agents_build_info gauge", _sample("agents_build_info", self._info, 1)]
        lines += [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self._started:.3f}",
        ]
        lines += ["# TYPE agents_http_requests_total counter"]
        lines += [
            _sample(
                "agents_http_requests_total", {"method": method, "route": route, "status": str(status)}, count
            )
            for (method, route, status), count in sorted(requests.items())
        ]
        lines += _histogram("agents_http_request_duration_seconds", buckets, seconds)
        for name, value in gauges.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value}"]
        lines += ["# TYPE agents_tasks gauge"]
        lines += [_sample("agents_tasks", {"state": state}, count) for state, count in tasks]
        return "\n".join(lines) + "\n"


def _histogram(name: str, buckets: list[int], seconds: float) -> list[str]:
    lines, total = [f"# TYPE {name} histogram"], 0
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
        total += count
        lines.append(_sample(f"{name}_bucket", {"le": bound}, total))
    return [*lines, f"{name}_sum {seconds:.6f}", f"{name}_count {total}"]


def _sample(name: str, labels: Mapping[str, str], value: int) -> str:
    escaped = (
        f'{key}="{text}"'
        for key, raw in labels.items()
        for text in [raw.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")]
    )
    return f"{name}{{{','.join(escaped)}}} {value}"
