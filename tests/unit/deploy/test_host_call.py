"""The short way to a host that has the code, and the long way where it does not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action import release_info
from ansible_collections.mas.ops.plugins.action.release import ActionModule
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import launch
from ansible_collections.mas.ops.plugins.plugin_utils.adapters import host_call

DIGEST = "1" * 64
STAGED = {"application": "agents", "version": "1.0.0", "state": "staged"}


class Connection:
    """A connection plugin with the option, which is not set."""

    def __init__(self) -> None:
        self.options = {"pipelining": False}

    def has_option(self, name: str) -> bool:
        return name in self.options

    def get_option(self, name: str) -> bool:
        return self.options[name]

    def set_option(self, name: str, value: bool) -> None:
        self.options[name] = value


class Action(ActionModule):
    """A host with a set response."""

    def __init__(self, args: dict[str, Any], answer: dict[str, Any]) -> None:
        self._task = SimpleNamespace(args=args, check_mode=False)  # type: ignore[assignment]
        self._connection = Connection()
        self.response = answer
        self.commands: list[str] = []
        self.launcher, self.asked = b"", dict[str, Any]()
        self.pushed: list[str] = []
        self.module: dict[str, Any] = {}

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        return module_style == "new" and not wrap_async and self._connection.options["pipelining"]

    def _compute_environment_string(self, raw_environment_out: Any = None) -> str:  # noqa: ARG002
        return "https_proxy=proxy"

    def _low_level_execute_command(self, cmd: str, in_data: bytes = b"", **_: Any) -> dict[str, Any]:
        if cmd.startswith("mkdir"):
            return {"rc": 0, "stderr": ""}
        self.commands.append(cmd)
        size = int(cmd.partition("buffer.read(")[2].partition(")")[0])
        self.launcher, self.asked = in_data[:size], json.loads(in_data[size:])
        return self.response

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self.pushed.append(remote_path)
        return local_path

    def _execute_module(self, **kwargs: Any) -> dict[str, Any]:
        self.module = kwargs["module_args"]
        return {"changed": True, "long": "way"}


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "agents-1.0.0.tar.gz"
    path.write_bytes(b"the archive")
    Path(f"{path}.sha256").write_text(f"{DIGEST}  {path.name}\n")
    return path


@pytest.fixture(autouse=True)
def _base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})


def answer(**result: Any) -> dict[str, Any]:
    return {"rc": 0, "stdout": json.dumps(result), "stderr": ""}


def run(args: dict[str, Any], response: dict[str, Any]) -> tuple[Action, dict[str, Any]]:
    action = Action(args, response)
    return action, action.run(task_vars={"awx_job_id": 5, "awx_user_name": "ada"})


def test_a_small_artifact_goes_along_with_the_one_call(artifact: Path) -> None:
    action, result = run({**STAGED, "artifact": str(artifact)}, answer(changed=True, live="x"))
    assert result == {"changed": True, "live": "x"}
    assert (len(action.commands), action.pushed, action.module) == (1, [], {})
    program = f"'import sys; exec(sys.stdin.buffer.read({len(action.launcher)}))'"
    code = f"/var/lib/mas/agents/code {host_call.digest()}"
    assert action.commands == [f"https_proxy=proxy /usr/bin/python3 -I -S -c {program} release {code}"]
    assert action.launcher == Path(launch.__file__).read_bytes()
    assert base64.b64decode(action.asked["archive"]) == b"the archive"
    assert action.asked["params"]["sha256"] == DIGEST
    # Checked and complete: the host need not know any default.
    assert action.asked["params"]["drain_timeout"] == 30.0


def test_defaults_take_the_places_that_the_task_leaves() -> None:
    defaults = {"application": "agents", "version": "1.0.0", "lease": 5, "confirm_timeout": 20}
    action, _ = run({"state": "live", "lease": 7, "defaults": defaults}, answer(changed=True))
    asked = action.asked["params"]
    assert (asked["version"], asked["confirm_timeout"], asked["lease"], asked["defaults"]) == (
        "1.0.0",
        20.0,
        7.0,
        {},
    )


def test_defaults_must_be_options() -> None:
    action, result = run({"state": "live", "defaults": "version=1"}, answer())
    assert result["failed"]
    assert "defaults is 'version=1'" in result["msg"]
    assert action.commands == []


def test_a_large_one_is_pushed_first(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_call, "ALONG", 5)
    action, _ = run({**STAGED, "artifact": str(artifact)}, answer(changed=True))
    assert "archive" not in action.asked
    assert [action.asked["params"]["artifact"]] == action.pushed
    assert action.asked["params"]["artifact_pushed"]


@pytest.mark.parametrize("status", [launch.NOT_INSTALLED, 127])
def test_a_host_without_the_code_or_with_damaged_code_gets_the_module(artifact: Path, status: int) -> None:
    response = {"rc": status, "stdout": "", "stderr": "mas.ops: no code on this host can be run"}
    action, result = run({**STAGED, "artifact": str(artifact)}, response)
    assert result == {"changed": True, "long": "way"}
    assert [action.module["artifact"]] == action.pushed
    assert action.module["sha256"] == DIGEST


def test_pipelining_need_not_be_set_and_is_as_before_afterwards() -> None:
    action, result = run({"application": "agents", "version": "1.0.0", "state": "live"}, answer(changed=True))
    assert (result, len(action.commands), action.module) == ({"changed": True}, 1, {})
    assert action._connection.options == {"pipelining": False}


def test_a_connection_without_that_option_gets_the_module() -> None:
    action = Action({"application": "agents", "version": "1.0.0", "state": "live"}, answer(changed=True))
    action._connection.options = {}
    action._is_pipelining_enabled = lambda *_: False  # type: ignore[method-assign]
    assert action.run(task_vars={}) == {"changed": True, "long": "way"}
    assert action.commands == []


@pytest.mark.parametrize(
    "said",
    [
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: Entschuldigung, Sie müssen ein TTY haben, um sudo zu starten",
    ],
)
def test_a_sudo_that_wants_a_terminal_gets_the_module(said: str) -> None:
    response = {"rc": 1, "stdout": "", "stderr": said}
    action, result = run({"application": "agents", "version": "1.0.0", "state": "live"}, response)
    assert result == {"changed": True, "long": "way"}
    assert action.module["state"] == "live"


def test_a_host_that_ended_in_the_middle_is_an_error_and_not_tried_again() -> None:
    response = {"rc": -9, "stdout": "", "stderr": "Killed"}
    action, result = run({"application": "agents", "version": "1.0.0", "state": "live"}, response)
    assert result["failed"]
    assert "did not complete its work (exit status -9). It said: Killed." in result["msg"]
    assert action.module == {}


def test_wrong_options_never_reach_the_host() -> None:
    action, result = run({"application": "agents", "state": "gone"}, answer())
    assert result["failed"]
    assert "value of state must be one of" in result["msg"]
    assert action.commands == []


@pytest.mark.parametrize("name", ["../../../tmp/x", "/tmp/x", "a/b", "a b", "A", ".", "a\n", ["a"]])
def test_a_name_that_is_none_becomes_no_path(name: Any) -> None:
    """A local user could lay code there, which root would run."""
    action, result = run({"application": name, "version": "1.0.0", "state": "live"}, answer(changed=True))
    assert (result["failed"], action.commands, action.module) == (True, [], {})
    assert "application" in result["msg"]


def test_a_name_that_is_none_is_no_question_either() -> None:

    class Info(Action, release_info.ActionModule):
        run = release_info.ActionModule.run

    action = Info({"application": "../../../tmp/x"}, answer())
    result = action.run(task_vars={})
    assert (result["failed"], action.commands, action.module) == (True, [], {})


def test_the_digest_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    monkeypatch.setattr(host_call, "_CODE", tmp_path)
    first = host_call.digest()
    (tmp_path / "a.py").write_text("2")
    assert first != host_call.digest()
