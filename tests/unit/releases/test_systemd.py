"""What is said to systemctl and systemd-run, and how their answers are read."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.adapters import systemctl as module
from ansible_collections.mas.ops.plugins.module_utils._core.adapters import waited
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    MigrationError,
    ServiceError,
    Stopped,
)
from ansible_collections.mas.ops.plugins.module_utils._releases import layout
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import systemd as own_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.systemd import Systemd
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP
from ansible_collections.mas.ops.tests.unit.releases.fake_systemctl import Machine, block


@pytest.mark.parametrize(
    "active, status, up, stopped, hopeless",
    [
        ("active", "0", True, False, False),
        ("activating", "0", False, False, False),
        ("activating", "203", False, False, True),
        ("deactivating", "0", False, False, False),
        ("reloading", "0", False, False, False),
        ("inactive", "0", False, True, False),
        ("failed", "1", False, True, True),
    ],
)
def test_states(
    systemd: Systemd, machine: Machine, active: str, status: str, up: bool, stopped: bool, hopeless: bool
) -> None:
    text = block(Id="a", LoadState="loaded", ActiveState=active, ExecMainStatus=status, NRestarts="2")
    machine.answers["show"] = (0, text, "")
    facts = systemd.show(["a.service"])["a.service"]
    assert (facts.up, facts.stopped, facts.hopeless, facts.restarts) == (up, stopped, hopeless, 2)


def test_units_in_order(systemd: Systemd, machine: Machine) -> None:
    machine.answers["show"] = (0, block(ActiveState="active") + "\n" + block(ActiveState="failed"), "")
    facts = systemd.show(["a.service", "b.service"])
    assert [facts[unit].active for unit in ("a.service", "b.service")] == ["active", "failed"]
    assert systemd.show([]) == {}
    assert len(machine.calls) == 1


def test_a_look_is_at_states_only(systemd: Systemd, machine: Machine) -> None:
    listed = "a.service loaded active running what it is for\nb.service loaded failed failed b\n"
    machine.answers["list-units"] = (0, listed, "")
    facts = systemd.look(["a.service", "b.service", "c.service"])
    assert [facts[unit].active for unit in facts] == ["active", "failed", "inactive"]
    assert facts["c.service"].stopped, "systemd holds nothing of what is stopped and was not asked for"
    assert systemd.look([]) == {}
    assert len(machine.calls) == 1


UNIT = "agents-migration@blue.service"


def test_a_migration_is_waited_for(systemd: Systemd, machine: Machine) -> None:
    machine.answers["show"] = (0, block(ActiveState="inactive", NeedDaemonReload="no"), "")
    systemd.run_once(UNIT, 60)
    assert [call[1] for call in machine.calls] == ["show", "start"]
    assert machine.calls[-1] == ["systemctl", "start", "--", UNIT]


@pytest.mark.parametrize("state, stale", [("activating", "no"), ("failed", "no"), ("inactive", "yes")])
def test_what_a_dead_run_left_is_not_taken_for_the_migration(
    systemd: Systemd, machine: Machine, state: str, stale: str
) -> None:
    """To start a unit that runs waits for the old command, and calls its end that of the new one."""
    machine.answers["show"] = (0, block(ActiveState=state, NeedDaemonReload=stale), "")
    systemd.run_once(UNIT, 60)
    assert [call[1] for call in machine.calls] == ["show", "stop", "reset-failed", "daemon-reload", "start"]


@pytest.mark.parametrize("seconds", [60, 600, 7200])
def test_a_migration_is_not_given_up_before_its_time(
    systemd: Systemd, machine: Machine, seconds: int
) -> None:
    """Else it would go on alone, unseen, while the deploy is undone."""
    systemd.run_once(UNIT, seconds)
    assert machine.options["timeout"] > seconds


@pytest.mark.parametrize(
    "result, status, says",
    [
        ("exit-code", "3", "the migration failed with exit status 3"),
        ("timeout", "0", "the migration did not end within 60 s, and was stopped"),
        ("signal", "9", r"the migration was killed \(signal, signal 9\)"),
        ("oom-kill", "9", r"the migration was killed \(oom-kill, signal 9\)"),
        ("success", "0", r"the migration was stopped before its end \(Job canceled\)"),
    ],
)
def test_a_migration_that_fails_says_how_and_why(
    systemd: Systemd, machine: Machine, monkeypatch: pytest.MonkeyPatch, result: str, status: str, says: str
) -> None:
    monkeypatch.setattr(own_module, "last_words", lambda _unit, _files: "Key (card)=(4111) already exists")
    machine.answers["start"] = (1, "SECRET=1", "Job canceled")
    machine.answers["show"] = (0, block(Result=result, ExecMainStatus=status), "")
    with pytest.raises(MigrationError, match=says) as caught:
        systemd.run_once(UNIT, 60)
    assert "SECRET" not in str(caught.value)
    assert f"journalctl -u {UNIT} -n 50`" in caught.value.fix
    assert "4111" not in str(caught.value)
    assert machine.calls[-1] == ["systemctl", "reset-failed", "--", UNIT]


def test_a_migration_whose_run_is_ended_ends_and_leaves_nothing_that_failed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        done = machine.run(command, **options)
        if command[1] == "start" or options["pause"] is not time.sleep:
            options["pause"](1.0)
        return done

    def pause(_seconds: float) -> None:
        if machine.calls[-1][1] != "show":
            raise Stopped("a rollback wants this host")

    monkeypatch.setattr(module, "run", run)
    machine.answers["show"] = (0, block(ActiveState="inactive", NeedDaemonReload="no"), "")
    systemd = Systemd(Layout(APP), pause)
    with pytest.raises(Stopped):
        systemd.run_once(UNIT, 60)
    assert [call[1] for call in machine.calls] == ["show", "start", "kill", "stop", "reset-failed"]


@pytest.mark.parametrize(
    "stale, changed, reloads",
    [("no", False, 0), ("yes", False, 1), ("no", True, 1)],
)
def test_a_reload_only_where_a_file_changed(
    systemd: Systemd, machine: Machine, stale: str, changed: bool, reloads: int
) -> None:
    """Now, or by a run that died before it could say so to systemd."""
    first, second = block(ActiveState="active", NeedDaemonReload="no"), block(NeedDaemonReload=stale)
    machine.answers["show"] = (0, f"{first}\n{second}", "")
    systemd.show(["a", "b"])
    systemd.reload(["a", "b"], changed)
    assert machine.calls.count(["systemctl", "daemon-reload"]) == reloads
    assert len(machine.calls) == 1 + reloads
    systemd.recall(["a", "b"])
    assert len(machine.calls) == 1 + 2 * reloads, "what was seen before a reload is not known any more"


def test_a_reload_needs_more_than_states(systemd: Systemd, machine: Machine) -> None:
    machine.answers["show"] = (0, block(ActiveState="inactive", NeedDaemonReload="yes"), "")
    systemd.look(["a"])
    systemd.reload(["a"], changed=False)
    assert [call[1] for call in machine.calls] == ["list-units", "show", "daemon-reload"]


def test_what_was_seen_is_not_asked_again_until_it_may_have_changed(
    systemd: Systemd, machine: Machine
) -> None:
    up, down = block(ActiveState="active"), block(ActiveState="inactive")
    machine.answers["show"] = (0, f"{up}\n{up}\n{down}", "")
    systemd.show(["a", "b", "c"])
    assert systemd.recall(["b", "c"])["b"].up
    assert len(machine.calls) == 1
    systemd.stop(["b"])
    systemd.start(["c"])
    machine.answers["list-units"] = (0, "b loaded inactive dead b\nc loaded active running c", "")
    facts = systemd.recall(["a", "b"])
    assert (facts["a"].up, facts["b"].stopped) == (True, True)
    assert machine.calls[-1][-3:] == ["--", "b", "c"], "all that has changed, at once"
    assert systemd.recall(["c"])["c"].up
    assert len(machine.calls) == 4
    systemd.show(["a", "b"])
    assert machine.calls[-1][-3:] == ["--", "a", "b"], "show always asks"


def test_what_had_to_be_killed_when_it_was_stopped_has_not_failed(systemd: Systemd, machine: Machine) -> None:
    failed = "a loaded failed failed a\nb loaded failed failed b\n"
    machine.answers["list-units"] = (0, failed, "")
    systemd.stop(["a"])
    facts = systemd.recall(["a", "b"])
    assert machine.calls[-1] == ["systemctl", "reset-failed", "--", "a"]
    assert (facts["a"].active, facts["b"].active) == ("inactive", "failed")
    systemd.start(["a"])
    asked = len(machine.calls)
    assert systemd.recall(["a"])["a"].active == "failed", "started since, so it is its own failure"
    assert len(machine.calls) == asked + 1


@pytest.mark.parametrize(
    "waits, status, words",
    [
        ("inactive", 0, ["systemd-run"]),
        ("active", 0, ["stop", "systemd-run"]),
        ("inactive", 1, ["systemd-run", "stop", "systemd-run"]),
    ],
)
def test_a_timer_that_still_waits_is_replaced(
    systemd: Systemd, machine: Machine, waits: str, status: int, words: list[str]
) -> None:
    machine.answers["list-units"] = (0, f"agents-auto-rollback.timer loaded {waits} waiting x", "")
    systemd.look(["agents-auto-rollback.timer"])
    machine.answers["--quiet"] = (status, "", "it was already loaded")
    with pytest.raises(ServiceError, match="already loaded") if status else nullcontext():
        systemd.wake(20)
    said = [call[0] if call[0] == "systemd-run" else call[1] for call in machine.calls[1:]]
    assert said == words
    assert machine.calls[-1][-1] == "--unit=agents-auto-rollback.service"


def test_a_start_that_was_refused_is_tried_again_without_its_start_limit(
    systemd: Systemd, machine: Machine
) -> None:
    machine.answers["show"] = (0, block(ActiveState="inactive", NRestarts="0"), "")
    systemd.show(["a"])
    systemd.start(["a"])
    assert [call[1] for call in machine.calls[1:]] == ["enable"]
    systemd.show(["a"])
    machine.answers["enable"] = (1, "", "start request repeated too quickly")
    with pytest.raises(ServiceError, match="too quickly"):
        systemd.start(["a"])
    assert [call[1] for call in machine.calls[3:]] == ["enable", "reset-failed", "enable", "show"]


@pytest.mark.parametrize(
    "seen",
    [
        block(ActiveState="inactive", NRestarts="7"),
        block(ActiveState="activating", SubState="auto-restart", NRestarts="7"),
        block(ActiveState="failed", NRestarts="0"),
        None,
    ],
)
def test_restarts_of_what_ran_before_do_not_count(
    systemd: Systemd, machine: Machine, seen: str | None
) -> None:
    """A slot that a crash-looping release had is taken by a good one, which must not be refused for it."""
    if seen:
        machine.answers["show"] = (0, seen, "")
        systemd.show(["a"])
    systemd.stop(["a"])
    systemd.start(["a"])
    words = [call[1] for call in machine.calls]
    assert words[-2:] == ["reset-failed", "enable"]
    machine.answers["show"] = (0, block(ActiveState="active", NRestarts="0"), "")
    assert systemd.show(["a"])["a"].restarts == 0
    systemd.start(["a"])
    assert machine.calls[-2][1] == "show", "and that is done once"


def test_restarts_that_were_not_read_may_be_some(systemd: Systemd, machine: Machine) -> None:
    systemd.show(["a"])
    systemd.look(["a"])
    systemd.start(["a"])
    assert [call[1] for call in machine.calls[2:]] == ["reset-failed", "enable"]


@pytest.mark.parametrize("error", [FileNotFoundError("systemctl"), subprocess.TimeoutExpired("systemctl", 1)])
def test_no_systemd(systemd: Systemd, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(module, "run", fail)
    with pytest.raises(ServiceError, match="Check that systemd is running"):
        systemd.reload(["a"], changed=True)


def test_odd_bytes_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = waited.run

    def loud(_: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return real(["printf", "ActiveState=\\377\\n"], **options)

    monkeypatch.setattr(module, "run", loud)
    assert Systemd(Layout(APP)).show(["a"])["a"].active == "\ufffd"


def test_what_does_not_stop_in_its_time_is_killed(
    systemd: Systemd, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        done = machine.run(command, **options)
        if options["timeout"] == 5.0:
            raise subprocess.TimeoutExpired(command, 5.0)
        return done

    monkeypatch.setattr(module, "run", slow)
    systemd.stop(["a.service"], 5.0)
    stop = ["systemctl", "disable", "--quiet", "--no-reload", "--now", "--", "a.service"]
    assert machine.calls == [stop, ["systemctl", "kill", "--signal=SIGKILL", "--", "a.service"], stop]


def test_what_runs_and_would_not_after_a_boot_or_stands_still(
    systemd: Systemd, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = ["agents-api@blue.service", "agents-api@blue.socket", "agents-worker@blue.service"]
    monkeypatch.setattr(layout, "UNITS", str(tmp_path))
    monkeypatch.setattr(own_module, "members", lambda unit: [child.pid] if unit == units[2] else [])
    for target in ("multi-user", "sockets"):
        (tmp_path / f"{target}.target.wants").mkdir()
    with subprocess.Popen(["sleep", "60"]) as child:
        assert systemd.neglected(units) == units
        for unit in units:
            target = "sockets" if unit.endswith("socket") else "multi-user"
            (tmp_path / f"{target}.target.wants" / unit).symlink_to("/nowhere")
        assert systemd.neglected(units) == []
        child.send_signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert systemd.neglected(units) == systemd.asleep(units) == units[2:]
        child.kill()
    systemd.revive(units)
    assert machine.calls[0][1:] == ["kill", "--signal=SIGCONT", "--", units[0], units[2]]
    assert machine.calls[1][1:] == ["enable", "--quiet", "--no-reload", "--", *units]
