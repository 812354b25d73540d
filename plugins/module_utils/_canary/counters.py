# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the proxy's counters, which only ever grow, to what happened between two readings of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import BadInput
from .sample import Sample, SampleWindow


@dataclass(frozen=True)
class Reading:
    """The counters of both slots at one time.

    :param process: identifies one process of the proxy; its counters begin at zero in each
    :param slots: counted since then, by slot
    """

    at: float
    process: str
    slots: Mapping[str, Sample]

    @classmethod
    def parse(cls, data: Any, where: str = "reading") -> Reading:
        """What ``traffic_info`` returns.

        :raises BadInput: it is not that
        """
        try:
            slots = {
                str(slot): sample(
                    int(server["requests"]),
                    int(server["errors"]),
                    int(server.get("downs") or 0),
                    {float(low): int(count) for low, count in server.get("latency") or ()},
                )
                for slot, server in data["servers"].items()
            }
            return cls(float(data["at"]), str(data.get("process") or ""), slots)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"this is not a reading of a proxy: {type(error).__name__}: {error}",
                where=where,
                fix="Pass the result of mas.ops.traffic_info.",
            ) from error


def sample(requests: int, errors: int, downs: int, histogram: Mapping[float, int]) -> Sample:
    """What a proxy counted. It may count an error before the request that it belongs to."""
    return Sample(max(requests, errors), errors, downs, histogram)


def between(before: Reading, after: Reading, canary: str) -> SampleWindow:
    """What happened between two readings, with ``canary`` the slot of the new version and all else its baseline.

    Where the proxy was restarted or reloaded in between, that is what it counted since then.

    :raises BadInput: one of them does not know the slot
    """
    for reading in (before, after):
        if canary not in reading.slots:
            raise BadInput(
                f"there is no slot {canary!r}",
                where=f"a reading with {', '.join(sorted(reading.slots)) or 'none'}",
                fix="Name the slot of the new version.",
            )
    if after.at <= before.at:
        return SampleWindow(after.at, missing=f"the counters are stale: read at {after.at:g}, as before")
    again = after.process != before.process or any(
        _fell(before.slots.get(slot, Sample()), now) for slot, now in after.slots.items()
    )
    arms = {True: Sample(), False: Sample()}
    for slot, now in after.slots.items():
        past = Sample() if again else before.slots.get(slot, Sample())
        arms[slot == canary] += _less(now, past)
    return SampleWindow(after.at, arms[True], arms[False])


def windows_of(readings: Sequence[Reading], canary: str) -> tuple[SampleWindow, ...]:
    """The windows between readings in the order of time."""
    return tuple(between(before, after, canary) for before, after in zip(readings, readings[1:]))


def _fell(before: Sample, now: Sample) -> bool:
    return (
        now.requests < before.requests
        or now.errors < before.errors
        or now.downs < before.downs
        or any(now.histogram.get(low, 0) < count for low, count in before.histogram.items())
    )


def _less(now: Sample, past: Sample) -> Sample:
    histogram = {low: count - past.histogram.get(low, 0) for low, count in now.histogram.items()}
    return sample(now.requests - past.requests, now.errors - past.errors, now.downs - past.downs, histogram)
