"""What a unit calls: when its web process was started, is about to be stopped, and has ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import slot_hooks, slot_watch
from ansible_collections.mas.ops.tests.unit.traffic import fake_proxy as traffic

Hook = Callable[..., int]


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[str]:
    """What the hooks have written into the ledger."""
    found: list[str] = []
    if "ended" in request.fixturenames:
        monkeypatch.setattr(slot_watch, "note", lambda *words: found.append(" ".join(words)) or 0)
    return found


@pytest.fixture
def ended(tmp_path: Path) -> Callable[[], tuple[int, list[str]]]:
    """Calls the hook of a process that ended, with a proxy that listens; its status, and the orders."""
    paths = [str(tmp_path / "{0}.json"), str(tmp_path / "{0}-{1}.json")]
    process: dict[str, Any] = {"kind": "web"}
    server = traffic.Proxy()

    def call(listen: str = "port", proxy: bool = True, hook: Hook = slot_hooks.down) -> tuple[int, list[str]]:
        split = str(tmp_path / "conf.d" / "10-agents-split.cfg")
        where = {"socket": str(tmp_path / "s"), "backend": "agents", "split": split, "fallback": True}
        where = where if proxy else {}
        (tmp_path / "agents.json").write_text(json.dumps({"proxy": where}))
        (tmp_path / "agents-blue.json").write_text(
            json.dumps({"processes": {"api": {**process, "listen": listen}}})
        )
        with traffic.listening(tmp_path / "s", server):
            return hook("agents", "blue", *paths), server.asked

    return call


def test_a_process_that_ended(ended: Callable[..., tuple[int, list[str]]]) -> None:
    assert ended() == (0, ["set server agents/blue state maint"])


def test_a_process_that_ended_stays_out_when_the_proxy_starts_again(
    ended: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    for name in ("maps", "conf.d"):
        (tmp_path / name).mkdir()
    assert ended()[0] == 0
    text = (tmp_path / "conf.d" / "10-agents-blue-state.cfg").read_text()
    assert text.endswith("global\n    setenv MAS_AGENTS_BLUE_STATE disabled\n")


def test_a_stop_that_is_meant_takes_the_slot_out_before_the_process_ends(
    ended: Callable[..., tuple[int, list[str]]], tmp_path: Path, noted: list[str]
) -> None:
    """And nothing is written a second time when it has ended."""
    for name in ("maps", "conf.d"):
        (tmp_path / name).mkdir()
    order = "set server agents/blue state maint"
    assert ended(hook=slot_hooks.out) == (0, [order])
    assert not noted, "no user was served by another release yet"
    path = tmp_path / "conf.d" / "10-agents-blue-state.cfg"
    assert path.read_text().endswith("_STATE disabled\n")
    written = path.stat().st_ino
    assert ended() == (0, [order, order])
    assert path.stat().st_ino == written
    assert noted == ["agents blue"]
    assert ended(hook=slot_hooks.out, listen="systemd") == (0, [order, order])


def test_a_proxy_that_runs_hears_of_it_also_where_nothing_can_be_written(
    ended: Callable[..., tuple[int, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "maps").mkdir()
    assert ended() == (1, ["set server agents/blue state maint"])
    assert "cannot write" in capsys.readouterr().err


def test_nothing_to_do(ended: Callable[..., tuple[int, list[str]]]) -> None:
    """A socket that systemd holds waits for the next process; without a proxy there is nothing to order."""
    assert ended(listen="systemd") == (0, [])
    assert ended(proxy=False) == (0, [])


def test_a_hook_never_raises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (None, "", "[]", "{}", '{"proxy": {"socket": "/none", "backend": "x"}}'):
        path = tmp_path / "agents.json"
        if text is not None:
            path.write_text(text)
        for hook in (slot_hooks.out, slot_hooks.down):
            assert hook("agents", "blue", str(path), str(path)) in (0, 1)
    assert "was not informed that agents, slot blue, ended" in capsys.readouterr().err


def test_a_hook_loads_little() -> None:
    """systemd waits for it at each start and stop."""
    name = slot_hooks.__name__
    loaded = subprocess.run(
        [sys.executable, "-c", f"import {name}, sys; print(*sys.modules)"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    own = {module for module in loaded if "._releases." in module} - {name}
    assert own == {name.rpartition(".")[0]}
    assert "ansible_collections.mas.ops.plugins.module_utils._traffic.split" not in loaded
    assert not {"dataclasses", "subprocess", "socket"} & set(loaded)


def called(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str | None,
    listen: str = "systemd",
    state: str = "enabled",
    written: float | None = None,
) -> list[bool]:
    """The watches that were begun for a slot, whose file says ``state`` and was written just now, or then.

    :param answer: of the proxy, ``None`` where none answers
    """
    (folder / "agents.json").write_text(
        json.dumps({"proxy": {"socket": str(folder / "s"), "backend": "agents", "split": f"{folder}/x.cfg"}})
    )
    (folder / "agents-blue.json").write_text(json.dumps({"processes": {"api": {"listen": listen}}}))
    if state:
        path = folder / "10-agents-blue-state.cfg"
        path.write_text(f"global\n    setenv MAS_AGENTS_BLUE_STATE {state}\n")
        os.utime(path, None if written is None else (written, written))
    server = traffic.Proxy()
    server.answer = (answer or "").encode()
    forked: list[bool] = []
    # As in the parent.
    monkeypatch.setattr(os, "fork", lambda: forked.append(True) or 1)
    with contextlib.nullcontext() if answer is None else traffic.listening(folder / "s", server):
        assert slot_hooks.up("agents", "blue", f"{folder}/{{0}}.json", f"{folder}/{{0}}-{{1}}.json") == 0
    return forked


@pytest.mark.parametrize(
    "listen, state, admin, age, now, watched",
    [
        ("systemd", "enabled", "0", 300, 60, False),
        # It may have been set aside while another program had the port.
        ("port", "enabled", "0", 300, 60, True),
        # As each boot begins.
        ("systemd", "disabled", "0", 300, 60, True),
        ("systemd", "", "0", 300, 60, True),
        ("systemd", "enabled", "1", 300, 60, True),
        # A proxy that starts just now, and one that may be reading the file of before.
        ("systemd", "enabled", None, 300, 60, True),
        ("systemd", "enabled", "0", 0, 60, True),
        ("systemd", "enabled", "0", -30, 60, True),
        # No reload takes so long.
        ("systemd", "enabled", "0", -30, 200, False),
    ],
)
def test_a_slot_that_was_never_out_needs_no_watch(
    listen: str,
    state: str,
    admin: str | None,
    age: int,
    now: int,
    watched: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = (
        "Name: HAProxy\nUptime_sec: 3\nStart_time_sec: 1795532648\n\n"
        "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n"
        f"3 agents 1 blue 127.0.0.1 2 {admin} 100\n3 agents 2 green 127.0.0.1 2 0 0\n"
        "3 agents 3 blue_warm 127.0.0.1 2 0 0\n\n"
    )
    written = 1795532648 - age
    monkeypatch.setattr(slot_hooks.time, "time", lambda: 1795532648.0 + now)
    forked = called(tmp_path, monkeypatch, None if admin is None else answer, listen, state, written)
    assert bool(forked) is watched


def test_a_proxy_that_does_not_say_when_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HAProxy 2.4."""
    forked = called(tmp_path, monkeypatch, "3 agents 1 blue 127.0.0.1 2 0 100\n")
    assert forked == [True]


def test_where_no_proxy_serves_it_nothing_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agents.json").write_text("{}")
    (tmp_path / "agents-blue.json").write_text('{"processes": {"api": {"listen": "systemd"}}}')
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a watch"))
    assert slot_hooks.up("agents", "blue", f"{tmp_path}/{{0}}.json", f"{tmp_path}/{{0}}-{{1}}.json") == 0
