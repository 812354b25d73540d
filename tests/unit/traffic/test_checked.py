"""HAProxy's own judgement, where it cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import checked
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.checked import complaints

Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Writes what is run as HAProxy."""
    path = tmp_path / "haproxy"
    monkeypatch.setattr(checked, "PROGRAM", str(path))

    def write(text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)

    return write


def test_one_that_never_ends_is_not_waited_for(program: Program) -> None:
    program("exec sleep 60")
    said = complaints("/main", "/folder", 0.2)
    assert said.endswith("haproxy -c -f /main -f /folder did not end within 0.2 s, so nobody knows")


@pytest.mark.usefixtures("program")
def test_one_that_is_not_there_is_no_traceback() -> None:
    assert complaints("/main", "/folder").endswith("haproxy cannot be run: No such file or directory")


def test_its_alerts_are_told_and_what_is_preloaded_is_not_its(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_BIND_NOW", "1")
    program('echo "[NOTICE] x" >&2; echo "[ALERT] LD is ${LD_BIND_NOW-gone}" >&2; exit 1')
    assert complaints("/main", "/folder") == "[ALERT] LD is gone"
    program("echo '[ALERT] x' >&2; exit 0")
    assert not complaints("/main", "/folder")
