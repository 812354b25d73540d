# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements of a canary and its baseline. Pure numbers; times in seconds, latencies in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import BadInput

_FIX = "Give numbers of one window: whole, not negative, and no more errors than requests."


@dataclass(frozen=True)
class Sample:
    """One arm (the canary or its baseline) in one window.

    :param requests: requests that were answered or failed
    :param errors: those that failed for a reason of the application's
    :param downs: how often a server of this arm was seen to go down
    :param histogram: number of requests by latency bucket; the key is the bucket's lower edge. Empty buckets belong
        to it: only they say where the one before them ends.
    :param values: measurements of latency where nothing finer is known (averages, quantiles)
    """

    requests: int = 0
    errors: int = 0
    downs: int = 0
    histogram: Mapping[float, int] = field(default_factory=dict)
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        counts = (self.requests, self.errors, self.downs, *self.histogram.values())
        if min(counts) < 0 or self.errors > self.requests:
            raise BadInput(
                f"these counts are impossible: {self.requests} requests, {self.errors} errors, {self.downs} downs",
                where="canary",
                fix=_FIX,
            )

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.requests + other.requests,
            self.errors + other.errors,
            self.downs + other.downs,
            _sum(self.histogram, other.histogram),
            self.values + other.values,
        )

    @property
    def rate(self) -> float:
        """The part of the requests that failed."""
        return self.errors / self.requests if self.requests else 0.0

    def tails(self) -> dict[float, int]:
        """Requests in buckets from each edge up."""
        found, seen = {}, 0
        for low, count in sorted(self.histogram.items(), reverse=True):
            seen += count
            found[low] = seen
        return found

    def quantile(self, share: float) -> float | None:
        """The lower edge of the bucket in which the quantile lies, ``None`` without a histogram."""
        total, seen = sum(self.histogram.values()), 0
        for low, count in sorted(self.histogram.items()):
            seen += count
            if count and seen >= share * total:
                return low
        return None

    def to_dict(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "errors": self.errors,
            "downs": self.downs,
            "histogram": [[low, count] for low, count in sorted(self.histogram.items())],
            "values": list(self.values),
        }

    @classmethod
    def parse(cls, data: Any) -> Sample:
        """The sample in a mapping from outside; what is not there is zero.

        :raises BadInput: it holds anything else
        """
        unknown = set(data) - set(cls.__dataclass_fields__) if isinstance(data, Mapping) else {"?"}
        if unknown:
            raise BadInput(f"this is not a sample of an arm: {data!r}", where="canary", fix=_FIX)
        try:
            counts = {name: _whole(data.get(name, 0)) for name in ("requests", "errors", "downs")}
            histogram = {float(low): _whole(count) for low, count in data.get("histogram") or ()}
            values = tuple(float(value) for value in data.get("values") or ())
        except (TypeError, ValueError) as error:
            raise BadInput(f"this is not a sample of an arm: {error}", where="canary", fix=_FIX) from error
        return cls(**counts, histogram=histogram, values=values)


@dataclass(frozen=True)
class SampleWindow:
    """Both arms in the same stretch of time, which ended ``at``.

    :param missing: why there is nothing to see in this window; empty when there is
    """

    at: float = 0.0
    canary: Sample = field(default_factory=Sample)
    baseline: Sample = field(default_factory=Sample)
    missing: str = ""

    def __add__(self, other: SampleWindow) -> SampleWindow:
        return SampleWindow(
            max(self.at, other.at),
            self.canary + other.canary,
            self.baseline + other.baseline,
            "; ".join(dict.fromkeys(filter(None, (self.missing, other.missing)))),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "canary": self.canary.to_dict(),
            "baseline": self.baseline.to_dict(),
            "missing": self.missing,
        }

    @classmethod
    def parse(cls, data: Any) -> SampleWindow:
        """
        :raises BadInput: ``data`` is not what ``to_dict`` makes, or a part of it
        """
        if not isinstance(data, Mapping) or set(data) - set(cls.__dataclass_fields__):
            raise BadInput(f"this is not a window: {data!r}", where="canary", fix="Give canary and baseline.")
        arms = {name: Sample.parse(data.get(name) or {}) for name in ("canary", "baseline")}
        try:
            at = float(data.get("at") or 0)
        except (TypeError, ValueError) as error:
            raise BadInput(f"this is not a time: {error}", where="at", fix="Give seconds.") from error
        return cls(at, missing=str(data.get("missing") or ""), **arms)


def total(windows: Sequence[SampleWindow]) -> SampleWindow:
    """All windows as one."""
    first, *others = windows or (SampleWindow(),)
    return sum(others, first)


def pool(hosts: Sequence[Sequence[SampleWindow]]) -> tuple[SampleWindow, ...]:
    """The windows of many hosts as those of one fleet, the latest of all together.

    A host that has fewer than the others was seen less often: its first windows are missing from the sum.
    """
    longest = max(map(len, hosts), default=0)
    return tuple(total([host[back] for host in hosts if len(host) >= -back]) for back in range(-longest, 0))


def _sum(one: Mapping[float, int], other: Mapping[float, int]) -> Mapping[float, int]:
    if not (one and other):
        return one or other
    if one.keys() == other.keys():
        return {low: count + other[low] for low, count in one.items()}
    return {low: one.get(low, 0) + other.get(low, 0) for low in {**one, **other}}


def _whole(value: Any) -> int:
    number = float(value)
    if number != int(number):
        raise ValueError(f"{value} is not a whole number")
    return int(number)
