"""The adapter against a socket that speaks what HAProxy 2.6 was heard to say."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import TrafficError
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import haproxy as module
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import runtime
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.haproxy import HAProxy
from ansible_collections.mas.ops.plugins.module_utils._traffic.checks import Fixed, render_fixed
from ansible_collections.mas.ops.plugins.module_utils._traffic.latency import EDGES
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import Split, parse, render
from ansible_collections.mas.ops.tests.unit.traffic.fake_proxy import Proxy, listening


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
def adapter(tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[HAProxy]:
    monkeypatch.setattr(runtime, "_RESTART", 0.5)
    monkeypatch.setattr(runtime, "_POLL", 0.01)
    monkeypatch.setattr(module, "_POLL", 0.01)
    monkeypatch.setattr(module, "_RELOAD", 0.2)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "split.cfg").write_text(render("agents", Split(100, 0)), encoding="utf-8")
    with listening(tmp_path / "s", proxy):
        yield HAProxy("agents", "agents", str(tmp_path / "s"), str(tmp_path / "conf.d" / "split.cfg"))


@pytest.mark.parametrize(
    "status, up",
    [
        ("UP", True),
        ("UP 1/3", True),
        ("UP 2/3", True),
        ("NOLB", True),
        ("NOLB 1/2", True),
        ("DRAIN", True),
        ("DRAIN 2/3", True),
        ("no check", True),
        ("DOWN", False),
        ("DOWN 1/2", False),
        ("DOWN (agent)", False),
        ("MAINT", False),
        ("MAINT (via agents/blue)", False),
        ("MAINT (resolution)", False),
        ("", False),
    ],
)
def test_what_counts_as_up(adapter: HAProxy, proxy: Proxy, status: str, up: bool) -> None:
    proxy.servers["agents/green"]["status"] = status
    server = adapter.facts().servers["green"]
    assert (server.up, server.status) == (up, status)


def test_numbers(adapter: HAProxy, proxy: Proxy) -> None:
    numbers = {
        "scur": 3,
        "qcur": 2,
        "stot": 50,
        "econ": 1,
        "eresp": 2,
        "hrsp_5xx": 4,
        "weight": 7,
        "chkdown": 8,
    }
    proxy.servers["agents/green"] |= numbers
    server = adapter.facts().servers["green"]
    assert server.to_dict() == {
        "weight": 7, "up": True, "sessions": 3, "queued": 2, "requests": 50, "errors": 7, "status": "UP",
        "downs": 8, "latency": [], "check": "L7OK/200",
    }  # fmt: skip


def test_latencies_and_the_life_of_the_process(adapter: HAProxy, proxy: Proxy) -> None:
    proxy.table = {
        "green/900": 3,
        "green/1000": 1,
        "green/1100": 1,
        "green/3900": 2,
        "green/31000": 5,
        "blue/200000000": 1,
    }
    facts = adapter.facts()
    assert dict(facts.servers["green"].latency) == {**dict.fromkeys(EDGES, 0), 0: 3, 1: 2, 3: 2, 30: 5}
    assert facts.servers["blue"].latency[-1] == (80000, 1)
    assert facts.servers["green"].to_dict()["latency"][0] == [0, 3]
    proxy.process = 14
    assert adapter.facts().process == "14-1795532648" != facts.process


def test_neighbours_of_the_same_name_are_not_meant(adapter: HAProxy, proxy: Proxy) -> None:
    """A frontend with the backend's name, another backend with a server of the slot's name, the backend's sum."""
    proxy.rows = [
        "agents,FRONTEND,,,9,9,,9,0,0,0,0,9,,,,,OPEN,,,,,,,,,1,2,0,,,,0,9,9,,",
        "agents,BACKEND,9,0,9,0,,9,0,0,,0,,9,9,0,0,DOWN,9,1,0,,1,2,1,,1,3,0,,0,,1,0,9,,",
        "other,blue,9,0,9,0,,9,0,0,,0,,9,9,0,0,DOWN,9,1,0,1,1,2,1,,1,3,1,,0,,2,0,9,,",
    ]
    proxy.servers["zebra/green"] = {"status": "DOWN", "weight": 99}
    facts = adapter.facts()
    assert facts.running == {"blue": 100, "green": 0}
    assert all(server.up and not server.sessions for server in facts.servers.values())


def test_odd_bytes_of_a_checked_server(adapter: HAProxy, proxy: Proxy) -> None:
    proxy.servers["agents/blue"]["last_chk"] = '"caf\udce9, ""quoted"", and so on"'
    assert adapter.facts().servers["blue"].up


def test_a_backend_without_the_slots(adapter: HAProxy, proxy: Proxy) -> None:
    del proxy.servers["agents/green"]
    with pytest.raises(TrafficError, match=r"no server agents/green .*mas\.ops\.provision"):
        adapter.facts()


def test_shift_persists_first_and_gives_before_it_takes(adapter: HAProxy, proxy: Proxy) -> None:
    adapter.shift(Split(0, 100))
    assert proxy.asked[0] == "set server agents/green weight 100; set server agents/blue weight 0"
    assert adapter.facts().holds(Split(0, 100))
    assert Path(adapter.split_file).stat().st_mode & 0o777 == 0o644


def test_a_proxy_that_refuses(adapter: HAProxy, proxy: Proxy) -> None:
    proxy.answer = b"Permission denied\n\n"
    with pytest.raises(TrafficError, match="refused: Permission denied") as caught:
        adapter.shift(Split(0, 100))
    assert caught.value.fix


def test_a_shift_that_does_not_take(adapter: HAProxy, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_set", lambda _: b"\n")
    with pytest.raises(TrafficError, match=r"splits the traffic .*'blue': 100.*, not .*'green': 100"):
        adapter.shift(Split(0, 100))


def test_an_answer_that_breaks_off_is_asked_for_again(adapter: HAProxy, proxy: Proxy) -> None:
    """A proxy that restarts in the middle must not look like one without servers, or with other numbers."""
    adapter.facts()
    answer = proxy.speak(proxy.asked[-1])
    ends = [number for number in range(len(answer)) if answer[:number].endswith(b"\n\n")]
    assert len(ends) > 1
    for cut in [*range(0, len(answer), 9), *ends, len(answer) - 1]:
        proxy.torn = [cut]
        assert adapter.facts().running == {"blue": 100, "green": 0}
        assert not proxy.torn


def test_a_restart_in_the_middle_of_a_shift(adapter: HAProxy, proxy: Proxy) -> None:
    """The new process reads the split file, which was written first."""
    path = Path(adapter.runtime.path)
    hidden = path.with_name("hidden")
    path.rename(hidden)

    def restart() -> None:
        time.sleep(0.1)
        found = parse("agents", Path(adapter.split_file).read_text(encoding="utf-8"))
        assert found
        for slot in ("blue", "green"):
            proxy.servers[f"agents/{slot}"]["weight"] = found[slot]
        hidden.rename(path)

    thread = threading.Thread(target=restart)
    thread.start()
    adapter.shift(Split(0, 100))
    thread.join()
    assert adapter.facts().holds(Split(0, 100))


def test_a_proxy_that_is_not_there(adapter: HAProxy, tmp_path: Path) -> None:
    adapter.runtime.path += ".none"
    with pytest.raises(
        TrafficError, match=r"does not answer: No such file .*systemctl restart haproxy"
    ) as error:
        adapter.facts()
    assert "would not start" not in str(error.value)
    (tmp_path / "maps").mkdir()
    with pytest.raises(TrafficError, match=r"It would not start: .*haproxy\.cfg is missing"):
        adapter.facts()


def test_a_proxy_that_hangs(adapter: HAProxy, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_TIMEOUT", 0.05)
    gate = threading.Event()
    monkeypatch.setattr(proxy, "speak", lambda _: gate.wait(5) and b"")
    with pytest.raises(TrafficError, match="does not answer: timed out"):
        adapter.facts()
    gate.set()


def test_a_split_file_that_is_gone_or_odd(adapter: HAProxy) -> None:
    Path(adapter.split_file).write_bytes(b"global\n    setenv MAS_AGENTS_BLUE \xff\n")
    assert adapter.facts().persisted is None
    Path(adapter.split_file).unlink()
    assert adapter.facts().persisted is None
    os.mkdir(adapter.split_file)  # noqa: PTH102
    with pytest.raises(TrafficError, match="split cannot be read"):
        adapter.facts()


def test_wait_up(adapter: HAProxy, proxy: Proxy) -> None:
    green: dict[str, Any] = proxy.servers["agents/green"]
    green["status"] = "DOWN 1/2"
    threading.Timer(0.1, lambda: green.update(status="UP")).start()
    adapter.wait_up("green", 5)
    green["status"] = "DOWN"
    with pytest.raises(
        TrafficError,
        match=r"still sees the green slot down after 0\.05 s \(DOWN\), its last check found L7OK/200",
    ):
        adapter.wait_up("green", 0.05)


def test_drain(adapter: HAProxy, proxy: Proxy) -> None:
    blue: dict[str, Any] = proxy.servers["agents/blue"]
    assert adapter.drain("blue", 5) == 0
    blue |= {"scur": 2, "qcur": 1}
    assert adapter.drain("blue", 0.05) == 3
    threading.Timer(0.1, lambda: blue.update(scur=0, qcur=0)).start()
    assert adapter.drain("blue", 5) == 0


@pytest.mark.parametrize(
    "status, check, proven",
    [
        ("UP", "L7OK", True),
        ("UP", "* L7OK", True),
        ("NOLB", "L7OK", True),
        ("no check", "", True),
        # What a proxy takes a server for before it has checked it, or while its checks fail.
        ("UP", "INI", False),
        ("UP", "* INI", False),
        ("UP 1/3", "L7STS", False),
        ("DOWN 1/2", "L7OK", False),
        ("MAINT", "L7OK", False),
    ],
)
def test_up_by_a_check_of_its_own(
    adapter: HAProxy, proxy: Proxy, status: str, check: str, proven: bool
) -> None:
    proxy.servers["agents/green"] |= {"status": status, "check_status": check}
    assert adapter.facts().servers["green"].proven is proven


def test_what_the_check_found_is_said(adapter: HAProxy, proxy: Proxy) -> None:
    proxy.servers["agents/green"] |= {"status": "DOWN", "check_status": "* L7STS", "check_code": 400}
    with pytest.raises(TrafficError, match=r"its last check found L7STS/400"):
        adapter.wait_up("green", 0.05)


def test_set_down_and_aside(adapter: HAProxy, proxy: Proxy) -> None:
    adapter.set_aside("green")
    adapter.set_down("green")
    assert proxy.asked == [
        "set server agents/green state maint",
        "set server agents/green state ready; set server agents/green health down",
    ]


PORTS = {"blue": 8101, "green": 8102}
FIXED = Fixed(frozenset({200}), 2.0, PORTS)


@dataclass(frozen=True)
class Asked:
    path: str = "/health"
    host: str = "shop.example.com"
    expected: int = 200
    timeout: float = 2.0


@pytest.fixture
def reloads(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> list[list[str]]:
    """The calls of systemctl; each brings another process of the proxy."""
    seen: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append(command)
        proxy.process += 1
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_a_slot_is_checked_as_its_manifest_says(
    adapter: HAProxy, proxy: Proxy, reloads: list[list[str]]
) -> None:
    folder = Path(adapter.maps)
    folder.mkdir()
    for name in ("path", "host"):
        (folder / f"agents-{name}.map").write_text("blue old\ngreen old\n")
        proxy.maps[str(folder / f"agents-{name}.map")] = {"blue": "old", "green": "old"}
    Path(adapter.slots_file).write_text(render_fixed("agents", FIXED))
    os.utime(adapter.slots_file, (0, 0))
    adapter.check_with("green", Asked("/ping"), PORTS)
    assert (folder / "agents-path.map").read_text() == "blue old\ngreen /ping\n"
    assert proxy.maps == {
        str(folder / "agents-path.map"): {"blue": "old", "green": "/ping"},
        str(folder / "agents-host.map"): {"blue": "old", "green": "shop.example.com"},
    }
    assert not reloads


@pytest.mark.parametrize(
    "wanted, other, text",
    [
        (Asked(expected=204), Asked(), "200,204"),
        (Asked(expected=204), None, "204"),
        (Asked(timeout=5), Asked(expected=201), "200,201"),
    ],
)
def test_another_answer_takes_a_reload(
    adapter: HAProxy, reloads: list[list[str]], wanted: Asked, other: Asked | None, text: str
) -> None:
    Path(adapter.maps).mkdir()
    Path(adapter.slots_file).write_text(render_fixed("agents", FIXED))
    adapter.check_with("green", wanted, PORTS, other)
    assert f"MAS_AGENTS_STATUS {text}\n" in Path(adapter.slots_file).read_text()
    assert f"MAS_AGENTS_TIMEOUT {wanted.timeout:g}s\n" in Path(adapter.slots_file).read_text()
    assert reloads == [["systemctl", "reload", "haproxy"]]
    os.utime(adapter.slots_file, (0, 0))
    adapter.check_with("green", wanted, PORTS, other)
    assert len(reloads) == 1


def test_a_reload_that_was_killed_is_made_up_for(adapter: HAProxy, reloads: list[list[str]]) -> None:
    """The file is newer than the process that should have read it."""
    Path(adapter.maps).mkdir()
    Path(adapter.slots_file).write_text(render_fixed("agents", FIXED))
    later = 1795532648 + 1000
    os.utime(adapter.slots_file, (later, later))
    adapter.check_with("green", Asked(), PORTS)
    assert len(reloads) == 1


def test_a_proxy_that_does_not_come_back_from_a_reload(
    adapter: HAProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(adapter.maps).mkdir()
    nothing = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: nothing)
    with pytest.raises(TrafficError, match="was not reloaded: no new process"):
        adapter.check_with("green", Asked(), PORTS)


def test_a_proxy_with_checks_of_its_own_keeps_them(adapter: HAProxy, proxy: Proxy) -> None:
    adapter.check_with("green", Asked("/ping"), PORTS)
    assert not proxy.asked
