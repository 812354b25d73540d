"""What counts as an approval: the table of tests/cases/approval."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.approval.decision import (
    ApprovalDecision,
    ApprovalRequest,
    judge,
)

CASES = yaml.safe_load(Path("tests/cases/approval/decisions.yml").read_text("utf-8"))["decisions"]
DIGEST = "a" * 64
HEAD = f"application: agents\nenvironment: production\nsha256: {DIGEST}\n"
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def request(actor: str = "ada@controller") -> ApprovalRequest:
    return ApprovalRequest("agents", "2.0.0", DIGEST, "production", actor)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decisions(case: dict[str, Any]) -> None:
    text = case["text"] and case["text"].replace("HEAD ", HEAD).replace("DIGEST", DIGEST)
    answer = judge(text, request(case.get("actor", "ada@controller")), AT)
    assert answer.decision.value == case["decision"]
    assert answer.by == case.get("by", "")
    assert answer.reason == case.get("reason", "")
    assert case.get("why", "") in answer.why
    assert bool(answer.why) == (answer.decision is ApprovalDecision.PENDING)


def test_the_form_needs_a_name_and_no_more() -> None:
    form = json.loads(request().form())
    assert judge(json.dumps(form | {"by": "bob"}), request(), AT).decision is ApprovalDecision.APPROVED
    assert "environment" not in json.loads(ApprovalRequest("agents", "2.0.0", DIGEST).form())
