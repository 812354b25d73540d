# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer of each host: its ledger, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ...module_utils._core.errors import BadInput
from ...module_utils._ledger.changes import FAILED, LIVE, ROLLED_BACK, parse_time
from ...module_utils._ledger.history import DECOMMISSIONED, RELEASE, fold

Entry = Mapping[str, Any]
_OUTCOMES = (LIVE, ROLLED_BACK, FAILED, DECOMMISSIONED)


@dataclass(frozen=True)
class Live:
    """What a host serves, as its ledger says. ``since`` and ``rollback_command`` are of the entry that made it so."""

    environment: str
    application: str
    release: str
    since: datetime | None
    rollback_command: str


@dataclass(frozen=True)
class Host:
    """One host.

    :param problem: why its ledger could not be read; empty when it was
    :param intact: whether its chain holds; ``None`` when it was not verified
    :param broken: where it breaks, in words
    :param count: how many entries its ledger holds
    :param archive: what is wrong with its archived copy; empty when nothing is
    :param entries: oldest first
    :param window_state: what ``window_state`` says now
    :param calendar: ``begin`` and ``end`` of a range, each occurrence in it (``spans``), and when change is
        allowed (``open``)
    """

    name: str
    problem: str = ""
    intact: bool | None = None
    broken: str = ""
    head: str = ""
    count: int = 0
    archive: str = ""
    entries: tuple[Entry, ...] = ()
    window_state: Mapping[str, Any] | None = None
    calendar: Mapping[str, Any] | None = None

    @property
    def environment(self) -> str:
        """That of its newest entry that says one."""
        return next((str(e["environment"]) for e in reversed(self.entries) if e.get("environment")), "")

    @property
    def last_release(self) -> Entry | None:
        """The newest entry that says what became of a release; a confirmation, say, does not."""
        releases = (entry for entry in reversed(self.entries) if entry.get("kind") == RELEASE)
        return next((entry for entry in releases if entry.get("action") in _OUTCOMES), None)

    @property
    def newest(self) -> datetime | None:
        return max(
            (moment for entry in self.entries if (moment := parse_time(entry.get("time")))), default=None
        )

    def for_application(self, application: str) -> Host:
        """With the entries about this application, and those about none."""
        names = (application, None, "")
        entries = (entry for entry in self.entries if not application or entry.get("application") in names)
        return replace(self, entries=tuple(entries))

    def until(self, at: datetime) -> Host:
        """As it was at that moment: with the entries that have no readable time, and those that were written by then."""
        entries = (
            entry
            for entry in self.entries
            if (moment := parse_time(entry.get("time"))) is None or moment <= at
        )
        return replace(self, entries=tuple(entries))

    def live(self) -> tuple[Live, ...]:
        """What each application of the host serves."""
        known = [entry for entry in self.entries if entry.get("kind") != RELEASE or "to" in entry]
        names = sorted({str(e.get("application")) for e in known if e.get("kind") == RELEASE})
        return tuple(found for name in names if (found := _live(known, name)))


def _live(entries: list[Entry], application: str) -> Live | None:
    release = fold(entries, application).live
    if release is None:
        return None
    made = next((entry for entry in reversed(entries) if _made_live(entry, application, release)), {})
    return Live(
        environment=str(made.get("environment") or ""),
        application=application,
        release=release,
        since=parse_time(made.get("time")),
        rollback_command=str(made.get("rollback_command") or ""),
    )


def _made_live(entry: Entry, application: str, release: str) -> bool:
    return (
        entry.get("kind") == RELEASE
        and entry.get("application") == application
        and entry.get("to") == release
        and entry.get("action") in (LIVE, ROLLED_BACK)
    )


def parse(ledgers: object, states: object = None, calendars: object = None) -> tuple[Host, ...]:
    """The hosts, by name.

    :param ledgers: by host, what ``ledger_info`` returned or why it did not
    :param states: by host, what ``window_state`` returned
    :param calendars: by host, what ``window_calendar`` returned
    :raises BadInput: it is something else
    """
    by_host = _mapping(ledgers, "ledgers")
    now, ahead = _mapping(states or {}, "window_states"), _mapping(calendars or {}, "window_calendars")
    known = []
    for key in sorted(by_host, key=str):
        host = _host(str(key), _mapping(by_host[key], f"ledgers.{key}"))
        state = _mapping(now[key], f"window_states.{key}") if key in now else None
        calendar = _calendar(ahead[key], f"window_calendars.{key}") if key in ahead else None
        known.append(replace(host, window_state=state, calendar=calendar))
    return tuple(known)


def _calendar(value: object, where: str) -> Mapping[str, Any]:
    calendar = _mapping(value, where)
    return {
        **calendar,
        **{name: _entries(calendar.get(name) or [], f"{where}.{name}") for name in ("spans", "open")},
    }


def _host(name: str, ledger: Mapping[str, Any]) -> Host:
    if ledger.get("unreachable"):
        return Host(name, problem=f"not reached: {_first_line(ledger.get('msg'))}")
    if "entries" not in ledger:
        return Host(name, problem=_first_line(ledger.get("msg")))
    chain = _mapping(ledger.get("chain") or {}, f"ledgers.{name}.chain")
    intact = chain.get("intact")
    entries = _entries(ledger["entries"], f"ledgers.{name}.entries")
    count = chain.get("entries")
    return Host(
        name,
        count=count if isinstance(count, int) else len(entries),
        intact=None if intact is None else bool(intact),
        broken=_broken(chain.get("break")),
        head=str(chain.get("head") or ""),
        entries=entries,
    )


def _first_line(message: object) -> str:
    lines = str(message or "").strip().splitlines()
    return lines[0].removeprefix("Task failed: ") if lines else "its ledger was not read"


def _broken(found: object) -> str:
    if not isinstance(found, Mapping):
        return str(found or "")
    file = str(found.get("file") or "").rpartition("/")[2]
    return f"{file} line {found.get('line')}: {found.get('reason')}".strip()


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(
            f"this must be a mapping, not {type(value).__name__}",
            where=where,
            fix="Pass the results of mas.ops.ledger_info, by host.",
        )
    return value


def _entries(value: object, where: str) -> tuple[Entry, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in value):
        raise BadInput("this must be a list of mappings", where=where, fix="Pass the results of the plugins.")
    return tuple(value)
