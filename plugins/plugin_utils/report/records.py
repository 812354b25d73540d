# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the entries of all hosts say beside the changes themselves: evidence, overrides, verdicts, drills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...module_utils._ledger.changes import parse_time
from ...module_utils._ledger.history import RELEASE
from .hosts import Entry, Host

#: Kinds that have a table of their own.
_TOLD_ELSEWHERE = frozenset({RELEASE, "drill", "canary"})
_PASSED = frozenset({"pass", "passed", "ok"})


@dataclass(frozen=True)
class Record:
    """Something that one or more hosts wrote down once. ``data`` is what it is about."""

    time: datetime
    hosts: tuple[str, ...]
    entry: Entry
    data: Mapping[str, Any]


def overrides(hosts: Iterable[Host]) -> list[Record]:
    """Checks that somebody set aside, newest first; what one run noted on many hosts is one."""
    return _merged(hosts, lambda entry: _list(_dict(entry.get("gate")).get("overrides")))


def verdicts(hosts: Iterable[Host]) -> list[Record]:
    """Judgements of canaries, newest first."""
    return _merged(hosts, lambda entry: [_dict(entry["verdict"])] if _dict(entry.get("verdict")) else [])


def drills(hosts: Iterable[Host]) -> list[Record]:
    return _merged(hosts, lambda entry: [entry] if entry.get("kind") == "drill" else [])


def others(hosts: Iterable[Host]) -> list[Record]:
    """Entries that no other table shows: repairs of the ledger, users' own events, and what is to come."""
    return _merged(hosts, lambda entry: [] if str(entry.get("kind")) in _TOLD_ELSEWHERE else [entry])


def unmet(entry: Entry) -> tuple[int, list[str]]:
    """How many checks the gate made, and ``name: result`` of those that did not pass."""
    checks = _list(_dict(entry.get("gate")).get("checks"))
    return len(checks), [
        f"{check.get('name')}: {check.get('result')}"
        for check in checks
        if check.get("result") not in _PASSED
    ]


def went_well(entry: Entry) -> bool:
    """Of a drill: what does not say that it went well did not."""
    return str(entry.get("outcome")) in {*_PASSED, "succeeded", "success", "restored"}


def seconds_of(entry: Entry) -> float:
    """How long the steps took together."""
    spent = _dict(entry.get("seconds"))
    return sum(float(value) for value in spent.values() if isinstance(value, (int, float)))


def _merged(hosts: Iterable[Host], find: Callable[[Entry], list[Mapping[str, Any]]]) -> list[Record]:
    found: dict[tuple[str, ...], Record] = {}
    for host in hosts:
        for entry in host.entries:
            moment = parse_time(entry.get("time"))
            if moment is None:
                continue
            for data in find(entry):
                key = _key(entry, data, host.name)
                old = found.get(key)
                names = dict.fromkeys((*(old.hosts if old else ()), host.name))
                found[key] = Record(old.time if old else moment, tuple(names), entry, data)
    return sorted(found.values(), key=lambda record: record.time, reverse=True)


def _key(entry: Entry, data: Mapping[str, Any], host: str) -> tuple[str, ...]:
    """An entry of its own, or without a run, was written for one host; else what says the same is the same."""
    if data is entry or not entry.get("run"):
        return (host, str(entry.get("time")), str(entry.get("sequence")), repr(data))
    return (str(entry["run"]), repr(sorted(data.items(), key=str)))


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else []
