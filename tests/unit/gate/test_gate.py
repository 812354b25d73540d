"""Waiting, the action as Ansible sees it, and what people read. The clock is a fake one throughout."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.mas.ops.plugins.action import gate as action
from ansible_collections.mas.ops.plugins.module_utils._core.argspec import LEDGER_PATH, WHO
from ansible_collections.mas.ops.plugins.modules import gate as gate_module
from ansible_collections.mas.ops.plugins.modules import gate_entry, gate_info
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters import gate as gate_adapter
from ansible_collections.mas.ops.plugins.plugin_utils.gate.adapters.gate import SystemClock

NIGHT = [{"name": "night", "cron": "0 22 * * *", "duration": "2h", "zone": "UTC"}]
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)


class FakeClock:
    """Time passes only in sleep; ``jumps`` are done at the n-th sleep."""

    def __init__(self, at: datetime, jumps: dict[int, Callable[[], timedelta]] | None = None) -> None:
        self.at, self.slept, self.jumps = at, 0, jumps or {}

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= gate_adapter.MAX_SLEEP
        self.slept += 1
        jump = self.jumps.get(self.slept)
        self.at += timedelta(seconds=seconds) + (jump() if jump else timedelta())


class Run:
    """One task of the gate."""

    def __init__(self, clock: FakeClock, hosts: dict[str, dict[str, Any]], check_mode: bool = False) -> None:
        self.said: list[str] = []
        task = SimpleNamespace(
            args={},
            check_mode=check_mode,
            diff=False,
            async_val=0,
            action="x",
            delegate_to=None,
            get_name=str,
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        self.action = action.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), None)
        self.action.clock = clock
        self.action._display = SimpleNamespace(display=self.said.append, warning=self.said.append)
        self.hosts = hosts

    def __call__(self, **args: Any) -> dict[str, Any]:
        self.action._task.args = args
        names = list(self.hosts)
        result = self.action.run(
            None, {"hostvars": self.hosts, "ansible_play_hosts": names, "ansible_play_batch": names[:1]}
        )
        json.dumps(result)
        return result


def at(text: str) -> FakeClock:
    hour, minute, second = map(int, text.split(":"))
    return FakeClock(MONDAY.replace(hour=hour, minute=minute, second=second))


def test_one_second_decides() -> None:
    hosts = {"web1": {"change_windows": NIGHT}}
    assert Run(at("21:59:59"), hosts)()["stopped"] == ["web1"]
    assert Run(at("22:00:00"), hosts)()["go"] == ["web1"]


def test_each_host_has_its_own_windows() -> None:
    hosts = {
        "web1": {"change_windows": NIGHT},
        "web2": {},
        "web3": {"change_windows": NIGHT, "gate_outside_window": "skip"},
    }
    found = Run(at("12:00:00"), hosts)(application="agents")
    assert (found["stopped"], found["go"], found["left_out"]) == (["web1"], ["web2"], ["web3"])
    assert found["failed"]
    assert found["refused"]
    assert found["error"] == "gate"
    assert found["next_opening"] == "2026-03-09T22:00:00+00:00"
    assert found["summary"]["failed"] == ["window"]


def test_a_change_that_would_leave_out_every_host_is_refused() -> None:
    """It would end with success, and nothing would have been done."""
    away = {"change_windows": NIGHT, "gate_outside_window": "skip"}
    found = Run(at("12:00:00"), {"web1": away, "web2": away})(application="agents")
    assert found["refused"]
    assert found["left_out"] == ["web1", "web2"]
    assert not found["summary"]["open"]
    assert found["next_opening"] == "2026-03-09T22:00:00+00:00"
    assert "on 2 of 2 hosts" in found["msg"]
    one = Run(at("12:00:00"), {"web1": away, "web2": {}})(application="agents")
    assert one["summary"]["open"]
    assert not one["refused"]
    assert (one["left_out"], one["go"], one["next_opening"]) == (["web1"], ["web2"], None)


def test_the_message_says_what_where_why_when_and_what_to_do() -> None:
    hosts = {f"web{number}": {"change_windows": NIGHT} for number in range(1, 8)}
    message = Run(at("12:00:00"), {**hosts, "db1": {}})(application="agents", release="2.0.0-aaaaaaaaaaaa")[
        "msg"
    ]
    assert "The gate is closed for the deploy of agents 2.0.0-aaaaaaaaaaaa, on 7 of 8 hosts" in message
    assert "web1, web2, web3, web4 and 3 more  window  fail" in message
    assert "Mon 2026-03-09 22:00:00 UTC (in 10 h)" in message
    assert "It opens next at Mon 2026-03-09 22:00:00 UTC, in 10 h" in message
    example = message[message.index("-e '") + 4 : message.rindex("'")]
    assert json.loads(example)["change_override"]["checks"] == ["window"]


def test_the_example_of_an_override_is_none_until_it_is_filled_in() -> None:
    message = Run(at("12:00:00"), {"web1": {"change_windows": NIGHT}})()["msg"]
    example = json.loads(message[message.index("-e '") + 4 : message.rindex("'")])
    assert Run(at("12:00:00"), {"web1": {"change_windows": NIGHT, **example}})()["refused"]
    example["change_override"].update(by="ada", reason="Stop the outage tonight")
    assert not Run(at("12:00:00"), {"web1": {"change_windows": NIGHT, **example}})()["refused"]


def test_no_override_is_offered_for_what_has_none() -> None:
    message = Run(at("12:00:00"), {"web1": {"change_stop": "fire"}})()["msg"]
    assert "No override is possible for stop" in message
    assert "change_override" not in message


def test_a_playbook_may_have_something_to_do_before_it_fails() -> None:
    found = Run(at("12:00:00"), {"web1": {"change_windows": NIGHT}})(refuse=False)
    assert found["refused"]
    assert "failed" not in found
    assert found["msg"]


def test_check_mode_refuses_nothing_and_says_what_would_be() -> None:
    run = Run(
        at("12:00:00"), {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}}, check_mode=True
    )
    found = run()
    assert not found["refused"]
    assert "failed" not in found
    assert "The gate is closed" in run.said[0]


def test_what_only_advises_is_said() -> None:
    run = Run(at("12:00:00"), {"web1": {"change_windows": NIGHT, "gate_checks": {"window": "advisory"}}})
    assert run()["go"] == ["web1"]
    assert "fail, advisory" in run.said[0]
    quiet = Run(at("22:00:00"), {"web1": {"change_windows": NIGHT}})
    quiet()
    assert quiet.said == []


def test_wait_until_it_opens() -> None:
    clock = at("21:30:00")
    run = Run(clock, {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}, "web2": {}})
    found = run()
    assert found["go"] == ["web1", "web2"]
    assert found["at"] == "2026-03-09T22:00:00+00:00"
    assert len(run.said) == 30
    assert "The gate waits for Mon 2026-03-09 22:00:00 UTC, 30 min from now" in run.said[0]
    assert "gives up at Mon 2026-03-09 22:30:00 UTC" in run.said[0]


def test_an_opening_behind_the_limit_is_not_waited_for() -> None:
    clock = at("12:00:00")
    found = Run(clock, {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}})()
    assert found["waiting"] == ["web1"]
    assert found["failed"]
    assert clock.slept == 0
    assert "in 10 h" in found["msg"]


def test_there_is_no_wait_where_another_host_stops_it_anyway() -> None:
    clock = at("21:59:00")
    hosts = {
        "web1": {"change_windows": NIGHT, "gate_outside_window": "wait"},
        "web2": {"change_stop": "fire"},
    }
    assert Run(clock, hosts)()["failed"]
    assert clock.slept == 0


def test_a_stop_while_waiting_ends_it(tmp_path: Path) -> None:
    cord = tmp_path / "stop"

    def pull() -> timedelta:
        cord.write_text("fire")
        return timedelta()

    clock = FakeClock(MONDAY.replace(hour=21, minute=50), {3: pull})
    found = Run(
        clock,
        {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait", "change_stop_file": str(cord)}},
    )()
    assert clock.slept == 3
    assert found["failed"]
    assert "fire" in found["msg"]


@pytest.mark.parametrize("jump", [timedelta(minutes=10), -timedelta(minutes=20)])
def test_a_clock_that_is_set_while_waiting(jump: timedelta) -> None:
    """Forward, it opens sooner; back, it waits as long as the window says."""
    clock = FakeClock(MONDAY.replace(hour=21, minute=50), {2: lambda: jump})
    found = Run(clock, {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}})()
    assert found["go"] == ["web1"]
    assert found["at"] >= "2026-03-09T22:00:00+00:00"


def test_what_changed_at_the_opening_is_seen(tmp_path: Path) -> None:
    """At the opening all is judged again: an override has ended meanwhile."""
    override = {
        "checks": ["disk"],
        "by": "ada",
        "reason": "The disk is known",
        "until": "2026-03-09T21:59:00Z",
    }
    hosts = {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait", "change_override": override}}
    found = Run(at("21:50:00"), hosts)()
    assert found["failed"]
    assert "it ended at" in found["msg"]


def test_a_waiter_whose_playbook_was_killed_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([10, 10, 10, 1])
    monkeypatch.setattr(gate_adapter.os, "getppid", lambda: next(parents))
    found = Run(at("21:50:00"), {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}})()
    assert found["failed"]
    assert "is gone" in found["msg"]


def test_asked_again_before_a_batch() -> None:
    hosts = {"web1": {"change_windows": NIGHT, "gate_outside_window": "wait"}, "web2": {}}
    found = Run(at("23:46:00"), hosts)(recheck=True, left=0.5, artifact={"verified": False})
    assert found["go"] == ["web1"]
    assert set(found["hosts"]) == {"web1"}
    late = Run(at("23:59:00"), hosts)(recheck=True, left=0.5)
    assert late["stopped"] == ["web1"]
    assert "Nothing more is changed" in late["msg"]


def test_hosts_to_ask() -> None:
    hosts = {"web1": {"change_windows": NIGHT}, "web2": {}, "web3": {"gate_checks": {"disk": True}}}
    assert Run(at("23:00:00"), hosts)(questions=True) == {"changed": False, "ask": ["web3"]}
    assert Run(at("12:00:00"), hosts)(questions=True)["ask"] == ["web3"]
    night = {f"web{number}": {"change_windows": NIGHT} for number in range(5)}
    assert Run(at("23:00:00"), night)(questions=True)["ask"] == ["web4"]
    # No host has to be asked, so the verdict comes at once, without another task.
    verdict = Run(at("12:00:00"), night)(questions=True, refuse=False)
    assert (verdict["ask"], verdict["refused"], verdict["stopped"]) == ([], True, list(night))
    assert "refused" not in Run(at("23:00:00"), night)(questions=True, refuse=False)


def test_one_host_has_the_history_of_all() -> None:
    runs = [{"run": str(n), "kind": kind, "seconds": 100} for n, kind in enumerate(("deploy", "rollback"))]
    gate_info = {"disks": [], "reboot": [], "locked": False, "runs": runs, "newest": {}, "ledger_error": ""}
    hosts = {
        "web1": {"change_windows": NIGHT},
        "web2": {"change_windows": NIGHT, "gate_host_facts": gate_info, "gate_checks": {"disk": False}},
    }
    assert Run(at("23:56:00"), hosts)()["go"] == ["web1", "web2"]
    assert Run(at("23:57:00"), hosts)()["stopped"] == ["web1", "web2"]


def test_only_those_that_wait_decide_how_long() -> None:
    """A host that is skipped may open next week, and the patience of one that is open means nothing."""
    later = {"change_freezes": [{"name": "f", "start": "2026-03-01T00:00Z", "end": "2026-04-01T00:00Z"}]}
    hosts = {
        "web1": {"change_windows": NIGHT, "gate_outside_window": "wait"},
        "web2": {**later, "gate_outside_window": "skip"},
        "web3": {"gate_wait_limit": "1s"},
    }
    found = Run(at("21:50:00"), hosts)()
    assert (found["go"], found["left_out"]) == (["web1", "web3"], ["web2"])
    assert found["at"] == "2026-03-09T22:00:00+00:00"


def test_a_mistake_names_the_variable_and_the_host() -> None:
    found = Run(at("12:00:00"), {"web1": {}, "web2": {"gate_wait_limit": "soon"}})()
    assert found["failed"]
    assert "gate_wait_limit of web2" in found["msg"]
    assert not Run(at("12:00:00"), {"web2": {"gate_wait_limit": "soon"}})(change="rollback")["refused"]


def test_evidence_is_what_the_ledger_needs() -> None:
    found = Run(at("12:00:00"), {"web1": {"change_windows": NIGHT, "gate_checks": {"window": "advisory"}}})()
    assert found["hosts"]["web1"]["evidence"] == {
        "at": "2026-03-09T12:00:00+00:00",
        "decision": "go",
        "checks": {"stop": "pass", "freeze": "pass", "window": "fail", "room": "pass"},
        "notes": {"window": "outside of every window; the next one opens at 2026-03-09 22:00 UTC"},
        "lowered": {"window": "advisory"},
    }


def test_unknown_options() -> None:
    with pytest.raises(AnsibleError):
        Run(at("12:00:00"), {})(wait="yes")


def test_the_clock() -> None:
    before = datetime.now(UTC)
    SystemClock.sleep(0.01)
    assert timedelta(milliseconds=10) <= SystemClock.now() - before < timedelta(seconds=5)
    assert SystemClock.now().tzinfo is UTC
    assert os.getppid() > 0


@pytest.mark.parametrize("module", [gate_module, gate_entry, gate_info])
def test_documentation_is_of_these_options(module: Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    elsewhere = {*LEDGER_PATH.options, *WHO.options}
    options = {name: dict(option) for name, option in module.SPEC.options.items() if name not in elsewhere}
    kept = ("type", "required", "default", "elements", "choices")
    assert {
        name: {key: option[key] for key in kept if key in option} for name, option in documented.items()
    } == options
