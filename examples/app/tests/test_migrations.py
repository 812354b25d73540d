"""Expand and contract: once each, from many places at once, and the version before runs on what expand makes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def migrate(run: Callable[..., Any], phase: str, version: str, env: dict[str, str]) -> dict[str, Any]:
    process = run("migrate", phase, version=version, **env)
    result: dict[str, Any] = json.loads(process.output())
    assert process.ended() == 0
    return result


def test_expand_then_contract_once_each(run: Callable[..., Any], storage: dict[str, str]) -> None:
    both = ["0001-base", "0002-priority"]
    assert migrate(run, "status", "2.0.0", storage) == {"applied": [], "expand": both, "contract": both[1:]}
    assert migrate(run, "expand", "2.0.0", storage) == {"changed": True, "applied": both}
    assert migrate(run, "expand", "2.0.0", storage) == {"changed": False, "applied": []}
    assert migrate(run, "contract", "2.0.0", storage) == {"changed": True, "applied": both[1:]}
    assert migrate(run, "contract", "2.0.0", storage) == {"changed": False, "applied": []}
    assert migrate(run, "status", "2.0.0", storage)["applied"] == [
        "0001-base expand",
        "0002-priority contract",
        "0002-priority expand",
    ]


@pytest.mark.parametrize("phase", ["expand", "contract"])
def test_many_hosts_at_once(run: Callable[..., Any], storage: dict[str, str], phase: str) -> None:
    if phase == "contract":
        migrate(run, "expand", "2.0.0", storage)
    processes = [run("migrate", phase, version="2.0.0", **storage) for _ in range(5)]
    changed = [json.loads(process.output())["changed"] for process in processes]
    assert [process.ended() for process in processes] == [0] * 5
    assert sorted(changed) == [False] * 4 + [True]


def test_version_1_runs_on_the_schema_of_version_2(
    run: Callable[..., Any], storage: dict[str, str], client: Callable[..., Any]
) -> None:
    """Both versions serve during a switch; then the older one comes back; after contract it cannot."""
    migrate(run, "expand", "1.0.0", storage)
    old = client(run("api", version="1.0.0", **storage).port)
    express = old.post("/tasks", {"kind": "echo", "lane": "express"}).json
    migrate(run, "expand", "2.0.0", storage)
    new = client(run("api", version="2.0.0", **storage).port)
    assert new.get(f"/tasks/{express['id']}").json["priority"] == 10
    low = new.post("/tasks", {"kind": "echo", "priority": -1}).json
    assert old.get(f"/tasks/{low['id']}").json["lane"] == "normal"
    late = old.post("/tasks", {"kind": "echo", "lane": "express"}).json
    assert migrate(run, "expand", "1.0.0", storage)["changed"] is False
    migrate(run, "contract", "2.0.0", storage)
    assert new.get(f"/tasks/{late['id']}").json["priority"] == 10
    assert new.get("/stats").json["waiting_by_priority"] == {"-1": 1, "10": 2}
    assert old.get("/tasks").status == 503
    assert "schema does not suit" in old.get("/tasks").json["error"]


def test_a_version_that_is_too_old_is_reported(run: Callable[..., Any], storage: dict[str, str]) -> None:
    migrate(run, "expand", "2.0.0", storage)
    migrate(run, "contract", "2.0.0", storage)
    refused = run("migrate", "expand", version="1.0.0", **storage)
    assert refused.ended() == 1
    assert "contracted past version 1.0.0" in refused.said("event=migration_failed")


def test_contract_needs_expand(run: Callable[..., Any], storage: dict[str, str]) -> None:
    refused = run("migrate", "contract", version="2.0.0", **storage)
    assert refused.ended() == 1
    assert "run expand first" in refused.said("event=migration_failed")
    assert migrate(run, "status", "2.0.0", storage)["applied"] == []


def test_a_step_that_fails_leaves_nothing(
    run: Callable[..., Any], storage: dict[str, str], source: Callable[..., Path]
) -> None:
    """The record and the change are one transaction."""
    folder = source("9.0.0-half", like="2.0.0")
    step = folder / "agents" / "migrations" / "priority.py"
    step.write_text(step.read_text().replace("FROM_LANE),", '"SELECT nonsense FROM nowhere"),', 1))
    refused = run("migrate", "expand", version="9.0.0-half", **storage)
    assert refused.ended() == 1
    assert migrate(run, "expand", "2.0.0", storage)["applied"] == ["0001-base", "0002-priority"]


@pytest.mark.parametrize("arguments", [(), ("up",), ("expand", "now")])
def test_usage(run: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    process = run("migrate", *arguments)
    assert process.ended() == 2
    process.said("usage:")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_does_not_lock_the_application_out(run: Callable[..., Any], tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, 12345, 12345)
    refused = run("migrate", "expand", MAS_SHARED=str(shared))
    assert refused.ended() == 1
    assert "as the owner of" in refused.said("event=migration_failed")
    assert list(shared.iterdir()) == []
