"""The files that HAProxy reads at its next start: who stays out by then, and what is lost or damaged meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import TrafficError
from ansible_collections.mas.ops.plugins.module_utils._releases.health import HealthCheck
from ansible_collections.mas.ops.plugins.module_utils._traffic import checks as traffic_checks
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import checked
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.haproxy import HAProxy
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import Split, render
from ansible_collections.mas.ops.tests.unit.traffic.fake_proxy import Proxy, listening


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
def adapter(tmp_path: Path, proxy: Proxy) -> Iterator[HAProxy]:
    split = tmp_path / "conf.d" / "10-agents-split.cfg"
    split.parent.mkdir()
    split.write_text(render("agents", Split(100, 0)), encoding="utf-8")
    with listening(tmp_path / "s", proxy):
        yield HAProxy("agents", "agents", str(tmp_path / "s"), str(split))


def test_what_is_set_aside_outlives_the_proxy(adapter: HAProxy, proxy: Proxy, tmp_path: Path) -> None:
    """It is in a file that the proxy reads at its start, before the proxy that runs is given the order."""
    path = tmp_path / "conf.d" / "10-agents-green-state.cfg"
    adapter.set_aside("green")
    assert not path.exists(), "the files of a proxy that something else configured are left alone"
    (tmp_path / "maps").mkdir()
    adapter.set_aside("green")
    assert path.read_text().endswith("    setenv MAS_AGENTS_GREEN_STATE disabled\n")
    assert adapter.facts().aside == {"green"}
    proxy.answer = b"No such server.\n\n"
    with pytest.raises(TrafficError):
        adapter.set_down("green")
    proxy.answer = None
    assert path.read_text().endswith("    setenv MAS_AGENTS_GREEN_STATE enabled\n")
    assert not adapter.facts().aside


@pytest.fixture
def check(tmp_path: Path) -> HealthCheck:
    (tmp_path / "maps").mkdir()
    return HealthCheck("/health", "agents", 200, 2.0)


@pytest.mark.parametrize("damage", ["lost", "changed"])
@pytest.mark.parametrize(
    "name",
    [
        "maps/agents-path.map",
        "maps/agents-host.map",
        "conf.d/10-agents-slots.cfg",
        "conf.d/10-agents-split.cfg",
        "conf.d/10-agents-warm.cfg",
        "conf.d/10-agents-blue-state.cfg",
    ],
)
def test_what_releases_write_for_the_proxy_is_written_anew(
    adapter: HAProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: HealthCheck,
    name: str,
    damage: str,
) -> None:
    """The proxy that runs has read it, and its next start would fail."""
    monkeypatch.setattr(adapter, "_reload", lambda _before: None)
    both = {"blue": check, "green": check}

    def report() -> None:
        adapter.rewrite()
        for slot in both:
            adapter.check_with(slot, check, {"blue": 8101, "green": 8102}, check)

    report()
    path = tmp_path / name
    was = path.read_text()
    if damage == "lost":
        path.unlink()
    else:
        path.write_text(was + "rubbish\n")
    report()
    assert path.read_text() == was


@pytest.mark.parametrize(
    "name",
    [f"10-agents-{what}.cfg" for what in ("split", "warm", "slots", "blue-state", "green-state")],
)
def test_whether_what_releases_write_is_whole(
    adapter: HAProxy, proxy: Proxy, tmp_path: Path, check: HealthCheck, name: str
) -> None:
    proxy.maps = {f"{tmp_path}/maps/agents-{what}.map": {} for what in ("path", "host")}
    assert not adapter.whole()
    adapter.rewrite()
    path = tmp_path / "conf.d" / "10-agents-slots.cfg"
    fixed = traffic_checks.Fixed(frozenset({200}), 2.0, {"blue": 8101, "green": 8102})
    path.write_text(traffic_checks.render_fixed("agents", fixed))
    assert adapter.whole()
    with (tmp_path / "conf.d" / name).open("a") as stream:
        stream.write("broken\n")
    assert not adapter.whole()
    (tmp_path / "conf.d" / name).unlink()
    assert not adapter.whole()


def test_a_proxy_that_something_else_configured_is_not_judged(adapter: HAProxy) -> None:
    assert adapter.whole()


def test_what_keeps_the_proxy_from_its_next_start(
    adapter: HAProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: HealthCheck
) -> None:
    program = tmp_path / "haproxy"
    program.write_text("#!/bin/sh\necho '[NOTICE] x' >&2; echo '[ALERT] no such map' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(checked, "PROGRAM", str(program))
    monkeypatch.setattr(checked, "REMEMBERED", str(tmp_path / "run.json"))
    assert adapter.unsound() == f"{tmp_path}/haproxy.cfg is missing"
    (tmp_path / "haproxy.cfg").touch()
    assert adapter.unsound() == f"{tmp_path}/conf.d/20-agents.cfg is missing"
    (tmp_path / "conf.d" / "20-agents.cfg").touch()
    assert adapter.unsound() == "[ALERT] no such map"
    program.write_text("#!/bin/sh\n")
    assert not adapter.unsound()


def test_a_slot_that_was_taken_out_by_hand_is_reported_with_what_brings_it_back(
    adapter: HAProxy, proxy: Proxy
) -> None:
    proxy.servers["agents/blue"] = {"status": "MAINT", "weight": 100}
    with pytest.raises(
        TrafficError, match=r"taken out by hand .*mas\.ops\.restart -e application_name=agents$"
    ):
        adapter.wait_up("blue", 0.05)


def test_a_slot_that_is_out_of_service_bars_no_shift_to_the_other(adapter: HAProxy, proxy: Proxy) -> None:
    """As after a crash of the live one: HAProxy goes on showing the weight that it had."""
    proxy.servers["agents/blue"] = {"status": "MAINT", "weight": 100}
    adapter.shift(Split(0, 100))
    assert adapter.facts().running == {"blue": 0, "green": 100}
