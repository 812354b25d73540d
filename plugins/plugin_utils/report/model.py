# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page shows, computed once from the ledgers of the hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from ...module_utils._core.errors import BadInput
from ...module_utils._ledger.changes import ChangeHistory, aggregate, format_time, parse_time
from ...module_utils._ledger.dora import dora
from ..windows.fields import checked_zone
from . import records
from .format import format_moment
from .hosts import Host, Live
from .records import Record
from .series import Period, production_first


@dataclass(frozen=True)
class Model:
    """:param at: the end of the period
    :param days: the length of the period
    :param now: the moment at which an override is or is not in force
    :param zone: of all times of the page
    """

    hosts: tuple[Host, ...]
    at: datetime | None
    days: int
    now: datetime
    zone: ZoneInfo

    @cached_property
    def entries(self) -> list[Mapping[str, Any]]:
        """Of all hosts, each with the name of its host."""
        return [{**entry, "host": host.name} for host in self.hosts for entry in host.entries]

    @cached_property
    def history(self) -> ChangeHistory:
        return aggregate(self.entries)

    @cached_property
    def dora(self) -> dict[str, Any]:
        return dora(self.entries, at=format_time(self.at) if self.at else None, days=self.days)

    @cached_property
    def newest(self) -> datetime | None:
        """The time of the newest entry."""
        return max((host.newest for host in self.hosts if host.newest), default=None)

    @property
    def period(self) -> Period | None:
        return self.span(self.at - timedelta(days=self.days), self.at) if self.at else None

    def span(self, start: datetime, end: datetime) -> Period:
        return Period(start.astimezone(self.zone), end.astimezone(self.zone))

    def format_moment(self, moment: datetime | None) -> str:
        """A moment as the page shows it."""
        return format_moment(moment, self.zone)

    @cached_property
    def live(self) -> dict[tuple[str, str], dict[str, list[tuple[Host, Live]]]]:
        """By environment and application, then by release: the hosts that serve it."""
        found: dict[tuple[str, str], dict[str, list[tuple[Host, Live]]]] = {}
        for host in self.hosts:
            for live in host.live():
                releases = found.setdefault((live.environment, live.application), {})
                releases.setdefault(live.release, []).append((host, live))
        return {place: found[place] for place in sorted(found, key=production_first)}

    @cached_property
    def overrides(self) -> list[Record]:
        return records.overrides(self.hosts)

    @cached_property
    def verdicts(self) -> list[Record]:
        return records.verdicts(self.hosts)

    @cached_property
    def drills(self) -> list[Record]:
        return records.drills(self.hosts)

    @cached_property
    def other_entries(self) -> list[Record]:
        return records.other_entries(self.hosts)

    @cached_property
    def calendars(self) -> dict[str, Mapping[str, Any]]:
        """The different calendars, by a label that names their hosts."""
        sharing: dict[str, list[Host]] = {}
        for host in self.hosts:
            if host.calendar is not None:
                sharing.setdefault(repr(host.calendar), []).append(host)
        return {_calendar_label(each): each[0].calendar for each in sharing.values() if each[0].calendar}

    def in_force(self, override: Record) -> bool:
        """Whether an override was granted and has not expired; one without an end counts as expired."""
        until = parse_time(override.data.get("until"))
        return override.data.get("granted") is not False and until is not None and self.now < until


def _calendar_label(hosts: list[Host]) -> str:
    """With the name of one host, so that no two calendars have the same label."""
    some = f"{hosts[0].name} and {len(hosts) - 1} more" if len(hosts) > 1 else hosts[0].name
    environments = ", ".join(sorted({host.environment for host in hosts if host.environment}))
    return f"{environments}: {some}" if environments else some


def build(hosts: tuple[Host, ...], at: str | None, days: int, now: datetime, zone: str = "UTC") -> Model:
    """
    :param at: the end of the period; the time of the newest entry when it is not given
    :param now: the time of the clock. A report of the past shows which overrides were in force at its end. The end
        of the period may also lie ahead, as the end of this day: what expires before it is in force until then.
    :param zone: the name of the zone of all times of the page
    :raises BadInput: ``at``, ``days`` or ``zone`` cannot be right
    """
    moment = parse_time(at) if at else max((host.newest for host in hosts if host.newest), default=None)
    if at and moment is None:
        raise BadInput(
            f"{at!r} is not a time with its zone", where="at", fix="Write it as 2026-01-31T12:00:00Z."
        )
    if not 1 <= days <= 3660:
        raise BadInput(f"{days} is not a number of days", where="period_days", fix="Give 1 to 3660.")
    if at and moment and moment < now:
        # Not where the period ends with this day: the clock of a host may be ahead.
        hosts = tuple(host.until(moment) for host in hosts)
    return Model(hosts, moment, days, min(moment, now) if at and moment else now, checked_zone(zone, "zone"))
