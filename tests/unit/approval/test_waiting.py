"""Waiting for a decision, with a clock of our own; and the action around it."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action.approval import ActionModule
from ansible_collections.mas.ops.plugins.plugin_utils.approval.adapters import waiting as module
from ansible_collections.mas.ops.plugins.plugin_utils.approval.adapters.waiting import (
    ApprovalWait,
    DecisionSource,
    Polling,
)
from ansible_collections.mas.ops.plugins.plugin_utils.approval.decision import (
    ApprovalDecision,
    ApprovalRequest,
)

from ..http_server import Recorder

DIGEST = "a" * 64
REQUEST = ApprovalRequest("agents", "2.0.0", DIGEST)
DONE = f"{{application: agents, sha256: {DIGEST}, decision: approved, by: bob}}"


class Clock:
    """Sleeping is all that takes time; at some moment something happens."""

    def __init__(self, at: float, event: Any) -> None:
        self.time, self._at, self._event = 100.0, at, event

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds
        if self._event and self.time >= 100.0 + self._at:
            self._event()
            self._event = None


def waiting(path: Path, clock: Clock, said: list[str]) -> ApprovalWait:
    return ApprovalWait(DecisionSource(str(path)), REQUEST, said.append, clock, clock.sleep)


def test_it_waits_until_it_is_approved(tmp_path: Path) -> None:
    path, said = tmp_path / "approval.yml", []
    path_written = Clock(130.0, lambda: path.write_text(DONE))
    outcome = waiting(path, path_written, said).wait(Polling(3600.0, 5.0))
    assert (outcome.answer.decision, outcome.answer.by, outcome.waited) == (
        ApprovalDecision.APPROVED,
        "bob",
        130.0,
    )
    assert outcome.owner == path.owner()
    # what to do once, and a line a minute
    assert [line.count(DIGEST) for line in said] == [1, 0, 0]
    assert "60 min are left" in said[0]
    assert "58 min are left" in said[2]


def test_it_ends(tmp_path: Path) -> None:
    outcome = waiting(tmp_path / "none", Clock(0, None), []).wait(Polling(12.0, 5.0))
    assert (outcome.answer.decision, outcome.waited) == (ApprovalDecision.PENDING, 12.0)


def test_what_anybody_may_write_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "approval.yml"
    path.write_text(DONE)
    path.chmod(0o666)
    assert waiting(path, Clock(0, None), []).look()[0].why.startswith("every user may write it")
    path.chmod(0o664)
    assert waiting(path, Clock(0, None), []).look()[0].decision is ApprovalDecision.APPROVED


def test_what_cannot_be_read_is_no_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Is a directory" in waiting(tmp_path, Clock(0, None), []).look()[0].why


def test_a_decision_over_http(server: tuple[Recorder, str]) -> None:
    recorder, url = server
    source = ApprovalWait(DecisionSource(f"{url}/a?token=x"), REQUEST, print)
    assert str(source.source) == f"{url}/a"
    recorder.answer(b"", 404)
    assert source.look()[0].why == "there is no decision yet"
    recorder.answer(b"", 503)
    assert source.look()[0].why == "it answered HTTP 503"
    recorder.answer(DONE.encode())
    assert source.look()[0].decision is ApprovalDecision.APPROVED


def test_a_server_of_decisions_that_does_not_end(
    server: tuple[Recorder, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, url = server
    monkeypatch.setattr(module, "_LOOK", 0.3)
    recorder.answer(b" " * 100)
    recorder.drip, begin = 0.1, time.monotonic()
    answer, _ = ApprovalWait(DecisionSource(url), REQUEST, print).look()
    assert answer.why == "it did not answer: timed out"
    assert time.monotonic() - begin < 5


class Action(ActionModule):
    """Without a playbook."""

    def __init__(self, check: bool) -> None:
        self._task = SimpleNamespace(check_mode=check, args={})  # type: ignore[assignment]
        self._display = SimpleNamespace(display=lambda *_: None)

    def validate_argument_spec(self, **_: Any) -> Any:
        return None, self.params


def ask(monkeypatch: pytest.MonkeyPatch, source: Path, check: bool = False, **more: Any) -> dict[str, Any]:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action(check)
    action.params = {
        "source": str(source), "application": "agents", "version": "2.0.0", "sha256": DIGEST, "environment": "",
        "timeout": 0, "interval": 5, "four_eyes": True, **more,
    }  # fmt: skip
    return action.run(task_vars={"awx_user_name": "ada"})


def test_the_action(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "approval.yml"
    pending = ask(monkeypatch, path)
    assert pending["failed"]
    assert pending["error"] == "refused"
    assert DIGEST in pending["msg"]
    path.write_text(DONE)
    approved = ask(monkeypatch, path)
    assert not approved.get("failed")
    assert approved["text"] == "agents 2.0.0 was approved by bob."
    assert approved["evidence"] == {
        "application": "agents", "sha256": DIGEST, "version": "2.0.0", "source": str(path), "decision": "approved",
        "by": "bob", "reason": "", "owner": path.owner(), "waited": 0.0,
    }  # fmt: skip
    path.write_text(DONE.replace("approved", "denied").replace("bob", "ada, reason: too late."))
    for check in (False, True):
        denied = ask(monkeypatch, path, check)
        assert denied["failed"]
        assert denied["msg"].startswith("agents 2.0.0 was denied by ada: too late (")
        assert denied["evidence"]["decision"] == "denied"


def test_four_eyes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "approval.yml"
    path.write_text(DONE.replace("bob", "ada"))
    assert "ada started this run and cannot approve it" in ask(monkeypatch, path)["msg"]
    assert ask(monkeypatch, path, four_eyes=False)["decision"] == "approved"


def test_a_dry_run_does_not_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    looked = ask(monkeypatch, tmp_path / "none", check=True, timeout=3600)
    assert not looked.get("failed")
    assert looked["text"] == "agents 2.0.0 was not approved: there is no decision yet."


def test_a_digest_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ask(monkeypatch, tmp_path / "none", sha256="abc")["error"] == "bad_input"
