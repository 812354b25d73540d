"""One host that an application leaves: its folders on a real disk, all else of it in memory."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.outcome import Outcome
from ansible_collections.mas.ops.plugins.module_utils._core.plan import Plan, Step
from ansible_collections.mas.ops.plugins.module_utils._core.unit_facts import UnitFacts
from ansible_collections.mas.ops.plugins.module_utils._releases import layout as layout_module
from ansible_collections.mas.ops.plugins.module_utils._releases import slot as slot_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import decommission as module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import folders as folders_module
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import premises, rest
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.folders import Folders
from ansible_collections.mas.ops.plugins.module_utils._releases.application import Application
from ansible_collections.mas.ops.plugins.module_utils._releases.layout import Layout
from ansible_collections.mas.ops.plugins.module_utils._releases.state import State
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.serving import Served
from ansible_collections.mas.ops.plugins.module_utils._traffic.split import NO_TRAFFIC, Split
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, Killed, manifest, release
from ansible_collections.mas.ops.tests.unit.releases.samples import no_reload

ONE, TWO = release("1.0.0"), release("2.0.0")
PARAMS: dict[str, Any] = {
    "application": "agents",
    "shared": "keep",
    "drain_timeout": 1.0,
    "environment": "",
    "force_unlock": False,
    "gate": {"result": "open"},
    "inventory": ["/srv/inv"],
    "limit": "",
    "run": "run-1",
    "actor": "ada",
}


class Site:
    """The proxy of a host, and what the role configured for the application."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.split = Split(100, 0)
        self.files = self.answers = True
        self.refusal: Exception | None = None

    def look(self) -> Served:
        if self.refusal:
            raise self.refusal
        steps = (Step("write", "30-mas-80.cfg"), Step("remove", "20-agents.cfg")) if self.files else ()
        return Served(Plan({}, {}, steps), self.answers, self.answers)

    def facts(self) -> Any:
        return SimpleNamespace(persisted=self.split, percent=lambda slot: self.split[slot])

    def shift(self, split: Split) -> None:
        self.host.mark("withdraw")
        self.split = split

    def drain(self, slot: str, seconds: float) -> int:
        assert self.split == NO_TRAFFIC
        assert seconds == PARAMS["drain_timeout"]
        self.host.done.append(f"drain {slot}")
        return 0

    def unserve(self) -> None:
        assert not self.host.running, "users would get a backend without a process"
        self.host.mark("unserve")
        self.files = False

    def reload(self) -> None:
        assert not self.files
        self.host.mark("reload haproxy")
        self.answers = False


class Host:
    """One host: its folders are below ``path``, all else of it is in memory. ``done`` is what was done to that, in order.

    ``die_at`` counts changes: the process is killed just before that one.
    """

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.path, self.site = path, Site(self)
        self.done: list[str] = []
        self.ledger: list[dict[str, Any]] = []
        self.running: set[str] = set()
        self.account: str | None = "agents"
        self.changes, self.die_at = 0, -1
        for name, folder in (("STATE", "var"), ("UNITS", "units")):
            patch.setattr(layout_module, name, str(path / folder))
        patch.setattr(slot_module, "CONFIG", str(path / "etc"))
        for each in (folders_module, module, premises, rest):
            patch.setattr(each, "CONFIG", str(path / "etc/{name}/application.json"))
        patch.setattr(module, "STATE", str(path / "var"))
        patch.setattr(module, "check_platform", lambda: None)
        patch.setattr(module, "ServingProxy", lambda *_: self.site)
        patch.setattr(module, "assemble", self.assemble)
        patch.setattr(premises, "_run", self.run)
        patch.setattr(rest.pwd, "getpwnam", self.getpwnam)
        patch.setattr(rest.trees, "mounts_in", lambda _path: [])
        for name in ("unlink", "rmdir", "rename", "replace"):
            patch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, change: Callable[..., None]) -> Callable[..., None]:
        def counted(*words: Any, **options: Any) -> None:
            self.tick()
            change(*words, **options)

        return counted

    def tick(self) -> None:
        if self.changes == self.die_at:
            raise Killed
        self.changes += 1

    def mark(self, what: str) -> None:
        self.tick()
        self.done.append(what)

    def assemble(self, app: Application, clock: Any) -> tuple[Any, Layout]:
        clock._pipe = None
        layout = Layout(app)
        ports = SimpleNamespace(
            services=self, proxy=self.site, store=Folders(layout), ledger=self, clock=clock
        )
        return ports, layout

    def call(self, check: bool = False, **changes: Any) -> Outcome:
        return module.decommission({**PARAMS, **changes}, check)

    # systemd, and the account

    def look(self, units: list[str]) -> dict[str, UnitFacts]:
        return {unit: UnitFacts("active", "running" if unit in self.running else "exited") for unit in units}

    def stop(self, units: list[str]) -> None:
        self.mark("stop")
        self.running -= set(units)

    def reload(self, _units: list[str], _changed: bool) -> None:
        self.mark("daemon-reload")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.mark(" ".join(words[:2]))
        if words[0] == "userdel":
            self.account = None
        return subprocess.CompletedProcess(words, 0, "", "")

    def getpwnam(self, name: str) -> pwd.struct_passwd:
        if self.account is None:
            raise KeyError(name)
        shape = (name, "x", 990, 990, "Runs agents", str(self.path / "srv"), "/usr/sbin/nologin")
        return pwd.struct_passwd(shape)

    # the ledger

    def entries(self) -> list[dict[str, Any]]:
        return self.ledger

    def append(self, entry: dict[str, Any], time: str) -> None:
        self.mark("record")
        assert not list((self.path / "srv/releases").glob("*/manifest.json"))
        self.ledger.append({**entry, "time": time})

    @property
    def left(self) -> list[str]:
        """Files and empty folders that are there."""
        found = [
            path for path in sorted(self.path.rglob("*")) if not path.is_dir() or not list(path.iterdir())
        ]
        return [str(path.relative_to(self.path)) for path in found]


def fill(host: Host) -> Host:
    """A host with a live release, a warm one, and what else the roles and modules write."""
    path = host.path
    app = replace(APP, root=str(path / "srv"), environment_file=str(path / "etc/agents/environment"))
    die_at, host.die_at = host.die_at, -1
    for name in (
        *("var/agents/incoming", "var/agents/code", "units/multi-user.target.wants", "srv/releases"),
        *("srv/slots", "srv/shared/data", "etc/agents/slots"),
    ):
        (path / name).mkdir(parents=True)
    for name in (
        *("var/agents/code/modules", "var/agents/lock", "units/agents-auto-rollback.service"),
        *("etc/agents/environment", "etc/agents/allowed_signers", "srv/shared/data/file"),
        *("etc/agents/slots/blue.env.aside-20260101T000000Z-abcd", "var/agents/.state.json.0123456789ab"),
    ):
        (path / name).write_text("TOKEN=x\n")
    (path / "units/multi-user.target.wants/agents-auto-rollback.service").symlink_to("../x")
    (path / "etc/agents/application.json").write_text(json.dumps(app.to_dict()))
    folders = Folders(Layout(app))
    for slot, name in (("blue", ONE), ("green", TWO)):
        folder = Path(folders.layout.release(name))
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/out").symlink_to("/etc")
        (folder / "manifest.json").write_bytes(manifest(name.split("-", maxsplit=1)[0]).to_json())
        folders.assign(slot, name, no_reload)
        record = folders.record(slot)
        assert record
        host.running |= set(record.units)
    folders.write_state(State("blue"))
    host.ledger[:] = [
        {"kind": "release", "application": "agents", "action": "live", "to": ONE, "time": "2026"}
    ]
    host.changes, host.die_at = 0, die_at
    return host
