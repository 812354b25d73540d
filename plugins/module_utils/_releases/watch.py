# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watch a release while it has a part of the traffic, until there is a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Protocol

from .._canary.settings import CanarySettings
from .._core.clock import MonotonicClock
from .._core.errors import TrafficError, VerdictError
from .._core.plan import Step

if TYPE_CHECKING:
    from .._canary.counters import Reading
    from .._canary.judge import Verdict
    from .._canary.sample import SampleWindow

_POLL = 1.0


class Counters(Protocol):
    """The proxy, as far as it is read."""

    def facts(self) -> Any: ...


@dataclass
class Watch:
    """All stages of one canary on one host. What one stage saw counts in the next."""

    settings: CanarySettings
    windows: tuple[SampleWindow, ...] = ()
    stages: list[dict[str, Any]] = field(default_factory=list)

    def stage(
        self,
        step: Step,
        release: str,
        proxy: Counters,
        clock: MonotonicClock,
        restarts: Callable[[], Mapping[str, int]],
    ) -> None:
        """Watch one stage to its end.

        :param restarts: how often the process of each slot was started again. With a socket that systemd holds the
            proxy never sees a slot down: requests wait for the next process.

        With all traffic on the release there is nothing left to compare it with: then it passes unless it fails
        by itself.

        :raises VerdictError: the release is worse than the one before it
        """
        # Most switches are not watched, and need not load the statistics.
        from .._canary.bake import Bake  # noqa: PLC0415
        from .._canary.judge import FAIL  # noqa: PLC0415

        percent, seconds = step.detail["percent"], step.detail["seconds"]
        bake = Bake(self.settings, step.target, seconds, self.windows)
        began = clock.seconds()
        downs = Downs()
        verdict = bake.step(_reading(proxy, began, restarts(), downs), began)
        while not verdict.final and not (percent == 100 and clock.seconds() - began >= seconds):
            clock.sleep(_POLL)
            verdict = bake.step(_reading(proxy, clock.seconds(), restarts(), downs), clock.seconds())
        self.windows = bake.windows
        self.stages.append(
            {"percent": percent, "seconds": round(clock.seconds() - began, 1), **verdict.to_dict()}
        )
        if verdict.verdict == FAIL:
            raise _failed(verdict, release, percent)

    def to_dict(self) -> dict[str, Any] | None:
        """For the ledger: the last verdict, and how each stage went."""
        if not self.stages:
            return None
        steps = [{name: stage[name] for name in ("percent", "seconds", "verdict")} for stage in self.stages]
        last = {name: self.stages[-1][name] for name in ("verdict", "reasons", "numbers")}
        return {**last, "steps": steps}


def _failed(verdict: Verdict, release: str, percent: int) -> VerdictError:
    return VerdictError(
        f"the verdict on {release} is fail: {'; '.join(verdict.reasons)}",
        where=f"with {percent} % of the traffic",
        fix="See its logs and the numbers in the ledger, correct the release and deploy it under a new version.",
    )


class Downs:
    """How often each slot went down since the first look: what the proxy saw, or systemd, whichever saw more.

    Both see a crash of a process that has its own port, and systemd alone one whose socket it holds. The proxy's number
    goes on over all deploys of a slot and systemd's begins anew with each, so that only their growth can be compared.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}
        self._grown: dict[tuple[str, str], int] = {}

    def since(self, slot: str, **counted: int) -> int:
        return max(self._growth((slot, source), count) for source, count in counted.items())

    def _growth(self, key: tuple[str, str], count: int) -> int:
        last = self._last.get(key, count)
        # A counter that fell began anew at zero.
        more = count - last if count >= last else count
        self._last[key] = count
        self._grown[key] = self._grown.get(key, 0) + more
        return self._grown[key]


def _reading(proxy: Counters, at: float, restarts: Mapping[str, int], downs: Downs) -> Reading | None:
    from .._canary.counters import Reading, sample  # noqa: PLC0415 - as above

    try:
        facts = proxy.facts()
    except TrafficError:
        # A proxy that restarts; what is not seen for long is inconclusive, and that ends as well.
        return None
    slots = {
        slot: sample(
            server.requests,
            server.errors,
            downs.since(slot, proxy=server.downs, systemd=restarts.get(slot, 0)),
            dict(server.latency),
        )
        for slot, server in facts.servers.items()
    }
    return Reading(at, facts.process, slots)
