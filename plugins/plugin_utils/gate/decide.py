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

from . import hosts, observed, override, timely
from .check import (
    BACKUP_AGE,
    CHANGING,
    DRILL_AGE,
    NAMES,
    ON_HOST,
    OVERRIDE,
    ROOM,
    TIMELY,
    Check,
    Mode,
    Outcome,
    Unknown,
)
from .facts import Facts, Opening
from .settings import Outside, Settings


class Decision(StrEnum):
    """What becomes of a host: it is changed, the change stops, it is left out, or it is waited for."""

    GO = "go"
    STOP = "stop"
    SKIP = "skip"
    WAIT = "wait"


@dataclass(frozen=True)
class Judged:
    """A check, how much it counts, and whether somebody set it aside."""

    check: Check
    mode: Mode
    overridden: bool = False

    @property
    def blocks(self) -> bool:
        return self.mode is Mode.ON and self.check.outcome is not Outcome.PASS and not self.overridden

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
    judged: tuple[Judged, ...]
    next_opening: datetime | None = None
    lowered: Mapping[str, str] = field(default_factory=dict)

    @property
    def blocking(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.blocks)

    @property
    def overridden(self) -> tuple[str, ...]:
        """The checks that did not pass and were set aside."""
        return tuple(one.check.name for one in self.judged if one.overridden)


def decide(host: str, facts: Facts, settings: Settings, at: datetime, recheck: bool = False) -> HostDecision:
    """Judge one host.

    :param at: the moment of the question, with an offset
    :param recheck: only what may have changed since the start; then nobody is skipped or waited for, because
        half of a fleet may be changed already
    """
    checks = [
        check
        for check in _checks(facts, settings, at)
        if settings.makes(check.name) and (check.name in CHANGING or not recheck)
    ]
    aside = _set_aside(checks, settings)
    judged = tuple(
        Judged(check, settings.mode(check.name), check.name in aside and check.outcome is not Outcome.PASS)
        for check in sorted(checks, key=_order)
    )
    blocking = [one.check for one in judged if one.blocks]
    outside = Outside.FAIL if recheck else settings.outside
    return HostDecision(host, _decision(blocking, outside), judged, _next_opening(blocking), settings.lowered)


def _checks(facts: Facts, settings: Settings, at: datetime) -> Iterator[Check]:
    maybe = (
        override.judge(settings.override, at, settings.override_limit, settings.never_override),
        observed.artifact(facts),
        observed.promotion(facts, settings),
    )
    yield from (check for check in maybe if check is not None)
    yield timely.stop(facts)
    yield timely.freeze(facts)
    yield timely.window(facts)
    yield timely.room(facts, settings, at)
    yield observed.alerts(facts, settings)
    yield observed.error_budget(facts, settings)
    yield hosts.backup_age(facts, settings, at)
    yield hosts.drill_age(facts, settings, at)
    yield from _on_host(facts, settings)


def _on_host(facts: Facts, settings: Settings) -> Iterator[Check]:
    """A host that was not asked is judged by its own checks only when somebody named them."""
    asked = facts.answers is not None or bool(facts.unreachable)
    checks = (hosts.reachable(facts), hosts.lock(facts), hosts.disk(facts, settings), hosts.reboot(facts))
    yield from (check for check in checks if asked or check.name in settings.named)


def _set_aside(checks: list[Check], settings: Settings) -> frozenset[str]:
    """The checks that a granted override names."""
    granted = any(check.name == OVERRIDE and check.outcome is Outcome.PASS for check in checks)
    return frozenset(settings.override.checks) if granted and settings.override else frozenset()


def _order(check: Check) -> int:
    return NAMES.index(check.name)


def _decision(blocking: list[Check], outside: Outside) -> Decision:
    if not blocking:
        return Decision.GO
    if outside is Outside.FAIL or any(check.name not in TIMELY for check in blocking):
        return Decision.STOP
    # Windows that nobody could read are no opening to wait for, and no reason to pass a host over in silence.
    if any(check.outcome is Outcome.INCONCLUSIVE for check in blocking):
        return Decision.STOP
    return Decision.SKIP if outside is Outside.SKIP else Decision.WAIT


def _next_opening(blocking: list[Check]) -> datetime | None:
    """When all that time decides may hold again: the latest of its moments."""
    return max((check.until for check in blocking if check.until), default=None)


def needs_host(settings: Settings) -> bool:
    """Whether the host itself must be asked, which costs a module run on it.

    Its own checks are made along when it is asked anyway, and asked for when somebody named them.
    """
    if any(settings.makes(name) for name in settings.named & ON_HOST):
        return True
    own = ((settings.backup, BACKUP_AGE), (settings.drill, DRILL_AGE))
    return any(age and not age.ledgers and settings.makes(name) for age, name in own)


def needs_history(opening: Opening | Unknown, settings: Settings, at: datetime) -> bool:
    """Whether the room depends on how long runs take, which the ledger of any host of the fleet tells."""
    if settings.mode(ROOM) is not Mode.ON or isinstance(opening, Unknown):
        return False
    if opening.closes_at is not None:
        return bool(opening.closes_at - at <= timely.PLENTY)
    # Waited for, it will be in a window, which has an end.
    return settings.outside is Outside.WAIT and (opening.frozen or not opening.open)
