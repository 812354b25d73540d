"""What gate_info reads on a host, and the ledger entry of a decision."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._gate import entry, host_facts
from ansible_collections.mas.ops.plugins.module_utils._gate.adapters import host
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.clock import HostClock
from ansible_collections.mas.ops.plugins.module_utils._releases.lease import (
    Claim,
    Lease,
    claim,
    released,
)

RUN = {"kind": "release", "application": "agents", "action": "live", "run": "7"}


def took(began: Any, time: Any, **more: Any) -> dict[str, Any]:
    return {**RUN, "began": began, "time": time, **more}


def test_runs() -> None:
    entries = [
        took("2026-03-09T10:00:00.000Z", "2026-03-09T10:01:30.500Z"),
        took("2026-03-09T11:00:00.000Z", "2026-03-09T11:00:05.000Z", action="rolled_back", run="8"),
        # None of these says how long a run of agents took.
        took("2026-03-09T10:00:00.000Z", "2026-03-09T10:01:30.500Z", application="other"),
        took("2026-03-09T10:00:00.000Z", "2026-03-09T10:01:30.500Z", action="failed"),
        took("2026-03-09T10:00:00.000Z", "2026-03-09T10:01:30.500Z", kind="gate"),
        took(None, "2026-03-09T10:01:30.500Z"),
        took("2026-03-09T10:01:31.000Z", "2026-03-09T10:01:30.500Z"),
        took("yesterday", "2026-03-09T10:01:30.500Z"),
    ]
    assert host_facts.runs(entries, "agents") == [
        {"run": "7", "kind": "deploy", "seconds": 90.5},
        {"run": "8", "kind": "rollback", "seconds": 5.0},
    ]


def test_only_the_newest_runs_count() -> None:
    entries = [took("2026-03-09T10:00:00Z", "2026-03-09T10:01:00Z", run=str(n)) for n in range(80)]
    assert [one["run"] for one in host_facts.runs(entries, "agents")] == [str(n) for n in range(30, 80)]


@pytest.mark.parametrize(
    "more, good",
    [
        ({"outcome": "succeeded"}, True), ({"outcome": "failed"}, False), ({"action": "failed"}, False),
        ({"action": "done"}, True), ({"outcome": "succeeded", "verdict": "inconclusive"}, False),
        ({"outcome": "succeeded", "verdict": "pass"}, True),
    ],
)  # fmt: skip
def test_the_newest_good_one(more: dict[str, Any], good: bool) -> None:
    old = {"kind": "drill", "outcome": "succeeded", "time": "2026-03-01T00:00:00Z"}
    new = {"kind": "drill", "time": "2026-03-09T00:00:00Z", **more}
    assert host_facts.newest([old, new], "drill") == (new if good else old)["time"]
    assert host_facts.newest([old, new], "backup") is None


def test_an_entry_of_a_decision() -> None:
    given = {"change": "deploy", "application": "agents", "gate": {"at": "x"}, "run": "7", "actor": "ada"}
    refused = entry.entry({**given, "action": "refused"})
    assert refused == {**given, "kind": "gate", "action": "refused", "outcome": "failed"}
    assert entry.entry({**given, "action": "passed"})["outcome"] == "succeeded"


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(host, "STATE", str(tmp_path))
    monkeypatch.setattr(host, "_REBOOT", (str(tmp_path / "reboot-required"),))
    monkeypatch.setattr(host, "FileLedger", lambda: FileLedger(str(tmp_path / "ledger.jsonl")))
    (tmp_path / "agents").mkdir()
    return tmp_path


def test_a_host_that_knows_nothing_yet(state: Path) -> None:
    found = host.look("agents")
    assert found["disks"][0]["path"] == str(state)
    assert found["disks"][0]["free"] > 0
    assert 0 < found["disks"][0]["percent"] <= 100
    assert not found["locked"]
    assert found["reboot"] == found["runs"] == []
    assert found["newest"] == {"backup": None, "drill": None}
    assert found["ledger_error"] == ""


def test_a_pending_reboot(state: Path) -> None:
    flag = state / "reboot-required"
    flag.touch()
    assert host.look("")["reboot"] == [str(flag)]
    Path(f"{flag}.pkgs").write_text("linux-image-amd64\nlibc6\nlibc6\n")
    assert host.look("")["reboot"] == ["libc6", "linux-image-amd64"]


def test_a_lock_that_a_run_holds(state: Path) -> None:
    lock = state / "agents/lock"
    with lock.open("w") as stream:
        assert not host.look("agents")["locked"]
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert host.look("agents")["locked"]
        fcntl.flock(stream, fcntl.LOCK_UN)
        assert not host.look("agents")["locked"]
        # Another gate that looks at the same time is no run.
        fcntl.flock(stream, fcntl.LOCK_SH)
        assert not host.look("agents")["locked"]


def test_a_damaged_ledger_is_reported(state: Path) -> None:
    (state / "ledger.jsonl").write_text("nonsense\n")
    found = host.look("agents")
    assert "line 1" in found["ledger_error"]
    assert found["runs"] == []


def test_runs_and_backups_of_a_ledger(state: Path) -> None:
    book = FileLedger(str(state / "ledger.jsonl"))
    book.append({**RUN, "began": "2026-03-09T10:00:00Z"}, "2026-03-09T10:00:09.000Z")
    book.append({"kind": "backup", "outcome": "succeeded"}, "2026-03-09T11:00:00.000Z")
    found = host.look("agents")
    assert [one["seconds"] for one in found["runs"]] == [9.0]
    assert found["newest"]["backup"] == "2026-03-09T11:00:00.000Z"


def test_the_content_of_a_sealed_file_counts_as_well(state: Path) -> None:
    path = str(state / "ledger.jsonl")
    book = FileLedger(path)
    book.append({**RUN, "began": "2026-03-09T10:00:00Z"}, "2026-03-09T10:00:09.000Z")
    book.append({"kind": "backup", "outcome": "succeeded"}, "2026-03-09T11:00:00.000Z")
    FileLedger(path, LedgerPolicy(max_bytes=1)).append({"kind": "note"}, "2026-03-09T12:00:00.000Z")
    assert [one.get("action") for one in book.entries()] == ["rotated", None]
    found = host.look("agents")
    assert [one["seconds"] for one in found["runs"]] == [9.0]
    assert found["newest"]["backup"] == "2026-03-09T11:00:00.000Z"


def test_the_holder_of_a_lease(state: Path) -> None:
    assert host.look("agents")["lease"] == {}
    moment = HostClock.moment()
    wanted = Claim("7", "ada", "deploy of 2.0.0")
    held = claim(Lease(), wanted, moment, 60.0)
    path = state / "agents/lease.json"
    path.write_text(json.dumps(held.to_dict()))
    assert host.look("agents")["lease"] == {
        "owner": "ada", "operation": "deploy of 2.0.0", "since": moment.text, "run": "7",
    }  # fmt: skip
    path.write_text(json.dumps(claim(Lease(), wanted, moment, -1.0).to_dict()))
    assert host.look("agents")["lease"] == {}
    path.write_text(json.dumps(released(held).to_dict()))
    assert host.look("agents")["lease"] == {}
    path.write_text("{")
    assert host.look("agents")["lease"] == {}
