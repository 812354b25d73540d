# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to a ledger: which entries are about this, of that kind, in these days, and went well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._core.errors import BadInput

SUCCEEDED = "succeeded"
FAILED = "failed"
OUTCOMES = (SUCCEEDED, FAILED)

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)(Z|z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True)
class Query:
    """What an entry must be to be an answer; what is ``None`` or empty asks nothing.

    ``since`` is the first moment, ``until`` the first one after the last.
    """

    application: str | None = None
    kinds: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    outcome: str | None = None
    run: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __call__(self, entry: Mapping[str, Any]) -> bool:
        return self._says(entry) and self._when(entry)

    def _says(self, entry: Mapping[str, Any]) -> bool:
        return (
            self.application in (None, entry.get("application"))
            and (not self.kinds or entry.get("kind") in self.kinds)
            and (not self.actions or entry.get("action") in self.actions)
            and self.run in (None, entry.get("run"))
            and self.outcome in (None, outcome_of(entry))
        )

    def _when(self, entry: Mapping[str, Any]) -> bool:
        if self.since is None and self.until is None:
            return True
        time = moment_of(entry)
        return (
            time is not None
            and (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
        )


def select(
    entries: Iterable[Mapping[str, Any]], query: Query, limit: int | None = None
) -> list[Mapping[str, Any]]:
    """The newest ``limit`` answers, oldest first."""
    found = [entry for entry in entries if query(entry)]
    return found if limit is None else found[len(found) - min(limit, len(found)) :]


def outcome_of(entry: Mapping[str, Any]) -> str:
    """What the entry says of itself, or what its action means."""
    said = entry.get("outcome")
    return str(said) if said else FAILED if entry.get("action") == FAILED else SUCCEEDED


def moment_of(entry: Mapping[str, Any]) -> datetime | None:
    """When the entry was written; ``None`` where it does not say."""
    try:
        return parse_time(str(entry.get("time")))
    except BadInput:
        return None


def parse_time(text: str, where: str = "time") -> datetime:
    """A moment in ISO 8601; without a zone it is in UTC, a date alone is its midnight.

    :raises BadInput: it is something else
    """
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        day, clock, zone = found.groups()
        clock, dummy, fraction = (clock or "00:00").replace(",", ".").partition(".")
        moment = datetime.fromisoformat(f"{day}T{clock}")
        micro = int(fraction.ljust(6, "0")[:6]) if fraction else 0
        return moment.replace(microsecond=micro, tzinfo=_zone(zone)).astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text!r} is not a time", where=where, fix="Write it as 2026-11-24 or 2026-11-24T15:00:00Z."
        ) from error


def _zone(text: str | None) -> timezone:
    if text in (None, "Z", "z"):
        return timezone.utc
    offset = datetime.strptime(str(text).replace(":", ""), "%z").utcoffset()
    return timezone(offset) if offset is not None else timezone.utc
