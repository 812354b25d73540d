# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the entries of all hosts hold beside the changes: evidence, overrides, verdicts, drills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...module_utils._ledger.changes import FAILED, parse_time
from ...module_utils._ledger.history import DECOMMISSIONED, RELEASE
from .hosts import Entry, Host

#: Kinds that have a table of their own.
_WITH_OWN_TABLE = frozenset({RELEASE, "drill"})
#: Which verdict speaks for a run; an unknown one is no pass.
_SEVERITY = {"pass": 0, "inconclusive": 1, "fail": 2}
_PASSED = frozenset({"pass", "passed", "ok"})


@dataclass(frozen=True)
class Record:
    """Something that one or more hosts recorded once. ``data`` is the part of the entry that it is about."""

    time: datetime
    hosts: tuple[str, ...]
    entry: Entry
    data: Mapping[str, Any]


def overrides(hosts: Iterable[Host]) -> list[Record]:
    """Checks that were set aside, newest first; what one run noted on many hosts is one."""
    return _merged(hosts, _overrides)


def _overrides(entry: Entry) -> list[Mapping[str, Any]]:
    gate = _dict(entry.get("gate"))
    one = _dict(gate.get("override"))
    return [one] if one else _list(gate.get("overrides"))


def checks_of(override: Mapping[str, Any]) -> str:
    """The names of the checks that it is about."""
    return ", ".join(_texts(override.get("checks")))


def verdicts(hosts: Iterable[Host]) -> list[Record]:
    """Judgements of canaries, newest first. Each host judges for itself; what those of one run say is one."""
    found = _merged(hosts, lambda entry: [_dict(entry["verdict"])] if _dict(entry.get("verdict")) else [])
    runs: dict[tuple[str, ...], list[Record]] = {}
    for record in found:
        run = record.entry.get("run") or f"{record.hosts} {record.time}"
        runs.setdefault((str(run), str(record.entry.get("to"))), []).append(record)
    return [_merge_verdicts(each) for each in runs.values()]


def _merge_verdicts(records: list[Record]) -> Record:
    """The worst verdict; counts are sums, latencies those of the slowest host."""
    worst = max(records, key=lambda record: _SEVERITY.get(str(record.data.get("verdict")), 1))
    numbers = [_dict(record.data.get("numbers")) or record.data for record in records]
    sides = {name: _sum([_dict(each.get(name)) for each in numbers]) for name in ("canary", "baseline")}
    reasons = [reason for record in records for reason in _texts(record.data.get("reasons"))]
    data = {"verdict": worst.data.get("verdict"), "reasons": list(dict.fromkeys(reasons)), **sides}
    hosts = tuple(dict.fromkeys(host for record in records for host in record.hosts))
    return Record(records[0].time, hosts, worst.entry, data)


def _sum(sides: list[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("requests", "errors", "p50", "p99"):
        known = [number for each in sides if (number := number_of(each.get(name))) is not None]
        if known:
            found[name] = sum(known) if name in ("requests", "errors") else max(known)
    return found


def number_of(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def drills(hosts: Iterable[Host]) -> list[Record]:
    return _merged(hosts, lambda entry: [entry] if entry.get("kind") == "drill" else [])


def other_entries(hosts: Iterable[Host]) -> list[Record]:
    """Entries that no other table shows: rollbacks that failed, applications that were decommissioned, repairs of the ledger,
    users' own events, and what is to come.
    """
    return _merged(hosts, lambda entry: [] if _has_own_table(entry) else [entry])


def _has_own_table(entry: Entry) -> bool:
    # A rollback that failed is no change: the release that was live stayed so.
    failed_rollback = entry.get("action") == FAILED and entry.get("operation") == "rollback"
    ended = entry.get("action") == DECOMMISSIONED
    return str(entry.get("kind")) in _WITH_OWN_TABLE and not (failed_rollback or ended)


def unmet(entry: Entry) -> tuple[int, list[str]]:
    """How many checks the gate made, and ``name: outcome`` of those that did not pass."""
    checks = _dict(entry.get("gate")).get("checks")
    outcomes = (
        checks if isinstance(checks, Mapping) else {c.get("name"): c.get("result") for c in _list(checks)}
    )
    return len(outcomes), [
        f"{name}: {result}" for name, result in outcomes.items() if str(result) not in _PASSED
    ]


def passed(entry: Entry) -> bool:
    """Of a drill: what does not say that it went well did not."""
    return str(entry.get("outcome")) in {*_PASSED, "succeeded", "success", "restored"}


def failed_step(entry: Entry) -> str:
    """The step at which a change failed on a host; empty when it did not fail, or does not say."""
    return str(entry.get("step") or "") if entry.get("action") == FAILED else ""


def seconds_of(entry: Entry) -> float:
    """How long the steps took together that were finished: a step that failed has no time in the ledger."""
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


def _texts(value: object) -> list[str]:
    return (
        [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)] if value else []
    )


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else []
