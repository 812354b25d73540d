"""What outlives a rotation for those who read one file only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._gate import host_facts
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.checkpoint import CHANGES, checkpoint, expand
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy

DAY = "2026-01-01T10:{:02}:00.000Z"


def change(number: int, application: str = "agents", **more: Any) -> dict[str, Any]:
    time = f"2026-01-01T{number // 60:02}:{number % 60:02}:30.000Z"
    began = f"2026-01-01T{number // 60:02}:{number % 60:02}:00.000Z"
    named = {"kind": "release", "application": application, "action": "live", "to": f"1.{number}.0-aa"}
    return {**named, "run": f"r{number}", "began": began, "time": time, **more}


def test_what_the_gate_asks_for_is_there_after_two_rotations(tmp_path: Path) -> None:
    ledger = FileLedger(str(tmp_path / "ledger.jsonl"), LedgerPolicy(max_bytes=3000))
    ledger.append({"kind": "drill", "outcome": "succeeded", "verdict": "pass"}, DAY.format(1))
    ledger.append({"kind": "backup", "outcome": "succeeded"}, DAY.format(2))
    ledger.append({"kind": "backup", "outcome": "failed"}, DAY.format(3))
    rotations = 0
    number = 0
    while rotations < 2:
        entry = change(number)
        ledger.append(entry, entry["time"])
        rotations += len(ledger.entries()) == 2
        number += 1
    entries = expand(ledger.entries())
    assert host_facts.newest(entries, "drill") == DAY.format(1)
    assert host_facts.newest(entries, "backup") == DAY.format(2), "the failed one proves nothing"
    assert [run["run"] for run in host_facts.runs(entries, "agents")] == [
        f"r{each}" for each in range(number)
    ][-CHANGES:]
    assert {run["seconds"] for run in host_facts.runs(entries, "agents")} == {30.0}


def test_what_is_kept_is_bounded_and_short() -> None:
    entries = [
        change(number, name, seconds={"a": 1}, gate={"x": 1}) for number in range(200) for name in "ab"
    ]
    kept = checkpoint(entries)
    assert [entry["application"] for entry in kept] == ["a", "b"] * CHANGES
    assert kept[-1] == {name: value for name, value in entries[-1].items() if name not in ("seconds", "gate")}
    first = {"kind": "ledger", "action": "rotated", "checkpoint": kept}
    again = checkpoint([first, change(200, "a")])
    assert [entry["run"] for entry in again if entry["application"] == "a"][-2:] == ["r199", "r200"]
    assert len(again) == 2 * CHANGES


def test_only_the_ledger_itself_repeats_anything() -> None:
    entries = [
        {"kind": "drill", "checkpoint": [{"kind": "backup"}]},
        {"kind": "ledger", "action": "repaired", "checkpoint": [{}]},
    ]
    assert expand(entries) == entries
