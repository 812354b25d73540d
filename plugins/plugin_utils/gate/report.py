# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions of all hosts as a table for people, as builtins for machines, as evidence for the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .checks.model import OVERRIDE, CheckOutcome, Mode
from .decide import CheckResult, Decision, HostDecision
from .override import ABSOLUTE
from .settings import GateSettings
from .values import format_duration, format_moment

_HOSTS = 4
_COLUMNS = ("hosts", "check", "result", "why", "opens")


@dataclass(frozen=True)
class GateVerdict:
    """The decisions on all hosts of a change at one moment.

    :param what: what is to be changed, in words: ``deploy of agents 2.0.0``
    """

    what: str
    at: datetime
    hosts: Mapping[str, HostDecision]

    def hosts_with(self, decision: Decision) -> list[str]:
        return [name for name, one in self.hosts.items() if one.decision is decision]

    @property
    def blocked(self) -> list[str]:
        """The hosts because of which the change does not start; all of them where each one would be left out."""
        blocked = self.hosts_with(Decision.STOP) + self.hosts_with(Decision.WAIT)
        return blocked if blocked or self.hosts_with(Decision.GO) else list(self.hosts)

    @property
    def next_opening(self) -> datetime | None:
        """When all hosts that block the change may be open: the latest of their openings."""
        openings = (self.hosts[name].next_opening for name in self.blocked)
        return max((opening for opening in openings if opening), default=None)


def to_dict(verdict: GateVerdict) -> dict[str, Any]:
    """What the action returns."""
    summary = {
        "at": verdict.at.isoformat(),
        "go": verdict.hosts_with(Decision.GO),
        "stopped": verdict.hosts_with(Decision.STOP),
        "left_out": verdict.hosts_with(Decision.SKIP),
        "waiting": verdict.hosts_with(Decision.WAIT),
        "next_opening": verdict.next_opening.isoformat() if verdict.next_opening else None,
        "table": table(verdict),
    }
    about = {
        "open": not verdict.blocked,
        "what": verdict.what,
        "failed": failing(verdict),
        "overridden": overridden(verdict),
    }
    return {
        **summary,
        "hosts": {name: _host(one, verdict) for name, one in verdict.hosts.items()},
        "summary": {**summary, **about},
    }


def failing(verdict: GateVerdict) -> list[str]:
    """The names of the checks that stand in the way of any host."""
    return sorted({result.check.name for one in verdict.hosts.values() for result in one.blocking})


def overridden(verdict: GateVerdict) -> list[str]:
    """The names of the checks that did not pass on some host and were overridden."""
    return sorted({name for one in verdict.hosts.values() for name in one.overridden})


def _host(one: HostDecision, verdict: GateVerdict) -> dict[str, Any]:
    return {
        "decision": one.decision.value,
        "checks": {result.check.name: result.to_dict() for result in one.results},
        "next_opening": one.next_opening.isoformat() if one.next_opening else None,
        "evidence": evidence(one, verdict.at),
    }


def evidence(one: HostDecision, at: datetime) -> dict[str, Any]:
    """What the ledger keeps: every outcome, and the words of what did not simply pass."""
    outcomes = {result.check.name: result.check.outcome.value for result in one.results}
    notes = {
        result.check.name: result.check.message
        for result in one.results
        if result.check.outcome is not CheckOutcome.PASS
    }
    kept: dict[str, Any] = {"at": at.isoformat(), "decision": one.decision.value, "checks": outcomes}
    if notes:
        kept["notes"] = notes
    if one.lowered:
        kept["lowered"] = dict(one.lowered)
    override = next((result for result in one.results if result.check.name == OVERRIDE), None)
    if override:
        granted = override.check.outcome is CheckOutcome.PASS
        kept["override"] = {**override.check.evidence, "granted": granted, "used": list(one.overridden)}
    return kept


def table(verdict: GateVerdict) -> str:
    """What does not simply pass, hosts with the same finding in one line; empty when all passes."""
    rows: list[tuple[str, ...]] = [_COLUMNS, *_rows(verdict)]
    if len(rows) == 1:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    # The reason is the longest and comes last, so that it does not push the rest away.
    order = (0, 1, 2, 4, 3)
    lines = ["  ".join(row[column].ljust(widths[column]) for column in order).rstrip() for row in rows]
    return "\n".join(lines)


def _rows(verdict: GateVerdict) -> Iterable[tuple[str, ...]]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for name, one in verdict.hosts.items():
        for result in one.results:
            if result.check.outcome is CheckOutcome.PASS and result.check.name != OVERRIDE:
                continue
            key = (result.check.name, _result(result), result.check.message, _opens(result, verdict.at))
            found.setdefault(key, []).append(name)
    for key, hosts in found.items():
        yield (_names(hosts, len(verdict.hosts)), *key)


def _result(result: CheckResult) -> str:
    outcome = result.check.outcome.value
    if result.overridden:
        return f"{outcome}, overridden"
    return f"{outcome}, advisory" if result.mode is Mode.ADVISORY else outcome


def _opens(result: CheckResult, at: datetime) -> str:
    until = result.check.until
    return f"{format_moment(until)} (in {format_duration(until - at)})" if until else ""


def _names(hosts: Sequence[str], all_hosts: int) -> str:
    if len(hosts) == all_hosts and all_hosts > 1:
        return f"all {all_hosts}"
    more = f" and {len(hosts) - _HOSTS} more" if len(hosts) > _HOSTS else ""
    return ", ".join(hosts[:_HOSTS]) + more


def refusal(verdict: GateVerdict, settings: Mapping[str, GateSettings], recheck: bool = False) -> str:
    """The message of a gate that stays closed: what failed, where, why, when next, and what to do."""
    done = "Nothing more is changed" if recheck else "Nothing was changed"
    blocked = verdict.blocked
    count = f"{len(blocked)} of {len(verdict.hosts)} hosts"
    lines = [
        f"The gate is closed for the {verdict.what}, on {count}, at {format_moment(verdict.at)}. {done}.",
        "",
        table(verdict),
        "",
        *_advice(verdict, [verdict.hosts[name] for name in blocked], settings),
    ]
    return "\n".join(lines)


def _advice(
    verdict: GateVerdict, blocked: Sequence[HostDecision], settings: Mapping[str, GateSettings]
) -> Iterable[str]:
    if verdict.next_opening:
        wait = format_duration(verdict.next_opening - verdict.at)
        yield f"It opens next at {format_moment(verdict.next_opening)}, in {wait}: run the same command again then."
    names = sorted({result.check.name for one in blocked for result in one.blocking})
    never = ABSOLUTE.union(*(settings[one.host].never_override for one in blocked))
    firm = [name for name in names if name in never]
    if firm:
        yield f"No override is possible for {', '.join(firm)}: remove the cause."
    elif names:
        yield "To override it for an hour, with your name and your reason in the ledger, run the same command with"
        yield f"  -e '{json.dumps({'change_override': _example(names, verdict.at)})}'"


def _example(names: Sequence[str], at: datetime) -> dict[str, Any]:
    until = (at + timedelta(hours=1)).replace(microsecond=0)
    return {"checks": list(names), "by": "", "reason": "", "until": until.isoformat()}
