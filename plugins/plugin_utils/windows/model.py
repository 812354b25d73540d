# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows and freezes, the targets they hold for, and the state at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo


class Kind(StrEnum):
    """Change is allowed in a window and forbidden in a freeze."""

    WINDOW = "window"
    FREEZE = "freeze"


@dataclass(frozen=True)
class Length:
    """How long each occurrence takes; exactly one of the three is set.

    :param elapsed: real time, whatever the clocks on the wall do meanwhile
    :param wall: the distance on the wall clock, for days that have 23 or 25 hours
    :param until: the next such time on the wall clock after the start
    """

    elapsed: timedelta | None = None
    wall: timedelta | None = None
    until: time | None = None


@dataclass(frozen=True)
class Once:
    """One span in UTC; without a begin it has always been so, without an end it stays so."""

    begin: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Rules:
    """Recurrence rules of RFC 5545, in the wall clock time of ``zone``.

    :param start: DTSTART, naive; it is an occurrence only when a rule or a date says so
    :param anchored: whether ``start`` is a real date, or only a time of day
    :param dates: RDATE, naive
    :param except_dates: EXDATE, naive; a date excludes all that begins on it
    """

    zone: str
    start: datetime
    length: Length
    anchored: bool = True
    rules: tuple[str, ...] = ()
    except_rules: tuple[str, ...] = ()
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[date, ...] = ()


@dataclass(frozen=True)
class Cron:
    """A cron expression in ``zone``, read as Debian's cron reads it."""

    zone: str
    expression: str
    length: Length
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[date, ...] = ()


Times = Once | Rules | Cron


@dataclass(frozen=True)
class Target:
    """The one host that is asked about."""

    host: str = ""
    groups: tuple[str, ...] = ()
    application: str = ""
    environment: str = ""


@dataclass(frozen=True)
class Scope:
    """Shell patterns: one of each kind that is given must match; nothing given means everything."""

    environments: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def holds_for(self, target: Target) -> bool:
        return (
            _one_of(self.environments, (target.environment,))
            and _one_of(self.applications, (target.application,))
            and _one_of(self.hosts, (target.host,))
            and _one_of(self.groups, target.groups)
        )


def _one_of(patterns: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


@dataclass(frozen=True)
class Window:
    """A window or a freeze."""

    name: str
    kind: Kind
    times: Times
    zone: str = "UTC"
    scope: Scope = field(default_factory=Scope)
    reason: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Policy:
    """All windows and freezes of an inventory and its calendars.

    :param required: whether a target that no window is for is closed; else it is open
    """

    windows: tuple[Window, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class WindowState:
    """What is so at one moment for one target. All moments have an offset.

    :param open: whether change is allowed
    :param frozen: whether a freeze forbids it
    :param why: one sentence for people; times in it are in the zone of the window or freeze
    :param cause: the same without the time
    :param until: when it ends or changes; ``None`` when never
    :param window: the name of the freeze or of the window that decided, if one did
    :param closes_at: when change stops being allowed; ``None`` when closed, or open without an end
    :param next_opening: when it opens next, after ``closes_at`` when it is open; ``None`` when never
    """

    open: bool
    frozen: bool
    why: str
    cause: str
    until: datetime | None = None
    window: str | None = None
    closes_at: datetime | None = None
    next_opening: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "open": self.open,
            "frozen": self.frozen,
            "why": self.why,
            "cause": self.cause,
            "until": _text(self.until),
            "window": self.window,
            "closes_at": _text(self.closes_at),
            "next_opening": _text(self.next_opening),
        }


@dataclass(frozen=True)
class Span:
    """One occurrence, or what is left of several; half open, [begin, end). Moments in UTC.

    ``begin`` and ``end`` are cut to the range that was asked for.
    """

    begin: datetime
    end: datetime
    name: str = ""
    kind: Kind = Kind.WINDOW
    reason: str = ""
    owner: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "kind": self.kind.value, "begin": _text(self.begin), "end": _text(self.end)}

    def to_dict_in(self, zone: ZoneInfo) -> dict[str, Any]:
        """The same on the wall clock of a zone."""
        return replace(self, begin=self.begin.astimezone(zone), end=self.end.astimezone(zone)).to_dict()


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
