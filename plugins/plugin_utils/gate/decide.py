# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From checks to a decision: for one host, and for all hosts of a change together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from . import override
from .checks import host as on_host
from .checks import schedule, signals
from .checks.model import (
    BACKUP_AGE,
    BY_SCHEDULE,
    DRILL_AGE,
    NAMES,
    ON_HOST,
    OVERRIDE,
    RECHECKED,
    ROOM,
    Check,
    CheckOutcome,
    Mode,
    Unknown,
)
from .facts import GateFacts, Opening
from .settings import GateSettings, Outside


class Decision(StrEnum):
    """What becomes of a host: it is changed, the change stops, it is left out, or it is waited for."""

    GO = "go"
    STOP = "stop"
    SKIP = "skip"
    WAIT = "wait"


@dataclass(frozen=True)
class CheckResult:
    """A check, how much it counts, and whether it was overridden."""

    check: Check
    mode: Mode
    overridden: bool = False

    @property
    def blocks(self) -> bool:
        return self.mode is Mode.ON and self.check.outcome is not CheckOutcome.PASS and not self.overridden

    def to_dict(self) -> dict[str, Any]:
        check = self.check
        return {
            "outcome": check.outcome.value,
            "mode": self.mode.value,
            "overridden": self.overridden,
            "message": check.message,
            "evidence": dict(check.evidence),
            "until": check.until.isoformat() if check.until else None,
        }


@dataclass(frozen=True)
class HostDecision:
    """The decision on one host, with every check that led to it."""

    host: str
    decision: Decision
    results: tuple[CheckResult, ...]
    next_opening: datetime | None = None
    lowered: Mapping[str, str] = field(default_factory=dict)

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        return tuple(one for one in self.results if one.blocks)

    @property
    def overridden(self) -> tuple[str, ...]:
        """The checks that did not pass and were overridden."""
        return tuple(one.check.name for one in self.results if one.overridden)


def decide(
    host: str, facts: GateFacts, settings: GateSettings, at: datetime, recheck: bool = False
) -> HostDecision:
    """Judge one host.

    :param at: the moment of the question, with an offset
    :param recheck: only what may have changed since the start; then no host is skipped or waited for, because
        half of the fleet may be changed already
    """
    checks = [
        check
        for check in _checks(facts, settings, at)
        if settings.makes(check.name) and (check.name in RECHECKED or not recheck)
    ]
    aside = _set_aside(checks, settings)
    results = tuple(
        CheckResult(
            check, settings.mode(check.name), check.name in aside and check.outcome is not CheckOutcome.PASS
        )
        for check in sorted(checks, key=_order)
    )
    blocking = [one.check for one in results if one.blocks]
    outside = Outside.FAIL if recheck else settings.outside
    return HostDecision(
        host, _decision(blocking, outside), results, _next_opening(blocking), settings.lowered
    )


def _checks(facts: GateFacts, settings: GateSettings, at: datetime) -> Iterator[Check]:
    maybe = (
        override.judge(settings.override, at, settings.override_limit, settings.never_override),
        signals.artifact(facts),
        signals.promotion(facts, settings),
    )
    yield from (check for check in maybe if check is not None)
    yield schedule.stop(facts)
    yield schedule.freeze(facts)
    yield schedule.window(facts)
    yield schedule.room(facts, settings, at)
    yield signals.alerts(facts, settings)
    yield signals.error_budget(facts, settings)
    yield on_host.backup_age(facts, settings, at)
    yield on_host.drill_age(facts, settings, at)
    yield from _on_host(facts, settings)


def _on_host(facts: GateFacts, settings: GateSettings) -> Iterator[Check]:
    """A host that was not asked is judged by its own checks only when they were named."""
    asked = facts.host_facts is not None or bool(facts.unreachable)
    checks = (
        on_host.reachable(facts),
        on_host.lock(facts),
        on_host.disk(facts, settings),
        on_host.reboot(facts),
    )
    yield from (check for check in checks if asked or check.name in settings.named)


def _set_aside(checks: list[Check], settings: GateSettings) -> frozenset[str]:
    """The checks that a granted override names."""
    granted = any(check.name == OVERRIDE and check.outcome is CheckOutcome.PASS for check in checks)
    return frozenset(settings.override.checks) if granted and settings.override else frozenset()


def _order(check: Check) -> int:
    return NAMES.index(check.name)


def _decision(blocking: list[Check], outside: Outside) -> Decision:
    if not blocking:
        return Decision.GO
    if outside is Outside.FAIL or any(check.name not in BY_SCHEDULE for check in blocking):
        return Decision.STOP
    # Windows that could not be read are no opening to wait for, and no reason to skip a host in silence.
    if any(check.outcome is CheckOutcome.INCONCLUSIVE for check in blocking):
        return Decision.STOP
    return Decision.SKIP if outside is Outside.SKIP else Decision.WAIT


def _next_opening(blocking: list[Check]) -> datetime | None:
    """When all that time decides may hold again: the latest of its moments."""
    return max((check.until for check in blocking if check.until), default=None)


def needs_host(settings: GateSettings) -> bool:
    """Whether the host itself must be asked, which costs a module run on it.

    Its own checks are made along when it is asked anyway, and are a reason to ask it when they were named.
    """
    if any(settings.makes(name) for name in settings.named & ON_HOST):
        return True
    own = ((settings.backup, BACKUP_AGE), (settings.drill, DRILL_AGE))
    return any(age and not age.ledgers and settings.makes(name) for age, name in own)


def needs_history(opening: Opening | Unknown, settings: GateSettings, at: datetime) -> bool:
    """Whether the room depends on how long runs take, which the ledger of any host of the fleet records."""
    if settings.mode(ROOM) is not Mode.ON or isinstance(opening, Unknown):
        return False
    if opening.closes_at is not None:
        return bool(opening.closes_at - at <= schedule.PLENTY)
    # Waited for, it will be in a window, which has an end.
    return settings.outside is Outside.WAIT and (opening.frozen or not opening.open)
