"""The three modules on real files: what they answer, write, refuse, and say in check mode."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action.ledger_entry import ActionModule
from ansible_collections.mas.ops.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    LedgerError,
    NotFound,
    OpsError,
    StorageError,
)
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters import host
from ansible_collections.mas.ops.plugins.module_utils._ledger.adapters.file import LEDGER, FileLedger
from ansible_collections.mas.ops.plugins.module_utils._ledger.event import RESERVED
from ansible_collections.mas.ops.plugins.module_utils._ledger.policy import LedgerPolicy
from ansible_collections.mas.ops.plugins.modules import ledger_entry, ledger_info, ledger_metrics

NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture(autouse=True)
def _policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest must be able to remove the files."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"append_only": false}')
    monkeypatch.setattr(host, "POLICY", str(policy))


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "mas").mkdir()
    return str(tmp_path / "mas/ledger.jsonl")


def options(spec: ArgumentSpec, given: dict[str, Any]) -> dict[str, Any]:
    """As Ansible would hand them over."""
    result = ArgumentSpecValidator(**spec.to_kwargs()).validate(given)
    assert not result.error_messages
    return dict(result.validated_parameters)


def ask(path: str, **given: Any) -> dict[str, Any]:
    answer = dict(ledger_info.ledger(options(ledger_info.SPEC, {"path": path, **given})))
    json.dumps(answer)
    return answer


def note(path: str, check: bool = False, **given: Any) -> Any:
    given = {"path": path, "kind": "failover", "msg": "db-2 leads", **given}
    return ledger_entry.note(options(ledger_entry.SPEC, given), check)


def measure(path: str, dest: Path, check: bool = False) -> Any:
    given = {"path": path, "dest": str(dest)}
    return ledger_metrics.metrics(options(ledger_metrics.SPEC, given), check)


def test_the_default_is_where_releases_are_written() -> None:
    assert options(ledger_info.SPEC, {})["path"] == LEDGER


@pytest.mark.parametrize("folder", ["", "none/"])
def test_a_host_without_a_ledger_has_an_empty_one(path: str, folder: str) -> None:
    answer = ask(f"{Path(path).parent}/{folder}ledger.jsonl")
    assert answer["entries"] == answer["files"] == []
    assert answer["append_only"] is None
    assert answer["chain"] == {
        "intact": True, "entries": 0, "first": None, "last": None, "head": None, "truncated": False,
        "break": None,
    }  # fmt: skip


def test_questions_reach_the_entries(path: str) -> None:
    ledger = FileLedger(path, LedgerPolicy(max_bytes=1000))
    for number in range(20):
        ledger.append(
            {"kind": "x" if number % 2 else "y", "number": number}, f"2026-01-{number + 1:02d}T00:00:00Z"
        )
    answer = ask(path, kinds=["x"], since="2026-01-05", until="2026-01-17", limit=2)
    assert [entry["number"] for entry in answer["entries"]] == [13, 15]
    assert answer["chain"]["intact"]
    assert len(answer["files"]) > 2
    assert answer["files"][-1].keys() == {"path", "bytes", "append_only", "torn"}
    assert ask(path, limit=0)["entries"] == []


def test_a_broken_chain_is_an_answer_or_a_failure_as_wanted(path: str) -> None:
    ledger = FileLedger(path)
    for number in range(3):
        ledger.append({"kind": "x", "number": number}, NOW)
    file = Path(path)
    file.write_bytes(file.read_bytes().replace(b'"number":1', b'"number":7'))
    answer = ask(path)
    assert answer["chain"]["intact"] is False
    assert answer["chain"]["break"].items() >= {"file": path, "line": 2, "sequence": 2}.items()
    assert [entry["number"] for entry in answer["entries"]] == [0], "only what is proven"
    with pytest.raises(LedgerError, match="broken at line 2, entry 2") as caught:
        ask(path, fail_on_break=True)
    assert caught.value.where == path
    unproven = ask(path, verify=False, fail_on_break=True)
    assert [entry["number"] for entry in unproven["entries"]] == [0, 7, 2]
    assert unproven["chain"]["intact"] is None


def test_a_torn_line_is_reported_and_breaks_nothing(path: str) -> None:
    FileLedger(path).append({"kind": "x"}, NOW)
    with Path(path).open("ab") as stream:
        stream.write(b"torn")
    assert ask(path)["files"][0]["torn"] == 4
    assert ask(path, fail_on_break=True)["chain"]["intact"]


@pytest.mark.parametrize("wrong", [{"since": "soon"}, {"until": "x"}, {"limit": -1}])
def test_a_question_that_means_nothing(path: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        ask(path, **wrong)
    assert caught.value.where in wrong


def test_an_event_is_written_as_it_is_returned(path: str) -> None:
    outcome = note(path, application="agents", data={"to": "db-2"}, run="awx-5", actor="ada")
    assert outcome.plan.changed
    assert ask(path)["entries"] == [outcome.facts["entry"]]
    assert outcome.facts["entry"].items() >= {
        "kind": "failover", "action": "noted", "application": "agents", "message": "db-2 leads",
        "outcome": "succeeded", "data": {"to": "db-2"}, "run": "awx-5", "actor": "ada", "sequence": 1,
    }.items()  # fmt: skip
    assert outcome.plan.after == {"last": 1, "entry": outcome.facts["entry"]}


def test_check_mode_writes_nothing_and_says_the_same(path: str) -> None:
    note(path)
    before = Path(path).read_bytes()
    would, done = note(path, check=True), note(path)
    assert Path(path).read_bytes()[: len(before)] == before
    assert len(ask(path)["entries"]) == 2
    assert would.plan.describe() == done.plan.describe() == ["append failover"]
    assert (would.plan.before, would.plan.after["last"]) == (done.plan.before, done.plan.after["last"])
    added = {"time", "sequence", "previous", "hash"}
    written = {name: value for name, value in done.facts["entry"].items() if name not in added}
    assert would.facts["entry"] == written


@pytest.mark.parametrize("check", [True, False])
def test_check_mode_refuses_what_would_be_refused(path: str, check: bool) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        note(f"{path}/none/ledger.jsonl", check)
    Path(path).write_bytes(b"hello\n")
    with pytest.raises(LedgerError, match="last line"):
        note(path, check)
    assert Path(path).read_bytes() == b"hello\n"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"kind": kind} for kind in sorted(RESERVED)),
        {"kind": "Release"}, {"kind": ""}, {"kind": "a b"}, {"kind": "x" * 41}, {"kind": "release\n"},
        {"action": "Done!"}, {"data": {"x": "y" * 70_000}},
    ],
    ids=lambda wrong: str(wrong)[:40],
)  # fmt: skip
def test_an_event_that_is_refused(path: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        note(path, **wrong)
    assert caught.value.where in wrong
    assert not Path(path).exists()


def test_metrics_are_written_when_something_is_new(path: str, tmp_path: Path) -> None:
    dest = tmp_path / "mas.prom"
    would = measure(path, dest, check=True)
    assert would.plan.changed
    assert not dest.exists()
    assert measure(path, dest).plan.changed
    assert dest.read_text() == would.facts["metrics"]
    assert dest.stat().st_mode & 0o777 == 0o644
    assert not measure(path, dest).plan.changed
    note(path)
    assert measure(path, dest, check=True).plan.changed
    assert "mas_ledger_entries_total 0" in dest.read_text()
    assert measure(path, dest).plan.changed
    assert "mas_ledger_entries_total 1" in dest.read_text()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name, kind", [("none/mas.prom", NotFound), ("mas.txt", BadInput)])
def test_metrics_that_no_collector_would_find(
    path: str, tmp_path: Path, name: str, kind: type[OpsError], check: bool
) -> None:
    with pytest.raises(kind):
        measure(path, tmp_path / name, check)


def test_a_broken_ledger_has_metrics(path: str, tmp_path: Path) -> None:
    Path(path).write_bytes(b"hello\n")
    assert "mas_ledger_chain_intact 0" in measure(path, tmp_path / "mas.prom").facts["metrics"]


class Action(ActionModule):
    """Without a host."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._task = SimpleNamespace(args=args, check_mode=False)  # type: ignore[assignment]
        self.called: dict[str, Any] = {}

    def _execute_module(self, **kwargs: Any) -> dict[str, Any]:
        self.called = kwargs
        return {"changed": True}


@pytest.mark.parametrize(
    "given, expected",
    [({}, {"run": "awx-5", "actor": "ada"}), ({"actor": "bob", "run": "r"}, {"run": "r", "actor": "bob"})],
)
def test_the_controller_says_who_and_which_run(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: dict[str, str]
) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action({"kind": "failover", **given})
    assert action.run(task_vars={"awx_job_id": 5, "awx_user_name": "ada"}) == {"changed": True}
    assert action.called["module_name"] == "mas.ops.ledger_entry"
    assert action.called["module_args"] == {"kind": "failover", **expected}
