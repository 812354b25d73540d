"""On which hosts a one-off command runs, and what its action adds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action.release_command import ActionModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, NotFound, Refused
from ansible_collections.mas.ops.plugins.plugin_utils.deploy.command import command_targets

HOSTS = ["w1", "w2", "w3"]


def found(**missing: str) -> dict[str, Any]:
    return {host: {"command_found": {"missing": missing.get(host, ""), "unseen": ""}} for host in HOSTS}


def test_one_is_the_first_that_has_the_process() -> None:
    assert command_targets(found(), HOSTS, "one") == {"hosts": ["w1"], "notes": []}
    assert command_targets(found(w1="no release is live"), HOSTS, "one")["hosts"] == ["w2"]


def test_all_are_those_that_have_it_and_the_others_are_named() -> None:
    chosen = command_targets(found(w2="it runs no process worker here"), HOSTS, "all")
    assert chosen["hosts"] == ["w1", "w3"]
    assert chosen["notes"] == ["w2: it runs no process worker here. Nothing runs there."]


def test_nothing_runs_where_a_host_could_not_be_looked_at() -> None:
    """It may be the one on which the same command runs already."""
    for which in ("one", "all"):
        with pytest.raises(Refused, match="w3 could not be looked at"):
            command_targets(found(), HOSTS[:2], which, ["w3"])


def test_hosts_that_the_gate_left_out_are_looked_at_and_run_nothing() -> None:
    assert command_targets(found(), HOSTS, "one", left_out=["w1"])["hosts"] == ["w2"]
    assert command_targets(found(), HOSTS, "all", left_out=["w2"])["hosts"] == ["w1", "w3"]
    assert command_targets(found(), HOSTS, "all", left_out=HOSTS) == {"hosts": [], "notes": []}
    with pytest.raises(Refused, match="w1 could not be looked at"):
        command_targets(found(), HOSTS[1:], "one", ["w1"], ["w1"])


def test_no_host_has_it() -> None:
    with pytest.raises(NotFound, match="w3: gone"):
        command_targets(found(w1="gone", w2="gone", w3="gone"), HOSTS, "all")
    with pytest.raises(BadInput, match="first"):
        command_targets(found(), HOSTS, "first")


def test_an_end_that_was_not_seen_comes_first() -> None:
    hosts = found()
    hosts["w2"]["command_found"]["unseen"] = "`x` ended"
    for which in ("one", "all"):
        assert command_targets(hosts, HOSTS, which) == {"hosts": ["w2"], "notes": ["w2: `x` ended."]}


class Action(ActionModule):
    """Without a host."""

    def __init__(self, result: dict[str, Any]) -> None:
        self._task = SimpleNamespace(args={"application": "agents", "command": "true"})  # type: ignore[assignment]
        self.result = result
        self.sent: dict[str, Any] = {}

    def _execute_module(self, **kwargs: Any) -> dict[str, Any]:
        self.sent = kwargs["module_args"]
        return self.result


@pytest.mark.parametrize(
    "result, failed",
    [
        ({"succeeded": True, "summary": "s"}, False),
        ({"succeeded": False, "summary": "s"}, True),
        ({"summary": "Would run"}, False),
        ({"failed": True, "msg": "m"}, True),
    ],
)
def test_a_command_that_failed_is_a_task_that_failed(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], failed: bool
) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action(result)
    done = action.run(task_vars={"awx_job_id": 5, "awx_user_name": "ada", "inventory_hostname": "w1"})
    assert done.get("failed", False) is failed
    assert {"run": "awx-5", "actor": "ada", "host": "w1"}.items() <= action.sent.items()
