"""mas.yml: what people write, and the errors when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Files
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import masfile

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "artifacts" / "masfile.yml").read_text())
BUILT = "2026-01-31T12:00:00Z"


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["error"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=case["error"]) as caught:
        masfile.parse(case["text"], "mas.yml").manifest(None, "", BUILT, Files(0, 0))
    line = f", line {case['line']}" if "line" in case else ""
    assert caught.value.where == f"mas.yml{line}"
    assert caught.value.fix


def test_defaults_and_strings() -> None:
    text = """
name: agents
processes:
  api: {kind: web, command: python3 -m 'agents api'}
  worker: {kind: worker, command: [a, b c], stop_signal: SIGINT}
health: {path: /health}
migrations: {expand: a b}
"""
    description = masfile.parse(text, "mas.yml")
    manifest = description.manifest("2.0.0", "abc", BUILT, Files(1, 2)).to_dict()
    assert manifest == {
        "schema": 1,
        "name": "agents",
        "version": "2.0.0",
        "commit": "abc",
        "built": BUILT,
        "processes": {
            "api": {
                "kind": "web",
                "command": ["python3", "-m", "agents api"],
                "stop_signal": "SIGTERM",
                "stop_grace": 10,
            },
            "worker": {"kind": "worker", "command": ["a", "b c"], "stop_signal": "SIGINT", "stop_grace": 10},
        },
        "health": {"path": "/health", "expected": 200, "startup_budget": 30},
        "migrations": {"expand": ["a", "b"], "contract": None},
        "secrets": [],
        "files": {"count": 1, "bytes": 2},
    }


def test_packages_travel_without_the_version_that_is_for_the_bill_of_materials() -> None:
    text = "name: agents\npackages: [libstdc++6, curl=8.5-1]\nprocesses: {w: {kind: worker, command: a}}"
    description = masfile.parse(text, "mas.yml")
    assert description.packages == ("libstdc++6", "curl=8.5-1")
    assert description.manifest("1", "", BUILT, Files(0, 0)).packages == ("libstdc++6", "curl")
