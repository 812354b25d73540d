"""One application is served no more: in which order its files go, and when HAProxy has to read them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Refused, TrafficError
from ansible_collections.mas.ops.plugins.module_utils._traffic import host_config
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import config_files, serving
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.runtime import UninterruptedClock
from ansible_collections.mas.ops.plugins.module_utils._traffic.host_config import (
    FOLDER,
    KEEP_OUT,
    MAIN,
    SERVICE,
    Found,
    has_backend,
    plan_unserved,
    texts,
    texts_after,
)
from ansible_collections.mas.ops.plugins.module_utils._traffic.sites import Site
from ansible_collections.mas.ops.tests.unit.traffic.fake_proxy import Proxy, listening
from ansible_collections.mas.ops.tests.unit.traffic.test_config import MAIN_SETTINGS, NAMED, site

SHOP, BLOG, APART = site("shop"), site("shop-two", 8103, **NAMED), site("blog", 8105, port=81)


def files(*sites: Site) -> dict[str, str]:
    found = Found(slots={each.name: {} for each in sites}, keep_out="program")
    records = {f"/etc/haproxy/mas/{each.name}.json": "{}" for each in sites}
    return {**texts(found, MAIN_SETTINGS, list(sites)), **records}


def sound(left: dict[str, str]) -> bool:
    """Whether all that is referred to is there: backends by frontends, and settings and maps by backends."""
    text = "\n".join(text for path, text in left.items() if path.endswith(".cfg"))
    named = set(re.findall(r"set-var\(txn.mas_site\) str\((\S+)\)", text))
    settings = {name.rpartition("-")[0] for name in re.findall(r"\$\{(MAS_\w+)", text)}
    maps = set(re.findall(r"map_str\((\S+?)\)", text))
    assert settings
    known = set(re.findall(r"setenv (MAS_\w+)", text))
    there = set(re.findall(r"\$\{(MAS_\w+?)(?:-\w+)?\}", text))
    return all(has_backend(left, name) for name in named) and there <= known and maps <= set(left)


@pytest.mark.parametrize("others", [[], [BLOG], [APART], [BLOG, APART]], ids=str)
def test_haproxy_can_be_started_between_any_two_steps(others: list[Site]) -> None:
    before = files(SHOP, *others)
    plan = plan_unserved(Found(before), "shop", SHOP.port, others)
    left = dict(before)
    for step in plan.steps:
        if step.action == "write":
            left[step.target] = texts_after(Found(before), plan)[step.target]
        else:
            del left[step.target]
        assert not others or sound(left), step
    assert left == texts_after(Found(before), plan)
    # The others have just what they would have without it.
    alone = files(*others)
    assert {path: text for path, text in left.items() if path not in (KEEP_OUT, SERVICE)} == {
        path: text for path, text in alone.items() if path not in (KEEP_OUT, SERVICE)
    }
    assert ({KEEP_OUT, SERVICE} <= set(left)) == bool(others)
    assert MAIN in left
    assert plan.steps[-1].target == "/etc/haproxy/mas/shop.json"
    assert not plan_unserved(Found(left), "shop", SHOP.port, others).changed


def test_a_backend_by_name() -> None:
    text = {"a.cfg": "backend shop-two\n", "b.json": "backend shop\n"}
    assert not has_backend(text, "shop")
    assert has_backend({**text, "c.cfg": "defaults\n  backend shop  \n"}, "shop")


class Machine:
    """systemd, and a HAProxy that has a backend as long as it was not reloaded."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.active, self.reloads, self.proxy = True, True, Proxy()
        self.proxy.answer = b"# name\nshop\nother\n\n"

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.calls.append(" ".join(words))
        if words[0] == "reload" and self.reloads:
            self.proxy.answer = b"# name\nother\n\n"
        failed = (words[0] == "is-active" and not self.active) or (words[0] == "reload" and not self.reloads)
        return subprocess.CompletedProcess(words, int(failed), "", "it is masked")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(serving, "_systemctl", machine.systemctl)
    return machine


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is on the disk, as the adapter reads it."""
    there: dict[str, Any] = {"sites": [SHOP, BLOG], "files": files(SHOP, BLOG), "judged": []}
    (tmp_path / "shop.json").write_text("{}")
    monkeypatch.setattr(serving, "SITES", str(tmp_path))
    monkeypatch.setattr(config_files, "sites", lambda: there["sites"])
    monkeypatch.setattr(config_files, "look", lambda _slots: Found(there["files"]))
    monkeypatch.setattr(config_files, "installed", lambda: True)
    monkeypatch.setattr(config_files, "judge", there["judged"].append)
    return there


def test_haproxy_judges_all_before_and_is_reloaded_after(
    tmp_path: Path, machine: Machine, disk: dict[str, Any]
) -> None:
    with listening(tmp_path / "s", machine.proxy):
        proxy = serving.ServingProxy("shop", str(tmp_path / "s"), UninterruptedClock())
        found = proxy.look()
        assert (found.files.changed, found.runs, found.reload) == (True, True, True)
        (judged,) = disk["judged"]
        assert not has_backend(judged, "shop")
        assert has_backend(judged, "shop-two")
        proxy.reload()
        assert machine.calls == ["is-active --quiet haproxy", "reload haproxy"]
        machine.reloads = False
        with pytest.raises(TrafficError, match="was not reloaded: it is masked"):
            proxy.reload()


def test_a_run_that_was_killed_before_the_reload_is_made_up_for(
    tmp_path: Path, machine: Machine, disk: dict[str, Any]
) -> None:
    (tmp_path / "shop.json").unlink()
    disk["files"] = files(BLOG)
    with listening(tmp_path / "s", machine.proxy):
        proxy = serving.ServingProxy("shop", str(tmp_path / "s"), UninterruptedClock())
        found = proxy.look()
        assert (found.files.changed, found.runs, found.reload) == (False, True, True)
        # A backend that something else configured is no reason, for it would be there for ever.
        disk["files"] = {**disk["files"], f"{FOLDER}/50-own.cfg": "backend shop\n"}
        assert not proxy.look().reload
        machine.active = False
        found = proxy.look()
        assert (found.runs, found.reload) == (False, False)


def test_what_haproxy_refuses_is_refused(
    tmp_path: Path, machine: Machine, disk: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(_files: dict[str, str]) -> None:
        raise Refused("HAProxy refuses the new configuration")

    monkeypatch.setattr(config_files, "judge", judge)
    proxy = serving.ServingProxy("shop", str(tmp_path / "s"), UninterruptedClock())
    for call in (proxy.look, proxy.unserve):
        with pytest.raises(Refused):
            call()
    assert machine.calls == []
    assert disk["files"] == files(SHOP, BLOG)


def test_the_files_are_removed(
    tmp_path: Path, machine: Machine, disk: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    for path, text in files(SHOP).items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    real = {str(path): path.read_text() for path in root.rglob("*") if path.is_file()}
    for name in ("FOLDER", "SITES", "KEEP_OUT", "SERVICE"):
        monkeypatch.setattr(host_config, name, str(root) + getattr(host_config, name))
    monkeypatch.setattr(host_config, "_FRONTS", f"{root}/etc/haproxy/conf.d/30-mas-")
    monkeypatch.setattr(host_config, "BOOT", str(root) + host_config.BOOT)
    monkeypatch.setattr(host_config.config, "MAPS", str(root) + host_config.config.MAPS)
    monkeypatch.setattr(serving, "SERVICE", host_config.SERVICE)
    disk.update(sites=[SHOP], files=real)
    serving.ServingProxy("shop", "", UninterruptedClock()).unserve()
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert left == ["etc/default/haproxy", "etc/haproxy/haproxy.cfg"]
    assert machine.calls == ["daemon-reload"]
