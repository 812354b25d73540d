# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the traffic of a host moves from one release to the next: at once, or in steps that are watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._canary.settings import CanarySettings
from .._core.errors import BadInput

#: How a step is judged unless the options say otherwise.
DEFAULTS = CanarySettings()


@dataclass(frozen=True)
class TrafficStep:
    """A part of the traffic in percent, and for how many seconds it is watched before the next one."""

    percent: int
    seconds: float = 0.0


@dataclass(frozen=True)
class TrafficSteps:
    """
    :param steps: the last one is 100 percent
    :param confirmed: the switch has to be confirmed afterwards
    :param settings: how a step is judged
    """

    steps: tuple[TrafficStep, ...] = (TrafficStep(100),)
    confirmed: bool = False
    settings: CanarySettings = DEFAULTS

    @property
    def seconds(self) -> float:
        """How long it takes at the most, watching only."""
        watched = [step.seconds for step in self.steps if step.seconds]
        return sum(watched) + len(watched) * self.settings.hold_limit

    @property
    def whole(self) -> TrafficSteps:
        """All requests at once, watched as long as the first step: for a host where no other release could answer the rest."""
        return replace(self, steps=(TrafficStep(100, self.steps[0].seconds),))


#: All requests at once, without watching.
AT_ONCE = TrafficSteps()


def parse_traffic_steps(
    steps: Sequence[int], seconds: float, canary: Mapping[str, Any] | None = None
) -> TrafficSteps:
    """From the options of a module.

    :param steps: percent of each step, growing; 100 is added where it is not the last. It is watched only where it is
        the only one: after smaller steps there is nothing left to compare it with.
    :param seconds: how long each of them is watched
    :param canary: what differs from the defaults of :class:`CanarySettings`
    :raises BadInput: the steps do not grow or are not percentages, or there is no such setting
    """
    percents = list(steps) or [100]
    if percents[-1] != 100:
        percents.append(100)
    growing = all(low < high for low, high in zip(percents, percents[1:]))
    if not growing or percents[0] < 1 or percents[-1] > 100:
        raise BadInput(
            f"the steps of the traffic are {list(steps)}",
            where="steps",
            fix="Give whole percentages that grow, such as [1, 10, 50, 100].",
        )
    if seconds < 0:
        raise BadInput(f"a step cannot take {seconds:g} s", where="bake", fix="Give 0 or more seconds.")
    watched = [seconds if percent < 100 or len(percents) == 1 else 0.0 for percent in percents]
    return TrafficSteps(
        tuple(map(TrafficStep, percents, watched)), settings=CanarySettings.parse(canary or {})
    )
