"""One-off commands on a host whose files are real and whose systemd is not: crashes, refusals, and what is left."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    BadInput,
    Busy,
    LedgerError,
    NotFound,
    OpsError,
    Preempted,
    Refused,
    ServiceError,
)
from ansible_collections.mas.ops.plugins.module_utils._core.unit_end import runs
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import lock
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import one_off as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.one_off import Place
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot
from ansible_collections.mas.ops.plugins.module_utils._releases.state import State
from ansible_collections.mas.ops.tests.unit.releases.fake_host import FakeHost
from ansible_collections.mas.ops.tests.unit.releases.samples import APP
from ansible_collections.mas.ops.tests.unit.releases.test_one_off import (
    EXITED,
    GONE,
    ONE,
    RECORD,
    RUNS,
    SECRET,
    wanted,
)


class Killed(BaseException):
    """kill -9."""


class Machine:
    """systemd, for one unit after another."""

    def __init__(self) -> None:
        self.facts: dict[str, Mapping[str, str]] = {}
        self.begun: list[str] = []
        #: What the command comes to.
        self.end: Mapping[str, str] = EXITED
        self.die: str = ""
        self.fail: OpsError | None = None

    def __call__(self, *_: Any) -> Machine:
        return self

    def once(self, unit: str) -> Mapping[str, str]:
        return self.facts.get(unit, GONE)

    def begin_once(self, unit: str) -> None:
        self._at("begin")
        if self.fail:
            raise self.fail
        self.begun.append(unit)
        self.facts[unit] = RUNS

    def end_once(self, unit: str, _seconds: float) -> bool:
        self._at("end")
        return runs(self.facts.pop(unit, GONE))

    def kill_once(self, unit: str) -> None:
        self.facts.pop(unit, None)

    def sleep(self, _seconds: float) -> None:
        self._at("wait")
        self.facts = dict.fromkeys(self.facts, self.end)

    def _at(self, point: str) -> None:
        if self.die == point:
            raise Killed


class Disk:
    """The slots."""

    units: ClassVar[dict[str, Any]] = {}
    live: str | None = "blue"
    record_of: Slot | None = RECORD

    def __init__(self, *_: Any) -> None: ...

    def state(self) -> State:
        return State(live=self.live)

    def held(self, _slot: str) -> str:
        return ONE

    def record(self, _slot: str) -> Slot | None:
        return self.record_of

    def manifest(self, _release: str) -> Any:
        return SimpleNamespace(secrets=["TOKEN"])

    def secrets(self, _slot: str) -> frozenset[str]:
        return frozenset({SECRET})

    def lease(self) -> Any:
        return SimpleNamespace(token=None)

    def write_one_off(self, slot: str, process: str, words: Any, seconds: int) -> str:
        unit = Layout(APP).one_off(slot)
        self.units[unit] = (process, words, seconds)
        return unit

    def forget_one_off(self, slot: str) -> None:
        self.units.pop(Layout(APP).one_off(slot), None)


class Ledger:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.fails = False

    def check(self) -> int:
        return 0

    def append(self, entry: dict[str, Any], _time: str) -> None:
        if self.fails:
            raise LedgerError("the disk is full")
        self.entries.append(entry)


@pytest.fixture
def machine(layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine()
    Disk.units = {}
    (tmp_path / "blue.env").write_text(f"TOKEN={SECRET}\n")
    for name, value in {"Systemd": machine, "Folders": Disk, "_is_seen": lambda: True}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(lock, "Folders", Disk)
    monkeypatch.setattr(layout_module, "environment_path", lambda _app, slot: str(tmp_path / f"{slot}.env"))
    # Not that of threads of other tests.
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=machine.sleep, monotonic=time.monotonic))
    monkeypatch.setattr(module.journal, "output", lambda *_: "done\n")
    return machine


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger()
    monkeypatch.setattr(module, "host_ledger", lambda: ledger)
    return ledger


def place(layout: Layout, run: str = "run-1", report_missing: bool = False) -> Place:
    more = {"report_missing": report_missing, "host": "web1", "gate": {"passed": ["window"]}}
    return Place(layout, {"run": run, "actor": "ada", **more})


def left(layout: Layout) -> list[str]:
    path = Path(layout.one_off_note)
    return [*Disk.units, *([path.name] if path.exists() else [])]


def test_it_runs_once_and_leaves_an_entry_and_nothing_else(
    layout: Layout, machine: Machine, ledger: Ledger
) -> None:
    plan, facts = place(layout).run(wanted("python3 -m x"))
    assert plan.changed
    assert (facts["succeeded"], facts["exit_status"], facts["output"]) == (True, 0, "done\n")
    assert machine.begun == ["agents-one-off@blue.service"]
    (entry,) = ledger.entries
    expected = {
        "kind": "command",
        "action": "ended",
        "outcome": "succeeded",
        "exit_status": 0,
        "host": "web1",
    }
    assert expected.items() <= entry.items()
    assert (entry["command"], entry["release"], entry["process"]) == (["python3", "-m", "x"], ONE, "worker")
    assert entry["gate"] == {"passed": ["window"]}
    assert "done" not in json.dumps(entry)
    assert left(layout) == []


def test_check_mode_runs_nothing(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    plan, facts = place(layout).look(wanted("touch x"))
    assert plan.changed
    assert facts["summary"].startswith("Would run `touch x` as agents in /srv/agents/slots/blue")
    assert (machine.begun, ledger.entries, left(layout)) == ([], [], [])


def test_a_failed_one_is_no_success(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    machine.end = {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "3"}
    facts = place(layout).run(wanted()).facts
    assert (facts["succeeded"], facts["exit_status"]) == (False, 3)
    assert ledger.entries[0]["outcome"] == "failed"
    machine.end = GONE
    assert place(layout).run(wanted()).facts["exit_status"] is None
    assert ledger.entries[1]["action"] == "stopped"


def test_a_systemd_that_says_nothing_for_a_moment_ends_no_command(
    layout: Layout, machine: Machine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while it is upgraded."""
    seen, once = list[str](), machine.once

    def silent(unit: str) -> Mapping[str, str]:
        if machine.begun and len(seen) < 3:
            seen.append(unit)
            if len(seen) > 1:
                raise ServiceError("systemd does not say whether it runs")
        return once(unit)

    monkeypatch.setattr(machine, "once", silent)
    assert place(layout).run(wanted()).facts["succeeded"]
    assert len(seen) == 3
    assert ledger.entries[0]["action"] == "ended"


def test_what_cannot_be_known_is_not_called_stopped(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    """The host was restarted after the module was killed: systemd knows nothing of the command."""
    machine.die = "wait"
    with pytest.raises(Killed):
        place(layout).run(wanted())
    machine.die = ""
    machine.facts.clear()
    with pytest.raises(Refused, match="ended, and it is not known how: the host was restarted"):
        place(layout, "run-2").run(wanted())
    entry = ledger.entries[0]
    assert (entry["action"], entry["outcome"], entry["exit_status"]) == ("unknown", "failed", None)


@pytest.mark.parametrize("point", ["begin", "wait", "end"])
def test_a_killed_module_is_found_by_the_next_run(
    layout: Layout, machine: Machine, ledger: Ledger, point: str
) -> None:
    """Wherever it dies, the command is not run again without a word."""
    machine.die = point
    with pytest.raises(Killed):
        place(layout).run(wanted("sleep 5"))
    machine.die = ""
    if point == "wait":
        for call in (place(layout, "run-2").look, place(layout, "run-2").run):
            with pytest.raises(Busy, match=r"runs on this host: `sleep 5` of ada .*run-1"):
                call(wanted("sleep 5"))
        machine.sleep(0)
    facts = place(layout, "run-2").look(wanted("sleep 5")).facts
    assert facts["unseen"].startswith("`sleep 5` of ada (since ")
    assert (
        facts["summary"]
        == f"{facts['unseen']}. This call would run nothing and complete the ledger; the one after it runs."
    )
    with pytest.raises(Refused, match="did not see its end"):
        place(layout, "run-2").run(wanted("sleep 5"))
    assert machine.begun == ["agents-one-off@blue.service"] * (point != "begin")
    assert ledger.entries
    assert left(layout) == []
    assert place(layout, "run-3").run(wanted("sleep 5")).facts["succeeded"]


def test_the_next_run_hears_of_one_whose_controller_was_gone(
    layout: Layout, machine: Machine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_is_seen", lambda: False)
        place(layout).run(wanted("sleep 5"))
    assert left(layout) == ["one-off.json"]
    with pytest.raises(
        Refused, match=r"it ended with exit status 0\. The ledger has it, and nothing was run now"
    ):
        place(layout).run(wanted("sleep 5"))
    assert len(ledger.entries) == len(machine.begun) == 1
    assert left(layout) == []


def test_what_is_not_started_leaves_nothing(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    machine.fail = Preempted("a rollback wants this host")
    with pytest.raises(Preempted):
        place(layout).run(wanted())
    assert (left(layout), ledger.entries) == ([], [])


def test_one_runs_that_has_no_note(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    machine.facts["agents-one-off@green.service"] = RUNS
    for call in (place(layout).look, place(layout).run):
        with pytest.raises(Busy, match="agents-one-off@green"):
            call(wanted())
    assert ledger.entries == []


def test_a_damaged_note_is_set_aside(layout: Layout, machine: Machine, ledger: Ledger) -> None:
    path = Path(layout.one_off_note)
    path.write_text("{")
    assert place(layout).run(wanted()).facts["succeeded"]
    assert not path.exists()
    assert list(path.parent.glob("one-off.json.aside-*"))
    assert len(ledger.entries) == len(machine.begun) == 1


def test_an_end_that_cannot_be_recorded_is_said_and_kept(
    layout: Layout, machine: Machine, ledger: Ledger
) -> None:
    ledger.fails = True
    with pytest.raises(LedgerError, match="The command has run: it ended with exit status 0"):
        place(layout).run(wanted())
    ledger.fails = False
    with pytest.raises(Refused):
        place(layout).run(wanted())
    assert len(ledger.entries) == len(machine.begun) == 1


def test_a_host_without_the_process(
    layout: Layout, machine: Machine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="did you mean worker"):
        place(layout).run(wanted(process="wroker"))
    found = place(layout, report_missing=True).look(wanted(process="wroker"))
    assert not found.plan.changed
    assert "did you mean worker" in found.facts["missing"]
    monkeypatch.setattr(Disk, "live", None)
    assert place(layout, report_missing=True).run(wanted()).facts["missing"] == "no release is live"
    assert (machine.begun, ledger.entries) == ([], [])


@pytest.mark.usefixtures("machine", "ledger")
def test_a_secret_of_the_release_is_no_word(layout: Layout) -> None:
    for call in (place(layout).look, place(layout).run):
        with pytest.raises(BadInput, match="the value of TOKEN"):
            call(wanted(["echo", SECRET]))


# A release needs the slot.


def test_a_release_ends_it_only_where_it_needs_the_slot() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    host.deploy("2.0.0")
    host.one_offs = {"blue", "green"}
    host.do("rolled_back")
    assert host.one_offs == {"blue", "green"}
    done = host.do("staged", "3.0.0")
    assert len(host.one_offs) == 1
    assert "A one-off command ran in the green slot" in " ".join(done[1]["warnings"])
