# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of an iCalendar text as entries of a list of windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .model import Kind, Scope


@dataclass(frozen=True)
class CalendarText:
    """A calendar that was read, or the reason why it could not be.

    :param text: what it holds; ``None`` when it could not be read
    :param problem: the reason then
    :param zone: for its times without a zone; empty for what the calendar or the inventory says
    """

    name: str
    kind: Kind = Kind.FREEZE
    text: str | None = None
    problem: str = ""
    zone: str = ""
    scope: Scope = field(default_factory=Scope)
    reason: str = ""
    owner: str = ""


def entries(calendar: CalendarText, zone: str) -> Iterable[dict[str, Any]]:
    raise NotImplementedError
