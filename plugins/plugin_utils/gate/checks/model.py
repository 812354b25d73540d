# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks by name, and what one found: pass, fail or inconclusive, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class CheckOutcome(StrEnum):
    """What one check found. An inconclusive one counts as failed, unless it is advisory."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Mode(StrEnum):
    """Whether a check can stop a change, only says what it found, or is not made."""

    ON = "on"
    OFF = "off"
    ADVISORY = "advisory"


STOP = "stop"
OVERRIDE = "override"
FREEZE = "freeze"
WINDOW = "window"
ROOM = "room"
ARTIFACT = "artifact"
PROMOTION = "promotion"
ALERTS = "alerts"
ERROR_BUDGET = "error_budget"
BACKUP_AGE = "backup_age"
DRILL_AGE = "drill_age"
REACHABLE = "reachable"
LOCK = "lock"
DISK = "disk"
REBOOT = "reboot"

#: All checks, in the order in which people read them.
NAMES = (
    *(STOP, OVERRIDE, FREEZE, WINDOW, ROOM, ARTIFACT, PROMOTION, ALERTS, ERROR_BUDGET),
    *(BACKUP_AGE, DRILL_AGE, REACHABLE, LOCK, DISK, REBOOT),
)
#: Decided by time alone: a host that fails no other check may be skipped or waited for.
BY_SCHEDULE = frozenset({FREEZE, WINDOW, ROOM})
#: Made again before every batch, because their outcome may change during the change.
RECHECKED = frozenset({STOP, OVERRIDE, FREEZE, WINDOW, ROOM, ALERTS, ERROR_BUDGET})
#: What only the host itself knows, which costs a module run on each.
ON_HOST = frozenset({REACHABLE, LOCK, DISK, REBOOT})


@dataclass(frozen=True)
class Unknown:
    """Stands for a fact that could not be found out, and says why."""

    why: str


@dataclass(frozen=True)
class Check:
    """One check of one host.

    :param message: one sentence for people, without a full stop
    :param evidence: the numbers and names behind it, as builtins
    :param until: when it may hold again, where that is known
    """

    name: str
    outcome: CheckOutcome
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None


def passed(name: str, message: str, **evidence: Any) -> Check:
    return Check(name, CheckOutcome.PASS, message, evidence)


def failed(name: str, message: str, **evidence: Any) -> Check:
    return Check(name, CheckOutcome.FAIL, message, evidence)


def failed_until(name: str, message: str, until: datetime | None, **evidence: Any) -> Check:
    """Failed until ``until``, where that is known."""
    return Check(name, CheckOutcome.FAIL, message, evidence, until)


def unknown(name: str, why: str, **evidence: Any) -> Check:
    return Check(name, CheckOutcome.INCONCLUSIVE, why, evidence)


def passed_if(name: str, holds: bool, message: str, **evidence: Any) -> Check:
    """Passed or failed, with the same message."""
    return Check(name, CheckOutcome.PASS if holds else CheckOutcome.FAIL, message, evidence)
