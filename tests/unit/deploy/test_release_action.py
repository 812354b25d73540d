"""The controller's part of a release: what is pushed where, and the arguments that the host gets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action.release import ActionModule
from ansible_collections.mas.ops.plugins.module_utils._core.errors import NotFound
from ansible_collections.mas.ops.plugins.module_utils._core.urls import is_url
from ansible_collections.mas.ops.plugins.plugin_utils.adapters.host_call import digest
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.local import local_artifact

DIGEST = "1" * 64
SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
#: The arguments that the action adds for every host.
KNOWN = {"run": "awx-5", "actor": "ada", "inventory": [], "limit": "", "code_digest": digest()}


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "agents-1.0.0.tar.gz"
    path.write_bytes(b"x")
    Path(f"{path}.sha256").write_text(f"{DIGEST}  {path.name}\n")
    Path(f"{path}.sig").write_text(SIGNATURE)
    return path


class Action(ActionModule):
    """Without a host."""

    def __init__(self, args: dict[str, Any], check: bool = False) -> None:
        self._task = SimpleNamespace(args=args, check_mode=check)  # type: ignore[assignment]
        self._connection = SimpleNamespace(has_option=lambda _: False)
        self.pushed: list[tuple[str, str]] = []
        self.commands: list[tuple[str, bool]] = []
        self.made = {"rc": 0, "stderr": ""}
        self.sent: dict[str, Any] = {}

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:  # noqa: ARG002
        return False

    def _low_level_execute_command(self, cmd: str, sudoable: bool = True, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        self.commands.append((cmd, sudoable))
        return self.made

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self.pushed.append((local_path, remote_path))
        return remote_path

    def _execute_module(self, **kwargs: Any) -> dict[str, Any]:
        self.sent = kwargs["module_args"]
        return {"changed": True}


def run(
    monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], check: bool = False
) -> tuple[Action, dict[str, Any]]:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action(args, check)
    return action, action.run(task_vars={"awx_job_id": 5, "awx_user_name": "ada"})


def test_a_local_artifact_is_pushed_under_a_name_that_cannot_be_guessed(
    monkeypatch: pytest.MonkeyPatch, artifact: Path
) -> None:
    first, _ = run(monkeypatch, {"state": "staged", "artifact": str(artifact)})
    second, _ = run(monkeypatch, {"state": "staged", "artifact": str(artifact)})
    (source, remote), (_, other) = first.pushed[0], second.pushed[0]
    assert source == str(artifact)
    assert remote != other
    folder = Path(remote).parent
    assert folder.parent == Path("/tmp")
    assert len(folder.name) > 40
    # By the user of the connection, and not open to other users.
    assert first.commands == [(f"mkdir -m 0700 {folder}", False)]
    assert first.sent == {
        "state": "staged", "artifact": remote, "artifact_pushed": True, "sha256": DIGEST,
        "signature": SIGNATURE, "size": 1, **KNOWN,
    }  # fmt: skip


def test_what_lies_in_the_way_gets_no_artifact(monkeypatch: pytest.MonkeyPatch, artifact: Path) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    action = Action({"state": "staged", "artifact": str(artifact)})
    action.made = {"rc": 1, "stderr": "mkdir: cannot create directory: File exists"}
    result = action.run(task_vars={})
    assert result["failed"]
    assert "cannot be pushed: mkdir: cannot create directory: File exists" in result["msg"]
    assert (action.pushed, action.sent) == ([], {})


def test_check_mode_pushes_nothing(monkeypatch: pytest.MonkeyPatch, artifact: Path) -> None:
    action, _ = run(monkeypatch, {"state": "staged", "artifact": str(artifact)}, check=True)
    assert action.pushed == []
    assert action.sent["sha256"] == DIGEST
    assert "artifact_pushed" not in action.sent


@pytest.mark.parametrize(
    "args",
    [
        {"state": "staged", "artifact": "https://store.example/a.tar.gz", "sha256": DIGEST},
        {"state": "live", "artifact": "/nowhere/a.tar.gz"},
        {"state": "rolled_back"},
    ],
)
def test_what_needs_no_push(monkeypatch: pytest.MonkeyPatch, args: dict[str, Any]) -> None:
    action, result = run(monkeypatch, args)
    assert action.pushed == []
    assert action.sent == {**args, **KNOWN}
    assert result == {"changed": True}


def test_an_artifact_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    action, result = run(monkeypatch, {"state": "staged", "artifact": str(tmp_path / "a-1.tar.gz")})
    assert result["failed"]
    assert result["error"] == "not_found"
    assert action.sent == {}


def test_what_is_given_beats_what_lies_beside(artifact: Path) -> None:
    assert local_artifact(str(artifact), "2" * 64, "other") == {"sha256": "2" * 64, "signature": "other"}
    Path(f"{artifact}.sig").unlink()
    assert local_artifact(str(artifact), None, None) == {"sha256": DIGEST, "signature": None}
    Path(f"{artifact}.sha256").unlink()
    with pytest.raises(NotFound, match="has no digest"):
        local_artifact(str(artifact), None, None)


def test_urls() -> None:
    assert is_url("https://a/b")
    assert is_url("http://a/b")
    assert not any(map(is_url, ("/a/b", "a", "file:///a", "HTTPS://a", "")))


def test_what_the_task_says_beats_what_the_controller_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"state": "live", "run": "change-7", "actor": "bob"}
    action, _ = run(monkeypatch, said)
    assert action.sent == {**KNOWN, **said}


@pytest.mark.parametrize("option", ["version", "to_version", "from_version"])
@pytest.mark.parametrize("number", [1.10, 2, True])
def test_a_number_is_no_version(monkeypatch: pytest.MonkeyPatch, option: str, number: object) -> None:
    for args in ({option: number}, {"defaults": {option: number}}):
        action, result = run(monkeypatch, {"state": "live", **args})
        assert result["failed"]
        assert f"{option} is the " in result["msg"]
        assert action.sent == {}
