"""The two actions as Ansible sees them: builtins out, one clear failure, no connection."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.mas.ops.plugins.action import artifact_build, artifact_info
from ansible_collections.mas.ops.plugins.modules import artifact_build as build_module
from ansible_collections.mas.ops.plugins.modules import artifact_info as info_module

from .test_info import signer


def run(plugin: Any, *, check_mode: bool = False, diff: bool = False, **args: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        args=args, check_mode=check_mode, diff=diff, async_val=0, action="x", delegate_to=None, get_name=str
    )
    # Nothing can be run or copied through this connection; only Ansible's base class looks at it.
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = plugin.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), None)
    return action.run(None, {})


def test_build_then_info(source: Path, tmp_path: Path, key: Path) -> None:
    options = {"source": str(source), "store": str(tmp_path / "store"), "signing_key": str(key), "commit": ""}
    planned = run(artifact_build, check_mode=True, diff=True, **options)
    assert planned["changed"]
    assert '"run"' in planned["diff"]["after"]
    built = run(artifact_build, **options)
    assert built["changed"]
    assert "diff" not in built
    assert not run(artifact_build, version="", **options)["changed"]
    found = run(artifact_info, artifact=built["path"], allowed_signers=[signer(key)])
    assert not found["changed"]
    assert found["sha256"] == built["sha256"] == planned["sha256"]
    json.dumps([built, found])


def test_a_failure_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    result = run(artifact_build, source=str(tmp_path), store=str(tmp_path / "store"))
    assert result["failed"]
    assert result["error"] == "not_found"
    assert str(tmp_path) in result["msg"]
    assert result["fix"] in result["msg"]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(artifact_build.ActionModule, "missing", ImportError("no", name="pathspec"))
    result = run(artifact_build, source=str(tmp_path), store=str(tmp_path))
    assert "the Python library pathspec is not installed" in result["msg"]
    assert "ee-requirements.txt" in result["fix"]


@pytest.mark.parametrize(
    "args",
    [{"store": "/x"}, {"artifact": "/x", "store": "/x", "application": "a", "version": "1"}, {"surprise": 1}],
)
def test_bad_options(args: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError):
        run(artifact_info, **args)


def test_nothing_asked() -> None:
    result = run(artifact_info, signature_required=False)
    assert result["msg"].startswith("no artifact was named")


@pytest.mark.parametrize("module", [build_module, info_module])
def test_documentation_is_of_these_options(module: Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    kept = ("type", "required", "default", "elements")
    assert {
        name: {key: option[key] for key in kept if key in option} for name, option in documented.items()
    } == dict(module.SPEC.options)


@pytest.mark.parametrize("plugin", [artifact_build, artifact_info])
def test_a_number_is_no_version(plugin: Any, tmp_path: Path) -> None:
    options = {"store": str(tmp_path), "version": 1.10}
    options |= {"source": str(tmp_path)} if plugin is artifact_build else {"application": "agents"}
    result = run(plugin, **options)
    assert result["failed"]
    assert "version is the number 1.1 and must be a text" in result["msg"]
