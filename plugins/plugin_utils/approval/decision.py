# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision must say to count, and what it decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import yaml


class ApprovalDecision(Enum):
    """``PENDING``: there is no decision about this release yet."""

    APPROVED = "approved"
    DENIED = "denied"
    PENDING = "pending"


@dataclass(frozen=True)
class ApprovalRequest:
    """What is to be approved. The digest binds a decision to the bytes of one artifact.

    :param actor: who asks for approval, and may not give it; empty when that is allowed
    """

    application: str
    version: str
    sha256: str
    environment: str = ""
    actor: str = ""

    def names(self) -> dict[str, str]:
        """What a decision must repeat, word for word."""
        named = {"application": self.application, "environment": self.environment, "sha256": self.sha256}
        return {key: value for key, value in named.items() if value}

    def form(self) -> str:
        """A decision to fill in."""
        return json.dumps({**self.names(), "decision": "approved", "by": "YOUR NAME", "reason": "WHY"})

    def __str__(self) -> str:
        place = f" in {self.environment}" if self.environment else ""
        return f"{self.application} {self.version}{place}"


@dataclass(frozen=True)
class ApprovalAnswer:
    """What was decided. ``why`` says of a pending one what is missing."""

    decision: ApprovalDecision
    by: str = ""
    reason: str = ""
    why: str = ""


def judge(text: str | None, request: ApprovalRequest, at: datetime) -> ApprovalAnswer:
    """What the text decides about the release at a moment.

    A text that is about something else decides nothing: it may be left over from the release before.

    :param text: YAML or JSON; nothing when there is no such file
    """
    if text is None:
        return _pending("there is no decision yet")
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return _pending("it is neither YAML nor JSON")
    if not isinstance(data, dict):
        return _pending("it is not a mapping")
    for name, wanted in request.names().items():
        if (found := str(data.get(name, ""))) != wanted:
            return _pending(f"its {name} is {found or 'missing'}, not {wanted}")
    return _decided(data, request, at)


def _decided(data: Mapping[str, Any], request: ApprovalRequest, at: datetime) -> ApprovalAnswer:
    by, reason = str(data.get("by") or "").strip(), str(data.get("reason") or "").strip()
    word = str(data.get("decision", ""))
    if word not in {ApprovalDecision.APPROVED.value, ApprovalDecision.DENIED.value}:
        return _pending(f"its decision is {word or 'missing'}, not approved or denied")
    if not by:
        return _pending("it does not say by whom")
    if word == ApprovalDecision.DENIED.value:
        return ApprovalAnswer(ApprovalDecision.DENIED, by, reason)
    if by.casefold() in _requester_names(request):
        return _pending(f"{by} started this run and cannot approve it")
    if problem := _expired(data.get("until"), at):
        return _pending(problem)
    return ApprovalAnswer(ApprovalDecision.APPROVED, by, reason)


def _requester_names(request: ApprovalRequest) -> set[str]:
    """The names of the one who asks: of ``ada@controller`` also ``ada``."""
    names = {request.actor.casefold(), request.actor.partition("@")[0].casefold()}
    return names - {""}


def _expired(until: Any, at: datetime) -> str:
    """YAML makes a date of what looks like one; a time without a zone is in UTC."""
    if until is None:
        return ""
    try:
        end = until if isinstance(until, datetime) else datetime.fromisoformat(str(until))
    except ValueError:
        return f"its until is {until}, which is not a time such as 2026-01-31T18:00:00+01:00"
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    return "" if at < end else f"it expired at {end.isoformat()}"


def _pending(why: str) -> ApprovalAnswer:
    return ApprovalAnswer(ApprovalDecision.PENDING, why=why)
