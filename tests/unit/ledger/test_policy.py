"""How a host keeps its ledger, by the table in tests/cases/ledger/policy.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy, parse_policy

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/ledger/policy.yml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["surplus"], ids=str)
def test_surplus(case: dict[str, Any]) -> None:
    assert LedgerPolicy(**case["policy"]).surplus([days * 86400.0 for days in case["ages"]]) == case["gone"]


@pytest.mark.parametrize("case", CASES["files"], ids=str)
def test_files(case: dict[str, Any]) -> None:
    assert parse_policy(case["data"], "x", append_only=True) == LedgerPolicy(
        **{"append_only": True, **case["policy"]}
    )


@pytest.mark.parametrize("case", CASES["mistakes"], ids=str)
def test_mistakes(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=re.escape(case["says"])) as caught:
        parse_policy(case["data"], "/etc/mas/ledger.json", append_only=True)
    assert caught.value.where == "/etc/mas/ledger.json"
