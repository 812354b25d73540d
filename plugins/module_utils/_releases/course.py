# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the traffic of a host goes over from one release to the next: at once, or in steps that are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._core.errors import BadInput


@dataclass(frozen=True)
class Stage:
    """A part of the traffic in percent, and for how many seconds it is watched before the next one."""

    percent: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Course:
    """The stages up to 100 percent; ``confirmed``: somebody has the last word afterwards."""

    stages: tuple[Stage, ...] = (Stage(100),)
    confirmed: bool = False


#: All at once, and that is that.
AT_ONCE = Course()


def parse_course(steps: Sequence[int], seconds: float) -> Course:
    """From the options of a module.

    :param steps: percent of each step, growing; 100 is added where it is not the last
    :param seconds: how long each of them is watched
    :raises BadInput: the steps do not grow or are not percentages
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
    return Course(tuple(Stage(percent, seconds) for percent in percents))
