"""What the unit of a web process tells the proxy: out at once, and in again when the port is the unit's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import TrafficError
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import slot_hooks
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot, assigned
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import Ownership
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import Server, Split, TrafficFacts
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, manifest, release


class Proxy:
    """One that remembers what it was told."""

    def __init__(self, status: str = "UP") -> None:
        self.status = status
        self.orders: list[str] = []

    def facts(self) -> TrafficFacts:
        server = Server(100, self.status == "UP", 0, 0, 0, 0, self.status)
        return TrafficFacts(Split(100, 0), {"blue": server, "green": server})

    def set_aside(self, slot: str) -> None:
        self.orders.append(f"aside {slot}")
        self.status = "MAINT"

    def set_down(self, slot: str) -> None:
        self.orders.append(f"down {slot}")
        self.status = "DOWN"

    def stands_in(self) -> str | None:
        return None


def record(version: str = "1.0.0", **changes: Any) -> Slot:
    return assigned(APP, "blue", release(version), manifest(version, **changes))


def watched(proxy: Proxy, *found: Ownership) -> list[float]:
    """The pauses until the watch ended, with what was found at each look."""
    looks, pauses = list(found), list[float]()
    slot_hooks.watch(proxy, record(), lambda _port, _unit: looks.pop(0), pauses.append)
    assert not looks
    return pauses


OWN, NOBODY, STRANGER = Ownership(True), Ownership(False), Ownership(False, "nc (pid 7)")


@pytest.mark.parametrize(
    "status, found, orders",
    [
        # A first start: the engine has set it down before.
        ("DOWN", [NOBODY, OWN], []),
        # After a crash: it comes back through the proxy's checks only.
        ("MAINT", [NOBODY, NOBODY, OWN], ["down blue"]),
        # Somebody else was there first, after a restart of the proxy as well.
        ("UP", [STRANGER, STRANGER, OWN], ["aside blue", "down blue"]),
        ("UP", [Ownership(True, "nc (pid 7)"), OWN], ["aside blue", "down blue"]),
        ("UP", [OWN], []),
    ],
)
def test_the_watch(status: str, found: list[Ownership], orders: list[str]) -> None:
    proxy = Proxy(status)
    watched(proxy, *found)
    assert proxy.orders == orders


def test_a_process_that_never_listens_costs_little() -> None:
    pauses = watched(Proxy("MAINT"), *[NOBODY] * 700, OWN)
    assert pauses[0] == 0.1
    assert pauses[-1] == 2.0


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    proxy = Proxy()
    monkeypatch.setattr(slot_hooks, "load_application", lambda _name: APP)
    monkeypatch.setattr(slot_hooks, "proxy_of", lambda _app: proxy)
    monkeypatch.setattr(slot_hooks.Folders, "record", lambda _self, _slot: record())
    monkeypatch.setattr(
        slot_hooks.Folders, "state", lambda _self: slot_hooks.State(live="green", operation=None)
    )
    return proxy


def test_a_process_that_ended(hooked: Proxy) -> None:
    assert slot_hooks.down("agents", "blue") == 0
    assert hooked.orders == ["aside blue"]


def test_a_socket_that_systemd_holds_waits_for_the_next_process(
    hooked: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = {
        "kind": "web",
        "command": ["x"],
        "stop_signal": "SIGTERM",
        "stop_grace": 1,
        "listen": "systemd",
    }
    held = record(processes={"api": process})
    monkeypatch.setattr(slot_hooks.Folders, "record", lambda _self, _slot: held)
    assert slot_hooks.down("agents", "blue") == 0
    assert not hooked.orders


def test_a_proxy_that_is_not_there_is_said_and_no_more(
    hooked: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_slot: str) -> None:
        raise TrafficError("the proxy does not answer")

    monkeypatch.setattr(hooked, "set_aside", refuse)
    assert slot_hooks.down("agents", "blue") == 1
    assert "agents, slot blue: the proxy does not answer" in capsys.readouterr().err


def test_the_ledger_says_that_another_release_answers(hooked: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []

    class Book:
        def append(self, entry: dict[str, Any], _time: str) -> None:
            written.append(entry)

    warm = assigned(APP, "green", release("0.9.0"), manifest("0.9.0"))
    monkeypatch.setattr(
        slot_hooks.Folders, "record", lambda _self, slot: record() if slot == "blue" else warm
    )
    monkeypatch.setattr(
        slot_hooks.Folders, "state", lambda _self: slot_hooks.State(live="blue", operation=None)
    )
    monkeypatch.setattr(hooked, "stands_in", lambda: "green")
    monkeypatch.setattr(slot_hooks, "host_ledger", Book)
    monkeypatch.setenv("SERVICE_RESULT", "signal")
    assert slot_hooks.down("agents", "blue") == 0
    assert [(entry["action"], entry["from"], entry["to"], entry["result"]) for entry in written] == [
        ("fallback", release("1.0.0"), release("0.9.0"), "signal")
    ]
