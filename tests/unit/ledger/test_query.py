"""Questions to a ledger, by the table in tests/cases/ledger/query.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._ledger.query import Query, parse_time, select

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/ledger/query.yml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["questions"], ids=str)
def test_questions(case: dict[str, Any]) -> None:
    ask = dict(case["ask"])
    for name in ("since", "until"):
        if name in ask:
            ask[name] = parse_time(ask[name])
    for name in ("kinds", "actions"):
        ask[name] = tuple(ask.get(name, ()))
    numbered = [{"number": number, **entry} for number, entry in CASES["entries"].items()]
    found = select(numbered, Query(**ask), case.get("limit"))
    assert [entry["number"] for entry in found] == case["find"]


@pytest.mark.parametrize("case", CASES["times"], ids=str)
def test_times(case: dict[str, str]) -> None:
    assert parse_time(case["text"]).isoformat() == case["means"]


@pytest.mark.parametrize("text", CASES["mistakes"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadInput, match="is not a time") as caught:
        parse_time(text, "since")
    assert caught.value.where == "since"
