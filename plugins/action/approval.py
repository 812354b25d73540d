# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for an approval on the controller. The documentation is in plugins/modules/approval.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._core.errors import Refused
from ..module_utils._releases.manifest import check_sha256
from ..modules.approval import SPEC
from ..plugin_utils.adapters.action import ControllerAction, Facts
from ..plugin_utils.adapters.run import actor
from ..plugin_utils.approval.adapters.waiting import ApprovalWait, DecisionSource, Polling, WaitResult
from ..plugin_utils.approval.decision import ApprovalDecision, ApprovalRequest


class ActionModule(ControllerAction):
    spec = SPEC

    def answer(self, params: Mapping[str, Any]) -> Facts:
        named = {name: str(params[name]) for name in ("application", "version", "environment")}
        asking = actor(self.variables) if params["four_eyes"] else ""
        request = ApprovalRequest(**named, sha256=check_sha256(str(params["sha256"])), actor=asking)
        waiting = ApprovalWait(DecisionSource(str(params["source"])), request, self._display.display)
        limit = 0.0 if self._task.check_mode else float(params["timeout"])
        outcome = waiting.wait(Polling(limit, max(1.0, float(params["interval"]))))
        facts = _facts(outcome, waiting)
        refusal = _refusal(outcome, waiting)
        if refusal is None or (self._task.check_mode and outcome.answer.decision is ApprovalDecision.PENDING):
            return facts
        return {**facts, "failed": True, "msg": str(refusal), **refusal.to_dict()}


def _facts(outcome: WaitResult, waiting: ApprovalWait) -> Facts:
    answer = outcome.answer
    decided = {
        "decision": answer.decision.value,
        "by": answer.by,
        "reason": answer.reason,
        "owner": outcome.owner,
        "waited": round(outcome.waited, 1),
    }
    about = {**waiting.request.names(), "version": waiting.request.version, "source": str(waiting.source)}
    return {
        "changed": False,
        **decided,
        "evidence": {**about, **decided},
        "text": _text(outcome, waiting.request),
    }


def _text(outcome: WaitResult, request: ApprovalRequest) -> str:
    answer = outcome.answer
    if answer.decision is ApprovalDecision.PENDING:
        return f"{request} was not approved: {answer.why}."
    because = f": {answer.reason.rstrip('.')}" if answer.reason else ""
    return f"{request} was {answer.decision.value} by {answer.by}{because}."


def _refusal(outcome: WaitResult, waiting: ApprovalWait) -> Refused | None:
    answer, request = outcome.answer, waiting.request
    if answer.decision is ApprovalDecision.APPROVED:
        return None
    if answer.decision is ApprovalDecision.DENIED:
        because = f": {answer.reason.rstrip('.')}" if answer.reason else ""
        return Refused(
            f"{request} was denied by {answer.by}{because}",
            where=str(waiting.source),
            fix="Nothing was switched. Talk to them, or deploy another version.",
        )
    return Refused(
        f"{request} was not approved within {outcome.waited:.0f} s: {answer.why}",
        where=str(waiting.source),
        fix=f"Write {request.form()} there, and run the same command again.",
    )
