"""What the unit of a web process orders the proxy: out at once, and in again when the port is the unit's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ServiceError,
    StorageError,
    TrafficError,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import slot_watch
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot, assigned
from ansible_collections.mas.ops.plugins.module_utils._releases.sockets import Ownership
from ansible_collections.mas.ops.plugins.module_utils._releases.state import State
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import ProxyServer, Split, TrafficFacts
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, manifest, release


class Proxy:
    """One that remembers its orders."""

    def __init__(self, status: str = "UP") -> None:
        self.status = status
        self.orders: list[str] = []
        self.warm: str | None = None
        self.kept: list[str] = []
        #: How many of the next questions it does not answer.
        self.silent = 0
        #: How often it cannot write.
        self.full = 0

    def facts(self) -> TrafficFacts:
        if self.silent:
            self.silent -= 1
            raise TrafficError("the proxy does not answer")
        server = ProxyServer(100, self.status == "UP", 0, 0, 0, 0, self.status)
        return TrafficFacts(Split(100, 0), {"blue": server, "green": server})

    def keep_in(self, slot: str) -> None:
        if self.full:
            self.full -= 1
            raise StorageError("No space left on device")
        self.kept.append(slot)

    def set_aside(self, slot: str) -> None:
        self.orders.append(f"aside {slot}")
        self.status = "MAINT"

    def set_down(self, slot: str) -> None:
        self.orders.append(f"down {slot}")
        self.status = "DOWN"

    def stands_in(self) -> str | None:
        return self.warm


def record(version: str = "1.0.0", **changes: Any) -> Slot:
    return assigned(APP, "blue", release(version), manifest(version, **changes))


def active(_unit: str) -> str:
    """As systemd says it of what runs."""
    return "active"


def watched(proxy: Proxy, *found: Ownership) -> list[float]:
    """The pauses until the watch ended, with what was found at each look."""
    looks, pauses = list(found), list[float]()
    slot_watch.watch(proxy, record(), lambda _port, _unit: looks.pop(0), active, pauses.append)
    assert not looks
    return pauses[: len(found) - 1]


OWN, UNUSED, STRANGER = Ownership(True), Ownership(False), Ownership(False, "nc (pid 7)")


@pytest.mark.parametrize(
    "status, found, orders",
    [
        # A first start: the engine has set it down before.
        ("DOWN", [UNUSED, OWN], []),
        # After a crash: it comes back through the proxy's checks only.
        ("MAINT", [UNUSED, UNUSED, OWN], ["down blue"]),
        # Another program was there first, after a restart of the proxy as well.
        ("UP", [STRANGER, STRANGER, OWN], ["aside blue", "down blue"]),
        ("UP", [Ownership(True, "nc (pid 7)"), OWN], ["aside blue", "down blue"]),
        ("UP", [OWN], []),
    ],
)
def test_the_watch(status: str, found: list[Ownership], orders: list[str]) -> None:
    proxy = Proxy(status)
    watched(proxy, *found)
    assert proxy.orders == orders
    assert proxy.kept == ["blue"], "the proxy's next start takes it in"


def test_a_proxy_that_starts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a boot: it may have read its files before the slot was back, and answers only after that."""
    proxy = Proxy("MAINT")
    proxy.silent = 5
    watched(proxy, STRANGER, UNUSED, OWN)
    assert proxy.orders == ["down blue"]
    assert proxy.kept == ["blue"]


def test_a_disk_without_room_keeps_no_slot_out_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    """It is in at once, and written down once there is room: the proxy's next start would leave it out."""
    proxy = Proxy("MAINT")
    proxy.full = 4
    watched(proxy, OWN)
    assert proxy.orders[0] == "down blue"
    assert proxy.kept == ["blue"]
    assert capsys.readouterr().err.count("No space left") == 1


def test_a_process_that_ends_is_not_let_in_for_want_of_room() -> None:
    proxy, states = Proxy("MAINT"), iter(["active", "active", "deactivating"])
    proxy.full = 99
    slot_watch.watch(proxy, record(), lambda *_: OWN, lambda _: next(states), lambda _: None)
    assert proxy.kept == []


@pytest.mark.parametrize("when", [0.5, 2.5, 12.0])
def test_a_reload_that_read_the_files_before(when: float) -> None:
    """Its new process comes up without the slot, however long it takes to."""
    proxy, waited = Proxy("UP"), [0.0]

    def sleep(seconds: float) -> None:
        before, waited[0] = waited[0], waited[0] + seconds
        if before < when <= waited[0]:
            proxy.status = "MAINT"

    def state(unit: str) -> str:
        return "reloading" if unit == "haproxy.service" and waited[0] < when else "active"

    slot_watch.watch(proxy, record(), lambda _port, _unit: OWN, state, sleep)
    assert proxy.orders == ["down blue"]
    assert waited[0] < when + 4, "it ends"


@pytest.mark.parametrize("stops", [0, 1])
def test_a_slot_that_is_about_to_stop_is_not_let_in(stops: int) -> None:
    """Its process has the port until it has ended what it does."""
    proxy, looks = Proxy("UP"), [0]

    def state(unit: str) -> str:
        if unit == "haproxy.service":
            return "active"
        looks[0] += 1
        proxy.status = "MAINT"
        return "deactivating" if looks[0] > stops else "active"

    slot_watch.watch(proxy, record(), lambda _port, _unit: OWN, state, lambda _seconds: None)
    assert proxy.orders == []
    assert proxy.kept == ["blue"] * stops


def test_systemd_that_does_not_answer_keeps_no_slot_out(
    hooked: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ServiceError("systemctl show failed")

    hooked.status = "MAINT"
    monkeypatch.setattr(slot_watch.Systemd, "show", refuse)
    monkeypatch.setattr(slot_watch, "ownership", lambda _port, _unit, _held: OWN)
    monkeypatch.setattr(slot_watch.time, "sleep", lambda _seconds: None)
    assert slot_watch.watch_slot("agents", "blue") == 0
    assert hooked.orders == ["down blue"]


def test_a_process_that_never_listens_costs_little() -> None:
    pauses = watched(Proxy("MAINT"), *[UNUSED] * 700, OWN)
    assert pauses[0] == 0.1
    assert pauses[-1] == 2.0


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """A host on which 1.0.0 is live in blue, and 0.9.0 is warm in green."""
    proxy = Proxy()
    warm = assigned(APP, "green", release("0.9.0"), manifest("0.9.0"))
    folders = slot_watch.Folders
    monkeypatch.setattr(slot_watch, "load_application", lambda _name: APP)
    monkeypatch.setattr(slot_watch, "proxy_of", lambda _app: proxy)
    monkeypatch.setattr(folders, "record", lambda _self, slot: record() if slot == "blue" else warm)
    monkeypatch.setattr(folders, "state", lambda _self: State(live="blue"))
    return proxy


def test_the_ledger_says_that_another_release_answers(hooked: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []

    class Ledger:
        def append(self, entry: dict[str, Any], _time: str) -> None:
            written.append(entry)

    monkeypatch.setattr(slot_watch, "host_ledger", Ledger)
    monkeypatch.setenv("SERVICE_RESULT", "signal")
    assert slot_watch.note("agents", "blue") == 0
    assert not written, "nothing stands in"
    hooked.warm = "green"
    assert slot_watch.note("agents", "green") == 0
    assert not written, "no user was served by it"
    assert slot_watch.note("agents", "blue") == 0
    assert [(entry["action"], entry["from"], entry["to"], entry["result"]) for entry in written] == [
        ("fallback", release("1.0.0"), release("0.9.0"), "signal")
    ]


def test_a_slot_comes_back_also_where_systemd_holds_its_socket(
    hooked: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No crash takes it out, but each boot begins without it."""
    hooked.status = "MAINT"
    asked: list[bool] = []
    monkeypatch.setattr(slot_watch.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(
        slot_watch, "ownership", lambda _port, _unit, by_systemd: asked.append(by_systemd) or OWN
    )
    process = {
        "kind": "web",
        "command": ["x"],
        "stop_signal": "SIGTERM",
        "stop_grace": 1,
        "listen": "systemd",
    }
    with monkeypatch.context() as patch:
        held = record(processes={"api": process})
        patch.setattr(slot_watch.Folders, "record", lambda _self, _slot: held)
        assert slot_watch.watch_slot("agents", "blue") == 0
    assert hooked.orders == ["down blue"]
    assert slot_watch.watch_slot("agents", "blue") == 0
    assert asked == [True, False]


def test_a_proxy_that_is_not_there_is_said_and_no_more(
    hooked: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise TrafficError("the proxy does not answer")

    monkeypatch.setattr(hooked, "facts", refuse)
    monkeypatch.setattr(slot_watch, "ownership", lambda _port, _unit, _held: OWN)
    monkeypatch.setattr(slot_watch.time, "sleep", lambda _seconds: None)
    assert slot_watch.watch_slot("agents", "blue") == 1
    assert "agents, slot blue: the proxy does not answer" in capsys.readouterr().err
