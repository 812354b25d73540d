# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes, aggregated from the ledgers of many hosts: entries of one run on ten hosts are one change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from .history import RELEASE

LIVE = "live"
ROLLED_BACK = "rolled_back"
FAILED = "failed"

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One attempt to make ``release`` live, on all hosts that it was for.

    :param began: when the first host served it; ``None`` when no host ever did
    :param ended: when the last host served it, or when the last one failed
    :param outcome: ``live``, ``rolled_back`` (left again later) or ``failed`` (a host could not follow)
    :param restored: when the hosts were in a good state again; ``None`` while nothing was broken or still is
    :param first: whether no host had served its release before
    :param entries: the ledger entries it is folded from, oldest first
    """

    application: str
    environment: str
    release: str
    began: datetime | None
    ended: datetime
    outcome: str
    restored: datetime | None
    first: bool
    entries: tuple[Entry, ...]

    @property
    def failed(self) -> bool:
        return self.outcome != LIVE

    @property
    def source_time(self) -> datetime | None:
        """When its source was committed, as far as the ledger knows."""
        for entry in self.entries:
            moment = parse_time(entry.get("committed_at")) or parse_time(entry.get("built"))
            # Artifacts of a source without a history carry 1980, which is plainly not real.
            if moment and moment.year > 1980:
                return moment
        return None


@dataclass(frozen=True)
class Rollback:
    """One rollback, on all hosts that it was for."""

    application: str
    environment: str
    before: str
    after: str
    ended: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class ChangeHistory:
    """All changes and rollbacks, oldest first."""

    changes: tuple[Change, ...]
    rollbacks: tuple[Rollback, ...]


def parse_time(value: object) -> datetime | None:
    """A time as the ledger writes it, or ``None`` for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(f"{value[:-1]}+00:00" if value.endswith("Z") else str(value))
    except ValueError:
        return None
    return moment.astimezone(timezone.utc) if moment.tzinfo else None


def format_time(moment: datetime) -> str:
    """The time in UTC to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(entry: Entry) -> datetime:
    """The time of an entry that is known to have one."""
    moment = parse_time(entry.get("time"))
    if moment is None:
        raise ValueError(f"an entry without a time: {entry!r}")
    return moment


def aggregate(entries: Iterable[Entry]) -> ChangeHistory:
    """The changes of all applications. Entries of other kinds, and without a time, are passed over."""
    known = [entry for entry in entries if entry.get("kind") == RELEASE and parse_time(entry.get("time"))]
    known.sort(key=moment_of)
    attempts = [entry for entry in known if _is_attempt(entry)]
    backs = [entry for entry in known if entry.get("action") == ROLLED_BACK]
    changes = sorted((_change(group) for group in _groups(attempts)), key=lambda each: each.ended)
    rollbacks = [_rollback(group) for group in _groups(backs)]
    judged = _restored(_taken_back(_first(changes), rollbacks))
    return ChangeHistory(tuple(judged), tuple(rollbacks))


def _is_attempt(entry: Entry) -> bool:
    """A failed rollback failed to leave a change; it is not a change."""
    if entry.get("action") == FAILED:
        return entry.get("operation") != "rollback"
    return entry.get("action") == LIVE


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries of one run about one release belong together; without a run each stands for itself."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        run = entry.get("run") or entry.get("time")
        subject = "from" if entry.get("action") == ROLLED_BACK else "to"
        key = (*place(entry), str(run), str(entry.get(subject) or ""))
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def place(entry: Entry) -> tuple[str, str]:
    """``(environment, application)``, the key of all that is counted."""
    return str(entry.get("environment") or ""), str(entry.get("application") or "")


def _change(group: list[Entry]) -> Change:
    environment, application = place(group[0])
    served = [moment_of(entry) for entry in group if entry.get("action") == LIVE]
    return Change(
        application=application,
        environment=environment,
        release=str(group[0].get("to") or ""),
        began=min(served, default=None),
        ended=max(served) if served else moment_of(group[-1]),
        outcome=LIVE if len(served) == len(group) else FAILED,
        restored=None,
        first=False,
        entries=tuple(group),
    )


def _rollback(group: list[Entry]) -> Rollback:
    environment, application = place(group[0])
    before, after = (str(group[-1].get(name) or "") for name in ("from", "to"))
    return Rollback(application, environment, before, after, moment_of(group[-1]), tuple(group))


def _first(changes: Iterable[Change]) -> list[Change]:
    """Mark those that brought a release which no host had served before."""
    seen: set[tuple[str, str, str]] = set()
    marked = []
    for change in changes:
        key = (change.environment, change.application, change.release)
        marked.append(replace(change, first=change.began is not None and key not in seen))
        if change.began:
            seen.add(key)
    return marked


def _taken_back(changes: list[Change], rollbacks: Iterable[Rollback]) -> list[Change]:
    """Each rollback belongs to the newest change before it that brought what it left."""
    marked = list(changes)
    for back in rollbacks:
        index = next((i for i in reversed(range(len(marked))) if _brought(marked[i], back)), None)
        if index is not None:
            # Where nothing is left, nothing is served: that is not a good state.
            restored = back.ended if back.after else marked[index].restored
            marked[index] = replace(marked[index], outcome=ROLLED_BACK, restored=restored)
    return marked


def _brought(change: Change, back: Rollback) -> bool:
    first = change.began or change.ended
    same = (change.environment, change.application) == (back.environment, back.application)
    return same and change.release == back.before and first <= back.ended


def _restored(changes: list[Change]) -> list[Change]:
    """What was served, failed and not taken back is repaired by the next change that holds."""
    return [
        replace(change, restored=_repair(change, changes[index:])) for index, change in enumerate(changes)
    ]


def _repair(change: Change, since: list[Change]) -> datetime | None:
    if change.restored or not change.failed or change.began is None:
        return change.restored
    return next((later.ended for later in since if not later.failed and _same(later, change)), None)


def _same(one: Change, other: Change) -> bool:
    return (one.environment, one.application) == (other.environment, other.application)
